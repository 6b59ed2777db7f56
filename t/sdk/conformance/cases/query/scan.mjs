// Scan: all of a table, in pages and in segments, over all partitions.  API reference, Scan; the developer guide,
// "Parallel scan".
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { N, S, keys, ve } from "../../tables.mjs";
import { bad, constraint, constraints, lengthAtLeast, notNull, pattern, valueAtLeast,
         valueAtMost } from "../../words.mjs";

export const tables = { "scan": keys("pk", "S"), "scan-n": keys("pk", "N", "sk", "N"), "scan-empty": keys("pk", "S"),
                        "scan-large": keys("pk", "S") };

// --- what there is ------------------------------------------------------------------------------------------------

const items = Array.from({ length: 24 }, (_, i) => ({ pk: S(`item ${i}`), v: N(i) }));
const names = items.map((i) => i.pk.S).sort();
const given = { op: "BatchWriteItem", in: { RequestItems: { scan: items.map((Item) => ({ PutRequest: { Item } })) } },
                out: { UnprocessedItems: {} } };
const isAll = (Items) => JSON.stringify(Items.map((i) => i.pk.S).sort()) === JSON.stringify(names);

function scan(name, input, out) {
  return { name: `scan: ${name}`, steps: [given, { op: "Scan",
      in: { TableName: "scan", ConsistentRead: true, ...input }, out }] };
}

function refused(name, input, error, more = {}) {
  return { name: `scan: ${name}`, op: "Scan", in: { TableName: "scan", ...input }, ...more,
           error: error.name ? error : ve(error) };
}

const unsure = { unconfirmed: true };
const whole = { Count: 24, ScannedCount: 24, Items: isAll };

const simple = [
  scan("everything", {}, whole),
  scan("a count", { Select: "COUNT" }, { Count: 24, ScannedCount: 24 }),
  scan("a limit", { Limit: 5 }, { Count: 5, ScannedCount: 5, Items: (l) => l.length === 5,
                                  LastEvaluatedKey: (k) => k.pk.S }),
  scan("a limit beyond what is there has no last key", { Limit: 25 }, whole),
  scan("a count with a limit", { Limit: 5, Select: "COUNT" }, { Count: 5, ScannedCount: 5,
      LastEvaluatedKey: (k) => k.pk.S }),
  scan("the page that ends with the last item has a last key", { Limit: 24 },
       { ...whole, LastEvaluatedKey: (k) => k.pk.S }),
  scan("a limit counts before the filter", { Limit: 24, FilterExpression: "v = :v",
                                             ExpressionAttributeValues: { ":v": N(3) } },
       { Count: 1, ScannedCount: 24, Items: [items[3]], LastEvaluatedKey: (k) => k.pk.S }),
  scan("a filter", { FilterExpression: "v < :v", ExpressionAttributeValues: { ":v": N(1) } },
       { Count: 1, ScannedCount: 24, Items: [items[0]] }),
  scan("a start key need not be there", { ExclusiveStartKey: { pk: S("nothing") } },
       { Count: (n) => n <= 24, ScannedCount: (n) => n <= 24, Items: (l) => l.length <= 24 }),
  { name: "scan: a table without items", op: "Scan", in: { TableName: "scan-empty" },
    out: { Count: 0, ScannedCount: 0, Items: [] } },
  { name: "scan: a segment of a table without items", op: "Scan",
    in: { TableName: "scan-empty", Segment: 1, TotalSegments: 3 }, out: { Count: 0, ScannedCount: 0, Items: [] } },
  { name: "scan: a limit on a table without items has no last key", op: "Scan",
    in: { TableName: "scan-empty", Limit: 1 },
    out: { Count: 0, ScannedCount: 0, Items: [] } },
  scan("one segment of one is all", { Segment: 0, TotalSegments: 1 }, whole),
];

// --- pages and segments, put together -----------------------------------------------------------------------------

async function scanned(input) {
  const all = [];
  for (let ExclusiveStartKey; ;) {
    const { out, error } = await send({ op: "Scan", in: { ConsistentRead: true, ...input, ExclusiveStartKey } });
    assert.equal(error, undefined);
    all.push(out);
    ExclusiveStartKey = out.LastEvaluatedKey;
    if (!ExclusiveStartKey)
      return all;
  }
}

