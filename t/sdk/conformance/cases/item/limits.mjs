// Sizes and counts at their limits, and the order in which a request is checked.
import { L, M, N, S, failed, ve } from "../../tables.mjs";

const Key = { pk: S("$K") };
const v = (x) => ({ ExpressionAttributeValues: { ":v": x } });
// An item of so many bytes: "pk" and its key of 8, "v" and its string.
const sized = (bytes) => ({ ...Key, v: S("x".repeat(bytes - 11)) });
const ITEM_MAX = 400 * 1024;
const TOO_BIG = "Item size has exceeded the maximum allowed size";
const TOO_BIG_UPDATE = "Item size to update has exceeded the maximum allowed size";
const condition = (ConditionExpression, more) => ({ op: "UpdateItem", in: { Key, ConditionExpression, ...more } });
const size = (what,
  n) => `Invalid ${what}: Expression size has exceeded the maximum allowed size; expression size: ${n}`;
const operators = (n) => Array.from({ length: (n + 1) / 2 }, () => "a = :v").join(" OR ");
const padded = (text, n) => text + " ".repeat(n - text.length);
const exists = (n) => Array.from({ length: n }, () => "attribute_exists(a)").join(" OR ");
const deep = (n) => `${"NOT (".repeat(n)}a = :v${")".repeat(n)}`;
const absent = (member) => `1 validation error detected: Value null at '${member}' failed to satisfy constraint: ` +
  "Member must not be null";
const NONE = { name: "ResourceNotFoundException", message: "Requested resource not found" };
const both = (one, two) => (m) => m.startsWith("2 validation errors detected: ") && m.includes(one) && m.includes(two);
const bad = (value,
  member) => `Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy enum value set`;

