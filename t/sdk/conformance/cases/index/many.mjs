// Global secondary indexes whose keys have several attributes: all those of the partition key by =, those of the sort key
// from the left, the last one by any operator.  The developer guide, "Multi-attribute keys pattern".
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { index, indexed } from "../../indexes.mjs";
import { N, OPV, S, ve } from "../../tables.mjs";

export const tables = {
  "index-many": indexed({ a: "S", b: "N", c: "S", d: "S", e: "S", f: "N", g: "S", i: "S" }, undefined,
                        [index("two", ["a", "b"], ["e", "f"]), index("four", ["a", "b", "c", "d"], ["e", "f", "g", "i"]),
                         index("hashes", ["a", "b"], undefined, "KEYS_ONLY")]),
};

const item = (e, f, more = {}) => ({ pk: S("$K"), sk: S(`${e}${f}`), a: S("$K"), b: N(1), c: S("c"), d: S("d"), e: S(e), f: N(f),
                                     g: S("g"), i: S("i"), ...more });
const items = ["x", "xy", "y"].flatMap((e) => [-1, 2, 10].map((f) => item(e, f)));
const values = { ":a": S("$K"), ":b": N(1), ":c": S("c"), ":d": S("d"), ":e": S("x"), ":f": N(2), ":g": S("g"), ":i": S("i"),
                 ":y": S("y"), ":n": N(10) };

function used(text) {
  return Object.fromEntries(Object.entries(values).filter(([k]) => new RegExp(`${k}\\b`).test(text)));
}

const query = (IndexName, KeyConditionExpression) => ({ IndexName, KeyConditionExpression,
                                                        ExpressionAttributeValues: used(KeyConditionExpression) });
const finds = (IndexName, text, found) => ({
  name: `index: many attributes, ${IndexName}: ${text}`, op: "Query", table: "index-many", given: items, eventually: true,
  in: query(IndexName, text),
  out: { Count: found.length, ScannedCount: found.length, Items: found.map((i) => items[i]) },
});
const refused = (IndexName, text, error, more = {}) => ({
  name: `index: many attributes, ${IndexName}, refused: ${text}`, op: "Query", table: "index-many", error: ve(error), ...more,
  in: query(IndexName, text),
});

const eq = (ComparisonOperator, v) => ({ ComparisonOperator, AttributeValueList: [v] });
const AB = "a = :a AND b = :b", ABCD = `${AB} AND c = :c AND d = :d`;
const UNSUPPORTED = "Query key condition not supported", unsure = { unconfirmed: true };
const missed = (name) => `Query condition missed key schema element: ${name}`;

