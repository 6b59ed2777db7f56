// BatchWriteItem.  API reference, BatchWriteItem.
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { B, N, NS, NULL, OPV, S, SS, keys, ve } from "../../tables.mjs";
import { among, constraint } from "../../words.mjs";

export const tables = { "batch-a": keys("pk", "S"), "batch-b": keys("pk", "S", "sk", "N") };

const put = (Item) => ({ PutRequest: { Item } });
const del = (Key) => ({ DeleteRequest: { Key } });
const item = (more = {}) => ({ pk: S("$K"), ...more });
const pair = (sk, more = {}) => ({ pk: S("$K"), sk: N(sk), ...more });
const unsure = { unconfirmed: true };
const done = { UnprocessedItems: {} };
const write = (RequestItems, out = done, more = {}) => ({ op: "BatchWriteItem", in: { RequestItems, ...more }, out });
const stored = (...Items) => ({ op: "Query", in: { TableName: "batch-b", KeyConditionExpression: "pk = :p",
    ConsistentRead: true,
                                                   ExpressionAttributeValues: { ":p": S("$K") } },
                                out: { Count: Items.length, ScannedCount: Items.length, Items } });
const only = (Item) => ({ op: "GetItem", in: { TableName: "batch-a", Key: { pk: S("$K") }, ConsistentRead: true },
                          out: Item ? { Item } : {} });
const used = (TableName, CapacityUnits, more) => ({ TableName, CapacityUnits, ...more });
const total = { ReturnConsumedCapacity: "TOTAL" };
const cost = (n) => ({ ...done, ConsumedCapacity: [used("batch-b", n)] });
const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1);

const steps = (name, ...all) => ({ name: `batch write: ${name}`, steps: all });
const written = [
  steps("a put makes an item", write({ "batch-a": [put(item({ v: N(1) }))] }), only(item({ v: N(1) }))),
  steps("a put replaces the whole item", write({ "batch-a": [put(item({ v: N(1) }))] }),
        write({ "batch-a": [put(item({ w: N(2) }))] }), only(item({ w: N(2) }))),
  steps("a delete takes an item away", write({ "batch-a": [put(item())] }),
        write({ "batch-a": [del({ pk: S("$K") })] }), only()),
  steps("a delete of what is not there is no mistake", write({ "batch-a": [del({ pk: S("$K") })] })),
  steps("several puts", write({ "batch-b": [put(pair(2)), put(pair(1)), put(pair(3))] }),
        stored(pair(1), pair(2), pair(3))),
  steps("puts and deletes of different keys", write({ "batch-b": [put(pair(1)), put(pair(2))] }),
        write({ "batch-b": [del(pair(1)), put(pair(2, { v: N(2) })), put(pair(3)), del(pair(4))] }),
        stored(pair(2, { v: N(2) }), pair(3))),
  steps("two tables", write({ "batch-a": [put(item({ v: N(1) }))], "batch-b": [put(pair(1))] }),
        only(item({ v: N(1) })), stored(pair(1))),
  steps("25 items", write({ "batch-b": upTo(25).map((i) => put(pair(i))) }), stored(...upTo(25).map((i) => pair(i)))),
  steps("25 items of two tables",
        write({ "batch-a": [put(item())], "batch-b": upTo(24).map((i) => put(pair(i))) }), only(item()),
        stored(...upTo(24).map((i) => pair(i)))),
  steps("numbers are stored in their one form", write({ "batch-b": [put(pair("007.50", { v: N("1e3") }))] }),
        stored(pair("7.5", { v: N(1000) }))),
  steps("values of all types",
        write({ "batch-b": [put(pair(1, { b: B(0, 255), l: { L: [NULL] }, t: { BOOL: true }, n: NS(1, 2),
                                          s: SS("a") }))] }),
        stored(pair(1, { b: B(0, 255), l: { L: [NULL] }, t: { BOOL: true }, n: NS(1, 2), s: SS("a") }))),
  steps("empty strings and binaries that are no keys", write({ "batch-b": [put(pair(1, { s: S(""), b: B() }))] }),
        stored(pair(1, { s: S(""), b: B() }))),
  steps("capacity: a unit for a KB", write({ "batch-b": [put(pair(1)), put(pair(2))] }, cost(2), total)),
  steps("capacity: each item is rounded up by itself",
        write({ "batch-b": [1, 2].map((n) => put(pair(n, { x: S("x".repeat(1100)) }))) }, cost(4), total)),
  steps("capacity: a delete costs what it deletes", write({ "batch-b": [put(pair(1, { x: S("x".repeat(2100)) }))] }),
        write({ "batch-b": [del(pair(1))] }, cost(3), total)),
  steps("capacity: a delete of nothing costs a unit", write({ "batch-b": [del(pair(1))] }, cost(1), total)),
  steps("capacity: the larger of old and new", write({ "batch-b": [put(pair(1, { x: S("x".repeat(2100)) }))] }),
        write({ "batch-b": [put(pair(1))] }, cost(3), total)),
  steps("capacity: INDEXES tells the table's share", write({ "batch-b": [put(pair(1))] },
        { ...done, ConsumedCapacity: [used("batch-b", 1, { Table: { CapacityUnits: 1 } })] },
        { ReturnConsumedCapacity: "INDEXES" })),
  steps("capacity: NONE tells nothing", write({ "batch-b": [put(pair(1))] }, done, { ReturnConsumedCapacity: "NONE" })),
  steps("collection metrics of a table without local index are none", write({ "batch-b": [put(pair(1))] },
        (o) => !Object.keys(o.ItemCollectionMetrics ?? {}).length, { ReturnItemCollectionMetrics: "SIZE" })),
  { name: "batch write: 16 MB less a bit, in one request", run: async ({ key }) => {
    const x = S("x".repeat(380000));
    const all = upTo(25).map((i) => put({ pk: S(key), sk: N(i), x }));
    const { out, error } = await send({ op: "BatchWriteItem", in: { RequestItems: { "batch-b": all } } });
    assert.equal(error, undefined);
    assert.deepEqual(out, done);
  } },
];

