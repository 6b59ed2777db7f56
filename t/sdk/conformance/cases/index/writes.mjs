// Writes to tables with secondary indexes: what indexes then hold, and what may not be written.  The developer guide,
// "Data synchronization between tables and Global Secondary Indexes", "Take advantage of sparse indexes".
import { index, indexed } from "../../indexes.mjs";
import { B, N, NULL, S, ve } from "../../tables.mjs";

export const tables = {
  "index-writes": indexed({ a: "S", n: "N", b: "B" }, [index("local", "pk", "a"), index("local-n", "pk", "n", "KEYS_ONLY")],
                          [index("global", "a", "n"), index("global-b", "b", "pk", ["v"])]),
};

const Key = { pk: S("$K"), sk: S("1") };
const item = (more) => ({ ...Key, ...more });
const put = (more) => ({ op: "PutItem", in: { Item: item(more) } });
const update = (UpdateExpression, values) => ({ op: "UpdateItem", in: { Key, UpdateExpression, ...(values ?
  { ExpressionAttributeValues: values } : {}) } });
const found = (IndexName, hash, value, Items) => ({ op: "Query", eventually: !IndexName.startsWith("local"),
  in: { IndexName, KeyConditionExpression: `${hash} = :p`, ExpressionAttributeValues: { ":p": value },
        ...(IndexName.startsWith("local") ? { ConsistentRead: true } : {}) },
  out: { Count: Items.length, ScannedCount: Items.length, Items } });
const local = (...items) => found("local", "pk", S("$K"), items);
const global = (value, ...items) => found("global", "a", S(value), items);
const steps = (name, ...list) => ({ name: `index write: ${name}`, table: "index-writes", steps: list });

const held = [
  steps("a put is found", put({ a: S("$K"), n: N(1) }), local(item({ a: S("$K"), n: N(1) })),
        global("$K", item({ a: S("$K"), n: N(1) }))),
  steps("an item without the attribute is in no index", put({ v: N(1) }), local(), found("local-n", "pk", S("$K"), [])),
  steps("an item without the sort key is not in the index", put({ a: S("$K") }), local(item({ a: S("$K") })),
        put({ a: S("$K"), n: N(2) }), global("$K", item({ a: S("$K"), n: N(2) })),
        put({ a: S("$K") }), global("$K")),
  steps("a delete takes it out", put({ a: S("$K"), n: N(1) }), global("$K", item({ a: S("$K"), n: N(1) })),
        { op: "DeleteItem", in: { Key } }, local(), global("$K")),
  steps("an update that changes the key moves it", put({ a: S("$Kx"), n: N(1) }),
        global("$Kx", item({ a: S("$Kx"), n: N(1) })), update("SET a = :a", { ":a": S("$Ky") }),
        local(item({ a: S("$Ky"), n: N(1) })), global("$Ky", item({ a: S("$Ky"), n: N(1) })), global("$Kx")),
  steps("an update that removes the key takes it out", put({ a: S("$K"), n: N(1) }),
        global("$K", item({ a: S("$K"), n: N(1) })), update("REMOVE a"), local(), global("$K"),
        found("local-n", "pk", S("$K"), [{ ...Key, n: N(1) }])),
  steps("an update that adds the key brings it in", put({ n: N(1) }), update("SET a = :a", { ":a": S("$K") }),
        local(item({ a: S("$K"), n: N(1) })), global("$K", item({ a: S("$K"), n: N(1) }))),
  steps("an update of another attribute is seen", put({ a: S("$K"), n: N(1) }), update("SET v = :v", { ":v": N(5) }),
        local(item({ a: S("$K"), n: N(1), v: N(5) })), global("$K", item({ a: S("$K"), n: N(1), v: N(5) }))),
  steps("ADD moves a number", put({ a: S("$K"), n: N(1) }), update("ADD n :n", { ":n": N(9) }),
        found("local-n", "pk", S("$K"), [{ ...Key, n: N(10) }]), global("$K", item({ a: S("$K"), n: N(10) }))),
  steps("what is not projected is left out", put({ b: B(7, 7), v: N(1), w: N(2) }), {
    op: "Query", eventually: true, in: { IndexName: "global-b", KeyConditionExpression: "b = :b AND pk = :p",
      ExpressionAttributeValues: { ":b": B(7, 7), ":p": S("$K") } },
    out: { Count: 1, ScannedCount: 1, Items: [item({ b: B(7, 7), v: N(1) })] } }),
  steps("a batch is found", { op: "BatchWriteItem", in: { RequestItems: { "index-writes": ["1", "2"].map((s) =>
    ({ PutRequest: { Item: { pk: S("$K"), sk: S(s), a: S(`a${s}`) } } })) } } },
        local(...["1", "2"].map((s) => ({ pk: S("$K"), sk: S(s), a: S(`a${s}`) })))),
  steps("a transaction is found", { op: "TransactWriteItems", in: { TransactItems: ["2", "1"].map((s) =>
    ({ Put: { TableName: "index-writes", Item: { pk: S("$K"), sk: S(s), a: S("$K"), n: N(s) } } })) } },
        local(...["1", "2"].map((s) => ({ pk: S("$K"), sk: S(s), a: S("$K"), n: N(s) }))),
        global("$K", ...["1", "2"].map((s) => ({ pk: S("$K"), sk: S(s), a: S("$K"), n: N(s) })))),
  steps("items with the same key of an index are all there", ...["1", "2", "3"].map((s) => ({ op: "PutItem",
    in: { Item: { pk: S("$K"), sk: S(s), a: S("$K"), n: N(1) } } })),
        { ...local(), out: { Count: 3, ScannedCount: 3, Items: (l) => l.map((i) => i.sk.S).sort().join("") === "123" } },
        { ...global("$K"), out: { Count: 3, ScannedCount: 3, Items: (l) => l.map((i) => i.sk.S).sort().join("") === "123" } }),
  steps("the table's own scans and queries do not see indexes", put({ a: S("$K"), n: N(1) }),
        { op: "Query", in: { KeyConditionExpression: "pk = :p", ConsistentRead: true,
            ExpressionAttributeValues: { ":p": S("$K") } },
          out: { Count: 1, ScannedCount: 1, Items: [item({ a: S("$K"), n: N(1) })] } }),
];