const found = [
  finds("two", AB, [0, 1, 2, 3, 4, 5, 6, 7, 8]), finds("two", `b = :b AND a = :a`, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
  finds("two", `${AB} AND e = :e`, [0, 1, 2]), finds("two", `${AB} AND e > :e`, [3, 4, 5, 6, 7, 8]),
  finds("two", `${AB} AND e < :y`, [0, 1, 2, 3, 4, 5]), finds("two", `${AB} AND begins_with(e, :e)`, [0, 1, 2, 3, 4, 5]),
  finds("two", `${AB} AND e BETWEEN :e AND :y`, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
  finds("two", `${AB} AND e = :e AND f = :f`, [1]), finds("two", `${AB} AND e = :e AND f < :f`, [0]),
  finds("two", `${AB} AND e = :y AND f >= :f`, [7, 8]), finds("two", `f <= :f AND e = :y AND b = :b AND a = :a`, [6, 7]),
  finds("two", `${AB} AND e = :e AND f BETWEEN :f AND :n`, [1, 2]),
  finds("four", ABCD, [0, 1, 2, 3, 4, 5, 6, 7, 8]), finds("four", `${ABCD} AND e = :e AND f = :f AND g = :g AND i = :i`, [1]),
  finds("four", `${ABCD} AND e = :e AND f = :f AND g = :g AND begins_with(i, :i)`, [1]),
  finds("four", `${ABCD} AND e = :e AND f = :f AND g > :g`, []),
  { name: "index: many attributes, hashes: all have one place", op: "Query", table: "index-many", given: items.slice(0, 1),
    eventually: true, in: query("hashes", AB),
    out: { Count: 1, ScannedCount: 1, Items: [{ pk: S("$K"), sk: S("x-1"), a: S("$K"), b: N(1) }] } },
  { name: "index: many attributes, by KeyConditions", op: "Query", table: "index-many", given: items, eventually: true,
    in: { IndexName: "two", KeyConditions: { a: eq("EQ", S("$K")), b: eq("EQ", N(1)), e: eq("EQ", S("x")),
                                             f: eq("GT", N(-1)) } },
    out: { Count: 2, ScannedCount: 2, Items: [items[1], items[2]] }, ...unsure },
];

const mistakes = [
  refused("two", "a = :a", missed("b")), refused("two", "b = :b", missed("a")),
  refused("four", `${AB} AND d = :d`, missed("c")),
  refused("two", `a = :a AND b > :b`, UNSUPPORTED), refused("two", `${AB} AND f = :f`, UNSUPPORTED, unsure),
  refused("two", `${AB} AND e > :e AND f = :f`, UNSUPPORTED, unsure),
  refused("two", `${AB} AND begins_with(e, :e) AND f = :f`, UNSUPPORTED, unsure),
  refused("four", `${ABCD} AND e = :e AND g = :g`, UNSUPPORTED, unsure),
  refused("two", `${AB} AND g = :g`, missed("e"), unsure), refused("hashes", `${AB} AND e = :e`, UNSUPPORTED, unsure),
  { name: "index: many attributes, the type of the second", op: "Query", table: "index-many",
    in: { IndexName: "two", KeyConditionExpression: AB, ExpressionAttributeValues: { ":a": S("$K"), ":b": S("1") } },
    error: ve(`${OPV}Condition parameter type does not match schema type`) },
];

const without = (o, name) => Object.fromEntries(Object.entries(o).filter(([n]) => n !== name));

// Without any one of the key's attributes an item is in no such index.
const sparse = ["a", "b", "e", "f"].map((name) => ({
  name: `index: many attributes, an item without ${name} is in no index with it`, table: "index-many", steps: [
    { op: "PutItem", table: "index-many", in: { Item: without(item("x", 1), name) } },
    { op: "PutItem", table: "index-many", in: { Item: item("y", 1) } },
    { op: "Query", table: "index-many", in: query("two", AB), eventually: true,
      out: { Count: 1, ScannedCount: 1, Items: [item("y", 1)] } }] }));

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

const walks = [true, false].map((ScanIndexForward) => ({
  name: `index: many attributes, page by page ${ScanIndexForward ? "forwards" : "backwards"}`, run: async ({ key: k }) => {
    const mine = items.map((i) => ({ ...i, pk: S(k), a: S(k) }));
    for (const Item of mine)
      await send({ op: "PutItem", in: { TableName: "index-many", Item } });
    const input = { TableName: "index-many", IndexName: "two", KeyConditionExpression: AB, ScanIndexForward,
                    ExpressionAttributeValues: { ":a": S(k), ":b": N(1) }, Limit: 4 };
    let all = await pages(input);
    for (let i = 0; i < 100 && all.flatMap((p) => p.Items).length < 9; i++)
      all = await pages(input);
    assert.deepEqual(all.flatMap((p) => p.Items), ScanIndexForward ? mine : mine.toReversed());
    const { pk, sk, a, b, e, f } = all[0].Items.at(-1);
    assert.deepEqual(all[0].LastEvaluatedKey, { pk, sk, a, b, e, f });
  } }));

export const cases = [...found, ...mistakes, ...sparse, ...walks];
