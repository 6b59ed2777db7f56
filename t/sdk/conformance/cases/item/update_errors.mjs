// Update expressions that are refused: by themselves, or for what the item is.
import { BOOL, L, M, N, NS, NULL, OPV, S, SS, ve } from "../../tables.mjs";

const v = (x) => ({ ":v": x });
const vw = (x, y) => ({ ":v": x, ":w": y });
const Key = { pk: S("$K") };
const request = (UpdateExpression, values, names) => ({ op: "UpdateItem", in: {
  Key, UpdateExpression, ExpressionAttributeValues: values, ExpressionAttributeNames: names } });

// name, expression, values, what follows "Invalid UpdateExpression: "
const invalid = ([name, expression, values, text, more = {}]) => {
  const { names, ...rest } = more;
  return { name: `update refused: ${name}`, ...request(expression, values, names),
           error: ve(`Invalid UpdateExpression: ${text}`), ...rest };
};

// name, attributes, expression, values, message; the item stays as it was
const impossible = ([name, item, expression, values, message, more = {}]) => ({
  name: `update impossible: ${name}`, given: [{ ...Key, ...item }], ...more, steps: [
    { ...request(expression, values), error: ve(message) },
    { op: "GetItem", in: { Key, ConsistentRead: true }, out: { Item: { ...Key, ...item } } }] });

const overlap = (a, b) => "Two document paths overlap with each other; must remove or rewrite one of these paths; " +
  `path one: [${a}], path two: [${b}]`;
const conflict = (a, b) => "Two document paths conflict with each other; must remove or rewrite one of these paths; " +
  `path one: [${a}], path two: [${b}]`;
const type = (f, t) => "Incorrect operand type for operator or function; " +
  `operator or function: ${f}, operand type: ${t}`;
const typeSet = (o, t) => `Incorrect operand type for operator or function; operator: ${o}, operand type: ${t}, ` +
  `typeSet: ALLOWED_FOR_${o}_OPERAND`;
const count = (f, n) => "Incorrect number of operands for operator or function; " +
  `operator or function: ${f}, number of operands: ${n}`;
const twice = (section) => `The "${section}" section can only be used once in an update expression;`;
const unknown = "The provided expression refers to an attribute that does not exist in the item";
const noPath = "The document path provided in the update expression is invalid for update";
const badType = "An operand in the update expression has an incorrect data type";
const HUGE = `${"9".repeat(38)}${"0".repeat(88)}`;
const ofKey = `${OPV}Cannot update attribute pk. This attribute is part of the key`;