// --- what no index can hold -----------------------------------------------------------------------------------------

const TYPE = (name, wanted, got, at) => "One or more parameter values were invalid: Type mismatch for Index Key " +
  `${name} Expected: ${wanted} Actual: ${got} IndexName: ${at}`;
const EMPTY = (name, type, at) => "One or more parameter values are not valid. A value specified for a secondary index key is " +
  `not supported. The AttributeValue for a key attribute cannot contain an empty ${type} value. IndexName: ${at}, IndexKey: ${name}`;
// API reference, TransactWriteItems, cancellation reasons.
const UPDATE = "The update expression attempted to update the secondary index key to unsupported type";
// The service names one of the indexes concerned.
const one = (f, ...indexes) => (m) => indexes.some((i) => m === f(i));
const wrong = [
  ["N for S", { a: N(1) }, one((i) => TYPE("a", "S", "N", i), "local", "global")],
  ["NULL for S", { a: NULL }, one((i) => TYPE("a", "S", "NULL", i), "local", "global")],
  ["S for N", { n: S("1") }, one((i) => TYPE("n", "N", "S", i), "local-n", "global")],
  ["S for B", { b: S("1") }, TYPE("b", "B", "S", "global-b")],
  ["an empty string", { a: S("") }, one((i) => EMPTY("a", "string", i), "local", "global")],
  ["empty bytes", { b: B() }, EMPTY("b", "binary", "global-b")],
];
const RequestItems = (Item) => ({ "index-writes": [{ PutRequest: { Item: { pk: S("$K"), sk: S("0") } } },
                                                    { PutRequest: { Item } }] });
const kept = { op: "Query", in: { KeyConditionExpression: "pk = :p", ConsistentRead: true,
  ExpressionAttributeValues: { ":p": S("$K") } }, out: { Count: 0, ScannedCount: 0, Items: [] } };
const refusals = wrong.flatMap(([name, attributes, message]) => {
  const [[attribute, v]] = Object.entries(attributes), error = ve(message);
  return [
    steps(`${name} is refused in a put`, { ...put(attributes), error }),
    steps(`${name} is refused in a batch, and nothing is written`,
          { op: "BatchWriteItem", in: { RequestItems: RequestItems(item(attributes)) }, error }, kept),
    { ...steps(`${name} is refused in an update`, put({}), { ...update(`SET ${attribute} = :v`, { ":v": v }),
      error: ve(name.includes("empty") ? /not supported.* cannot contain an empty (string|binary) value/ : UPDATE) }),
      ...(name.includes("empty") ? { unconfirmed: true } : {}) },
    { ...steps(`${name} is refused in a transaction`, { op: "TransactWriteItems", in: { TransactItems: [
      { Put: { TableName: "index-writes", Item: { pk: S("$K"), sk: S("0") } } },
      { Put: { TableName: "index-writes", Item: item(attributes) } }] }, error }, kept), unconfirmed: true },
  ];
});

const updates = [
  steps("a transaction's update to what no index can hold cancels it", put({ n: N(1) }), { op: "TransactWriteItems",
    in: { TransactItems: [{ Update: { TableName: "index-writes", Key, UpdateExpression: "SET a = :a",
      ExpressionAttributeValues: { ":a": N(1) } } }] },
    error: { name: "TransactionCanceledException", CancellationReasons: [{ Code: "ValidationError", Message: UPDATE }],
             message: "Transaction cancelled, please refer cancellation reasons for specific reasons [ValidationError]" } }),
];

export const cases = [...held, ...refusals, ...updates];
