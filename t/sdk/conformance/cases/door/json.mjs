// JSON that cannot be read, values of other JSON types than the model's, and the order in which mistakes are told.
import { OPV, ve } from "../../tables.mjs";
import { bad, constraints, constraint, notNull, valueAtLeast } from "../../words.mjs";

const TYPE = "com.amazon.coral.service#SerializationException";
const unsure = { unconfirmed: true };

function unreadable(name, op, raw, message, more = {}) {
  return { name: `json: ${name}`, op, raw, ...more, status: 400, type: TYPE,
           error: { name: "SerializationException", message } };
}

// --- no JSON ------------------------------------------------------------------------------------------------------

const nothing = [
  ["nothing", ""], ["blanks", "  "], ["half an object", "{"], ["an object without its end", '{"Limit":1'],
  ["no quotes", "{Limit:1}"], ["one quote", "{'Limit':1}"], ["no colon", '{"Limit" 1}'], ["no value", '{"Limit":}'],
  ["a comma too many", '{"Limit":1,}'], ["no comma", '{"Limit":1 "Limit":1}'], ["more behind the object", "{} x"],
  ["two objects", "{}{}"], ["a wrong end", "{]"], ["a wrong literal", '{"Limit":nul}'],
    ["a number with a zero in front", '{"Limit":01}'],
  ["a number without digits", '{"Limit":-}'], ["a plus", '{"Limit":+1}'],
    ["a string without its end", '{"ExclusiveStartTableName":"abc'],
  ["a wrong escape", '{"ExclusiveStartTableName":"abc\\x"}'], ["half an escape",
      '{"ExclusiveStartTableName":"abc\\u00"}'],
  ["a line end in a string", '{"ExclusiveStartTableName":"abc\n"}'],
    ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0x7d])],
].map(([name, raw]) => unreadable(`${name} is no JSON`, "ListTables", raw, undefined));

// --- other types --------------------------------------------------------------------------------------------------

const STRUCTURE = "Start of structure or map found where not expected", LIST = "Start of list found where not expected";
const strings = [[5, "NUMBER_VALUE cannot be converted to String"], [true, "TRUE_VALUE cannot be converted to String"],
                 [false, "FALSE_VALUE cannot be converted to String"], [["a"], LIST], [{ a: 1 }, STRUCTURE]];
const key = { a: { S: "b" } };
const get = (name, value, message, more) => unreadable(`a value: ${name}`, "GetItem",
    { TableName: "hash", Key: { pk: value } }, message, more);
