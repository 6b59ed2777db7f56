// Secondary indexes: ReturnConsumedCapacity and ReturnItemCollectionMetrics.  The developer guide, "Provisioned throughput
// considerations" of both kinds of index, and "Item collections in Local Secondary Indexes".
import { index, indexed } from "../../indexes.mjs";
import { N, S } from "../../tables.mjs";

export const tables = {
  "index-cost": indexed({ a: "S", g: "S" }, [index("local", "pk", "a"), index("local-keys", "pk", "a", "KEYS_ONLY")],
                        [index("global", "g", "a"), index("global-keys", "g", undefined, "KEYS_ONLY")]),
  "index-global": indexed({ g: "S" }, undefined, [index("global", "g")]),
};

const Key = { pk: S("$K"), sk: S("1") };
const item = (more) => ({ ...Key, ...more });
const both = { a: S("a"), g: S("$K") };
const fat = (n) => ({ x: S("x".repeat(n)) });
const units = (CapacityUnits) => ({ CapacityUnits });
const each = (o) => (o && Object.keys(o).length ? Object.fromEntries(Object.entries(o).map(([k, n]) => [k, units(n)])) : undefined);
const sum = (o) => Object.values(o ?? {}).reduce((a, b) => a + b, 0);
const used = (table, local, global, TableName = "index-cost") => ({
  TableName, CapacityUnits: table + sum(local) + sum(global), Table: units(table),
  LocalSecondaryIndexes: each(local), GlobalSecondaryIndexes: each(global) });
const INDEXES = { ReturnConsumedCapacity: "INDEXES" };

function write(name, op, given, input, table, local, global) {
  const cost = used(table, local, global);
  const whole = { op, ...(op === "PutItem" ? { in: { Item: input } } : { in: { Key, ...input } }) };
  return [
    { name: `index capacity: ${name}`, table: "index-cost", op, given, in: { ...whole.in, ...INDEXES },
      out: { ConsumedCapacity: cost } },
    { name: `index capacity: ${name}, in sum`, table: "index-cost", op, given,
      in: { ...whole.in, ReturnConsumedCapacity: "TOTAL" },
      out: { ConsumedCapacity: { TableName: "index-cost", CapacityUnits: cost.CapacityUnits } } },
  ];
}

const set = (text, values) => ({ UpdateExpression: text, ...(values ? { ExpressionAttributeValues: values } : {}) });
const all = (n) => [{ local: n, "local-keys": n }, { global: n, "global-keys": n }];
const writes = [
  write("a put past all indexes", "PutItem", [], item({}), 1),
  write("a put into all indexes", "PutItem", [], item(both), 1, ...all(1)),
  write("a put into local indexes", "PutItem", [], item({ a: S("a") }), 1, { local: 1, "local-keys": 1 }),
  write("a put into one global index", "PutItem", [], item({ g: S("$K") }), 1, {}, { "global-keys": 1 }),
  write("a put of the same again", "PutItem", [item(both)], item(both), 1),
  write("a put of 1.5 KB: by what each index projects", "PutItem", [], item({ ...both, ...fat(1500) }), 2,
        { local: 2, "local-keys": 1 }, { global: 2, "global-keys": 1 }),
  write("an attribute that some do not project", "PutItem", [item(both)], item({ ...both, v: N(1) }), 1,
        { local: 1 }, { global: 1 }),
  write("a put that takes it out of all", "PutItem", [item(both)], item({}), 1, ...all(1)),
  write("a delete", "DeleteItem", [item(both)], {}, 1, ...all(1)),
  write("a delete of 1.5 KB", "DeleteItem", [item({ ...both, ...fat(1500) })], {}, 2,
        { local: 2, "local-keys": 1 }, { global: 2, "global-keys": 1 }),
  write("a delete of nothing", "DeleteItem", [], {}, 1),
  write("an update that moves it in local indexes", "UpdateItem", [item({ a: S("a") })], set("SET a = :a", { ":a": S("b") }), 1,
        { local: 2, "local-keys": 2 }),
  write("an update that moves it in global indexes", "UpdateItem", [item(both)], set("SET g = :g", { ":g": S("$Ky") }), 1,
        { local: 1 }, { global: 2, "global-keys": 2 }),
  write("an update that takes it out", "UpdateItem", [item({ g: S("$K") })], set("REMOVE g"), 1, {}, { "global-keys": 1 }),
  write("an update of what none has as key", "UpdateItem", [item(both)], set("SET v = :v", { ":v": N(1) }), 1,
        { local: 1 }, { global: 1 }),
  write("an update that changes nothing", "UpdateItem", [item({ ...both, v: N(1) })], set("SET v = :v", { ":v": N(1) }), 1),
].flat();

