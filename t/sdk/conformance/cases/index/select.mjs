// Query and Scan of secondary indexes: what of an item they answer.  API reference, Query, Select and ProjectionExpression;
// the developer guide, "Attribute projections".
import { index, indexed } from "../../indexes.mjs";
import { N, OPV, S, ve } from "../../tables.mjs";

export const tables = {
  "index-select": indexed({ a: "S", g: "S" },
    [index("local-all", "pk", "a"), index("local-keys", "pk", "a", "KEYS_ONLY"), index("local-some", "pk", "a", ["v", "m"])],
    [index("global-all", "g", "a"), index("global-keys", "g", "a", "KEYS_ONLY"), index("global-some", "g", "a", ["v", "m"])]),
};

const items = ["1", "2", "3"].map((n) => ({ pk: S("$K"), sk: S(`s${4 - n}`), a: S(n), g: S("$K"), v: N(n), w: S(`w${n}`),
                                            m: { M: { x: S(n), y: N(n) } } }));
const some = { "local-all": null, "global-all": null, "local-keys": ["pk", "sk", "a"], "global-keys": ["pk", "sk", "a", "g"],
               "local-some": ["pk", "sk", "a", "v", "m"], "global-some": ["pk", "sk", "a", "g", "v", "m"] };
const names = Object.keys(some);
const of = (list, attributes) => (attributes ? list.map((i) => Object.fromEntries(attributes.map((a) => [a, i[a]]))) : list);
const isLocal = (name) => name.startsWith("local");

function query(name, IndexName, more, out, { error, unconfirmed } = {}) {
  const { values, ...members } = more;
  return { name: `index select: ${IndexName}, ${name}`, op: "Query", table: "index-select", eventually: !isLocal(IndexName) && !error,
           ...(error ? { error: ve(error) } : { given: items, out }), ...(unconfirmed ? { unconfirmed } : {}),
           in: { IndexName, KeyConditionExpression: `${isLocal(IndexName) ? "pk" : "g"} = :p`,
                 ...(isLocal(IndexName) ? { ConsistentRead: true } : {}), ...members,
                 ExpressionAttributeValues: { ":p": S("$K"), ...values } } };
}

const found = (Items, ScannedCount = 3) => ({ Count: Items.length, ScannedCount, Items });
const all = (what) => names.map(what);
const ALL_ATTRIBUTES = (name) => `${OPV}Select type ALL_ATTRIBUTES is not supported for global secondary index ${name} because ` +
                                 "its projection type is not ALL";
const missing = (name, list) => `${OPV}Global secondary index ${name} does not project [${list}]`;

const whole = [
  ...all((n) => query("what it projects comes by itself", n, {}, found(of(items, some[n])))),
  ...all((n) => query("ALL_PROJECTED_ATTRIBUTES", n, { Select: "ALL_PROJECTED_ATTRIBUTES" }, found(of(items, some[n])))),
  ...all((n) => query("COUNT", n, { Select: "COUNT" }, { Count: 3, ScannedCount: 3 })),
  ...["local-all", "local-keys", "local-some", "global-all"].map((n) =>
    query("ALL_ATTRIBUTES", n, { Select: "ALL_ATTRIBUTES" }, found(items))),
  ...["global-keys", "global-some"].map((n) =>
    query("ALL_ATTRIBUTES is refused", n, { Select: "ALL_ATTRIBUTES" }, null, { error: ALL_ATTRIBUTES(n) })),
];

const projections = [
  ...all((n) => query("a projection of keys", n, { ProjectionExpression: "sk, a" }, found(of(items, ["sk", "a"])))),
  ...names.filter((n) => n !== "local-keys" && n !== "global-keys").map((n) =>
    query("SPECIFIC_ATTRIBUTES of what it projects", n, { Select: "SPECIFIC_ATTRIBUTES", ProjectionExpression: "v, m.x" },
          found(items.map((i) => ({ v: i.v, m: { M: { x: i.m.M.x } } }))))),
  ...names.filter((n) => isLocal(n) || n === "global-all").map((n) =>
    query("a projection of what it does not project", n, { ProjectionExpression: "w, sk" }, found(of(items, ["w", "sk"])))),
  ...["local-keys", "local-some"].map((n) =>
    query("a projection of both", n, { ProjectionExpression: "m.y, w" },
          found(items.map((i) => ({ m: { M: { y: i.m.M.y } }, w: i.w }))))),
  query("a projection of what it does not project is refused", "global-keys", { ProjectionExpression: "sk, w" }, null,
        { error: missing("global-keys", "w") }),
  query("a projection of parts of what it does not project", "global-keys", { ProjectionExpression: "m.x" }, null,
        { error: missing("global-keys", "m") }),
  query("a projection of several that it does not project", "global-keys", { ProjectionExpression: "v, w" }, null,
        { error: missing("global-keys", "v, w"), unconfirmed: true }),
  query("a projection of one that it does not project", "global-some", { ProjectionExpression: "v, w" }, null,
        { error: missing("global-some", "w") }),
  query("substituted names of what it does not project", "global-some",
        { ProjectionExpression: "#w", ExpressionAttributeNames: { "#w": "w" } }, null, { error: missing("global-some", "w") }),
  ...["local-all", "global-all", "local-some", "global-some"].map((n) => ({
    name: `index select: ${n}, AttributesToGet`, op: "Query", table: "index-select", given: items, eventually: !isLocal(n),
    in: { IndexName: n, AttributesToGet: ["v", "sk"], KeyConditions: { [isLocal(n) ? "pk" : "g"]: {
      ComparisonOperator: "EQ", AttributeValueList: [S("$K")] } }, ConsistentRead: isLocal(n) },
    out: found(of(items, ["v", "sk"])) })),
  { name: "index select: global-some, AttributesToGet of what it does not project", op: "Query", table: "index-select",
    in: { IndexName: "global-some", AttributesToGet: ["w"], KeyConditions: { g: {
      ComparisonOperator: "EQ", AttributeValueList: [S("$K")] } } }, error: ve(missing("global-some", "w")) },
];

const filters = [
  ...["local-all", "local-some", "global-all", "global-some"].map((n) =>
    query("a filter", n, { FilterExpression: "v > :v", values: { ":v": N(1) } }, found(of(items.slice(1), some[n])))),
  ...["local-all", "global-all"].map((n) =>
    query("a filter and COUNT", n, { FilterExpression: "m.y = :v", Select: "COUNT", values: { ":v": N(1) } },
          { Count: 1, ScannedCount: 3 })),
  ...["local-keys", "global-keys"].map((n) =>
    query("to a filter what it does not project is not there", n, { FilterExpression: "attribute_exists(w)" }, found([]),
          { unconfirmed: true })),
  ...["local-keys", "local-some"].map((n) =>
    query("a filter of what is fetched", n, { FilterExpression: "w = :w", Select: "ALL_ATTRIBUTES", values: { ":w": S("w2") } },
          found([items[1]]), { unconfirmed: true })),
  ...all((n) => query("a filter may name a key that is not the index's", n,
                      { FilterExpression: "sk < :s", values: { ":s": S("s2") } }, found(of([items[2]], some[n])), { unconfirmed: true })),
];

export const cases = [...whole, ...projections, ...filters];
