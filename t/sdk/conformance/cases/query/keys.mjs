// Query: what key conditions find, on sort keys of every type, in both directions.  Strings and binaries are ordered by
// their bytes, numbers by value: the developer guide, "Key condition expressions for the Query operation".
import { B, N, S, keys } from "../../tables.mjs";

export const tables = { "query-n": keys("pk", "S", "sk", "N"), "query-b": keys("pk", "S", "sk", "B") };

// Each list ascends; `other` lies between the third and the fourth, `prefix` is what those in `begun` begin with.
const kinds = [
  { kind: "S", table: "both", list: ["A", "a", "aa", "ab", "b", "zz", "é"].map(S), other: S("aaa"),
    prefix: S("a"), begun: [1, 4] },
  { kind: "N", table: "query-n", list: [-100, -1.5, 0, 0.001, 2, 10, 1000].map(N), other: N("1e-5") },
  { kind: "B", table: "query-b", list: [[0], [1], [1, 0], [1, 255], [2], [127], [128]].map((b) => B(...b)),
    other: B(1, 1), prefix: B(1), begun: [1, 4] },
];

// Condition, its :a and :b (-1: other), and which of the list are found: from, up to but without.
const conditions = [
  ["sk = :a", 2, null, 2, 3], ["sk = :a", -1, null, 0, 0, "what is not there"],
  ["sk < :a", 2, null, 0, 2], ["sk < :a", -1, null, 0, 3, "what is not there"], ["sk < :a", 0, null, 0, 0, "the first"],
  ["sk <= :a", 2, null, 0, 3], ["sk <= :a", 6, null, 0, 7, "the last"],
  ["sk > :a", 2, null, 3, 7], ["sk > :a", -1, null, 3, 7, "what is not there"], ["sk > :a", 6, null, 7, 7, "the last"],
  ["sk >= :a", 2, null, 2, 7], ["sk >= :a", 0, null, 0, 7, "the first"],
  ["sk BETWEEN :a AND :b", 2, 4, 2, 5], ["sk BETWEEN :a AND :b", 2, 2, 2, 3, "equal bounds"],
  ["sk BETWEEN :a AND :b", 1, -1, 1, 3, "a bound that is not there"],
];

// One put is enough for all cases of a kind: the items are the same each time.
const stored = ({ kind, list }) => [6, 2, 4, 0, 5, 1, 3].map((i) => ({ pk: S(`keys-${kind}`), sk: list[i] }));

function query(kind, text, values, from, to, more) {
  const found = kind.list.slice(from, to).map((sk) => ({ pk: S(`keys-${kind.kind}`), sk }));
  return [true, false].map((ScanIndexForward) => ({
    name: `query: ${kind.kind}, ${text}${more ? `, ${more}` : ""}, ${ScanIndexForward ? "forwards" : "backwards"}`,
    op: "Query", table: kind.table, given: stored(kind),
    in: { KeyConditionExpression: text ? `pk = :p AND ${text}` : "pk = :p", ScanIndexForward, ConsistentRead: true,
          ExpressionAttributeValues: { ":p": S(`keys-${kind.kind}`), ...values } },
    out: { Count: to - from, ScannedCount: to - from, Items: ScanIndexForward ? found : found.toReversed() },
  }));
}

function ofKind(kind) {
  const at = (i) => (i < 0 ? kind.other : kind.list[i]);
  const all = conditions.flatMap(([text, a, b, from, to, more]) =>
    query(kind, text, { ":a": at(a), ...(b === null ? {} : { ":b": at(b) }) }, from, to, more));
  all.push(...query(kind, "", {}, 0, 7, "all of a partition key"));
  if (kind.prefix)
    all.push(...query(kind, "begins_with(sk, :a)", { ":a": kind.prefix }, ...kind.begun));
  return all;
}

