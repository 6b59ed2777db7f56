// Query and Scan of secondary indexes, page by page: LastEvaluatedKey has the attributes of the index's key and of the
// table's, and so has ExclusiveStartKey.  The developer guide, "Paginating table query results"; API reference, Scan.
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { index, indexed } from "../../indexes.mjs";
import { N, S, ve } from "../../tables.mjs";

const TRIES = 100;

// Tables for this alone, since a scan sees everything.
const table = indexed({ a: "N", g: "S" }, [index("local", "pk", "a", "KEYS_ONLY")],
                      [index("global", "g", "a"), index("turned", "sk", "pk"), index("hash", "g")]);
export const tables = { "index-pages": table, "index-scan": table, "index-large": indexed({ a: "N", g: "S" },
  [index("local-large", "pk", "a")], [index("global-large", "g", "a")]) };

// a has few values, so that rows of indexes differ by the table's key alone; the last of every five has no a.
const items = (pk) => Array.from({ length: 15 }, (_, i) => ({
  pk: S(pk), sk: S(`s${String(i).padStart(2, "0")}`), g: S(pk), v: N(i), ...(i % 5 < 4 ? { a: N(i % 3) } : {}) }));
const key = { local: ["pk", "sk", "a"], global: ["pk", "sk", "g", "a"], turned: ["pk", "sk"], hash: ["pk", "sk", "g"] };
const hash = { local: "pk", global: "g", hash: "g" };
const of = (item, names) => Object.fromEntries(names.map((n) => [n, item[n]]));
const rows = (pk, name) => items(pk).filter((i) => i.a || name === "turned" || name === "hash");

async function put(TableName, all) {
  for (let i = 0; i < all.length; i += 25)
    await send({ op: "BatchWriteItem", in: { RequestItems: { [TableName]: all.slice(i, i + 25).map((Item) => ({
      PutRequest: { Item } })) } } });
}

async function pages(op, input) {
  const all = [];
  for (let ExclusiveStartKey; ;) {
    const { out, error } = await send({ op, in: { ...input, ExclusiveStartKey } });
    assert.equal(error, undefined);
    all.push(out);
    ExclusiveStartKey = out.LastEvaluatedKey;
    if (!ExclusiveStartKey)
      return all;
  }
}

// Global indexes are a little behind.
async function settled(op, input, n) {
  let all = await pages(op, input);
  for (let i = 0; i < TRIES && all.reduce((sum, p) => sum + p.Count, 0) !== n; i++)
    all = await pages(op, input);
  return all;
}

const seen = (all) => all.flatMap((p) => p.Items.map((i) => i.sk.S));

function queried(name, Limit, ScanIndexForward, more = {}) {
  const way = ScanIndexForward ? "forwards" : "backwards";
  return { name: `index pages: ${name}, by ${Limit}, ${way}${more.Select ? ", counted" : ""}`, run: async ({ key: k }) => {
    await put("index-pages", items(k));
    const all = await settled("Query", { TableName: "index-pages", IndexName: name, Limit, ScanIndexForward, ...more,
      KeyConditionExpression: `${hash[name]} = :p`, ExpressionAttributeValues: { ":p": S(k) } }, rows(k, name).length);
    assert.deepEqual(all.slice(0, -1).map((p) => p.Count), all.slice(0, -1).map(() => Limit));
    for (const p of all.slice(0, -1))
      assert.deepEqual(Object.keys(p.LastEvaluatedKey).sort(), [...key[name]].sort());
    if (more.Select)
      return;
    assert.deepEqual(seen(all).sort(), rows(k, name).map((i) => i.sk.S));
    const order = name === "hash" ? [] : all.flatMap((p) => p.Items.map((i) => Number(i.a.N)));
    assert.deepEqual(order, order.toSorted((x, y) => (ScanIndexForward ? x - y : y - x)));
    const byKey = new Map(items(k).map((i) => [i.sk.S, i]));
    for (const p of all.slice(0, -1))
      assert.deepEqual(p.LastEvaluatedKey, of(byKey.get(p.Items.at(-1).sk.S), key[name]));
  } };
}