const types = [
  ...strings.map(([value, message]) =>
    unreadable(`a string that is ${JSON.stringify(value)}`, "DescribeTable", { TableName: value }, message,
               value === 5 || typeof value === "object" ? {} : unsure)),
  unreadable("a string that is 1.5", "DescribeTable", { TableName: 1.5 },
             /^(NUMBER|DECIMAL)_VALUE cannot be converted to String$/, unsure),
  unreadable("an integer that is a string", "ListTables", { Limit: "five" },
             "STRING_VALUE cannot be converted to Integer", unsure),
  unreadable("an integer that is true", "ListTables", { Limit: true }, "TRUE_VALUE cannot be converted to Integer",
             unsure),
  unreadable("an integer that is a list", "ListTables", { Limit: [1] }, LIST),
  unreadable("an integer that is an object", "ListTables", { Limit: {} }, STRUCTURE),
  unreadable("a boolean that is a string", "GetItem", { TableName: "hash", Key: key, ConsistentRead: "dog" },
             "Unexpected token received from parser"),
  unreadable("a boolean that is a number", "GetItem", { TableName: "hash", Key: key, ConsistentRead: 1 },
             "NUMBER_VALUE cannot be converted to Boolean", unsure),
  unreadable("a boolean that is a list", "GetItem", { TableName: "hash", Key: key, ConsistentRead: [] }, LIST),
  unreadable("a boolean that is an object", "GetItem", { TableName: "hash", Key: key, ConsistentRead: {} }, STRUCTURE),
  unreadable("a list that is a string", "GetItem", { TableName: "hash", Key: key, AttributesToGet: "a" },
             "Unexpected field type"),
  unreadable("a list that is an object", "GetItem", { TableName: "hash", Key: key, AttributesToGet: {} }, STRUCTURE),
  unreadable("a list's element that is a number", "GetItem", { TableName: "hash", Key: key, AttributesToGet: [1] },
             "NUMBER_VALUE cannot be converted to String"),
  unreadable("a list's element that is a list", "GetItem", { TableName: "hash", Key: key, AttributesToGet: [["a"]] },
             LIST),
  unreadable("a map that is a string", "GetItem", { TableName: "hash", Key: "a" }, "Unexpected field type"),
  unreadable("a map that is a number", "GetItem", { TableName: "hash", Key: 5 }, "Unexpected field type", unsure),
  unreadable("a map that is a list", "GetItem", { TableName: "hash", Key: [] }, LIST),
  unreadable("names that are a string", "Query", { TableName: "hash", ExpressionAttributeNames: "{}" },
             "Unexpected field type"),
  unreadable("names that are a list", "Query", { TableName: "hash", ExpressionAttributeNames: [] }, LIST),
  unreadable("a name that is a number", "Query", { TableName: "hash", ExpressionAttributeNames: { "#a": 5 } },
             "NUMBER_VALUE cannot be converted to String"),
  unreadable("a name that is an object", "Query", { TableName: "hash", ExpressionAttributeNames: { "#a": {} } },
             STRUCTURE),
  unreadable("values that are a string", "Query", { TableName: "hash", ExpressionAttributeValues: "{}" },
             "Unexpected field type"),
  get("a string", "b", "Unexpected value type in payload", unsure),
  get("a number", 5, "Unexpected value type in payload", unsure),
  get("true", true, "Unexpected value type in payload", unsure),
  get("a list", ["b"], LIST),
  get("S of a number", { S: 5 }, "NUMBER_VALUE cannot be converted to String"),
  get("S of a boolean", { S: true }, "TRUE_VALUE cannot be converted to String", unsure),
  get("S of a list", { S: ["a"] }, LIST),
  get("S of an object", { S: { a: "b" } }, STRUCTURE),
  get("N of a number", { N: 5 }, "NUMBER_VALUE cannot be converted to String"),
  get("N of a fraction", { N: 1.5 }, /^(NUMBER|DECIMAL)_VALUE cannot be converted to String$/),
  get("N of a list", { N: [1] }, LIST),
  get("B of a number", { B: 5 }, () => true),
  get("B of a list", { B: [1, 2] }, LIST),
  get("B of an object", { B: { 0: 1 } }, STRUCTURE),
  get("BOOL of a string", { BOOL: "dog" }, "Unexpected token received from parser"),
  get("BOOL of a number", { BOOL: 1 }, "NUMBER_VALUE cannot be converted to Boolean", unsure),
  get("NULL of a number", { NULL: 1 }, "NUMBER_VALUE cannot be converted to Boolean", unsure),
  get("SS of a string", { SS: "a" }, "Unexpected field type"),
  get("SS of an object", { SS: {} }, STRUCTURE),
  get("SS of numbers", { SS: [1] }, "NUMBER_VALUE cannot be converted to String"),
  get("NS of numbers", { NS: [1] }, "NUMBER_VALUE cannot be converted to String"),
  get("L of an object", { L: {} }, STRUCTURE),
  get("L of a string", { L: "a" }, "Unexpected field type"),
  get("L of strings", { L: ["a"] }, "Unexpected value type in payload", unsure),
  get("M of a list", { M: [] }, LIST),
  get("M of a string", { M: "a" }, "Unexpected field type"),
  get("M of strings", { M: { a: "b" } }, "Unexpected value type in payload", unsure),
  unreadable("a request of lists", "BatchGetItem", { RequestItems: [] }, LIST),
  unreadable("a request of strings", "BatchGetItem", { RequestItems: "hash" }, "Unexpected field type", unsure),
  unreadable("a table's keys of an object", "BatchGetItem", { RequestItems: { hash: { Keys: {} } } }, STRUCTURE),
  unreadable("a table's keys of a string", "BatchGetItem", { RequestItems: { hash: { Keys: "a" } } },
             "Unexpected field type"),
  unreadable("a table that is a list", "BatchGetItem", { RequestItems: { hash: [] } }, LIST),
  unreadable("writes that are an object", "BatchWriteItem", { RequestItems: { hash: {} } }, STRUCTURE),
  unreadable("a write that is a list", "BatchWriteItem", { RequestItems: { hash: [[]] } }, LIST),
  unreadable("a key schema that is an object", "CreateTable", { TableName: "abc", KeySchema: {} }, STRUCTURE),
  unreadable("a key schema of strings", "CreateTable", { TableName: "abc", KeySchema: ["pk"] },
             "Unexpected value type in payload", unsure),
  unreadable("units that are a string", "CreateTable",
             { TableName: "abc", ProvisionedThroughput: { ReadCapacityUnits: "many" } },
             /^STRING_VALUE cannot be converted to (Long|Integer)$/, unsure),
];

// --- base64 -------------------------------------------------------------------------------------------------------

const base64 = [["?", "a character of another kind"], ["AAA", "three characters"], ["A", "one character"],
                ["AAAA=", "five characters"], ["A===", "three signs of nothing"], ["AA=A", "a sign of nothing within"],
                ["AA A", "a blank within"], ["AA-_", "the other alphabet"]];