const three = ["1", "2", "3"].map((s) => ({ pk: S("$K"), sk: S(s) }));
const one = (name, KeyConditionExpression, wanted, more = {}) => ({
  name: `query: ${name}`, op: "Query", table: "both", given: three,
  in: { KeyConditionExpression, ConsistentRead: true, ...more,
        ExpressionAttributeValues: { ":p": S("$K"), ":s": S("2") } },
  out: { Count: wanted.length, ScannedCount: wanted.length, Items: wanted.map((i) => three[i]) },
});
const number = (name, values, Items) => ({
  name: `query: ${name}`, op: "Query", table: "number",
  given: [{ pk: N("$N"), sk: N("1") }, { pk: N("$N"), sk: N("-20") }],
  in: { KeyConditionExpression: "pk = :p AND sk <= :s", ExpressionAttributeValues: values, ConsistentRead: true },
  out: { Count: Items.length, ScannedCount: Items.length, Items },
});
const binary = (name, text, values, found) => ({
  name: `query: ${name}`, op: "Query", table: "binary",
  given: [[], [255], [255, 255], [255, 255, 0]].filter((b) => b.length).map((b) => ({ pk: B(9, 9, 9), sk: B(...b) })),
  in: { KeyConditionExpression: text, ConsistentRead: true,
        ExpressionAttributeValues: { ":p": B(9, 9, 9), ...values } },
  out: { Count: found.length, ScannedCount: found.length, Items: found.map((b) => ({ pk: B(9, 9, 9), sk: B(...b) })) },
});

export const cases = [
  ...kinds.flatMap(ofKind),
  one("the sort key's condition may come first", "sk = :s AND pk = :p", [1]),
  one("conditions may stand in parentheses", "(pk = :p) AND (sk >= :s)", [1, 2]),
  one("the whole may stand in parentheses", "(pk = :p AND sk >= :s)", [1, 2]),
  one("AND may be written small", "pk = :p and sk >= :s", [1, 2]),
  one("BETWEEN may be written small", "pk = :p AND sk between :s AnD :s", [1]),
  one("blanks do not matter", " pk=:p \t AND\nsk  >  :s ", [2]),
  one("names may be substituted", "#p = :p AND #s < :s", [0], { ExpressionAttributeNames: { "#p": "pk", "#s": "sk" } }),
  one("one name may have two substitutes", "#p = :p AND #s < :s", [0],
      { ExpressionAttributeNames: { "#p": "pk", "#s": "sk", "#k": "pk" }, ProjectionExpression: "#k, sk" }),
  { name: "query: a partition key that is not there has no items", op: "Query",
    in: { KeyConditionExpression: "pk = :p", ExpressionAttributeValues: { ":p": S("$K") } },
    out: { Count: 0, ScannedCount: 0, Items: [] } },
  { name: "query: a table without sort key has one item for a key", op: "Query", given: [{ pk: S("$K"), v: N(1) }],
    in: { KeyConditionExpression: "pk = :p", ConsistentRead: true, ExpressionAttributeValues: { ":p": S("$K") } },
    out: { Count: 1, ScannedCount: 1, Items: [{ pk: S("$K"), v: N(1) }] } },
  { name: "query: keys are told apart from those that begin with them", op: "Query", table: "both",
    given: [{ pk: S("$K"), sk: S("a") }, { pk: S("$Kx"), sk: S("b") }, { pk: S("x$K"), sk: S("c") }],
    in: { KeyConditionExpression: "pk = :p", ConsistentRead: true, ExpressionAttributeValues: { ":p": S("$K") } },
    out: { Count: 1, ScannedCount: 1, Items: [{ pk: S("$K"), sk: S("a") }] } },
  { name: "query: what is deleted is not found", table: "both", steps: [
    ...three.map((Item) => ({ op: "PutItem", in: { TableName: "both", Item } })),
    { op: "DeleteItem", table: "both", in: { Key: three[1] } },
    { op: "Query", table: "both", in: { KeyConditionExpression: "pk = :p", ConsistentRead: true,
                                        ExpressionAttributeValues: { ":p": S("$K") } },
      out: { Count: 2, ScannedCount: 2, Items: [three[0], three[2]] } }] },
  number("numbers are keys by value: 1.0 and 1", { ":p": N("$N.0"), ":s": N("1.00") },
         [{ pk: N("$N"), sk: N(-20) }, { pk: N("$N"), sk: N(1) }]),
  number("numbers are keys by value: exponents", { ":p": N("$N0e-1"), ":s": N("-2e1") }, [{ pk: N("$N"), sk: N(-20) }]),
  binary("bytes 255 have nothing behind them: begins_with", "pk = :p AND begins_with(sk, :s)", { ":s": B(255) },
         [[255], [255, 255], [255, 255, 0]]),
  binary("bytes 255 have nothing behind them: >", "pk = :p AND sk > :s", { ":s": B(255, 255) }, [[255, 255, 0]]),
  binary("bytes 255 have nothing behind them: begins_with two", "pk = :p AND begins_with(sk, :s)",
         { ":s": B(255, 255) },
         [[255, 255], [255, 255, 0]]),
];