const queries = [
  ...["local", "global", "hash"].flatMap((name) => [[1, true], [4, true], [4, false], [5, false]].map(([n, way]) =>
    queried(name, n, way))),
  ...["local", "global"].map((name) => queried(name, 4, true, { Select: "COUNT" })),
  ...["local", "global"].map((name) => ({ name: `index pages: ${name}, the pages of a range`, run: async ({ key: k }) => {
    await put("index-pages", items(k));
    const wanted = rows(k, name).filter((i) => i.a.N === "1").map((i) => i.sk.S);
    const all = await settled("Query", { TableName: "index-pages", IndexName: name, Limit: 2,
      KeyConditionExpression: `${hash[name]} = :p AND a = :a`, ExpressionAttributeValues: { ":p": S(k), ":a": N(1) } },
                              wanted.length);
    assert.deepEqual(seen(all).sort(), wanted);
    assert.ok(all.length > 1);
  } })),
  { name: "index pages: turned, the key's attributes are there once", run: async ({ key: k }) => {
    await put("index-pages", [1, 2, 3].map((i) => ({ pk: S(`${k}${i}`), sk: S(k) })));
    const all = await settled("Query", { TableName: "index-pages", IndexName: "turned", Limit: 1,
      KeyConditionExpression: "sk = :s", ExpressionAttributeValues: { ":s": S(k) } }, 3);
    assert.deepEqual(all.flatMap((p) => p.Items.map((i) => i.pk.S)), [1, 2, 3].map((i) => `${k}${i}`));
    assert.deepEqual(all[0].LastEvaluatedKey, { pk: S(`${k}1`), sk: S(k) });
  } },
  ...["local", "global"].map((name) => ({ name: `index pages: ${name}, a filter thins pages, and loses nothing`,
    run: async ({ key: k }) => {
      await put("index-pages", items(k));
      const input = { TableName: "index-pages", IndexName: name, Limit: 5, KeyConditionExpression: `${hash[name]} = :p`,
                      FilterExpression: "sk > :s", ExpressionAttributeValues: { ":p": S(k), ":s": S("s10") } };
      const wanted = rows(k, name).map((i) => i.sk.S).filter((s) => s > "s10");
      const all = await settled("Query", input, wanted.length);
      assert.deepEqual(seen(all).sort(), wanted);
      assert.equal(all.reduce((n, p) => n + p.ScannedCount, 0), 12);
    }, unconfirmed: true })),
];

// Five items of 300,000 bytes: the one that crosses 1 MB is the page's last.
const megabytes = ["local-large", "global-large"].map((name) => ({ name: `index pages: ${name}, pages of 1 MB`, unconfirmed: true,
  run: async ({ key: k }) => {
    const large = S("x".repeat(300000));
    await Promise.all([0, 1, 2, 3, 4].map((i) => send({ op: "PutItem", in: { TableName: "index-large", Item: {
      pk: S(k), sk: S(`s${i}`), a: N(-i), g: S(k), x: large } } })));
    const all = await settled("Query", { TableName: "index-large", IndexName: name, ProjectionExpression: "sk",
      KeyConditionExpression: `${name.startsWith("local") ? "pk" : "g"} = :p`, ExpressionAttributeValues: { ":p": S(k) } }, 5);
    assert.deepEqual(all.map((p) => p.Items.map((i) => i.sk.S)), [["s4", "s3", "s2", "s1"], ["s0"]]);
    assert.deepEqual(all[0].LastEvaluatedKey.a, N(-1));
  } }));

// --- scans --------------------------------------------------------------------------------------------------------

const scanned = ["one", "two", "three"].flatMap(items);
const inIndex = (name) => scanned.filter((i) => i.a || name === "turned" || name === "hash");
const places = (all) => all.flatMap((p) => p.Items.map((i) => `${i.pk.S} ${i.sk.S}`)).sort();

function scans(name, what, input, check) {
  return { name: `index scan: ${name}, ${what}`, run: async () => {
    await put("index-scan", scanned);
    const wanted = inIndex(name).map((i) => `${i.pk.S} ${i.sk.S}`).sort();
    const all = await settled("Scan", { TableName: "index-scan", IndexName: name, ...input }, wanted.length);
    assert.deepEqual(places(all), wanted);
    check?.(all);
  } };
}