// --- reads ----------------------------------------------------------------------------------------------------------

const three = ["1", "2", "3"].map((s) => ({ pk: S("$K"), sk: S(s), a: S(s), g: S("$K"), ...fat(3000) }));
const hash = (name) => (name.startsWith("local") ? "pk" : "g");

function read(name, IndexName, more, cost, out = {}) {
  const isLocal = IndexName.startsWith("local");
  return { name: `index capacity: ${IndexName}, ${name}`, op: "Query", table: "index-cost", given: three, eventually: !isLocal,
           in: { IndexName, KeyConditionExpression: `${hash(IndexName)} = :p`, ConsistentRead: isLocal, ...INDEXES, ...more,
                 ExpressionAttributeValues: { ":p": S("$K") } },
           out: { Count: 3, ScannedCount: 3, Items: (l) => l?.length === 3 || more.Select === "COUNT", ...out,
                  ConsumedCapacity: cost } };
}

const count = { Count: 3, ScannedCount: 3, Items: undefined };
const reads = [
  read("4 KB a unit, of all rows together", "local", {}, used(0, { local: 3 })),
  read("half of that if eventual", "local", { ConsistentRead: false }, used(0, { local: 1.5 })),
  read("half of that if eventual", "global", {}, used(0, {}, { global: 1.5 })),
  read("small rows cost little", "local-keys", {}, used(0, { "local-keys": 1 })),
  read("small rows cost little", "global-keys", {}, used(0, {}, { "global-keys": 0.5 })),
  read("a count costs as much", "local", { Select: "COUNT" }, used(0, { local: 3 }), count),
  read("a count costs as much", "global", { Select: "COUNT" }, used(0, {}, { global: 1.5 }), count),
  read("items that are fetched cost the table, each by itself", "local-keys", { Select: "ALL_ATTRIBUTES" },
       used(3, { "local-keys": 1 })),
  read("half of that if eventual, when fetched", "local-keys", { Select: "ALL_ATTRIBUTES", ConsistentRead: false },
       used(1.5, { "local-keys": 0.5 })),
  read("a projection that has to be fetched", "local-keys", { ProjectionExpression: "x" }, used(3, { "local-keys": 1 })),
  read("a projection that has not", "local-keys", { ProjectionExpression: "a" }, used(0, { "local-keys": 1 })),
  read("what is fetched, up to the limit", "local-keys", { Select: "ALL_ATTRIBUTES", Limit: 2 }, used(2, { "local-keys": 1 }),
       { Count: 2, ScannedCount: 2, Items: (l) => l.length === 2, LastEvaluatedKey: (k) => k.a.S === "2" }),
  read("in sum", "local-keys", { Select: "ALL_ATTRIBUTES", ReturnConsumedCapacity: "TOTAL" },
       { TableName: "index-cost", CapacityUnits: 4 }),
  read("in sum", "global", { ReturnConsumedCapacity: "TOTAL" }, { TableName: "index-cost", CapacityUnits: 1.5 }),
  read("before the filter", "local", { FilterExpression: "attribute_not_exists(x)" }, used(0, { local: 3 }),
       { Count: 0, ScannedCount: 3, Items: [] }),
  { ...read("of nothing", "local", {}, used(0, { local: 1 }), { Count: 0, ScannedCount: 0, Items: [] }), given: [] },
  { ...read("of nothing", "global", {}, used(0, {}, { global: 0.5 }), { Count: 0, ScannedCount: 0, Items: [] }), given: [] },
  { name: "index capacity: global, of a scan of nothing", op: "Scan", table: "index-global",
    in: { IndexName: "global", Segment: 3, TotalSegments: 1000000, ...INDEXES },
    out: { Count: 0, ScannedCount: 0, Items: [], ConsumedCapacity: used(0, {}, { global: 0.5 }, "index-global") } },
];

// --- several at once ------------------------------------------------------------------------------------------------

