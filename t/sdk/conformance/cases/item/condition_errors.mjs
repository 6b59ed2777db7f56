// Condition expressions that are refused, whatever the item.
import { BOOL, BS, L, M, N, NS, NULL, S, SS, ve } from "../../tables.mjs";

const v = (x) => ({ ":v": x });
const vw = (x, y) => ({ ":v": x, ":w": y });
const refused = ([name, ConditionExpression, values, text, more = {}]) => {
  const { names, ...rest } = more;
  return { name: `condition refused: ${name}`, op: "DeleteItem", error: ve(`Invalid ConditionExpression: ${text}`),
           in: { Key: { pk: S("$K") }, ConditionExpression, ExpressionAttributeValues: values,
                 ExpressionAttributeNames: names }, ...rest };
};
const type = (f, t) => "Incorrect operand type for operator or function; " +
  `operator or function: ${f}, operand type: ${t}`;
const count = (f, n) => "Incorrect number of operands for operator or function; " +
  `operator or function: ${f}, number of operands: ${n}`;
const place = (f) => `The function is not allowed to be used this way in an expression; function: ${f}`;
const path = (f) => `Operator or function requires a document path; operator or function: ${f}`;
const distinct = (f, a) => "The first operand must be distinct from the remaining operands for this operator or " +
  `function; operator: ${f}, first operand: [${a}]`;
const reserved = (word) => `Attribute name is a reserved keyword; reserved keyword: ${word}`;
const unordered = { BOOL: BOOL(true), NULL, SS: SS("a"), NS: NS(1), BS: BS([1]), L: L(), M: M({}) };

