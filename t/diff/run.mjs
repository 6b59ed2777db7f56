// run.mjs [--seed N] [--ops N] [--connections N] [--endpoint URL | --endpoint twin] [--bug NAME]: random requests to an
// endpoint and to oracle.mjs, whose answers must be the same.
// The key and the region come from the environment, as `ddb env` sets them.  The endpoint must not know the tables of
// gen.mjs.
// --endpoint twin: no cluster, another oracle.  --bug: falsify answers in the way of that name (falsify.mjs).
// Each connection owns its partition keys and asks one thing at a time; scans are made while nobody writes.
// Prints figures and "ok ..."; a difference with its seed and operation, made small, and exits 1.  Exits 2 if the
// endpoint fails and 3 if the requests tested too little.  Does not: eventually consistent reads, pages of 1 MB,
// indexes, transactions.
import { parseArgs } from "node:util";
import { Client, Unavailable } from "./client.mjs";
import { difference } from "./compare.mjs";
import { Dice } from "./dice.mjs";
import { Unsure } from "./eval.mjs";
import { Liar } from "./falsify.mjs";
import { Generator } from "./gen.mjs";
import { Oracle } from "./oracle.mjs";
import { tables } from "./pools.mjs";
import { contentsBefore, shrink } from "./shrink.mjs";
import { Twin } from "./twin.mjs";
import { walk } from "./walk.mjs";

const ROUND = 80,
  SCANS = 12,
  REGENERATE_MAX = 1000,
  TELL_FROM = 5000;

const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    ops: { type: "string", default: "20000" },
    connections: { type: "string", default: "16" },
    endpoint: { type: "string", default: process.env.AWS_ENDPOINT_URL_DYNAMODB ?? "" },
    bug: { type: "string" },
    "no-shrink": { type: "boolean" },
  },
});
const seed = Number(options.seed),
  ops = Number(options.ops),
  connections = Number(options.connections);

function connect() {
  if (options.endpoint === "twin") return new Twin(tables);
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region = "us-east-1",
  } = process.env;
  return new Client({ endpoint: options.endpoint, region, accessKeyId, secretAccessKey, connections });
}

const plain = connect(),
  client = options.bug ? new Liar(plain, options.bug, seed) : plain;
const oracle = new Oracle(),
  counts = {},
  mistakes = {};
let asked = 0,
  unsure = 0,
  unplanned = 0,
  stop = false;

class Difference extends Error {
  constructor(fields) {
    super(fields.what);
    Object.assign(this, fields);
  }
}

async function createTables() {
  for (const [name, key] of Object.entries(tables)) {
    oracle.createTable(name, key);
    const parts = [key.hash, key.range].filter(Boolean);
    await client.ok("CreateTable", {
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: parts.map((p) => ({ AttributeName: p.name, AttributeType: p.type })),
      KeySchema: parts.map((p, i) => ({ AttributeName: p.name, KeyType: i === 0 ? "HASH" : "RANGE" })),
    });
  }
  for (const TableName of Object.keys(tables))
    while ((await client.ok("DescribeTable", { TableName })).Table.TableStatus !== "ACTIVE")
      await new Promise((done) => setTimeout(done, 50));
}

// What a client does for an answer: pages, and what a batch left over.
async function ask(operation, request) {
  if (operation === "Scan") return walk(client, request, tables[request.TableName]);
  const answer = await client.call(operation, request);
  while (
    operation === "BatchWriteItem" &&
    answer.status === 200 &&
    Object.keys(answer.body.UnprocessedItems ?? {}).length > 0
  )
    answer.body = await client.ok(operation, { RequestItems: answer.body.UnprocessedItems });
  return answer;
}

function compare(operation, expected, answer) {
  try {
    return difference(operation, expected, answer);
  } catch (e) {
    return `unreadable: ${e.message}`;
  }
}

function tally(operation, expected, mistake) {
  const of = (counts[operation] ??= { total: 0, ok: 0, empty: 0, failed: 0, invalid: 0, other: 0 });
  of.total++;
  if (mistake) (mistakes[mistake] ??= { refused: 0, accepted: 0 })[expected.error ? "refused" : "accepted"]++;
  if (expected.ok)
    of[
      expected.ok.Item ||
      expected.ok.Count ||
      expected.ok.count ||
      expected.ok.Responses ||
      /Put|Update|Delete|Write/.test(operation)
        ? "ok"
        : "empty"
    ]++;
  else of[{ ConditionalCheckFailedException: "failed", ValidationException: "invalid" }[expected.error] ?? "other"]++;
}

// The next request that the oracle is sure about, with its answer; what is refused without being a deliberate mistake
// is mostly left out.
function next(generator, whole) {
  for (let tries = 0; tries < REGENERATE_MAX; tries++) {
    const one = generator.next(whole);
    try {
      const expected = oracle.run(one.operation, structuredClone(one.request));
      if (expected.error === "ValidationException" && !one.mistake && generator.dice.chance(75)) {
        unplanned++;
        continue;
      }
      return { ...one, expected };
    } catch (e) {
      if (!(e instanceof Unsure)) throw e;
      unsure++;
    }
  }
  throw new Error("the generator makes nothing that the oracle is sure about");
}

async function step(generator, whole) {
  const one = next(generator, whole),
    number = asked++;
  tally(one.operation, one.expected, one.mistake);
  const answer = await ask(one.operation, one.request),
    what = compare(one.operation, one.expected, answer);
  if (what) throw new Difference({ what, ...one, answer, number, connection: generator.owner });
}

