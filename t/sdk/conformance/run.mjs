// The conformance test: what the API must answer, a case a rule, asked through the AWS SDK.  The endpoint and the key
// come from the environment, as `ddb env` sets it.
//
//   node run.mjs [--list] [--jobs N] [--grep REGEXP] [item | table | cases/item/put.mjs]...
//
// Output is TAP; the last line counts.  Exit status: 0 all passed, 1 some failed, 2 misuse.
//
// A file in cases/ exports `cases`, and perhaps `tables` (CreateTable's parameters by name; tables.mjs has the others).
// A case is
//   name          what it proves, "area: rule"; no two are the same
//   op, in        operation and parameters; TableName is added to those of items, Query and Scan
//   out           the whole answer, without $metadata; compare.mjs says what may stand in it
//   error         { name, message } and what else the error carries, such as Item; ve() writes the commonest
//                 neither: it must succeed
//   raw, headers  instead of in: a body that the SDK would not send, as text or as JSON, and headers beside the usual
//   status        the status of the answer to a raw request; answers: its headers; type: its whole __type
//   run           instead of op: a function of { key, number } ($K, $N) that throws at what is not as it should be
//   given         items that are put there first
//   steps         several of { op, in, out, ... } instead of one; all must be as wanted
//   table         instead of "hash", for all of this
//   eventually    true: ask again for a while, since an eventually consistent read may be behind
//   unconfirmed   true: AWS's documents do not say so in these words
//   todo          why it fails yet; it is run and told, and fails nothing
//   alone         true: after all others, one at a time
// In strings $K is a key of eight letters that no other case has, and $N a whole number.
import { readdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { make, send } from "./client.mjs";
import { difference, show } from "./compare.mjs";
import { tables as common } from "./tables.mjs";

const LAG_MS_MAX = 5000;
const RUN = process.pid % 36 ** 3;
const WITH_TABLE = new Set(["PutItem", "GetItem", "UpdateItem", "DeleteItem", "Query", "Scan"]);
const MEMBERS = new Set(["name", "op", "in", "out", "error", "raw", "headers", "status", "answers", "type", "given",
                         "steps", "table", "unconfirmed", "todo", "alone", "run", "eventually"]);

function filled(value, key, number) {
  if (typeof value === "string")
    return value.replaceAll("$K", key).replaceAll("$N", number);
  if (Array.isArray(value))
    return value.map((v) => filled(v, key, number));
  if (value && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map((pair) => filled(pair, key, number)));
  return value;
}

function stepsOf(c) {
  const given = (c.given ?? []).map((Item) => ({ op: "PutItem", in: { Item } }));
  return [...given, ...(c.steps ?? [c])];
}

function complete(step, table) {
  if (step.raw !== undefined || !WITH_TABLE.has(step.op))
    return step;
  return { ...step, in: { TableName: step.table ?? table, ...step.in } };
}

function judge(step, got) {
  const wanted = step.error ? { error: step.error } : { out: step.out };
  if (!step.error && step.out === undefined && !got.error)
    delete wanted.out;
  for (const member of ["status", "answers", "type"])
    if (step[member] !== undefined)
      wanted[member] = step[member];
  const seen = {};
  for (const member of Object.keys(wanted))
    seen[member] = got[member];
  if (!step.error && got.error)
    seen.error = got.error;
  if (wanted.answers)
    seen.answers = Object.fromEntries(Object.keys(wanted.answers).map((h) => [h, got.answers[h]]));
  const where = difference(wanted, seen);
  return where && { where, wanted, seen };
}

async function run(c, number) {
  const key = `k${RUN.toString(36).padStart(3, "0")}${number.toString(36).padStart(4, "0")}`;
  const whole = String(RUN * 10000 + number);
  if (c.run) {
    await c.run({ key, number: whole });
    return null;
  }
  for (const [i, s] of stepsOf(c).entries()) {
    const step = complete(filled(s, key, whole), c.table ?? "hash");
    const end = Date.now() + LAG_MS_MAX;
    let bad = judge(step, await send(step));
    while (bad && step.eventually && Date.now() < end)
      bad = judge(step, await send(step));
    if (bad)
      return [`step ${i + 1}, ${step.op}: ${bad.where}`, `sent   ${show(step.raw ?? step.in)}`,
              `wanted ${show(bad.wanted)}`, `got    ${show(bad.seen)}`];
  }
  return null;
}

async function loaded(files) {
  const all = [], tables = { ...common }, names = new Set();
  for (const file of files) {
    const module = await import(pathToFileURL(file).href);
    Object.assign(tables, module.tables);
    for (const c of module.cases) {
      const unknown = Object.keys(c).find((m) => !MEMBERS.has(m));
      if (unknown || names.has(c.name) || !(c.op || c.steps || c.run))
        throw new Error(`${file}: ${c.name}: ${unknown ?? (names.has(c.name) ? "twice" : "no op")}`);
      names.add(c.name);
      all.push(c);
    }
  }
  return { all, tables };
}

async function filesOf(wanted) {
  const top = join(dirname(fileURLToPath(import.meta.url)), "cases");
  const names = (await readdir(top, { recursive: true })).filter((f) => f.endsWith(".mjs")).sort();
  const files = names.map((f) => join(top, f));
  const chosen = files.filter((f) => !wanted.length ||
    wanted.some((w) => resolve(w) === f || relative(top, f).startsWith(`${w}/`)));
  if (!chosen.length)
    throw new Error(`no cases in ${wanted.join(" ")}`);
  return chosen;
}

async function main() {
  const { values: o, positionals } = parseArgs({ allowPositionals: true, options: {
    list: { type: "boolean" }, grep: { type: "string", default: "" }, jobs: { type: "string", default: "16" } } });
  const { all, tables } = await loaded(await filesOf(positionals));
  const cases = all.filter((c) => new RegExp(o.grep).test(c.name));
  if (o.list) {
    for (const c of cases)
      console.log(c.name);
    return 0;
  }

  const done = new Array(cases.length), count = { passed: 0, failed: 0, todo: 0, mended: 0, unconfirmed: 0 };
  let told = 0;
  const tell = () => {
    for (; done[told]; told++) {
      const c = cases[told], bad = done[told].bad;
      const todo = c.todo ? ` # TODO ${c.todo}` : "";
      console.log(`${bad ? "not ok" : "ok"} ${told + 1} - ${c.name}${todo}`);
      for (const line of bad ?? [])
        console.log(`# ${line}`);
      count[c.todo ? (bad ? "todo" : "mended") : (bad ? "failed" : "passed")]++;
      count.unconfirmed += !bad && c.unconfirmed ? 1 : 0;
    }
  };
  const work = async (queue) => {
    for (let i = queue.shift(); i !== undefined; i = queue.shift()) {
      done[i] = { bad: await run(cases[i], i + 1).catch((e) => [String(e.stack)]) };
      tell();
    }
  };

  console.log(`1..${cases.length}`);
  await make(tables);
  const numbers = [...cases.keys()], together = numbers.filter((i) => !cases[i].alone);
  await Promise.all(Array.from({ length: Number(o.jobs) }, () => work(together)));
  await work(numbers.filter((i) => cases[i].alone));
  console.log(`# ${cases.length} cases: ${count.passed} passed (${count.unconfirmed} of them unconfirmed), ` +
              `${count.failed} failed, ${count.todo} to do, ${count.mended} marked so that pass`);
  return count.failed ? 1 : 0;
}

process.exit(await main().catch((e) => {
  console.error(e.message);
  return 2;
}));
