// ExpressionAttributeNames and ExpressionAttributeValues.
import { N, S, ve } from "../../tables.mjs";

const Key = { pk: S("$K") };
const UNUSED_NAMES = "Value provided in ExpressionAttributeNames unused in expressions: keys: ";
const UNUSED_VALUES = "Value provided in ExpressionAttributeValues unused in expressions: keys: ";
const names = (x) => ({ ExpressionAttributeNames: x });
const values = (x) => ({ ExpressionAttributeValues: x });
const refused = ([name, op, input, message, more]) => ({
  name: `names: ${name}`, op, in: { ...(op === "PutItem" ? { Item: Key } : { Key }), ...input },
    error: ve(message), ...more });
const badName = (key) => `ExpressionAttributeNames contains invalid key: Syntax error; key: "${key}"`;
const badValue = (key) => `ExpressionAttributeValues contains invalid key: Syntax error; key: "${key}"`;
const set = (x = {}) => ({ UpdateExpression: "SET a = :v", ...values({ ":v": N(1), ...x }) });
const EMPTY_VALUE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";

export const cases = [
  ...[
    ["an unused name", "GetItem", { ProjectionExpression: "a", ...names({ "#u": "b" }) }, `${UNUSED_NAMES}{#u}`],
    ["an unused name beside a used one", "GetItem", { ProjectionExpression: "#a", ...names({ "#a": "a", "#u": "b" }) },
      `${UNUSED_NAMES}{#u}`],
    ["an unused name, update", "UpdateItem", { ...set(), ...names({ "#u": "b" }) }, `${UNUSED_NAMES}{#u}`],
    ["an unused name, put", "PutItem", { ConditionExpression: "attribute_exists(a)", ...names({ "#u": "b" }) },
      `${UNUSED_NAMES}{#u}`],
    ["an unused name, delete", "DeleteItem", { ConditionExpression: "attribute_exists(a)", ...names({ "#u": "b" }) },
      `${UNUSED_NAMES}{#u}`],
    ["an unused value", "UpdateItem", set({ ":u": N(1) }), `${UNUSED_VALUES}{:u}`],
    ["an unused value, put", "PutItem", { ConditionExpression: "attribute_exists(a)", ...values({ ":u": N(1) }) },
      `${UNUSED_VALUES}{:u}`],
    ["an unused value, delete", "DeleteItem", { ConditionExpression: "attribute_exists(a)", ...values({ ":u": N(1) }) },
      `${UNUSED_VALUES}{:u}`],
    ["two unused values", "UpdateItem", set({ ":u": N(1), ":w": N(2) }), (m) =>
      [`${UNUSED_VALUES}{:u, :w}`, `${UNUSED_VALUES}{:w, :u}`].includes(m)],
    ["names without an expression, get", "GetItem", names({ "#a": "a" }),
      "ExpressionAttributeNames can only be specified when using expressions"],
    ["names without an expression, put", "PutItem", names({ "#a": "a" }),
      "ExpressionAttributeNames can only be specified when using expressions"],
    ["names without an expression, update", "UpdateItem", names({ "#a": "a" }),
      "ExpressionAttributeNames can only be specified when using expressions"],
    ["names without an expression, delete", "DeleteItem", names({ "#a": "a" }),
      "ExpressionAttributeNames can only be specified when using expressions"],
    ["values without an expression, put", "PutItem", values({ ":a": N(1) }),
      "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"],
    ["values without an expression, delete", "DeleteItem", values({ ":a": N(1) }),
      "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"],
    ["values without an expression, update", "UpdateItem", values({ ":a": N(1) }),
      "ExpressionAttributeValues can only be specified when using expressions: " +
      "UpdateExpression and ConditionExpression are null"],
    ["no names in the map", "GetItem", { ProjectionExpression: "a", ...names({}) },
      "ExpressionAttributeNames must not be empty"],
    ["no values in the map", "UpdateItem", { UpdateExpression: "REMOVE a", ...values({}) },
      "ExpressionAttributeValues must not be empty"],
    ["a name without #", "GetItem", { ProjectionExpression: "a", ...names({ a: "a" }) }, badName("a")],
    ["a name of # alone", "GetItem", { ProjectionExpression: "a", ...names({ "#": "a" }) }, badName("#")],
    ["a name with a hyphen", "GetItem", { ProjectionExpression: "#a", ...names({ "#a-b": "a" }) }, badName("#a-b")],
    ["a name with a dot", "GetItem", { ProjectionExpression: "#a", ...names({ "#a.b": "a" }) }, badName("#a.b")],
    ["an empty name", "GetItem", { ProjectionExpression: "a", ...names({ "": "a" }) }, badName("")],
    ["a name with a colon", "GetItem", { ProjectionExpression: "a", ...names({ ":a": "a" }) }, badName(":a")],
    ["a value without :", "UpdateItem", set({ a: N(1) }), badValue("a")],
    ["a value of : alone", "UpdateItem", set({ ":": N(1) }), badValue(":")],
    ["a value with a hyphen", "UpdateItem", set({ ":a-b": N(1) }), badValue(":a-b")],
    ["a value with #", "UpdateItem", set({ "#v": N(1) }), badValue("#v")],
    ["an empty value name", "UpdateItem", set({ "": N(1) }), badValue("")],
  ].map(refused),
  { name: "names: digits and underscores", given: [{ ...Key, a: N(1) }], op: "GetItem", out: { Item: { a: N(1) } },
    in: { Key, ConsistentRead: true, ProjectionExpression: "#1_a", ...names({ "#1_a": "a" }) } },
  { name: "names: values of digits and underscores", op: "UpdateItem", out: {},
    in: { Key, UpdateExpression: "SET a = :1_v", ...values({ ":1_v": N(1) }) } },
  { name: "names: capitals tell them apart", op: "UpdateItem", out: { Attributes: { ...Key, a: N(1), b: N(2) } },
    in: { Key, UpdateExpression: "SET #a = :v, #A = :V", ReturnValues: "ALL_NEW",
          ...names({ "#a": "a", "#A": "b" }), ...values({ ":v": N(1), ":V": N(2) }) } },
  { name: "names: two names for one attribute", given: [{ ...Key, a: N(1) }], op: "UpdateItem", out: {},
    in: { Key, ConditionExpression: "#a = :v AND attribute_exists(#b)", ...names({ "#a": "a", "#b": "a" }),
          ...values({ ":v": N(1) }) } },
  { name: "names: one that is no reserved word may be used as it is", op: "UpdateItem", out: {},
    in: { Key, UpdateExpression: "SET naming = :v", ...values({ ":v": N(1) }) } },
  { name: "names: condition and update share them", op: "UpdateItem", out: { Attributes: { ...Key, a: N(1) } },
    in: { Key, UpdateExpression: "SET #a = :v", ConditionExpression: "attribute_not_exists(#a) OR #a <> :v",
          ReturnValues: "ALL_NEW", ...names({ "#a": "a" }), ...values({ ":v": N(1) }) } },
  { name: "names: a value used by the condition alone is used", op: "UpdateItem", out: {},
    in: { Key, UpdateExpression: "REMOVE a", ConditionExpression: "a <> :v", ...values({ ":v": N(1) }) } },
  { name: "names: an alias of 255 bytes", op: "GetItem", out: {},
    in: { Key, ProjectionExpression: `#${"a".repeat(254)}`, ...names({ [`#${"a".repeat(254)}`]: "a" }) } },
  { name: "names: an alias of 256 bytes is refused", op: "GetItem", unconfirmed: true, error: ve(/too long/),
    in: { Key, ProjectionExpression: `#${"a".repeat(255)}`, ...names({ [`#${"a".repeat(255)}`]: "a" }) } },
  { name: "names: a value's alias of 256 bytes is refused", op: "UpdateItem", unconfirmed: true, error: ve(/too long/),
    in: { Key, UpdateExpression: `SET a = :${"a".repeat(255)}`, ...values({ [`:${"a".repeat(255)}`]: N(1) }) } },
  { name: "names: a value without a type is refused, with its name", op: "UpdateItem",
    raw: { TableName: "hash", Key, UpdateExpression: "SET a = :v", ...values({ ":v": {} }) },
    error: ve(`ExpressionAttributeValues contains invalid value: ${EMPTY_VALUE} for key :v`) },
  { name: "names: a name that stands for nothing is refused", op: "GetItem", unconfirmed: true,
    in: { Key, ProjectionExpression: "#a", ...names({ "#a": "" }) },
    error: ve(/^ExpressionAttributeNames contains invalid value/) },
];
