// Query: Limit, LastEvaluatedKey, ExclusiveStartKey and pages of 1 MB.  API reference, Query; the developer guide,
// "Paginating table query results".
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { N, S, ve } from "../../tables.mjs";
import { among, bad, constraint, constraints, pattern, valueAtLeast } from "../../words.mjs";

const items = ["a", "b", "c", "d"].map((s, i) => ({ pk: S("pages"), sk: S(s), v: N(i) }));
const key = (i) => ({ pk: items[i].pk, sk: items[i].sk });
const start = (sk, pk = "pages") => ({ pk: S(pk), sk: S(sk) });

// What is found by a condition on sk, and where the page ends (an index, or null).
function page(name, text, values, more, found, last, scanned = found.length) {
  const { unconfirmed, ...members } = more;
  return { name: `pages: ${name}`, op: "Query", table: "both", given: items, ...(unconfirmed ? { unconfirmed } : {}),
           in: { KeyConditionExpression: text ? `pk = :p AND ${text}` : "pk = :p", ConsistentRead: true, ...members,
                 ExpressionAttributeValues: { ":p": S("pages"), ...values } },
           out: { Count: found.length, ScannedCount: scanned, Items: found.map((i) => items[i]),
                  LastEvaluatedKey: last === null ? undefined : key(last) } };
}

function refused(name, text, values, ExclusiveStartKey, message, more = {}) {
  const { table = "both", pk = S("pages"), unconfirmed, ...members } = more;
  return { name: `pages: ${name}`, op: "Query", table, ...(unconfirmed ? { unconfirmed } : {}),
           in: { KeyConditionExpression: text ? `pk = :p AND ${text}` : "pk = :p", ExclusiveStartKey,
                 ExpressionAttributeValues: { ":p": pk, ...values }, ...members },
           error: ve(message) };
}

const back = { ScanIndexForward: false };
const odd = { FilterExpression: "v = :one OR v = :three" }, oddValues = { ":one": N(1), ":three": N(3) };
const none = { FilterExpression: "v > :n" }, noneValues = { ":n": N(100) };
const unsure = { unconfirmed: true };

const limits = [
  page("all that there is has no last key", "", {}, {}, [0, 1, 2, 3], null),
  page("a limit beyond what is there has no last key", "", {}, { Limit: 5 }, [0, 1, 2, 3], null),
  page("a limit ends the page", "", {}, { Limit: 1 }, [0], 0),
  page("a limit ends the page backwards", "", {}, { Limit: 3, ...back }, [3, 2, 1], 1),
  page("a page that ends with the last item has a last key", "", {}, { Limit: 4 }, [0, 1, 2, 3], 3),
  page("a page that ends with the first item backwards has one too", "", {}, { Limit: 4, ...back }, [3, 2, 1, 0], 0),
  page("a limit within a range", "sk > :a", { ":a": S("a") }, { Limit: 2 }, [1, 2], 2),
  page("a range that ends before the limit has no last key", "sk < :a", { ":a": S("c") }, { Limit: 3 }, [0, 1], null),
  page("one item at most has no last key", "sk = :a", { ":a": S("b") }, { Limit: 1 }, [1], null, 1),
  page("where nothing can follow there is no last key: <=", "sk <= :a", { ":a": S("b") }, { Limit: 2, ...unsure },
       [0, 1], null),
  page("where nothing can follow there is no last key: BETWEEN", "sk BETWEEN :a AND :b",
       { ":a": S("b"), ":b": S("d") }, { Limit: 3, ...unsure }, [1, 2, 3], null),
  page("where nothing can follow there is no last key: >= backwards", "sk >= :a", { ":a": S("c") },
       { Limit: 2, ...back, ...unsure }, [3, 2], null),
  page("a limit counts before the filter", "", oddValues, { Limit: 2, ...odd }, [1], 1, 2),
  page("a page of which the filter leaves nothing has a last key", "", noneValues, { Limit: 2, ...none }, [], 1, 2),
  page("a filter on all", "", oddValues, odd, [1, 3], null, 4),
  page("a filter backwards", "", oddValues, { ...odd, ...back }, [3, 1], null, 4),
  page("a filter that leaves nothing", "", noneValues, none, [], null, 4),
  page("a limit beyond, with a filter", "", oddValues, { Limit: 10, ...odd }, [1, 3], null, 4),
];