export const cases = [
  // items
  { name: "limits: an item of 400 KB", op: "PutItem", in: { Item: sized(ITEM_MAX) }, out: {} },
  { name: "limits: an item of 400 KB and one byte", op: "PutItem", in: { Item: sized(ITEM_MAX + 1) },
    error: ve(TOO_BIG) },
  { name: "limits: names count in an item's size", op: "PutItem", error: ve(TOO_BIG),
    in: { Item: { ...Key, ["n".repeat(1000)]: S("x".repeat(ITEM_MAX - 1009)) } } },
  { name: "limits: an update to 400 KB", given: [sized(ITEM_MAX - 2)], op: "UpdateItem", out: {},
    in: { Key, UpdateExpression: "SET w = :v", ...v(S("x")) } },
  { name: "limits: an update beyond 400 KB", given: [sized(ITEM_MAX - 2)], op: "UpdateItem", error: ve(TOO_BIG_UPDATE),
    in: { Key, UpdateExpression: "SET w = :v", ...v(S("xx")) } },
  { name: "limits: an update that doubles a list beyond 400 KB", op: "UpdateItem", error: ve(TOO_BIG_UPDATE),
    given: [{ ...Key, l: L(S("x".repeat(250000))) }], in: { Key, UpdateExpression: "SET a = list_append(l, l)" } },
  { name: "limits: an item is not changed by an update that would be too large", given: [sized(ITEM_MAX)], steps: [
    { op: "UpdateItem", in: { Key, UpdateExpression: "SET w = :v", ...v(S("x")) }, error: ve(TOO_BIG_UPDATE) },
    { op: "GetItem", in: { Key, ConsistentRead: true }, out: { Item: sized(ITEM_MAX) } }] },
  { name: "limits: an attribute's name of 65535 bytes", op: "PutItem", out: {},
    in: { Item: { ...Key, ["n".repeat(65535)]: N(1) } } },
  { name: "limits: an attribute's name of 65536 bytes", op: "PutItem", unconfirmed: true, error: ve(/./),
    in: { Item: { ...Key, ["n".repeat(65536)]: N(1) } } },
  { name: "limits: an empty attribute's name", op: "PutItem", unconfirmed: true, error: ve(/./),
    in: { Item: { ...Key, "": N(1) } } },
  { name: "limits: a thousand attributes", steps: [
    { op: "PutItem",
      in: { Item: { ...Key, ...Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`a${i}`, N(i)])) } } },
    { op: "GetItem", in: { Key, ConsistentRead: true, ProjectionExpression: "a0, a999" },
      out: { Item: { a0: N(0), a999: N(999) } } }] },
  { name: "limits: an update that nests beyond 32 levels", op: "UpdateItem", given: [{ ...Key, m: M({}) }],
    unconfirmed: true,
    error: ve(/[Nn]esting/), in: { Key, UpdateExpression: "SET m.a = :v",
      ...v(Array.from({ length: 32 }).reduce((x) => L(x), S("x"))) } },

  { name: "names of attributes are told apart by case", steps: [
    { op: "PutItem", in: { Item: { ...Key, a: N(1), A: N(2) } } },
    { op: "GetItem", in: { Key, ConsistentRead: true, ProjectionExpression: "A" }, out: { Item: { A: N(2) } } }] },
  { name: "members that no operation has are passed over", op: "GetItem", out: {}, status: 200,
    raw: { TableName: "hash", Key, Nonsense: { a: [1, null] } } },
  { name: "members that are null are not there", op: "GetItem", out: {}, status: 200,
    raw: { TableName: "hash", Key, ConsistentRead: null, ProjectionExpression: null, ExpressionAttributeNames: null } },

  // expressions
  { name: "limits: a condition of 4096 bytes", ...condition(padded("a = :v", 4096), v(N(1))), error: failed },
  { name: "limits: a condition of 4097 bytes", ...condition(padded("a = :v", 4097), v(N(1))),
    error: ve(size("ConditionExpression", 4097)) },
  { name: "limits: an update expression of 4096 bytes", op: "UpdateItem", out: {},
    in: { Key, UpdateExpression: padded("SET a = :v", 4096), ...v(N(1)) } },
  { name: "limits: an update expression of 4097 bytes", op: "UpdateItem", error: ve(size("UpdateExpression", 4097)),
    in: { Key, UpdateExpression: padded("SET a = :v", 4097), ...v(N(1)) } },
  { name: "limits: a projection of 4097 bytes", op: "GetItem", error: ve(size("ProjectionExpression", 4097)),
    in: { Key, ProjectionExpression: padded("a", 4097) } },
  { name: "limits: an expression's size is in bytes", ...condition(`${"\u00e9".repeat(2049)}`),
    error: ve(size("ConditionExpression", 4098)), unconfirmed: true },
  { name: "limits: 299 operators", ...condition(operators(299), v(N(1))), error: failed },
  { name: "limits: 300 operators", ...condition(`NOT ${operators(299)}`, v(N(1))), out: {} },
  { name: "limits: 301 operators", ...condition(operators(301), v(N(1))),
    error: ve("Invalid ConditionExpression: The expression contains too many operators; operator count: 301") },
  { name: "limits: function calls are no operators", ...condition(exists(170)), error: failed },
  { name: "limits: parentheses and NOT, 100 deep", ...condition(deep(100), v(N(1))), error: failed, unconfirmed: true },
  { name: "limits: IN of 101 operands", unconfirmed: true, error: ve(/^Invalid ConditionExpression: .*IN.*101/),
    ...condition(`a IN (${Array.from({ length: 101 }, (_, i) => `:v${i}`).join(", ")})`,
      { ExpressionAttributeValues: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`:v${i}`, N(i)])) }) },
  { name: "limits: a path of 32 levels", ...condition(`attribute_exists(${Array(32).fill("a").join(".")})`),
    error: failed,
    unconfirmed: true },
  { name: "limits: a SET of 200 attributes", op: "UpdateItem", out: {},
    in: { Key,
      UpdateExpression: `SET ${Array.from({ length: 200 }, (_, i) => `a${i} = :v`).join(", ")}`, ...v(N(1)) } },

  // what is checked first
  { name: "order: the expression before the table", op: "GetItem", table: "no-such-table",
    in: { Key, ProjectionExpression: "" },
      error: ve("Invalid ProjectionExpression: The expression can not be empty;") },
  { name: "order: values before the table", op: "PutItem", table: "no-such-table",
    in: { Item: { ...Key, a: N("abc") } }, error: ve("The parameter cannot be converted to a numeric value: abc") },
  { name: "order: the table before the key", op: "GetItem", table: "no-such-table", in: { Key: { id: N(1) } },
    error: NONE },
  { name: "order: the table before the key, put", op: "PutItem", table: "no-such-table", in: { Item: {} },
    error: NONE },
  { name: "order: enums before the expression", op: "GetItem",
    in: { Key, ProjectionExpression: "", ReturnConsumedCapacity: "X" },
    error: ve((m) => m.startsWith("1 validation error detected: ") && m.includes(bad("X", "returnConsumedCapacity"))) },
  { name: "order: enums before the table", op: "GetItem", table: "no-such-table", in: { Key,
    ReturnConsumedCapacity: "X" },
    error: ve((m) => m.startsWith("1 validation error detected: ") && m.includes(bad("X", "returnConsumedCapacity"))) },
  { name: "order: enums are told together", op: "PutItem",
    in: { Item: Key, ReturnValues: "X", ReturnConsumedCapacity: "Y" },
    error: ve(both(bad("X", "returnValues"), bad("Y", "returnConsumedCapacity"))) },
  { name: "order: the key before the condition", op: "DeleteItem", in: { Key: { id: S("x") },
    ConditionExpression: "attribute_exists(a)" }, error: ve("The provided key element does not match the schema") },
  { name: "order: the expression before the key", op: "DeleteItem", in: { Key: { id: S("x") },
    ConditionExpression: "attribute_exists(" },
    error: ve("Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"(\"") },
  { name: "order: names are looked up after the syntax", op: "UpdateItem", in: { Key, UpdateExpression: "SET #a = " },
    error: ve("Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"=\""), unconfirmed: true },
  { name: "order: the condition before the update of the item", given: [{ ...Key, a: S("x") }], op: "UpdateItem",
    error: failed,
    in: { Key, UpdateExpression: "SET a = a + :v", ConditionExpression: "attribute_not_exists(pk)", ...v(N(1)) } },

  // tables
  ...["PutItem", "GetItem", "UpdateItem", "DeleteItem"].flatMap((op) => {
    const what = op === "PutItem" ? { Item: Key } : { Key };
    return [
      { name: `tables: ${op} on none`, op, table: "no-such-table", in: what, error: NONE },
      { name: `tables: ${op} without a name`, op, raw: what, unconfirmed: true,
        error: ve(absent("tableName")) },
      { name: `tables: ${op} with letters that names do not have`, op, table: "no;table", in: what, unconfirmed: true,
        error: ve("1 validation error detected: Value 'no;table' at 'tableName' failed to satisfy constraint: " +
                  "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+") },
      { name: `tables: ${op} with an empty name`, op, table: "", in: what, unconfirmed: true,
        error: ve(/tableName|TableName/) },
      { name: `tables: ${op} without its ${op === "PutItem" ? "item" : "key"}`, op, raw: { TableName: "hash" },
        error: ve(absent(op === "PutItem" ? "item" : "key")) },
    ];
  }),
];