async function together(generators, steps, whole) {
  const results = await Promise.allSettled(
    generators.map(async (g) => {
      for (let i = 0; i < steps && !stop; i++)
        await step(g, whole).catch((e) => {
          stop = true;
          throw e;
        });
    }),
  );
  const bad = results.filter((r) => r.status === "rejected").map((r) => r.reason);
  if (bad.length > 0) throw bad.find((e) => !(e instanceof Unavailable)) ?? bad[0];
}

async function compareContents() {
  for (const TableName of Object.keys(tables)) {
    const request = { TableName, ConsistentRead: true },
      expected = oracle.run("Scan", request),
      answer = await ask("Scan", request);
    const what = compare("Scan", expected, answer);
    if (what)
      throw new Difference({
        what: `contents: ${what}`,
        operation: "Scan",
        request,
        expected,
        answer,
        number: asked,
        connection: -1,
      });
  }
}

// --- reports ---

const show = (x) => JSON.stringify(x, null, 1).replace(/\n\s*/g, " ").slice(0, 6000);

function tell(d) {
  console.log(`# difference: ${d.what}`);
  for (const { table, item } of d.setup ?? []) console.log(`#   ${table} holds ${show(item)}`);
  console.log(`#   request:  ${d.operation} ${show(d.request)}`);
  console.log(`#   expected: ${show({ ...d.expected, undo: undefined })}`);
  console.log(`#   answer:   ${show(d.answer)}`);
}

async function report(d) {
  console.log(
    `not ok diff: seed ${seed}, operation ${d.number} of ${ops}, connection ${d.connection} of ${connections}${d.mistake ? `, mistake "${d.mistake}"` : ""}`,
  );
  tell(d);
  if (options["no-shrink"]) return;
  const small = await shrink({ client, ask, compare }, tables, {
    setup: contentsBefore(oracle, d.request, d.expected.undo),
    operation: d.operation,
    request: d.request,
  });
  if (small) {
    console.log("# made small:");
    tell(small);
  } else {
    console.log("# the contents before it do not show it again: it depends on what was done, or on when");
  }
}

function share(part, whole) {
  return whole > 0 ? Math.round((1000 * part) / whole) / 10 : 0;
}

function figures(seconds) {
  for (const [name, c] of Object.entries(counts).sort())
    console.log(
      `# ${name.padEnd(14)} ${String(c.total).padStart(7)}: ${c.ok} ok, ${c.empty} empty, ${c.failed} conditions failed, ${c.invalid} invalid, ${c.other} other`,
    );
  const s = oracle.stats,
    total = (name) => Object.values(counts).reduce((n, c) => n + c[name], 0);
  const shares = [
    ["conditions that hold", share(s.conditionTrue, s.conditionTrue + s.conditionFalse), 20, 80],
    ["items that filters keep", share(s.filterTrue, s.filterTrue + s.filterFalse), 15, 85],
    ["refused as invalid", share(total("invalid"), total("total")), 8, 35],
    ["failed conditions", share(total("failed"), total("total")), 3, 30],
    ["gets that find", share(counts.GetItem?.ok, counts.GetItem?.total), 20, 90],
    ["queries that find", share(counts.Query?.ok, counts.Query?.total), 20, 95],
    ["updates that do not fit the item", share(s.unfit, counts.UpdateItem?.total), 1, 90],
    [
      "mistakes that were refused",
      share(
        Object.values(mistakes).reduce((n, m) => n + m.refused, 0),
        Object.values(mistakes).reduce((n, m) => n + m.refused + m.accepted, 0),
      ),
      90,
      100,
    ],
    ["kinds of mistakes", Object.keys(mistakes).length, 30, 1000],
    ["operations", Object.keys(counts).length, 8, 100],
  ];
  for (const [name, value] of shares) console.log(`# ${name}: ${value}`);
  console.log(`# drawn again: ${unsure} that the documentation leaves open, ${unplanned} refused by accident`);
  console.log(`# ${asked} operations in ${seconds.toFixed(1)} s, ${(asked / seconds).toFixed(0)} a second`);
  return ops < TELL_FROM
    ? []
    : shares.filter(([, value, low, high]) => value < low || value > high).map(([name]) => name);
}

async function main() {
  const start = performance.now();
  await createTables();
  const generators = Array.from({ length: connections }, (_, i) => new Generator(new Dice(seed * 1000 + i), oracle, i));
  while (asked < ops) {
    await together(generators, Math.min(ROUND, Math.ceil((ops - asked) / connections)), false);
    await together(generators.slice(0, SCANS), 1, true);
  }
  await compareContents();
  const degenerate = figures((performance.now() - start) / 1000);
  if (degenerate.length > 0) {
    console.log(`not ok diff: too little was tested: ${degenerate.join(", ")}`);
    return 3;
  }
  console.log(
    `ok diff: no difference in ${asked} operations # seed ${seed}, ${oracle.stats.conditionTrue + oracle.stats.conditionFalse} conditions, ` +
      `${Object.values(mistakes).reduce((n, m) => n + m.refused, 0)} mistakes`,
  );
  return 0;
}

process.exitCode = await main().catch(async (e) => {
  if (e instanceof Difference) return report(e).then(() => 1);
  if (!(e instanceof Unavailable)) throw e;
  console.log(`not ok diff: the endpoint fails # seed ${seed}, after ${asked} operations: ${e.message}`);
  return 2;
});