const starts = [
  page("it goes on behind the start key", "", {}, { ExclusiveStartKey: start("b") }, [2, 3], null),
  page("it goes on in front of the start key backwards", "", {}, { ExclusiveStartKey: start("c"), ...back }, [1, 0],
       null),
  page("a start key need not be there", "", {}, { ExclusiveStartKey: start("bb") }, [2, 3], null),
  page("a start key need not be there, backwards", "", {}, { ExclusiveStartKey: start("bb"), ...back }, [1, 0], null),
  page("a start key behind all", "", {}, { ExclusiveStartKey: start("z") }, [], null),
  page("a start key in front of all, backwards", "", {}, { ExclusiveStartKey: start("A"), ...back }, [], null),
  page("a start key in front of all", "", {}, { ExclusiveStartKey: start("A") }, [0, 1, 2, 3], null),
  page("a start key and a limit", "", {}, { ExclusiveStartKey: start("a"), Limit: 2 }, [1, 2], 2),
  page("a start key within the range", "sk BETWEEN :a AND :b", { ":a": S("a"), ":b": S("c") },
       { ExclusiveStartKey: start("b") }, [2], null),
  page("the range's own first key as start key", "sk >= :a", { ":a": S("b") }, { ExclusiveStartKey: start("b") },
       [2, 3],
       null),
  page("the range's own last key as start key, backwards", "sk <= :a", { ":a": S("c") },
       { ExclusiveStartKey: start("c"), ...back }, [1, 0], null),
  page("a start key within a prefix", "begins_with(sk, :a)", { ":a": S("c") }, { ExclusiveStartKey: start("c") }, [],
       null),
];

const INVALID = "The provided starting key is invalid";
const OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions";
const PREDICATE = "The provided starting key does not match the range key predicate";
const ONE = "The query can return at most one row and cannot be restarted";
const mistakes = [
  refused("a start key without the sort key", "", {}, { pk: S("pages") }, INVALID),
  refused("a start key without the partition key", "", {}, { sk: S("a") }, INVALID),
  refused("a start key with another attribute", "", {}, { ...start("a"), v: N(1) }, INVALID),
  refused("a start key of other attributes", "", {}, { a: S("pages"), b: S("a") }, INVALID),
  refused("a start key of another type: partition key", "", {}, { pk: N(1), sk: S("a") }, INVALID),
  refused("a start key of another type: sort key", "", {}, { pk: S("pages"), sk: N(1) }, INVALID),
  refused("a start key of another partition key", "", {}, start("a", "other"), OUTSIDE),
  refused("a start key of another partition key, with a range", "sk > :a", { ":a": S("a") }, start("b", "other"),
          OUTSIDE),
  refused("a start key in front of the range", "sk >= :a", { ":a": S("b") }, start("a"), PREDICATE),
  refused("a start key in front of the range: >", "sk > :a", { ":a": S("b") }, start("a"), PREDICATE),
  refused("a start key behind the range", "sk < :a", { ":a": S("b") }, start("c"), PREDICATE),
  refused("a start key behind the range: <=", "sk <= :a", { ":a": S("b") }, start("c"), PREDICATE),
  refused("a start key outside BETWEEN", "sk BETWEEN :a AND :b", { ":a": S("b"), ":b": S("c") }, start("d"), PREDICATE),
  refused("a start key without the prefix", "begins_with(sk, :a)", { ":a": S("b") }, start("c"), PREDICATE),
  refused("the range's first key as start key, backwards", "sk >= :a", { ":a": S("b") }, start("b"), PREDICATE, back),
  refused("the range's last key as start key", "sk <= :a", { ":a": S("b") }, start("b"), PREDICATE, unsure),
  refused("one item at most", "sk = :a", { ":a": S("b") }, start("b"), ONE),
  refused("one item at most, of a table without sort key", "", {}, { pk: S("pages") }, ONE, { table: "hash" }),
  refused("a start key with an empty string", "", {}, start(""), /^The provided starting key is invalid/, unsure),
];

const wrong = (name, more, error) => ({ name: `pages: ${name}`, op: "Query", table: "both", error,
  in: { KeyConditionExpression: "pk = :p", ExpressionAttributeValues: { ":p": S("x") }, ...more } });
const select = among("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES");
const capacity = among("INDEXES", "TOTAL", "NONE");
const members = [
  wrong("a limit of 0", { Limit: 0 },
        ve(`1 validation error detected: Value at 'Limit' failed to satisfy constraint: ${valueAtLeast(1)}`)),
  wrong("a limit below 0", { Limit: -1 },
        ve(`1 validation error detected: Value at 'Limit' failed to satisfy constraint: ${valueAtLeast(1)}`)),
  wrong("a Select of no meaning", { Select: "ALL" }, constraint("ALL", "select", select)),
  wrong("a Select in small letters", { Select: "count" }, constraint("count", "select", select)),
  wrong("a ReturnConsumedCapacity of no meaning", { ReturnConsumedCapacity: "total" },
        constraint("total", "returnConsumedCapacity", capacity)),
  { ...wrong("several at once are told together", { Select: "x", ReturnConsumedCapacity: "y", IndexName: "a b" },
             constraints(bad("x", "select", select), bad("y", "returnConsumedCapacity", capacity),
                         bad("a b", "indexName", pattern))), unconfirmed: true },
];

// --- pages one after another --------------------------------------------------------------------------------------

async function pages(input) {
  const all = [];
  for (let ExclusiveStartKey; ;) {
    const { out, error } = await send({ op: "Query", in: { ...input, ExclusiveStartKey } });
    assert.equal(error, undefined);
    all.push(out);
    ExclusiveStartKey = out.LastEvaluatedKey;
    if (!ExclusiveStartKey)
      return all;
  }
}

