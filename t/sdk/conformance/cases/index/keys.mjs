// Query of secondary indexes: what key conditions find, on sort keys of every type, in expressions and in KeyConditions.
// The developer guide, "Local secondary indexes" and "Global secondary indexes".
import { index, indexed } from "../../indexes.mjs";
import { B, N, S } from "../../tables.mjs";

const types = ["s", "n", "b"];
export const tables = {
  "index-keys": indexed({ s: "S", n: "N", b: "B", h: "S" }, types.map((t) => index(`local-${t}`, "pk", t)),
                        types.map((t) => index(`global-${t}`, "h", t))),
};

// Each list ascends.
const lists = {
  s: ["A", "a", "aa", "ab", "b", "\u00e9"].map(S), n: [-100, -1.5, 0, 0.001, 2, 1000].map(N),
  b: [[0], [1], [1, 0], [1, 255], [2], [128]].map((b) => B(...b)),
};
const item = (t, i) => ({ pk: S(`keys-${t}`), sk: S(`x${5 - i}`), h: S(`keys-${t}`), [t]: lists[t][i] });
const given = (t) => [4, 2, 5, 0, 3, 1].map((i) => item(t, i));

// Condition, its ComparisonOperator, its values, and which of the list are found: from, up to but without.
const conditions = [
  ["", null, [], 0, 6], ["# = :a", "EQ", [2], 2, 3], ["# < :a", "LT", [2], 0, 2], ["# <= :a", "LE", [2], 0, 3],
  ["# > :a", "GT", [2], 3, 6], ["# >= :a", "GE", [2], 2, 6], ["# BETWEEN :a AND :b", "BETWEEN", [1, 4], 1, 5],
  ["begins_with(#, :a)", "BEGINS_WITH", [1], 1, 4],
];

function expression(hash, t, text, values) {
  return { KeyConditionExpression: text ? `${hash} = :p AND ${text.replace("#", t)}` : `${hash} = :p`,
           ExpressionAttributeValues: { ":p": S(`keys-${t}`), ...Object.fromEntries(values.map((v, i) =>
             [[":a", ":b"][i], v])) } };
}

function older(hash, t, operator, values) {
  const condition = (ComparisonOperator, ...AttributeValueList) => ({ ComparisonOperator, AttributeValueList });
  return { KeyConditions: { [hash]: condition("EQ", S(`keys-${t}`)),
                            ...(operator ? { [t]: condition(operator, ...values) } : {}) } };
}

function both(kind, t, [text, operator, at, from, to], n) {
  const hash = kind === "local" ? "pk" : "h", ScanIndexForward = n % 2 === 0;
  const values = at.map((i) => lists[t][i]);
  const found = lists[t].map((_, i) => item(t, i)).slice(from, to);
  return [["expression", expression(hash, t, text, values)],
          ["KeyConditions", older(hash, t, operator, values)]].map(([how, condition]) => ({
    name: `index: ${kind}-${t}, ${text ? text.replace("#", t) : "all of a partition key"}, by ${how}`,
    op: "Query", table: "index-keys", given: given(t), eventually: kind === "global",
    in: { IndexName: `${kind}-${t}`, ScanIndexForward, ...condition,
          ...(kind === "local" ? { ConsistentRead: true } : {}) },
    out: { Count: to - from, ScannedCount: to - from, Items: ScanIndexForward ? found : found.toReversed() },
  }));
}

export const cases = ["local", "global"].flatMap((kind) => types.flatMap((t) =>
  conditions.filter(([, operator]) => t !== "n" || operator !== "BEGINS_WITH").flatMap((c, n) => both(kind, t, c, n))));