const keysOf = (pages) => pages.flatMap((p) => p.Items.map((i) => i.pk.S));

function run(name, check, more = {}) {
  return { name: `scan: ${name}`, ...more, run: async () => {
    assert.equal((await send(given)).error, undefined);
    await check();
  } };
}

const segments = (TotalSegments, more = {}) => Promise.all(Array.from({ length: TotalSegments }, (_, Segment) =>
  scanned({ TableName: "scan", Segment, TotalSegments, ...more })));

const walks = [
  ...[1, 5, 23].map((Limit) => run(`every item comes once in pages of ${Limit}`, async () =>
    assert.deepEqual(keysOf(await scanned({ TableName: "scan", Limit })).sort(), names))),
  run("pages have as many items as their limit", async () =>
    assert.deepEqual((await scanned({ TableName: "scan", Limit: 7 })).map((p) => p.Count), [7, 7, 7, 3])),
  run("the order is the same each time", async () =>
    assert.deepEqual(keysOf(await scanned({ TableName: "scan" })),
                     keysOf(await scanned({ TableName: "scan", Limit: 3 })))),
  run("the last key is that of the page's last item", async () => {
    for (const p of (await scanned({ TableName: "scan", Limit: 10 })).slice(0, -1))
      assert.deepEqual(p.LastEvaluatedKey, { pk: p.Items.at(-1).pk });
  }),
  run("a filter thins pages, and loses nothing", async () => {
    const all = await scanned({ TableName: "scan", Limit: 10, FilterExpression: "v >= :v",
                                ExpressionAttributeValues: { ":v": N(12) } });
    assert.deepEqual(all.map((p) => p.ScannedCount), [10, 10, 4]);
    assert.equal(keysOf(all).length, 12);
  }),
  ...[2, 3, 4, 7, 16].map((n) => run(`each item is in one of ${n} segments`, async () =>
    assert.deepEqual((await segments(n)).flatMap(keysOf).sort(), names))),
  run("each item is in one segment, in pages of 2 of 3 segments", async () =>
    assert.deepEqual((await segments(3, { Limit: 2 })).flatMap(keysOf).sort(), names)),
  run("segments with a filter", async () =>
    assert.deepEqual((await segments(3, { FilterExpression: "v < :v", ExpressionAttributeValues: { ":v": N(2) } }))
                       .flatMap(keysOf).sort(), ["item 0", "item 1"])),
  run("segments count", async () =>
    assert.equal((await segments(5, { Select: "COUNT" })).flat().reduce((n, p) => n + p.Count, 0), 24)),
  run("the last of a million segments", async () =>
    assert.ok((await scanned({ TableName: "scan", Segment: 999999, TotalSegments: 1000000 })).length >= 1)),
  { name: "scan: what has one partition key stays together, in the order of the sort key", run: async () => {
    const put = [3, 1, 2].flatMap((pk) => [30, -1, 7].map((sk) => ({ PutRequest: { Item: { pk: N(pk),
        sk: N(sk) } } })));
    await send({ op: "BatchWriteItem", in: { RequestItems: { "scan-n": put } } });
    const [{ Items }] = await scanned({ TableName: "scan-n" });
    assert.equal(Items.length, 9);
    for (let i = 0; i < 9; i += 3) {
      assert.deepEqual(Items.slice(i, i + 3).map((v) => v.sk.N), ["-1", "7", "30"]);
      assert.equal(new Set(Items.slice(i, i + 3).map((v) => v.pk.N)).size, 1);
    }
  } },
  { name: "scan: pages of 1 MB over all partitions", ...unsure, run: async () => {
    const x = S("x".repeat(300000));
    for (let i = 0; i < 7; i++)
      await send({ op: "PutItem", in: { TableName: "scan-large", Item: { pk: S(`${i}`), x } } });
    const all = await scanned({ TableName: "scan-large" });
    assert.deepEqual(all.map((p) => p.Count), [4, 3]);
    assert.deepEqual(keysOf(all).sort(), ["0", "1", "2", "3", "4", "5", "6"]);
  } },
];

