// ReturnConsumedCapacity and ReturnItemCollectionMetrics.  An item's size is that of its names and values; a write unit
// is 1 KB, a read unit 4 KB, half of one when the read is eventually consistent.
import { B, BOOL, L, M, N, NS, NULL, S, SS, keys, ve } from "../../tables.mjs";

export const tables = {
  local: { ...keys("pk", "S", "sk", "S"),
           AttributeDefinitions: ["pk", "sk", "x"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
           LocalSecondaryIndexes: [{ IndexName: "byx", Projection: { ProjectionType: "ALL" },
             KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }, { AttributeName: "x", KeyType: "RANGE" }] }] },
};

const Key = { pk: S("$K") };
// An item of so many bytes: "pk" and its key of 8, "v" and its string.
const sized = (bytes) => ({ ...Key, v: S("x".repeat(bytes - 11)) });
const units = (CapacityUnits, TableName = "hash") => ({ ConsumedCapacity: { TableName, CapacityUnits } });
const TOTAL = { ReturnConsumedCapacity: "TOTAL" };
const set = (bytes) => ({ Key, UpdateExpression: "SET v = :v", ...TOTAL,
                          ExpressionAttributeValues: { ":v": S("x".repeat(bytes - 11)) } });
const one = ([name, op, input, out, given = []]) => ({ name: `capacity: ${name}`, given, op, in: input, out });
const gets = (name, bytes, strong, eventual, more) => [
  one([`get of ${name}, strong`, "GetItem", { Key, ConsistentRead: true, ...TOTAL, ...more },
    { Item: (i) => i !== undefined, ...units(strong) }, [sized(bytes)]]),
  { ...one([`get of ${name}, eventual`, "GetItem", { Key, ...TOTAL, ...more },
    { Item: (i) => i !== undefined, ...units(eventual) }, [sized(bytes)]]), eventually: true },
];
const puts = (bytes, n) => one([`put of ${bytes} bytes`, "PutItem", { Item: sized(bytes), ...TOTAL }, units(n)]);
// An attribute of a value's type that brings the item to the edge of 1 KB; one byte more, and it is over.
const weighs = ([name, value, bytes, more]) => [[1024, 1], [1025, 2]].map(([size, n]) => ({
  name: `capacity: size of ${name}, ${n} unit${n > 1 ? "s" : ""}`, op: "PutItem", out: units(n), ...more,
  in: { Item: { ...Key, a: value, v: S("x".repeat(size - 12 - bytes)) }, ...TOTAL } }));
const unknown = (member, value,
  set) => ve(`1 validation error detected: Value '${value}' at '${member}' failed to satisfy ` +
  `constraint: Member must satisfy enum value set: ${set}`);
const four = { PutItem: { Item: Key }, GetItem: { Key }, UpdateItem: { Key }, DeleteItem: { Key } };