const batch = (...rows) => ({ RequestItems: { "index-cost": rows } });
const doubled = (n) => ({ CapacityUnits: n, WriteCapacityUnits: n });
const several = [
  { name: "index capacity: a batch, in all", op: "BatchWriteItem", given: [{ pk: S("$K"), sk: S("2"), a: S("a") }],
    table: "index-cost", in: { ...batch({ PutRequest: { Item: item(both) } },
                                        { DeleteRequest: { Key: { pk: S("$K"), sk: S("2") } } }), ...INDEXES },
    out: { UnprocessedItems: {}, ConsumedCapacity: [used(2, { local: 2, "local-keys": 2 }, { global: 1, "global-keys": 1 })] } },
  { name: "index capacity: a batch, in sum", op: "BatchWriteItem",
    in: { ...batch({ PutRequest: { Item: item(both) } }), ReturnConsumedCapacity: "TOTAL" },
    out: { UnprocessedItems: {}, ConsumedCapacity: [{ TableName: "index-cost", CapacityUnits: 5 }] } },
  { name: "index capacity: a transaction costs double", op: "TransactWriteItems",
    in: { TransactItems: [{ Put: { TableName: "index-cost", Item: item(both) } }], ...INDEXES },
    out: { ConsumedCapacity: [{ TableName: "index-cost", ...doubled(10), Table: doubled(2),
      LocalSecondaryIndexes: { local: doubled(2), "local-keys": doubled(2) },
      GlobalSecondaryIndexes: { global: doubled(2), "global-keys": doubled(2) } }] } },
  { name: "index capacity: a transaction, in sum", op: "TransactWriteItems",
    in: { TransactItems: [{ Put: { TableName: "index-cost", Item: item(both) } }], ReturnConsumedCapacity: "TOTAL" },
    out: { ConsumedCapacity: [{ TableName: "index-cost", ...doubled(10) }] } },
];

// --- item collections -----------------------------------------------------------------------------------------------

const SIZE = { ReturnItemCollectionMetrics: "SIZE" };
const collection = (pk = "$K") => ({ ItemCollectionKey: { pk: S(pk) }, SizeEstimateRangeGB: [0, 1] });
const metrics = [
  ...[["PutItem", { Item: item(both) }], ["UpdateItem", { Key, ...set("SET v = :v", { ":v": N(1) }) }],
      ["DeleteItem", { Key }]].flatMap(([op, input]) => [
    { name: `item collections: ${op}`, op, table: "index-cost", in: { ...input, ...SIZE },
      out: { ItemCollectionMetrics: collection() } },
    { name: `item collections: ${op}, not by itself`, op, table: "index-cost", in: input, out: {} },
    { name: `item collections: ${op}, a table with global indexes has none`, op, table: "index-global",
      in: { ...input, ...SIZE }, out: {} },
  ]),
  { name: "item collections: a batch, each once", op: "BatchWriteItem", in: { ...batch(
    { PutRequest: { Item: item(both) } }, { PutRequest: { Item: { pk: S("$K"), sk: S("2") } } },
    { PutRequest: { Item: { pk: S("$Kx"), sk: S("1") } } }), ...SIZE },
    out: { UnprocessedItems: {}, ItemCollectionMetrics: { "index-cost": (l) => l.length === 2 &&
      l.map((m) => m.ItemCollectionKey.pk.S).sort().every((k, i) => k.endsWith(["", "x"][i])) } }, unconfirmed: true },
  { name: "item collections: a batch of one", op: "BatchWriteItem", in: { ...batch({ DeleteRequest: { Key } }), ...SIZE },
    out: { UnprocessedItems: {}, ItemCollectionMetrics: { "index-cost": [collection()] } } },
  { name: "item collections: a batch, a table with global indexes has none", op: "BatchWriteItem",
    in: { RequestItems: { "index-global": [{ DeleteRequest: { Key } }] }, ...SIZE },
    out: (o) => !Object.keys(o.ItemCollectionMetrics ?? {}).length },
  { name: "item collections: a transaction", op: "TransactWriteItems",
    in: { TransactItems: [{ Put: { TableName: "index-cost", Item: item(both) } }], ...SIZE },
    out: { ItemCollectionMetrics: { "index-cost": [collection()] } } },
  { name: "item collections: a transaction, a table with global indexes has none", op: "TransactWriteItems",
    in: { TransactItems: [{ Put: { TableName: "index-global", Item: item(both) } }], ...SIZE },
    out: (o) => !Object.keys(o.ItemCollectionMetrics ?? {}).length },
];

export const cases = [...writes, ...reads, ...several, ...metrics];