// --- what it refuses ----------------------------------------------------------------------------------------------

const noTable = { name: "ResourceNotFoundException", message: "Requested resource not found" };
const LIMITS = "Map value must satisfy constraint: [Member must have length less than or equal to 25, " +
               "Member must have length greater than or equal to 1]";
const DUPLICATES = "Provided list of item keys contains duplicates";
const SCHEMA = "The provided key element does not match the schema";
const SIZE = "Item size has exceeded the maximum allowed size";

function refused(name, RequestItems, error, more = {}) {
  const { unconfirmed, ...members } = more;
  return { name: `batch write: ${name}`, op: "BatchWriteItem", ...(unconfirmed ? { unconfirmed } : {}),
           in: { RequestItems, ...members }, error: error.name ? error : ve(error) };
}

const one = (name, request, error, more) => refused(name, { "batch-b": [request] }, error, more);
const keyEmpty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain " +
                 "an empty string value. Key: pk";
const mistakes = [
  refused("no tables", {}, "The requestItems parameter is required for BatchWriteItem"),
  refused("no requests", { "batch-a": [] },
          constraint("{batch-a=[]}", "requestItems", LIMITS)),
  refused("26 requests", { "batch-b": upTo(26).map((i) => put(pair(i))) },
          (m) => m.startsWith("1 validation error detected: Value '{batch-b=[") &&
                 m.endsWith(`]}' at 'requestItems' failed to satisfy constraint: ${LIMITS}`)),
  refused("26 requests of two tables", { "batch-a": [put(item())], "batch-b": upTo(25).map((i) => put(pair(i))) },
          "Too many items requested for the BatchWriteItem call"),
  one("a request that is neither put nor delete", {}, /must contain exactly one of/, unsure),
  one("a request that is both put and delete", { ...put(pair(1)), ...del(pair(2)) }, /must contain exactly one of/,
      unsure),
  one("a put without item", { PutRequest: {} },
      constraint(null, "requestItems.batch-b.member.1.member.putRequest.item", "Member must not be null"), unsure),
  one("a delete without key", { DeleteRequest: {} },
      constraint(null, "requestItems.batch-b.member.1.member.deleteRequest.key", "Member must not be null"), unsure),
  refused("one key put twice", { "batch-b": [put(pair(1)), put(pair(1, { v: N(2) }))] }, DUPLICATES),
  refused("one key put and deleted", { "batch-b": [put(pair(1)), del(pair(1))] }, DUPLICATES),
  refused("one key deleted twice", { "batch-b": [del(pair(1)), put(pair(2)), del(pair(1))] }, DUPLICATES),
  refused("one key twice, as numbers go", { "batch-b": [put(pair(10)), put(pair("1e1"))] }, DUPLICATES),
  refused("an item without partition key", { "batch-a": [put({ v: N(1) })] }, `${OPV}Missing the key pk in the item`),
  one("an item without sort key", put({ pk: S("a"), v: N(1) }), `${OPV}Missing the key sk in the item`),
  one("an item with a key of another type", put({ pk: S("a"), sk: S("1") }),
      `${OPV}Type mismatch for key sk expected: N actual: S`),
  one("an empty string as key of an item", put({ pk: S(""), sk: N(1) }), keyEmpty),
  one("a key of 2049 bytes", put({ pk: S("x".repeat(2049)), sk: N(1) }),
      `${OPV}Size of hashkey has exceeded the maximum size limit of2048 bytes`),
  one("an item with an empty set", put(pair(1, { s: SS() })), `${OPV}An string set  may not be empty`),
  one("an item with a value twice in a set", put(pair(1, { s: SS("a", "a") })),
      `${OPV}Input collection [a, a] contains duplicates.`),
  one("an item with a number of 39 digits", put(pair(1, { v: N("1".repeat(39)) })),
      "Attempting to store more than 38 significant digits in a Number"),
  one("an item with what is no number", put(pair(1, { v: N("x") })), /cannot be converted to a numeric value: x$/),
  one("an item with NULL that is not true", put(pair(1, { v: { NULL: false } })),
      `${OPV}Null attribute value types must have the value of true`),
  one("an item of more than 400 KB", put(pair(1, { x: S("x".repeat(409600)) })), SIZE),
  refused("the second item of more than 400 KB", { "batch-b": [put(pair(1)),
      put(pair(2, { x: S("x".repeat(409600)) }))] },
          SIZE),
  one("a delete without sort key", del({ pk: S("a") }), SCHEMA),
  one("a delete with a key of another type", del({ pk: S("a"), sk: S("1") }), SCHEMA),
  one("a delete with another attribute", del(pair(1, { v: N(1) })), SCHEMA),
  one("a delete with no attributes", del({}), SCHEMA),
  refused("a delete with an empty string", { "batch-a": [del({ pk: S("") })] },
          `${OPV}The AttributeValue for a key attribute cannot contain an empty string value. Key: pk`),
  refused("a table that is not there", { "none-of-these": [put(item())] }, noTable),
  refused("one table that is not there, one that is", { "batch-a": [put(item())], "none-of-these": [put(item())] },
          noTable),
  refused("a table's name of other characters", { "a b": [put(item())] },
          /at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: \[.*pattern: .*\]$/),
  one("a ReturnConsumedCapacity of no meaning", put(pair(1)),
      constraint("x", "returnConsumedCapacity", among("INDEXES", "TOTAL", "NONE")), { ReturnConsumedCapacity: "x" }),
  one("a ReturnItemCollectionMetrics of no meaning", put(pair(1)),
      constraint("x", "returnItemCollectionMetrics", among("SIZE", "NONE")), { ReturnItemCollectionMetrics: "x" }),
  refused("the item is looked at before the table", { "none-of-these": [put(pair(1, { s: SS() }))] },
          `${OPV}An string set  may not be empty`),
];

const nothing = [
  ["another lacks its key", [put(pair(1)), put({ pk: S("a") })], `${OPV}Missing the key sk in the item`],
  ["another comes twice", [put(pair(1)), put(pair(2)), put(pair(2))], DUPLICATES],
  ["another is too large", [put(pair(1)), put(pair(2, { x: S("x".repeat(409600)) }))], SIZE],
].map(([name, requests, message]) => ({ name: `batch write: nothing is written if ${name}`, steps: [
  { op: "BatchWriteItem", in: { RequestItems: { "batch-b": requests } }, error: ve(message) }, stored()] }));

export const cases = [...written, ...mistakes, ...nothing];