export const cases = [
  ...[
    // sections
    ...["SET a = :v SET b = :v", "ADD a :v ADD b :v"].map((e) => [`two ${e.slice(0, 3)} sections`, e, v(N(1)),
      twice(e.slice(0, 3))]),
    ["two REMOVE sections", "REMOVE a REMOVE b", undefined, twice("REMOVE")],
    ["two DELETE sections", "DELETE a :v DELETE b :v", v(SS("a")), twice("DELETE")],
    ["two SET sections with another between", "SET a = :v REMOVE c SET b = :v", v(N(1)), twice("SET")],
    // syntax
    ["empty", "", undefined, "The expression can not be empty;"],
    ["no section", "a = :v", v(N(1)), "Syntax error; token: \"a\", near: \"a =\""],
    ["words", "INVALID SYNTAX HERE", undefined, "Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\""],
    ["SET alone", "SET", undefined, "Syntax error; token: \"<EOF>\", near: \"SET\""],
    ["SET without =", "SET a :v", v(N(1)), "Syntax error; token: \":v\", near: \"a :v\""],
    ["SET without a value", "SET a =", undefined, "Syntax error; token: \"<EOF>\", near: \"=\""],
    ["a comma at the end", "SET a = :v,", v(N(1)), "Syntax error; token: \"<EOF>\", near: \",\""],
    ["a comma between sections", "SET a = :v, REMOVE b", v(N(1)),
      "Syntax error; token: \"REMOVE\", near: \", REMOVE b\"",
      { unconfirmed: true }],
    ["no comma between two", "SET a = :v b = :v", v(N(1)), "Syntax error; token: \"b\", near: \":v b =\""],
    ["AND between two", "SET a = :v AND b = :v", v(N(1)), "Syntax error; token: \"AND\", near: \":v AND b\""],
    ["SET on a value", "SET :v = a", v(N(1)), "Syntax error; token: \":v\", near: \"SET :v =\""],
    ["SET on a function", "SET size(a) = :v", v(N(1)), "Syntax error; token: \"(\", near: \"size(a\""],
    ["a literal number", "SET a = a + 1", undefined, "Syntax error; token: \"1\", near: \"+ 1\""],
    ["a colon apart from its name", "ADD hits : incr", v(N(1)), "Syntax error; token: \":\", near: \"hits : incr\""],
    ["three operands", "SET a = a + :v + :v", v(N(1)), "Syntax error; token: \"+\", near: \":v + :v\""],
    ["multiplication", "SET a = a * :v", v(N(2)), "Syntax error; token: \"*\", near: \"a * :v\""],
    ["a minus before a value", "SET a = -:v", v(N(2)), "Syntax error; token: \"-\", near: \"= -:v\""],
    ["REMOVE with a value", "REMOVE a :v", v(N(2)), "Syntax error; token: \":v\", near: \"a :v\""],
    ["REMOVE of a value", "REMOVE :v", v(N(2)), "Syntax error; token: \":v\", near: \"REMOVE :v\""],
    ["ADD with =", "ADD a = :v", v(N(1)), "Syntax error; token: \"=\", near: \"a = :v\""],
    ["ADD of a path", "ADD a b", undefined, "Syntax error; token: \"b\", near: \"a b\""],
    ["ADD without a value", "ADD a", undefined, "Syntax error; token: \"<EOF>\", near: \"a\""],
    ["DELETE without a value", "DELETE a", undefined, "Syntax error; token: \"<EOF>\", near: \"a\""],
    ["ADD with a function", "ADD a if_not_exists(a, :v)", v(N(1)),
      "Syntax error; token: \"if_not_exists\", near: \"a if_not_exists(\""],
    // functions and their operands
    ["an unknown function", "SET a = foo(a)", undefined, "Invalid function name; function: foo"],
    ["function names are in small letters", "SET a = LIST_APPEND(a, :v)", v(L()),
      "Invalid function name; function: LIST_APPEND"],
    ["size in SET", "SET a = size(b)", undefined,
      "The function is not allowed in an update expression; function: size"],
    ["attribute_exists in SET", "SET a = attribute_exists(b)", undefined,
      "The function is not allowed in an update expression; function: attribute_exists"],
    ["if_not_exists of one", "SET a = if_not_exists(a)", undefined, count("if_not_exists", 1)],
    ["if_not_exists of three", "SET a = if_not_exists(a, :v, :v)", v(N(1)), count("if_not_exists", 3)],
    ["if_not_exists of a value", "SET a = if_not_exists(:v, :w)", vw(N(1), N(2)),
      "Operator or function requires a document path; operator or function: if_not_exists"],
    ["list_append of one", "SET a = list_append(a)", undefined, count("list_append", 1)],
    ["list_append of three", "SET a = list_append(a, :v, :v)", v(L()), count("list_append", 3)],
    ["list_append of a string", "SET a = list_append(a, :v)", v(S("x")), type("list_append", "S")],
    ["list_append of a number", "SET a = list_append(:v, a)", v(N(1)), type("list_append", "N")],
    ["list_append of a set", "SET a = list_append(a, :v)", v(SS("x")), type("list_append", "SS")],
    ["list_append of a map", "SET a = list_append(a, :v)", v(M({})), type("list_append", "M")],
    ["+ with a string", "SET a = a + :v", v(S("1")), type("+", "S")],
    ["- with a boolean", "SET a = a - :v", v(BOOL(true)), type("-", "BOOL")],
    ["+ with a list", "SET a = :v + a", v(L()), type("+", "L")],
    ["+ with NULL", "SET a = a + :v", v(NULL), type("+", "NULL")],
    ["ADD of a string", "ADD a :v", v(S("x")), typeSet("ADD", "STRING")],
    ["ADD of a list", "ADD a :v", v(L()), typeSet("ADD", "LIST")],
    ["ADD of a map", "ADD a :v", v(M({})), typeSet("ADD", "MAP")],
    ["ADD of a boolean", "ADD a :v", v(BOOL(true)), typeSet("ADD", "BOOLEAN")],
    ["ADD of NULL", "ADD a :v", v(NULL), typeSet("ADD", "NULL")],
    ["DELETE of a number", "DELETE a :v", v(N(1)), typeSet("DELETE", "NUMBER")],
    ["DELETE of a string", "DELETE a :v", v(S("x")), typeSet("DELETE", "STRING")],
    ["DELETE of a list", "DELETE a :v", v(L()), typeSet("DELETE", "LIST")],
    // overlapping and conflicting paths
    ["one path twice in SET", "SET a = :v, a = :v", v(N(1)), overlap("a", "a")],
    ["one path in SET and REMOVE", "SET a = :v REMOVE a", v(N(1)), overlap("a", "a")],
    ["one path in SET and ADD", "SET a = :v ADD a :v", v(N(1)), overlap("a", "a")],
    ["one path in ADD and DELETE", "ADD a :v DELETE a :v", v(SS("x")), overlap("a", "a")],
    ["a path and one within", "SET a = :v, a.b = :v", v(N(1)), overlap("a", "a, b")],
    ["a path and one above", "SET a.b = :v REMOVE a", v(N(1)), overlap("a, b", "a")],
    ["a list and its element", "REMOVE a, a[1]", undefined, overlap("a", "a, [1]")],
    ["one element twice", "SET a[1] = :v REMOVE a[1]", v(N(1)), overlap("a, [1]", "a, [1]")],
    ["one path by two names", "SET #a = :v, a = :v", v(N(1)), overlap("a", "a"), { names: { "#a": "a" } }],
    ["an index and a member of one path", "SET a[0] = :v, a.b = :v", v(N(1)), conflict("a, [0]", "a, b")],
    ["a member and an index of one path", "SET a.b = :v REMOVE a[0]", v(N(1)), conflict("a, b", "a, [0]")],
    // names and values
    ["an undefined name", "SET #a = :v", v(N(1)),
      "An expression attribute name used in the document path is not defined; attribute name: #a"],
    ["an undefined value", "SET a = :v", undefined,
      "An expression attribute value used in expression is not defined; attribute value: :v"],
    ["an undefined value in ADD", "ADD a :v", undefined,
      "An expression attribute value used in expression is not defined; attribute value: :v"],
    ["a reserved word in SET", "SET count = :v", v(N(1)),
      "Attribute name is a reserved keyword; reserved keyword: count"],
    ["a reserved word in REMOVE", "REMOVE data", undefined,
      "Attribute name is a reserved keyword; reserved keyword: data"],
    ["a reserved word in ADD", "ADD views :v", v(N(1)),
      "Attribute name is a reserved keyword; reserved keyword: views"],
    ["a reserved word on the right", "SET a = value", undefined,
      "Attribute name is a reserved keyword; reserved keyword: value"],
    ["redundant parentheses", "SET a = ((b))", undefined, "The expression has redundant parentheses;",
      { unconfirmed: true }],
    ["an index beyond what lists may have", "SET a[100000000000] = :v", v(N(1)),
      "List index is not within the allowable range; index: [100000000000]"],
  ].map(invalid),

  ...[
    ["copying what is not there", {}, "SET a = b", undefined, unknown],
    ["copying a member that is not there", { m: M({}) }, "SET a = m.x", undefined, unknown],
    ["copying an element past the end", { l: L(N(1)) }, "SET a = l[1]", undefined, unknown],
    ["+ with what is not there", {}, "SET a = a + :v", v(N(1)), unknown],
    ["list_append to what is not there", {}, "SET l = list_append(l, :v)", v(L(N(1))), unknown],
    ["if_not_exists with a default that is not there", {}, "SET a = if_not_exists(b, c)", undefined, unknown],
    ["+ to a string", { a: S("1") }, "SET a = a + :v", v(N(1)), badType],
    ["- of a list", { a: L() }, "SET b = :v - a", v(N(1)), badType],
    ["list_append to a number", { l: N(1) }, "SET l = list_append(l, :v)", v(L(N(1))), badType],
    ["list_append to a set", { l: SS("x") }, "SET l = list_append(l, :v)", v(L(S("y"))), badType],
    ["ADD a number to a string", { a: S("x") }, "ADD a :v", v(N(1)), badType],
    ["ADD a number to a number set", { a: NS(1) }, "ADD a :v", v(N(2)), badType],
    ["ADD a set to a number", { a: N(1) }, "ADD a :v", v(NS(2)), badType],
    ["ADD a string set to a number set", { a: NS(1) }, "ADD a :v", v(SS("1")), badType],
    ["ADD a set to a list", { a: L() }, "ADD a :v", v(SS("1")), badType],
    ["DELETE from a string", { a: S("x") }, "DELETE a :v", v(SS("x")), badType],
    ["DELETE a string set from a number set", { a: NS(1) }, "DELETE a :v", v(SS("1")), badType],
    ["SET below what is not there", {}, "SET m.a = :v", v(N(1)), noPath],
    ["SET below a member that is not there", { m: M({}) }, "SET m.x.y = :v", v(N(1)), noPath],
    ["SET below a string", { m: S("x") }, "SET m.a = :v", v(N(1)), noPath],
    ["SET a member of a list", { m: L() }, "SET m.a = :v", v(N(1)), noPath],
    ["SET an element of a map", { m: M({}) }, "SET m[0] = :v", v(N(1)), noPath],
    ["SET an element of what is not there", {}, "SET l[0] = :v", v(N(1)), noPath],
    ["SET an element of a set", { m: SS("x") }, "SET m[0] = :v", v(N(1)), noPath],
    ["SET within an element past the end", { l: L() }, "SET l[0].a = :v", v(N(1)), noPath],
    ["ADD below what is not there", {}, "ADD m.a :v", v(N(1)), noPath],
    ["DELETE below what is not there", {}, "DELETE m.a :v", v(SS("x")), noPath],
    ["REMOVE below what is not there", {}, "REMOVE m.a", undefined, noPath],
    ["REMOVE below a string", { m: S("x") }, "REMOVE m.a", undefined, noPath],
    ["REMOVE an element of what is not there", {}, "REMOVE l[0]", undefined, noPath],
    ["SET the key", {}, "SET pk = :v", v(S("x")), ofKey],
    ["REMOVE the key", {}, "REMOVE pk", undefined, ofKey],
    ["ADD to the key", {}, "ADD pk :v", v(N(1)), ofKey],
    ["SET the key among others", { a: N(1) }, "SET a = :v, pk = :w", vw(N(2), S("x")), ofKey],
    ["SET within the key", {}, "SET pk.a = :v", v(S("x")), ofKey, { unconfirmed: true }],
    ["a sum beyond the range", { a: N(HUGE) }, "SET a = a + :v", v(N(HUGE)),
      "Number overflow. Attempting to store a number with magnitude larger than supported range"],
    ["a difference beyond the range", { a: N(`-${HUGE}`) }, "SET a = a - :v", v(N(HUGE)),
      "Number overflow. Attempting to store a number with magnitude larger than supported range"],
  ].map(impossible),
  { name: "update refused: SET the range key", table: "both", op: "UpdateItem",
    in: { Key: { ...Key, sk: S("a") }, UpdateExpression: "SET sk = :v", ExpressionAttributeValues: v(S("b")) },
    error: ve(`${OPV}Cannot update attribute sk. This attribute is part of the key`) },
  { name: "update refused: the key of an item that is not there", ...request("SET pk = :v", v(S("x"))),
    error: ve(ofKey) },
];