// --- mistakes -----------------------------------------------------------------------------------------------------

const START = "The provided starting key is invalid: ";
const SCHEMA = `${START}The provided key element does not match the schema`;
const mistakes = [
  refused("Segment alone", { Segment: 0 }, "The TotalSegments parameter is required but was not present in the " +
          "request when Segment parameter is present"),
  refused("TotalSegments alone", { TotalSegments: 2 }, "The Segment parameter is required but was not present in the " +
          "request when parameter TotalSegments is present"),
  ...[[2, 2], [5, 2], [999999, 1]].map(([Segment, TotalSegments]) =>
    refused(`Segment ${Segment} of ${TotalSegments}`, { Segment, TotalSegments },
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: " +
            `Segment: ${Segment} is not less than TotalSegments: ${TotalSegments}`)),
  refused("Segment below 0", { Segment: -1, TotalSegments: 2 }, constraint("-1", "segment", valueAtLeast(0))),
  refused("Segment of a million", { Segment: 1000000, TotalSegments: 1000000 },
          constraint("1000000", "segment", valueAtMost(999999))),
  refused("TotalSegments of 0", { Segment: 0, TotalSegments: 0 }, constraint("0", "totalSegments", valueAtLeast(1))),
  refused("TotalSegments beyond a million", { Segment: 0, TotalSegments: 1000001 },
          constraint("1000001", "totalSegments", valueAtMost(1000000))),
  refused("a limit of 0", { Limit: 0 }, constraint("0", "limit", valueAtLeast(1))),
  refused("a limit below 0", { Limit: -5 }, constraint("-5", "limit", valueAtLeast(1))),
  refused("limits are told together", { Limit: 0, Segment: -1, TotalSegments: 0 },
          constraints(bad("0", "limit", valueAtLeast(1)), bad("-1", "segment", valueAtLeast(0)),
                      bad("0", "totalSegments", valueAtLeast(1)))),
  refused("no table", { TableName: undefined }, constraint(null, "tableName", notNull)),
  refused("a table's name of other characters", { TableName: "a?" }, constraint("a?", "tableName", pattern)),
  refused("a table that is not there", { TableName: "none-of-these" },
          { name: "ResourceNotFoundException", message: "Requested resource not found" }),
  refused("an index's name of one character", { IndexName: "a" }, constraint("a", "indexName", lengthAtLeast(3))),
  refused("a start key of other attributes", { ExclusiveStartKey: { a: S("b") } }, SCHEMA),
  refused("a start key with another attribute", { ExclusiveStartKey: { pk: S("a"), v: N(1) } }, SCHEMA),
  refused("a start key of another type", { ExclusiveStartKey: { pk: N(1) } }, SCHEMA),
  refused("a start key without the sort key", { TableName: "scan-n", ExclusiveStartKey: { pk: N(1) } }, SCHEMA),
  refused("a start key of another segment",
          { Segment: 0, TotalSegments: 1000000, ExclusiveStartKey: { pk: S("item 1") } },
          `${START}Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. ` +
          "TotalSegments: 1000000 Segment: 0"),
  refused("an empty start key", { ExclusiveStartKey: {} }, SCHEMA, unsure),
  refused("an empty string in a start key", { ExclusiveStartKey: { pk: S("") } },
          /^The provided starting key is invalid/,
          unsure),
  refused("segments are looked at before the table", { TableName: "none-of-these", Segment: 3, TotalSegments: 2 },
          /^The Segment parameter is zero-based/),
  refused("limits are looked at before segments", { Limit: 0, Segment: 3, TotalSegments: 2 },
          constraint("0", "limit", valueAtLeast(1))),
  refused("expressions are looked at before the table", { TableName: "none-of-these", FilterExpression: "(" },
          /^Invalid FilterExpression: Syntax error; token: "<EOF>"/),
  refused("the table is looked at before the start key", { TableName: "none-of-these",
      ExclusiveStartKey: { a: S("b") } },
          { name: "ResourceNotFoundException", message: "Requested resource not found" }),
];

export const cases = [...simple, ...walks, ...mistakes];