const binaries = [
  ...base64.map(([B, name]) => get(`B of ${name}`, { B }, () => true, ["AA A", "AA=A"].includes(B) ? unsure : {})),
  get("BS with one that is no base64", { BS: ["AAAA", "?"] }, () => true),
  { name: "json: B of base64 with its signs of nothing is read", op: "GetItem",
    raw: { TableName: "binary", Key: { pk: { B: "AA==" }, sk: { B: "AAA=" } } }, status: 200, out: {} },
  { name: "json: a boolean may be the word yes", op: "GetItem", status: 200, out: {}, ...unsure,
    raw: { TableName: "hash", Key: { pk: { S: "nobody" } }, ConsistentRead: "yes" },
    todo: "no document says which words are booleans" },
];

// --- what is passed over, and what is told first ------------------------------------------------------------------

const supplied = (name, value, message) => (
  { name: `json: a value: ${name}`, op: "GetItem", raw: { TableName: "hash", Key: { pk: value } },
    status: 400, type: "com.amazon.coral.validate#ValidationException", error: ve(message) });
const EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const MANY = "Supplied AttributeValue has more than one datatypes set, " +
             "must contain exactly one of the supported datatypes";
const order = [
  supplied("of no type", {}, EMPTY),
  supplied("of a type that is not there", { X: "a" }, EMPTY),
  supplied("of null", { S: null }, EMPTY),
  supplied("of two types", { S: "a", N: "1" }, MANY),
  { name: "json: types before constraints", op: "Scan", raw: { TableName: "a b", Limit: 0, Segment: "x" },
    status: 400, type: TYPE,
    error: { name: "SerializationException", message: "STRING_VALUE cannot be converted to Integer" }, ...unsure },
  { name: "json: constraints before values", op: "Query", raw: { TableName: "both", Select: "x",
      ExpressionAttributeValues: { ":a": {} } },
    status: 400, type: "com.amazon.coral.validate#ValidationException",
    error: ve((m) => m.startsWith("1 validation error detected: Value 'x' at 'select' failed")) },
  { name: "json: constraints of all members, told together", op: "GetItem", raw: {}, status: 400,
    type: "com.amazon.coral.validate#ValidationException",
    error: constraints(bad(null, "tableName", notNull), bad(null, "key", notNull)) },
  { name: "json: values before expressions", op: "Query", raw: { TableName: "both", KeyConditionExpression: "pk = (",
                                                                ExpressionAttributeValues: { ":a": {} } },
    status: 400, error: ve((m) => m.includes(EMPTY)) },
  { name: "json: expressions before the table", op: "Query", raw: { TableName: "none-of-these",
      KeyConditionExpression: "pk = (" },
    status: 400, error: ve(/^Invalid KeyConditionExpression: Syntax error/) },
  { name: "json: the table before the key", op: "GetItem", raw: { TableName: "none-of-these",
      Key: { a: { S: "b" } } }, status: 400,
    type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
    error: { name: "ResourceNotFoundException", message: "Requested resource not found" } },
  { name: "json: the table before its schema, in Query", op: "Query", status: 400,
    raw: { TableName: "none-of-these", KeyConditionExpression: "a = :a",
           ExpressionAttributeValues: { ":a": { N: "1" } } },
    error: { name: "ResourceNotFoundException", message: "Requested resource not found" } },
  { name: "json: limits before Select's companions", op: "Scan",
    raw: { TableName: "scan", Limit: 0, Select: "SPECIFIC_ATTRIBUTES" },
    status: 400, error: constraint("0", "limit", valueAtLeast(1)) },
  { name: "json: Select's companions before the table", op: "Scan",
    raw: { TableName: "none-of-these", Select: "SPECIFIC_ATTRIBUTES" },
    status: 400, error: ve(/^Must specify the AttributesToGet or ProjectionExpression/), ...unsure },
  { name: "json: a put's values before the table", op: "PutItem", status: 400,
    raw: { TableName: "none-of-these", Item: { pk: { S: "a" }, s: { SS: [] } } },
    error: ve(`${OPV}An string set  may not be empty`) },
  { name: "json: a put's table before its key", op: "PutItem",
    raw: { TableName: "none-of-these", Item: { a: { S: "b" } } }, status: 400,
    error: { name: "ResourceNotFoundException", message: "Requested resource not found" } },
  { name: "json: a condition's failure is the service's own type", status: 400, op: "PutItem",
    raw: { TableName: "hash", Item: { pk: { S: "$K" } }, ConditionExpression: "attribute_exists(pk)" },
    type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
    error: { name: "ConditionalCheckFailedException", message: "The conditional request failed" } },
  { name: "json: a refusal may be read under JSON 1.1 too", op: "DescribeTable", raw: { TableName: "none-of-these" },
    status: 400,
    headers: { "content-type": "application/x-amz-json-1.1" },
      answers: { "content-type": "application/x-amz-json-1.1" },
    error: { name: "ResourceNotFoundException",
             message: "Requested resource not found: Table: none-of-these not found" } },
];

export const cases = [...nothing, ...types, ...binaries, ...order];
