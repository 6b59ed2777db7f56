// Random queries of the secondary indexes of a table that nobody writes to, and whose indexes are what its items say
// (indexes.mjs check): each must find what follows from the items, in the index's order, however it is cut into pages.
// The endpoint and the key come from the environment, as `ddb env` sets it.
//
//	index_queries.mjs TABLE [--count N] [--seed N]
//		Prints "N queries, N rows, N pages"; the first query that finds something else, and exits 1.
import { parseArgs } from "node:util";
import { Client } from "../diff/client.mjs";
import { Dice } from "../diff/dice.mjs";

const { values: o, positionals: [TableName] } = parseArgs({ allowPositionals: true, options: {
  count: { type: "string", default: "500" }, seed: { type: "string", default: "1" } } });
const env = process.env;
const client = new Client({
  endpoint: env.AWS_ENDPOINT_URL_DYNAMODB, region: env.AWS_REGION ?? "us-east-1", connections: 8,
  accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
});
const dice = new Dice(Number(o.seed));

// --- values: { S: "a" }

const typeOf = (v) => Object.keys(v)[0];
const bytesOf = (v) => Buffer.from(v.S ?? v.B, "S" in v ? "utf8" : "base64");
const compare = (v, w) => ("N" in v ? Number(v.N) - Number(w.N) : Buffer.compare(bytesOf(v), bytesOf(w)));
const startsWith = (v, w) => bytesOf(v).subarray(0, bytesOf(w).length).equals(bytesOf(w));

// The same text for the same value, whatever the order of names.
function text(v) {
  if (Array.isArray(v)) return `[${v.map(text)}]`;
  if (v === null || typeof v !== "object") return JSON.stringify(v);
  return `{${Object.keys(v).sort().map((k) => `${JSON.stringify(k)}:${text(v[k])}`)}}`;
}

async function pages(operation, request) {
  const all = [];
  let ExclusiveStartKey;
  do {
    const page = await client.ok(operation, { ...request, ...(ExclusiveStartKey && { ExclusiveStartKey }) });
    all.push(page.Items);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return all;
}

// --- an index: { name, local, hash, range, base, has }, the attributes' names

function read(table, x, local) {
  const names = (schema, kind) => schema.filter((k) => !kind || k.KeyType === kind).map((k) => k.AttributeName);
  const base = names(table.KeySchema);
  return { name: x.IndexName, local, hash: names(x.KeySchema, "HASH"), range: names(x.KeySchema, "RANGE"), base,
           has: x.Projection.ProjectionType !== "ALL" &&
                [...base, ...names(x.KeySchema), ...(x.Projection.NonKeyAttributes ?? [])] };
}

const holds = (x, item) => [...x.hash, ...x.range].every((n) => n in item);
const projected = (has, item) => (has ? Object.fromEntries(Object.entries(item).filter(([n]) => has.includes(n))) : item);

// Rows with the same key of the index come in the order of the table's key.
const inOrder = (x) => (a, b) => [...x.range, ...x.base].map((n) => compare(a[n], b[n])).find((c) => c !== 0) ?? 0;

// --- a query: its request, and which items it is to find

const comparisons = { "=": (c) => c === 0, "<": (c) => c < 0, "<=": (c) => c <= 0, ">": (c) => c > 0, ">=": (c) => c >= 0 };

// A condition on attribute n, whose value some item has.
function condition(n, operator, values, some) {
  const [low, high] = [some(n), some(n)].sort(compare);
  values[`:${n}`] = low;
  if (operator === "begins_with") return [`begins_with(${n}, :${n})`, (item) => startsWith(item[n], low)];
  if (operator !== "BETWEEN") return [`${n} ${operator} :${n}`, (item) => comparisons[operator](compare(item[n], low))];
  values[`:${n}_high`] = high;
  return [`${n} BETWEEN :${n} AND :${n}_high`, (item) => compare(item[n], low) >= 0 && compare(item[n], high) <= 0];
}

function conditions(x, rows, values) {
  const one = dice.pick(rows), depth = dice.below(x.range.length + 1);
  const list = x.hash.map((n) => condition(n, "=", values, () => one[n]));
  for (const n of x.range.slice(0, depth)) {
    const last = n === x.range[depth - 1], others = typeOf(one[n]) === "N" ? [] : ["begins_with"];
    const operator = last ? dice.pick([...Object.keys(comparisons), "BETWEEN", ...others]) : "=";
    list.push(condition(n, operator, values, () => (last ? dice.pick(rows) : one)[n]));
  }
  return list;
}

function query(x, items) {
  const rows = items.filter((item) => holds(x, item)), values = {}, list = conditions(x, rows, values);
  const forward = dice.chance(50), fetch = x.local && dice.chance(30);
  const wanted = rows.filter((item) => list.every(([, test]) => test(item))).sort(inOrder(x));
  if (!forward) wanted.reverse();
  return { request: { TableName, IndexName: x.name, KeyConditionExpression: list.map(([t]) => t).join(" AND "),
                      ExpressionAttributeValues: values, ScanIndexForward: forward, ConsistentRead: x.local,
                      ...(fetch && { Select: "ALL_ATTRIBUTES" }), ...(dice.chance(70) && { Limit: 1 + dice.below(9) }) },
           wanted: wanted.map((item) => projected(!fetch && x.has, item)) };
}

const { Table } = await client.ok("DescribeTable", { TableName });
const items = (await pages("Scan", { TableName, ConsistentRead: true })).flat();
const indexes = [...(Table.LocalSecondaryIndexes ?? []).map((x) => read(Table, x, true)),
                 ...(Table.GlobalSecondaryIndexes ?? []).map((x) => read(Table, x, false))]
  .filter((x) => items.some((item) => holds(x, item)));
let found = 0, asked = 0;
for (let i = 0; i < Number(o.count) && !process.exitCode; i++) {
  const { request, wanted } = query(dice.pick(indexes), items), got = await pages("Query", request);
  const short = got.slice(0, -1).find((p) => p.length !== request.Limit);
  if (text(got.flat()) !== text(wanted) || (short && request.Limit)) {
    console.log(`seed ${o.seed}, query ${i}: ${text(request)}\nwanted ${text(wanted)}\ngot    ${text(got)}`);
    process.exitCode = 1;
  }
  found += wanted.length;
  asked += got.length;
}
console.log(`${o.count} queries, ${found} rows, ${asked} pages`);
process.exit();