export const cases = [
  ...[[100, 1], [1024, 1], [1025, 2], [2048, 2], [2049, 3], [4096, 4], [4097, 5]].map(([b, n]) => puts(b, n)),
  ...gets("100 bytes", 100, 1, 0.5), ...gets("4096 bytes", 4096, 1, 0.5), ...gets("4097 bytes", 4097, 2, 1),
  ...gets("8192 bytes", 8192, 2, 1), ...gets("8193 bytes", 8193, 3, 1.5),
  ...gets("4097 bytes with a projection: all of it is read", 4097, 2, 1, { ProjectionExpression: "pk" }),
  ...gets("100 bytes, of which nothing is left", 100, 1, 0.5, { ProjectionExpression: "pk" }),
  one(["get of nothing, strong", "GetItem", { Key, ConsistentRead: true, ...TOTAL }, units(1)]),
  one(["get of nothing, eventual", "GetItem", { Key, ...TOTAL }, units(0.5)]),
  one(["a put over a larger item pays for that", "PutItem", { Item: Key, ...TOTAL }, units(3), [sized(2500)]]),
  one(["a put over a smaller item pays for its own size", "PutItem", { Item: sized(2500), ...TOTAL }, units(3), [Key]]),
  one(["a delete pays for what it removes", "DeleteItem", { Key, ...TOTAL }, units(3), [sized(2049)]]),
  one(["a delete of 1024 bytes", "DeleteItem", { Key, ...TOTAL }, units(1), [sized(1024)]]),
  one(["a delete of nothing", "DeleteItem", { Key, ...TOTAL }, units(1)]),
  one(["an update that makes an item", "UpdateItem", set(1025), units(2)]),
  one(["an update that lets an item grow", "UpdateItem", set(2049), units(3), [sized(100)]]),
  one(["an update that lets an item shrink pays for the larger", "UpdateItem", set(100), units(3), [sized(2049)]]),
  one(["an update of a small part pays for the whole item", "UpdateItem",
    { Key, UpdateExpression: "SET w = :w", ExpressionAttributeValues: { ":w": N(1) }, ...TOTAL }, units(3),
      [sized(2500)]]),
  one(["an update of nothing", "UpdateItem", { Key, ...TOTAL }, units(1)]),
  one(["ALL_OLD costs no more", "PutItem", { Item: Key, ReturnValues: "ALL_OLD", ...TOTAL },
    { Attributes: Key, ...units(1) }, [Key]]),
  one(["a condition costs no more", "PutItem", { Item: Key, ConditionExpression: "attribute_exists(pk)", ...TOTAL },
    units(1), [Key]]),

  // how the size of each type counts
  ...[
    ["a string, in UTF-8", S("\u00e9\u20ac"), 5], ["an empty string", S(""), 0], ["a binary", B(1, 2, 3), 3],
    ["a boolean", BOOL(true), 1], ["NULL", NULL, 1], ["a string set", SS("ab", "c"), 3],
    ["a number of one digit", N(7), 2, { unconfirmed: true }],
    ["a number of two digits", N(42), 2, { unconfirmed: true }],
    ["a number of three digits", N(123), 3, { unconfirmed: true }],
    ["a number set", NS(7, 42), 4, { unconfirmed: true }],
    ["an empty list", L(), 3], ["a list of strings", L(S("ab"), S("c")), 8, { unconfirmed: true }],
    ["an empty map", M({}), 3], ["a map of strings", M({ ab: S("cd") }), 8, { unconfirmed: true }],
  ].flatMap(weighs),

  // what is asked
  ...Object.entries(four).flatMap(([op, input]) => [
    one([`${op}: nothing by itself`, op, input, {}]),
    one([`${op}: nothing with NONE`, op, { ...input, ReturnConsumedCapacity: "NONE" }, {}]),
    one([`${op}: INDEXES tells the table apart`, op, { ...input, ReturnConsumedCapacity: "INDEXES", ConsistentRead:
      op === "GetItem" ? true : undefined },
      { ConsumedCapacity: { TableName: "hash", CapacityUnits: 1, Table: { CapacityUnits: 1 } } }]),
    { name: `capacity: ${op}: an unknown word`, op, in: { ...input, ReturnConsumedCapacity: "ALL" },
      error: unknown("returnConsumedCapacity", "ALL", "[INDEXES, TOTAL, NONE]") },
  ]),

  // item collections
  ...["PutItem", "UpdateItem", "DeleteItem"].flatMap((op) => [
    one([`${op}: no item collection without a local index`, op, { ...four[op], ReturnItemCollectionMetrics: "SIZE" },
      {}]),
    { name: `capacity: ${op}: an unknown word for item collections`, op, in: { ...four[op],
      ReturnItemCollectionMetrics: "ALL" },
      error: unknown("returnItemCollectionMetrics", "ALL", "[SIZE, NONE]") },
    { name: `capacity: ${op}: the item collection of a table with a local index`, op, table: "local",
      in: { ...(op === "PutItem" ? { Item: { ...Key, sk: S("a"), x: S("x") } } : { Key: { ...Key, sk: S("a") } }),
            ReturnItemCollectionMetrics: "SIZE" },
      out: { ItemCollectionMetrics: { ItemCollectionKey: Key, SizeEstimateRangeGB: [0, 1] } } },
    { name: `capacity: ${op}: no item collection with NONE`, op, table: "local", out: {},
      in: { ...(op === "PutItem" ? { Item: { ...Key, sk: S("a") } } : { Key: { ...Key, sk: S("a") } }),
            ReturnItemCollectionMetrics: "NONE" } },
  ]),
  // A local index is written once for a row that comes or goes, twice for one whose key changes.
  ...[
    ["a put into a local index", [], "PutItem", { Item: { ...Key, sk: S("a"), x: S("x") } }, 1, 1],
    ["a put past a local index", [], "PutItem", { Item: { ...Key, sk: S("a") } }, 1, 0],
    ["a put that changes nothing of a local index", [{ ...Key, sk: S("a"), x: S("x") }], "PutItem",
      { Item: { ...Key, sk: S("a"), x: S("x") } }, 1, 0],
    ["a put that moves a row in a local index", [{ ...Key, sk: S("a"), x: S("x") }], "PutItem",
      { Item: { ...Key, sk: S("a"), x: S("y") } }, 1, 2],
    ["a delete from a local index", [{ ...Key, sk: S("a"), x: S("x") }], "DeleteItem",
      { Key: { ...Key, sk: S("a") } }, 1, 1],
  ].map(([name, given, op, input, table, index]) => ({
    name: `capacity: ${name}`, table: "local", given, op, in: { ...input, ReturnConsumedCapacity: "INDEXES" },
    out: { ConsumedCapacity: { TableName: "local", CapacityUnits: table + index, Table: { CapacityUnits: table },
      LocalSecondaryIndexes: index ? { byx: { CapacityUnits: index } } : undefined } } })),
];