export const cases = [
  // types that cannot be ordered
  ...["<", "<=", ">", ">="].map((o) => [`${o} with a boolean`, `a ${o} :v`, v(BOOL(true)), type(o, "BOOL")]),
  ...Object.entries(unordered).filter(([t]) => t !== "BOOL")
    .map(([t, value]) => [`< with ${t}`, "a < :v", v(value), type("<", t)]),
  ["> with a list on the left", ":v > a", v(L()), type(">", "L")],
  ["BETWEEN with a boolean", "a BETWEEN :v AND :v", v(BOOL(true)), type("BETWEEN", "BOOL")],
  ["BETWEEN with a set", "a BETWEEN :v AND :v", v(SS("a")), type("BETWEEN", "SS")],
  ["BETWEEN with bounds in the wrong order", "a BETWEEN :v AND :w", vw(N(2), N(1)),
    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
    "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"],
  ["BETWEEN with string bounds in the wrong order", "a BETWEEN :v AND :w", vw(S("b"), S("a")),
    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
    "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"],
  ["BETWEEN with bounds of two types", "a BETWEEN :v AND :w", vw(S("1"), N(2)),
    "The BETWEEN operator requires same data type for lower and upper bounds; " +
    "lower bound operand: AttributeValue: {S:1}, upper bound operand: AttributeValue: {N:2}"],
  // functions' operands
  ["begins_with a number", "begins_with(a, :v)", v(N(1)), type("begins_with", "N")],
  ["begins_with a boolean", "begins_with(a, :v)", v(BOOL(true)), type("begins_with", "BOOL")],
  ["begins_with a set", "begins_with(a, :v)", v(SS("a")), type("begins_with", "SS")],
  ["begins_with a list", "begins_with(a, :v)", v(L()), type("begins_with", "L")],
  ["attribute_type with a number", "attribute_type(a, :v)", v(N(1)), type("attribute_type", "N")],
  ["attribute_type with a word that is none", "attribute_type(a, :v)", v(S("FOO")),
    "Invalid attribute type name found; type: FOO, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"],
  ["attribute_type with a word in small letters", "attribute_type(a, :v)", v(S("s")),
    "Invalid attribute type name found; type: s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"],
  ["size of a number value", "size(:v) = :w", vw(N(1), N(1)), type("size", "N")],
  ["size of a boolean value", "size(:v) = :w", vw(BOOL(true), N(1)), type("size", "BOOL")],
  ["size of a NULL value", "size(:v) = :w", vw(NULL, N(1)), type("size", "NULL")],
  ["attribute_exists of a value", "attribute_exists(:v)", v(S("a")), path("attribute_exists")],
  ["attribute_not_exists of a value", "attribute_not_exists(:v)", v(S("a")), path("attribute_not_exists")],
  ["attribute_exists of a function", "attribute_exists(size(a))", undefined, path("attribute_exists"),
    { unconfirmed: true }],
  // functions' numbers of operands
  ["attribute_exists without operands", "attribute_exists()", undefined,
    "Syntax error; token: \")\", near: \"()\""],
  ["attribute_exists of two", "attribute_exists(a, b)", undefined, count("attribute_exists", 2)],
  ["attribute_not_exists of two", "attribute_not_exists(a, b)", undefined, count("attribute_not_exists", 2)],
  ["attribute_type of one", "attribute_type(a)", undefined, count("attribute_type", 1)],
  ["attribute_type of three", "attribute_type(a, :v, :v)", v(S("S")), count("attribute_type", 3)],
  ["begins_with of one", "begins_with(a)", undefined, count("begins_with", 1)],
  ["begins_with of three", "begins_with(a, :v, :v)", v(S("a")), count("begins_with", 3)],
  ["contains of one", "contains(a)", undefined, count("contains", 1)],
  ["contains of three", "contains(a, :v, :v)", v(S("a")), count("contains", 3)],
  ["size of two", "size(a, b) = :v", v(N(1)), count("size", 2)],
  // functions in the wrong place
  ["size alone", "size(a)", undefined, place("size")],
  ["NOT size", "NOT size(a)", undefined, place("size")],
  ["attribute_exists compared", "attribute_exists(a) = :v", v(BOOL(true)), place("attribute_exists")],
  ["contains compared", "contains(a, :v) = :w", vw(S("a"), BOOL(true)), place("contains")],
  ["begins_with in IN", "begins_with(a, :v) IN (:w)", vw(S("a"), BOOL(true)), place("begins_with")],
  ["an unknown function", "foo(a)", undefined, "Invalid function name; function: foo"],
  ["an unknown function, compared", "length(a) = :v", v(N(1)), "Invalid function name; function: length"],
  ["function names are in small letters", "Attribute_Exists(a)", undefined,
    "Invalid function name; function: Attribute_Exists"],
  ["SIZE in capitals", "SIZE(a) = :v", v(N(1)), "Invalid function name; function: SIZE"],
  ["a function of updates: if_not_exists", "if_not_exists(a, :v) = :v", v(N(1)),
    "The function is not allowed in a condition expression; function: if_not_exists", { unconfirmed: true }],
  ["a function of updates: list_append", "list_append(a, :v) = :v", v(L()),
    "The function is not allowed in a condition expression; function: list_append", { unconfirmed: true }],
  // operands that are the same
  ...["=", "<>", "<", ">="].map((o) => [`a ${o} a`, `a ${o} a`, undefined, distinct(o, "a")]),
  ["a nested path equals itself", "a.b[1] = a.b[1]", undefined, distinct("=", "a, b, [1]")],
  ["a path equals itself by another name", "#a = a", undefined, distinct("=", "a"), { names: { "#a": "a" } }],
  ["begins_with itself", "begins_with(a, a)", undefined, distinct("begins_with", "a")],
  ["contains itself", "contains(a, a)", undefined, distinct("contains", "a")],
  ["IN itself", "a IN (a)", undefined, distinct("IN", "a")],
  ["BETWEEN itself", "a BETWEEN a AND :v", v(N(1)), distinct("BETWEEN", "a")],
  // names and values
  ["an undefined name", "#a = :v", v(S("a")),
    "An expression attribute name used in the document path is not defined; attribute name: #a"],
  ["an undefined name in a nested path", "a.#b = :v", v(S("a")),
    "An expression attribute name used in the document path is not defined; attribute name: #b"],
  ["an undefined value", "a = :v", undefined,
    "An expression attribute value used in expression is not defined; attribute value: :v"],
  ["another value is defined", "a = :v", { ":w": S("a") },
    "An expression attribute value used in expression is not defined; attribute value: :v"],
  ["values are told apart by case", "a = :V", v(S("a")),
    "An expression attribute value used in expression is not defined; attribute value: :V"],
  ["a reserved word", "name = :v", v(S("a")), reserved("name")],
  ["a reserved word in capitals", "STATUS = :v", v(S("a")), reserved("STATUS")],
  ["a reserved word in mixed letters", "Timestamp = :v", v(S("a")), reserved("Timestamp")],
  ["a reserved word in a nested path", "a.year = :v", v(S("a")), reserved("year")],
  ["a reserved word in a function", "attribute_exists(hash)", undefined, reserved("hash")],
  ["a reserved word on the right", "a = ttl", undefined, reserved("ttl")],
  // parentheses
  ["redundant parentheses around a condition", "((a = :v))", v(S("a")), "The expression has redundant parentheses;"],
  ["redundant parentheses within", "a = :v AND ((a = :v))", v(S("a")), "The expression has redundant parentheses;"],
  ["redundant parentheses after NOT", "NOT ((a = :v))", v(S("a")), "The expression has redundant parentheses;"],
  // syntax
  ["empty", "", undefined, "The expression can not be empty;"],
  ["blanks only", "  ", undefined, "The expression can not be empty;", { unconfirmed: true }],
  ["a path alone", "a", undefined, "Syntax error; token: \"<EOF>\", near: \"a\""],
  ["a value alone", ":v", v(BOOL(true)), "Syntax error; token: \"<EOF>\", near: \":v\""],
  ["nothing after =", "a =", undefined, "Syntax error; token: \"<EOF>\", near: \"=\""],
  ["nothing before =", "= :v", v(S("a")), "Syntax error; token: \"=\", near: \"= :v\""],
  ["two operators", "a = = :v", v(S("a")), "Syntax error; token: \"=\", near: \"= = :v\""],
  ["==", "a == :v", v(S("a")), "Syntax error; token: \"=\", near: \"== :v\""],
  ["!=", "a != :v", v(S("a")), "Syntax error; token: \"!\", near: \"a !=\""],
  ["a literal number", "a = 1", undefined, "Syntax error; token: \"1\", near: \"= 1\""],
  ["a literal string", "a = 'x'", undefined, "Syntax error; token: \"'\", near: \"= 'x\""],
  ["a hyphen in a name", "my-name = :v", v(S("a")), "Syntax error; token: \"-\", near: \"my-name\""],
  ["a colon apart from its name", "a = : v", v(S("a")), "Syntax error; token: \":\", near: \"= : v\""],
  ["a hash apart from its name", "# a = :v", v(S("a")), "Syntax error; token: \"#\", near: \"# a\""],
  ["nothing after AND", "a = :v AND", v(S("a")), "Syntax error; token: \"<EOF>\", near: \"AND\""],
  ["AND first", "AND a = :v", v(S("a")), "Syntax error; token: \"AND\", near: \"AND a\""],
  ["two conditions without AND", "a = :v b = :v", v(S("a")), "Syntax error; token: \"b\", near: \":v b =\""],
  ["a chain of comparisons", "a < :v < :w", vw(N(1), N(2)), "Syntax error; token: \"<\", near: \":v < :w\""],
  ["a parenthesis too few", "(a = :v", v(S("a")), "Syntax error; token: \"<EOF>\", near: \":v\""],
  ["a parenthesis too many", "a = :v)", v(S("a")), "Syntax error; token: \")\", near: \":v)\""],
  ["empty parentheses", "()", undefined, "Syntax error; token: \")\", near: \"()\""],
  ["IN without parentheses", "a IN :v", v(S("a")), "Syntax error; token: \":v\", near: \"IN :v\""],
  ["IN of nothing", "a IN ()", undefined, "Syntax error; token: \")\", near: \"()\""],
  ["IN with a comma too many", "a IN (:v,)", v(S("a")), "Syntax error; token: \")\", near: \",)\""],
  ["BETWEEN without AND", "a BETWEEN :v", v(S("a")), "Syntax error; token: \"<EOF>\", near: \":v\""],
  ["BETWEEN with OR", "a BETWEEN :v OR :w", vw(N(1), N(2)), "Syntax error; token: \"OR\", near: \":v OR :w\""],
  ["NOT in the middle", "a NOT IN (:v)", v(S("a")), "Syntax error; token: \"NOT\", near: \"a NOT IN\""],
  ["a negative index", "a[-1] = :v", v(S("a")), "Syntax error; token: \"-\", near: \"[-1\""],
  ["a name as an index", "a[b] = :v", v(S("a")), "Syntax error; token: \"b\", near: \"[b]\""],
  ["an empty index", "a[] = :v", v(S("a")), "Syntax error; token: \"]\", near: \"[] =\""],
  ["an index first", "[0] = :v", v(S("a")), "Syntax error; token: \"[\", near: \"[0\""],
  ["a dot at the end of a path", "a. = :v", v(S("a")), "Syntax error; token: \"=\", near: \". = :v\""],
  ["two dots", "a..b = :v", v(S("a")), "Syntax error; token: \".\", near: \"..b\""],
  ["a semicolon", "a = :v;", v(S("a")), "Syntax error; token: \";\", near: \":v;\""],
  ["a letter beyond ASCII", "\u00e9 = :v", v(S("a")), "Syntax error; token: \"\u00e9\", near: \"\u00e9 =\""],
  ["arithmetic", "a + :v = :w", vw(N(1), N(2)), "Syntax error; token: \"+\", near: \"a + :v\""],
  ["a keyword of updates is no attribute", "SET a = :v", v(S("a")), "Syntax error; token: \"a\", near: \"SET a =\"",
    { unconfirmed: true }],
  ["an index beyond what lists may have", "a[100000000000] = :v", v(S("a")),
    "List index is not within the allowable range; index: [100000000000]"],
].map(refused);