const segments = (name, TotalSegments, Limit) => ({
  name: `index scan: ${name}, each row is in one of ${TotalSegments} segments${Limit ? `, by ${Limit}` : ""}`, run: async () => {
    await put("index-scan", scanned);
    await settled("Scan", { TableName: "index-scan", IndexName: name }, inIndex(name).length);
    const parts = await Promise.all(Array.from({ length: TotalSegments }, (_, Segment) =>
      pages("Scan", { TableName: "index-scan", IndexName: name, Segment, TotalSegments, Limit })));
    assert.deepEqual(places(parts.flat()), inIndex(name).map((i) => `${i.pk.S} ${i.sk.S}`).sort());
  } });

const wholes = Object.keys(key).flatMap((name) => [
  scans(name, "all of it", {}, (all) => assert.deepEqual(Object.keys(all.at(-1)).sort(), ["Count", "Items", "ScannedCount"])),
  scans(name, "page by page", { Limit: 7 }, (all) => {
    for (const p of all.slice(0, -1))
      assert.deepEqual(Object.keys(p.LastEvaluatedKey).sort(), [...key[name]].sort());
  }),
  segments(name, 3), segments(name, 4, 2),
]);

// --- where a page may start ---------------------------------------------------------------------------------------

const good = { local: { pk: S("$K"), sk: S("s"), a: N(1) }, global: { pk: S("x"), sk: S("s"), g: S("$K"), a: N(1) } };
const query = (name, ExclusiveStartKey, more = {}) => ({ IndexName: name, ExclusiveStartKey,
  KeyConditionExpression: `${hash[name]} = :p`, ...more, ExpressionAttributeValues: { ":p": S("$K"), ...more.values },
  values: undefined });
const INVALID = "The provided starting key is invalid";
const OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions";
const PREDICATE = "The provided starting key does not match the range key predicate";

function start(name, what, ExclusiveStartKey, message, more = {}) {
  const { unconfirmed, ...members } = more;
  return { name: `index start: ${name}, ${what}`, op: "Query", table: "index-pages", in: query(name, ExclusiveStartKey, members),
           ...(unconfirmed ? { unconfirmed } : {}),
           ...(message ? { error: ve(message) } : { out: { Count: 0, ScannedCount: 0, Items: [] } }) };
}

const without = (o, name) => Object.fromEntries(Object.entries(o).filter(([n]) => n !== name));
const starts = ["local", "global"].flatMap((name) => {
  const p = hash[name], ranged = (text, v) => ({ KeyConditionExpression: `${p} = :p AND ${text}`, values: { ":v": N(v) } });
  return [
    start(name, "which need not be there", good[name], null),
    start(name, "of the table's key alone", { pk: S("$K"), sk: S("s") }, INVALID),
    ...Object.keys(good[name]).map((n) => start(name, `without ${n}`, without(good[name], n), INVALID)),
    start(name, "with another attribute", { ...good[name], v: N(1) }, INVALID),
    start(name, "of another type", { ...good[name], a: S("1") }, INVALID),
    start(name, "of another partition key", { ...good[name], [p]: S("other") }, OUTSIDE),
    start(name, "in front of the range", good[name], PREDICATE, ranged("a > :v", 1)),
    start(name, "behind the range", good[name], PREDICATE, ranged("a < :v", 1)),
    start(name, "within the range", good[name], null, ranged("a = :v", 1)),
  ];
});

const scanStarts = ["local", "global"].flatMap((name) => [
  { name: `index start: ${name}, of a scan, of the table's key alone`, op: "Scan", table: "index-pages", unconfirmed: true,
    in: { IndexName: name, ExclusiveStartKey: { pk: S("a"), sk: S("b") } },
    error: ve(`${INVALID}: The provided key element does not match the schema`) },
  { name: `index start: ${name}, of a scan, of another type`, op: "Scan", table: "index-pages", unconfirmed: true,
    in: { IndexName: name, ExclusiveStartKey: { ...good[name], a: S("1") } },
    error: ve(`${INVALID}: The provided key element does not match the schema`) },
]);

export const cases = [...queries, ...megabytes, ...wholes, ...starts, ...scanStarts];