async function put(all) {
  const answers = await Promise.all(all.map((Item) => send({ op: "PutItem", in: { TableName: "both", Item } })));
  assert.deepEqual(answers, all.map(() => ({ out: {} })));
}

function walk(name, n, input, check) {
  return { name: `pages: ${name}`, run: async ({ key: k }) => {
    await put(Array.from({ length: n }, (_, i) => ({ pk: S(k), sk: S(String(i).padStart(3, "0")), v: N(i) })));
    const values = { ":p": S(k), ...input.ExpressionAttributeValues };
    check(await pages({ TableName: "both", KeyConditionExpression: "pk = :p", ConsistentRead: true, ...input,
                        ExpressionAttributeValues: values }));
  } };
}

const numbers = (all) => all.flatMap((p) => p.Items.map((i) => Number(i.v.N)));
const upTo = (n) => Array.from({ length: n }, (_, i) => i);
const large = "x".repeat(300000);

function megabyte(name, input, check) {
  return { name: `pages: 1 MB: ${name}`, run: async ({ key: k }) => {
    await put(upTo(5).map((i) => ({ pk: S(k), sk: S(String(i)), v: N(i), x: S(large) })));
    check(await pages({ TableName: "both", KeyConditionExpression: "pk = :p", ConsistentRead: true, ...input,
                        ExpressionAttributeValues: { ":p": S(k), ...input.ExpressionAttributeValues } }));
  } };
}

const walks = [
  ...[1, 2, 3, 7].map((Limit) => walk(`every item comes once, by ${Limit}`, 12, { Limit }, (all) => {
    assert.deepEqual(numbers(all), upTo(12));
    assert.equal(all.length, Math.floor(12 / Limit) + 1);
  })),
  walk("every item comes once backwards", 12, { Limit: 5, ScanIndexForward: false }, (all) =>
    assert.deepEqual(numbers(all), upTo(12).reverse())),
  walk("every item comes once through a filter", 12,
       { Limit: 5, FilterExpression: "v > :v", ExpressionAttributeValues: { ":v": N(8) } }, (all) => {
         assert.deepEqual(numbers(all), [9, 10, 11]);
         assert.deepEqual(all.map((p) => [p.Count, p.ScannedCount]), [[0, 5], [1, 5], [2, 2]]);
       }),
  walk("counts add up", 12, { Limit: 5, Select: "COUNT" }, (all) => {
    assert.deepEqual(all.map((p) => [p.Count, p.ScannedCount, p.Items]),
                     [[5, 5, undefined], [5, 5, undefined], [2, 2, undefined]]);
    assert.deepEqual(all.map((p) => p.LastEvaluatedKey?.sk), [S("004"), S("009"), undefined]);
  }),
  walk("counts through a filter add up", 12,
       { Limit: 5, Select: "COUNT", FilterExpression: "v > :v", ExpressionAttributeValues: { ":v": N(8) } }, (all) =>
         assert.deepEqual(all.map((p) => [p.Count, p.ScannedCount]), [[0, 5], [1, 5], [2, 2]])),
  walk("the last key is there though it is not projected", 3, { Limit: 2, ProjectionExpression: "v" }, (all) => {
    assert.deepEqual(all[0].Items, [{ v: N(0) }, { v: N(1) }]);
    assert.deepEqual(Object.keys(all[0].LastEvaluatedKey).sort(), ["pk", "sk"]);
  }),
  megabyte("the item that crosses the border is the page's last", {}, (all) =>
    assert.deepEqual(all.map((p) => [p.Count, p.ScannedCount, p.LastEvaluatedKey?.sk]),
                     [[4, 4, S("3")], [1, 1, undefined]])),
  megabyte("backwards", { ScanIndexForward: false }, (all) =>
    assert.deepEqual(all.map((p) => [p.Count, p.LastEvaluatedKey?.sk]), [[4, S("1")], [1, undefined]])),
  megabyte("what is read counts, not what is answered", { ProjectionExpression: "v" }, (all) =>
    assert.deepEqual(all.map((p) => p.Items), [[0, 1, 2, 3].map((i) => ({ v: N(i) })), [{ v: N(4) }]])),
  megabyte("what is read counts, not what the filter leaves",
           { FilterExpression: "v = :v", ExpressionAttributeValues: { ":v": N(4) } }, (all) =>
    assert.deepEqual(all.map((p) => [p.Count, p.ScannedCount]), [[0, 4], [1, 1]])),
  megabyte("a count reads as much", { Select: "COUNT" }, (all) =>
    assert.deepEqual(all.map((p) => [p.Count, p.ScannedCount]), [[4, 4], [1, 1]])),
  megabyte("a limit may end the page before", { Limit: 2 }, (all) =>
    assert.deepEqual(all.map((p) => p.Count), [2, 2, 1])),
  megabyte("the border may end the page before the limit", { Limit: 5 }, (all) =>
    assert.deepEqual(all.map((p) => p.Count), [4, 1])),
].map((c) => (c.name.includes("1 MB") ? { ...c, unconfirmed: true } : c));

export const cases = [...limits, ...starts, ...mistakes, ...members, ...walks];
