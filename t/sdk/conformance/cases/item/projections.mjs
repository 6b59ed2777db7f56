// Projection expressions, asked of GetItem.
import { BOOL, L, M, N, S, SS, ve } from "../../tables.mjs";

const Key = { pk: S("$K") };
const item = {
  ...Key, a: N(1), b: S("two"), l: L(S("x"), L(N(1), N(2)), M({ c: N(3), d: N(4) })), set: SS("q"), "x.y": S("dot"),
  m: M({ a: N(1), l: L(N(7), N(8), N(9)), m: M({ x: N(5), y: N(6) }), t: BOOL(true) }), name: S("word"),
};

// name, expression, what is left of the item; null: nothing
const shows = ([name, ProjectionExpression, Item, more = {}]) => {
  const { names, ...rest } = more;
  return { name: `projection: ${name}`, given: [item], op: "GetItem", out: { Item }, ...rest,
           in: { Key, ConsistentRead: true, ProjectionExpression, ExpressionAttributeNames: names } };
};
const refused = ([name, ProjectionExpression, text, more = {}]) => {
  const { names, ...rest } = more;
  return { name: `projection refused: ${name}`, op: "GetItem",
    error: ve(`Invalid ProjectionExpression: ${text}`), ...rest,
           in: { Key, ProjectionExpression, ExpressionAttributeNames: names } };
};
const overlap = (a, b) => "Two document paths overlap with each other; must remove or rewrite one of these paths; " +
  `path one: [${a}], path two: [${b}]`;
const conflict = (a, b) => "Two document paths conflict with each other; must remove or rewrite one of these paths; " +
  `path one: [${a}], path two: [${b}]`;

export const cases = [
  ...[
    ["one attribute", "a", { a: N(1) }],
    ["several attributes", "a, b", { a: N(1), b: S("two") }],
    ["no blanks", "a,b", { a: N(1), b: S("two") }],
    ["the key", "pk", Key],
    ["a whole map", "m.m", { m: M({ m: M({ x: N(5), y: N(6) }) }) }],
    ["a member of a map", "m.a", { m: M({ a: N(1) }) }],
    ["members of a map, in one", "m.a, m.m.y", { m: M({ a: N(1), m: M({ y: N(6) }) }) }],
    ["an element", "l[0]", { l: L(S("x")) }],
    ["an element of a list in a list", "l[1][1]", { l: L(L(N(2))) }],
    ["a member of a map in a list", "l[2].d", { l: L(M({ d: N(4) })) }],
    ["elements move together, in their order", "m.l[2], m.l[0]", { m: M({ l: L(N(7), N(9)) }) }],
    ["elements of several depths", "l[2].c, l[0]", { l: L(S("x"), M({ c: N(3) })) }],
    ["what is not there is left out", "a, gone", { a: N(1) }],
    ["a member that is not there", "a, m.gone", { a: N(1) }],
    ["an element past the end", "a, l[9]", { a: N(1) }],
    ["a member of a string", "a, b.c", { a: N(1) }],
    ["an index into a map", "a, m[0]", { a: N(1) }],
    ["a member of a list", "a, l.c", { a: N(1) }],
    ["an index into a set", "a, #s[0]", { a: N(1) }, { names: { "#s": "set" } }],
    ["nothing of what is there", "gone", {}, { unconfirmed: true }],
    ["a reserved word by another name", "#n", { name: S("word") }, { names: { "#n": "name" } }],
    ["a name with a dot", "#x", { "x.y": S("dot") }, { names: { "#x": "x.y" } }],
    ["a substituted name is one part of a path", "#m.#a", { m: M({ a: N(1) }) }, { names: { "#m": "m", "#a": "a" } }],
    ["one name twice", "#m.#m", { m: M({ m: M({ x: N(5), y: N(6) }) }) }, { names: { "#m": "m" } }],
  ].map(shows),
  ...[
    ["empty", "", "The expression can not be empty;"],
    ["a comma at the end", "a,", "Syntax error; token: \"<EOF>\", near: \",\""],
    ["a comma first", ",a", "Syntax error; token: \",\", near: \",a\""],
    ["two commas", "a,,b", "Syntax error; token: \",\", near: \",,b\""],
    ["no comma", "a b", "Syntax error; token: \"b\", near: \"a b\""],
    ["a value", ":v", "Syntax error; token: \":v\", near: \":v\""],
    ["a comparison", "a = b", "Syntax error; token: \"=\", near: \"a = b\""],
    ["a function", "size(a)", "Syntax error; token: \"(\", near: \"size(a\""],
    ["a star", "*", "Syntax error; token: \"*\", near: \"*\""],
    ["a hyphen", "my-name", "Syntax error; token: \"-\", near: \"my-name\""],
    ["a dot first", ".a", "Syntax error; token: \".\", near: \".a\""],
    ["a dot at the end", "a.", "Syntax error; token: \"<EOF>\", near: \".\""],
    ["an open bracket", "a[1", "Syntax error; token: \"<EOF>\", near: \"1\""],
    ["a number as a name", "1a", "Syntax error; token: \"1\", near: \"1a\"", { unconfirmed: true }],
    ["an undefined name", "#a",
      "An expression attribute name used in the document path is not defined; attribute name: #a"],
    ["a reserved word", "status", "Attribute name is a reserved keyword; reserved keyword: status"],
    ["a reserved word within a path", "m.Year", "Attribute name is a reserved keyword; reserved keyword: Year"],
    ["one path twice", "a, a", overlap("a", "a")],
    ["one path twice, by another name", "a, #a", overlap("a", "a"), { names: { "#a": "a" } }],
    ["a path and one within", "a, a.b", overlap("a", "a, b")],
    ["a path and one above", "a.b[1], a.b", overlap("a, b, [1]", "a, b")],
    ["one element twice", "l[1], l[1]", overlap("l, [1]", "l, [1]")],
    ["one element by two spellings", "l[1], l[01]", overlap("l, [1]", "l, [1]"), { unconfirmed: true }],
    ["a member and an index of one path", "a.b, a[1]", conflict("a, b", "a, [1]")],
    ["an index beyond what lists may have", "l[100000000000]",
      "List index is not within the allowable range; index: [100000000000]"],
    ["33 levels", Array.from({ length: 33 }, () => "a").join("."),
      "The document path has too many nesting levels; nesting levels: 33", { unconfirmed: true }],
  ].map(refused),
  { name: "projection: of an item that is not there", op: "GetItem", out: {}, in: { Key, ProjectionExpression: "a" } },
];
