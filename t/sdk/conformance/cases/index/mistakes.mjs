// Query and Scan of secondary indexes: what they refuse.  The words are the service's.
import { index, indexed } from "../../indexes.mjs";
import { N, OPV, S, ve } from "../../tables.mjs";

export const tables = {
  "index-mistakes": indexed({ a: "N", g: "S", b: "B" }, [index("local", "pk", "a")],
                            [index("global", "g", "a"), index("hash", "b")]),
};

const hash = { local: "pk", global: "g", hash: "b" };
const value = { local: S("$K"), global: S("$K"), hash: { B: new Uint8Array([1]) } };

function query(name, IndexName, text, more, error) {
  const { values, unconfirmed, ...members } = more;
  return { name: `index: ${IndexName}, ${name}`, op: "Query", table: "index-mistakes", error: ve(error),
           ...(unconfirmed ? { unconfirmed } : {}),
           in: { IndexName, KeyConditionExpression: text, ExpressionAttributeValues: values, ...members } };
}

const unsure = { unconfirmed: true };
const p = { ":p": S("$K") }, pv = { ...p, ":v": N(1) };
const missed = (name) => `Query condition missed key schema element: ${name}`;
const TYPE = `${OPV}Condition parameter type does not match schema type`;
const FILTER = "Filter Expression can only contain non-primary key attributes: Primary key attribute: ";
const CONSISTENT = "Consistent reads are not supported on global secondary indexes";

const conditions = [
  query("the table's partition key is not the index's", "global", "pk = :p", { values: p }, missed("g")),
  query("the index's sort key alone", "global", "a = :v", { values: { ":v": N(1) } }, missed("g")),
  query("the table's sort key is not the index's", "global", "g = :p AND sk = :p", { values: p }, missed("a")),
  query("the table's sort key is not the index's", "local", "pk = :p AND sk = :p", { values: p }, missed("a")),
  query("the index's sort key alone", "local", "a = :v", { values: { ":v": N(1) } }, missed("pk")),
  query("an index without sort key takes one condition", "hash", "b = :b AND a = :v",
        { values: { ":b": value.hash, ":v": N(1) }, ...unsure }, "Query key condition not supported"),
  ...["global", "local"].flatMap((n) => [
    query("the partition key is not compared by <", n, `${hash[n]} < :p`, { values: p }, "Query key condition not supported"),
    query("the partition key is not compared by begins_with", n, `begins_with(${hash[n]}, :p)`, { values: p },
          "Query key condition not supported"),
    query("the partition key's type", n, `${hash[n]} = :p`, { values: { ":p": N(1) } }, TYPE),
    query("the sort key's type", n, `${hash[n]} = :p AND a = :v`, { values: { ...p, ":v": S("1") } }, TYPE),
    query("two conditions on the sort key", n, `${hash[n]} = :p AND a > :v AND a < :w`, { values: { ...pv, ":w": N(2) } },
          "KeyConditionExpressions must only contain one condition per key"),
    query("an operator that is not for keys", n, `${hash[n]} = :p AND a <> :v`, { values: pv },
          "Invalid operator used in KeyConditionExpression: <>"),
    query("an empty partition key", n, `${hash[n]} = :p`, { values: { ":p": S("") }, ...unsure },
          "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string " +
          `value. Key: ${hash[n]}`),
    query("a partition key of 2049 bytes", n, `${hash[n]} = :p`, { values: { ":p": S("x".repeat(2049)) }, ...unsure },
          `${OPV}Size of hashkey has exceeded the maximum size limit of2048 bytes`),
  ]),
];

const older = (name, IndexName, KeyConditions, error) => ({ name: `index: ${IndexName}, KeyConditions, ${name}`, op: "Query",
  table: "index-mistakes", in: { IndexName, KeyConditions }, error: ve(error) });
const eq = (v) => ({ ComparisonOperator: "EQ", AttributeValueList: [v] });
const keyConditions = [
  older("without the partition key", "global", { a: eq(N(1)) }, missed("g")),
  older("of the table's key", "global", { pk: eq(S("x")), sk: eq(S("x")) }, missed("g")),
  older("of an attribute that is no key", "local", { pk: eq(S("x")), g: eq(S("x")) }, missed("a")),
  older("of another type", "global", { g: eq(N(1)) }, TYPE),
  older("three of a key of two", "global", { g: eq(S("x")), a: eq(N(1)), pk: eq(S("x")) },
        "Conditions can be of length 1 or 2 only"),
];

const filters = ["global", "local"].flatMap((n) => [hash[n], "a"].map((name) =>
  query(`a filter may not name ${name}`, n, `${hash[n]} = :p`,
        { FilterExpression: `attribute_exists(${name})`, values: p }, `${FILTER}${name}`)));

const reads = [
  query("no consistent reads", "global", "g = :p", { ConsistentRead: true, values: p }, CONSISTENT),
  { name: "index: global, no consistent scans", op: "Scan", table: "index-mistakes", error: ve(CONSISTENT),
    in: { IndexName: "global", ConsistentRead: true } },
  { name: "index: local, consistent scans", op: "Scan", table: "index-mistakes",
    in: { IndexName: "local", ConsistentRead: true, Segment: 0, TotalSegments: 1000000 } },
  { name: "index: global, a filter of a scan may name its key", op: "Scan", table: "index-mistakes",
    in: { IndexName: "global", FilterExpression: "g = :p", ExpressionAttributeValues: p },
    out: { Count: 0, ScannedCount: 0, Items: [] } },
  query("an index that is not there", "none", "pk = :p", { values: p }, "The table does not have the specified index: none"),
  query("names are told apart by case", "Global", "g = :p", { values: p },
        "The table does not have the specified index: Global"),
  { name: "index: none, an index that is not there, scanned", op: "Scan", table: "index-mistakes", in: { IndexName: "none" },
    error: ve("The table does not have the specified index: none") },
  query("mistakes in expressions are told before an index that is not there", "none", "pk = = :p", { values: p, ...unsure },
        /^Invalid KeyConditionExpression: Syntax error/),
  query("a projection and ALL_PROJECTED_ATTRIBUTES", "global", "g = :p",
        { Select: "ALL_PROJECTED_ATTRIBUTES", ProjectionExpression: "v", values: p, ...unsure },
        "Cannot specify the ProjectionExpression when choosing to get ALL_PROJECTED_ATTRIBUTES"),
];

// The tables behind global indexes are nobody's.
const hidden = [
  { name: "index: what is behind global indexes is not listed", op: "ListTables", in: {},
    out: (o) => o.TableNames.every((n) => !n.includes("#")) },
  ...["#1.1", "arn:aws:dynamodb:us-east-1:000000000000:table/#1.1"].map((TableName) => ({
    name: `index: what is behind global indexes has no name: ${TableName}`, op: "Scan", in: { TableName },
    error: ve((m) => m.startsWith("1 validation error detected: ")), unconfirmed: true })),
];

export const cases = [...conditions, ...keyConditions, ...filters, ...reads, ...hidden];
