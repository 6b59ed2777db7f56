// What tests of secondary indexes share: tables that have them, random writes, and the comparison of every index with what the
// table's items say.  The endpoint and the key come from the environment, as `ddb env` sets it.
//
//	indexes.mjs create TABLE [INDEX...]         a table with these indexes, or with all; waits until it is ACTIVE
//	indexes.mjs add|drop TABLE INDEX            UpdateTable; does not wait
//	indexes.mjs fill TABLE [--pks N --sks N]    an item for each of so many partition keys and sort keys
//	indexes.mjs write TABLE [OPTION...]         random writes to such keys, in every way there is, until --count are done or SIGTERM;
//		prints "writing" at the first, and in the end what was done
//		--count N --seed N --workers N --pks N --sks N --rate N (a second)
//		--only put|update|delete|batch|transact
//		--expire        one item in three has an attribute `e`, a time that is over
//		--patient       5xx and lost connections are no failure
//	indexes.mjs check TABLE [--within S] [--least N]
//		Scan the table and each index that is ACTIVE: the index has exactly the rows that follow from the items, and at least N.
//		Tries again for S seconds: global indexes follow.  Prints "INDEX ROWS of ITEMS" a line; what differs, and exits 1.
import { Client, Unavailable } from "../diff/client.mjs";

const part = (KeyType) => (AttributeName) => ({ AttributeName, KeyType });
const index = (hash, range, projection) => ({
  KeySchema: [...hash.map(part("HASH")), ...range.map(part("RANGE"))],
  Projection: Array.isArray(projection) ? { ProjectionType: "INCLUDE", NonKeyAttributes: projection }
                                        : { ProjectionType: projection },
});

const types = { pk: "S", sk: "S", g: "S", h: "N", l: "N", m: "S", y: "B" };
const locals = {
  "local-all": index(["pk"], ["l"], "ALL"),
  "local-keys": index(["pk"], ["m"], "KEYS_ONLY"),
  "local-some": index(["pk"], ["h"], ["x", "l"]),
};
const globals = {
  "global-all": index(["g"], [], "ALL"),
  "global-keys": index(["g"], ["h"], "KEYS_ONLY"),
  "global-some": index(["h"], ["m"], ["x"]),
  "global-many": index(["g", "m"], ["y", "l"], ["x"]),
};
const named = (of, names) => names.filter((n) => n in of).map((n) => ({ IndexName: n, ...of[n] }));

const env = process.env;
const client = new Client({
  endpoint: env.AWS_ENDPOINT_URL_DYNAMODB, region: env.AWS_REGION ?? "us-east-1", connections: 64,
  accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
});
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function definitions(indexes) {
  const names = new Set(["pk", "sk", ...indexes.flatMap((x) => x.KeySchema.map((k) => k.AttributeName))]);
  return [...names].map((n) => ({ AttributeName: n, AttributeType: types[n] }));
}

const describe = async (TableName) => (await client.ok("DescribeTable", { TableName })).Table;

async function create(TableName, names) {
  if (names.length === 0) names = [...Object.keys(locals), ...Object.keys(globals)];
  const l = named(locals, names), g = named(globals, names);
  await client.ok("CreateTable", {
    TableName, BillingMode: "PAY_PER_REQUEST", KeySchema: [part("HASH")("pk"), part("RANGE")("sk")],
    AttributeDefinitions: definitions([...l, ...g]),
    ...(l.length > 0 && { LocalSecondaryIndexes: l }), ...(g.length > 0 && { GlobalSecondaryIndexes: g }),
  });
  const end = Date.now() + 20000;
  while ((await describe(TableName)).TableStatus !== "ACTIVE") {
    if (Date.now() > end) throw new Error(`${TableName} is not ACTIVE after 20 s`);
    await pause(50);
  }
}

async function add(TableName, [name]) {
  const [Create] = named(globals, [name]);
  await client.ok("UpdateTable", {
    TableName, AttributeDefinitions: definitions([Create]), GlobalSecondaryIndexUpdates: [{ Create }],
  });
}

const drop = (TableName, [IndexName]) =>
  client.ok("UpdateTable", { TableName, GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }] });

// --- check

// The same text for the same value, whatever the order of names.
function text(v) {
  if (Array.isArray(v)) return `[${v.map(text)}]`;
  if (v === null || typeof v !== "object") return JSON.stringify(v);
  return `{${Object.keys(v).sort().map((k) => `${JSON.stringify(k)}:${text(v[k])}`)}}`;
}

async function scan(request) {
  const items = [];
  let ExclusiveStartKey;
  do {
    const page = await client.ok("Scan", { ...request, ...(ExclusiveStartKey && { ExclusiveStartKey }) });
    items.push(...page.Items);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return items;
}

const names = (schema) => schema.map((k) => k.AttributeName);

// Is it what a key of an index can be?
function fits(value, type) {
  if (value === undefined || !(type in value)) return false;
  return type === "N" || value[type].length > 0;
}

function row(table, x, item) {
  const typeOf = Object.fromEntries(table.AttributeDefinitions.map((d) => [d.AttributeName, d.AttributeType]));
  if (!names(x.KeySchema).every((n) => fits(item[n], typeOf[n]))) return undefined;
  if (x.Projection.ProjectionType === "ALL") return item;
  const has = [...names(table.KeySchema), ...names(x.KeySchema), ...(x.Projection.NonKeyAttributes ?? [])];
  return Object.fromEntries(Object.entries(item).filter(([n]) => has.includes(n)));
}

function differences(table, x, items, rows) {
  const key = (item) => text(names(table.KeySchema).map((n) => item[n]));
  const wanted = new Map(), seen = new Set(), wrong = [];
  for (const item of items) {
    const r = row(table, x, item);
    if (r) wanted.set(key(item), text(r));
  }
  for (const r of rows) {
    const k = key(r), w = wanted.get(k);
    if (seen.has(k)) wrong.push(`two rows of ${k}`);
    else if (w === undefined) wrong.push(`has ${text(r)}, which no item makes`);
    else if (w !== text(r)) wrong.push(`has ${text(r)}, not ${w}`);
    seen.add(k);
  }
  for (const [k, w] of wanted) if (!seen.has(k)) wrong.push(`has no ${w}`);
  return wrong;
}

const short = (s) => (s.length > 400 ? `${s.slice(0, 400)}...` : s);

async function compare(TableName, least) {
  const table = await describe(TableName);
  const l = table.LocalSecondaryIndexes ?? [], g = (table.GlobalSecondaryIndexes ?? []).filter((x) => x.IndexStatus === "ACTIVE");
  const items = await scan({ TableName, ConsistentRead: true });
  const lines = [], wrong = [];
  for (const x of [...l, ...g]) {
    const rows = await scan({ TableName, IndexName: x.IndexName, ConsistentRead: l.includes(x) });
    const d = differences(table, x, items, rows);
    lines.push(`${x.IndexName} ${rows.length} of ${items.length}`);
    if (rows.length < least) d.push(`has ${rows.length} rows, of at least ${least}`);
    if (d.length > 0) wrong.push(`${x.IndexName}: ${d.length} differences: ${d.slice(0, 5).map(short).join("; ")}`);
  }
  if (lines.length === 0) wrong.push("there is no index to compare");
  return { lines, wrong };
}

async function check(TableName, o) {
  const end = Date.now() + Number(o.within ?? 0) * 1000;
  let result;
  for (;;) {
    result = await compare(TableName, Number(o.least ?? 1));
    if (result.wrong.length === 0 || Date.now() >= end) break;
    await pause(50);
  }
  console.log([...result.lines, ...result.wrong].join("\n"));
  if (result.wrong.length > 0) process.exitCode = 1;
}

// --- write

function dice(seed) {
  let s = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  return (n) => {
    s = (s * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((s >> 33n) % BigInt(n));
  };
}

function complete(given) {
  const o = { count: Infinity, seed: 1, workers: 16, pks: 40, sks: 20, rate: Infinity, ...given };
  for (const k of ["count", "seed", "workers", "pks", "sks", "rate"]) o[k] = Number(o[k]);
  return o;
}

function attributes(random) {
  return {
    g: () => ({ S: `g${random(12)}` }), h: () => ({ N: String(random(40) - 20) }), l: () => ({ N: String(random(1000) / 8) }),
    m: () => ({ S: `m${random(30)}` }), y: () => ({ B: Buffer.from(`y${random(5)}`).toString("base64") }),
    x: () => ({ S: `x${random(1e9)}`.padEnd(12 + random(300), ".") }), z: () => ({ L: [{ N: String(random(100)) }, { BOOL: true }] }),
  };
}

const some = (value, random) =>
  Object.fromEntries(Object.entries(value).filter(() => random(4) > 0).map(([n, v]) => [n, v()]));

async function fill(TableName, given) {
  const o = complete(given), random = dice(o.seed), value = attributes(random), keys = [];
  for (let p = 0; p < o.pks; p++)
    for (let s = 0; s < o.sks; s++) keys.push({ pk: { S: `p${p}` }, sk: { S: `s${s}` } });
  async function worker() {
    while (keys.length > 0) {
      let left = { [TableName]: keys.splice(-25).map((k) => ({ PutRequest: { Item: { ...k, ...some(value, random) } } })) };
      while (Object.keys(left).length > 0)
        left = (await client.ok("BatchWriteItem", { RequestItems: left })).UnprocessedItems;
    }
  }
  await Promise.all(Array.from({ length: o.workers }, worker));
}

function writer(TableName, o, random) {
  const value = attributes(random);
  const key = () => ({ pk: { S: `p${random(o.pks)}` }, sk: { S: `s${random(o.sks)}` } });
  const item = () => ({
    ...key(),
    ...some(value, random),
    ...(o.expire && random(3) === 0 && { e: { N: String(Math.floor(Date.now() / 1000) - 100) } }),
  });
  const update = () => {
    const set = [], remove = [], values = {};
    for (const [n, v] of Object.entries(value)) {
      const roll = random(5);
      if (roll === 0) remove.push(n);
      if (roll > 2) continue;
      if (roll > 0) { set.push(`${n} = :${n}`); values[`:${n}`] = v(); }
    }
    const UpdateExpression = [set.length && `SET ${set}`, remove.length && `REMOVE ${remove}`].filter(Boolean).join(" ");
    return { Key: key(), ...(UpdateExpression && { UpdateExpression }),
             ...(set.length && { ExpressionAttributeValues: values }) };
  };
  const many = (n, f) => {
    const of = new Map();
    while (of.size < n) { const [k, v] = f(); of.set(text(k), v); }
    return [...of.values()];
  };
  const ways = {
    put: () => ["PutItem", { TableName, Item: item() }],
    update: () => ["UpdateItem", { TableName, ...update() }],
    delete: () => ["DeleteItem", { TableName, Key: key() }],
    batch: () => ["BatchWriteItem", { RequestItems: { [TableName]: many(1 + random(10), () => {
      const i = item(), k = { pk: i.pk, sk: i.sk };
      return random(4) > 0 ? [k, { PutRequest: { Item: i } }] : [k, { DeleteRequest: { Key: k } }];
    }) } }],
    transact: () => ["TransactWriteItems", { TransactItems: many(1 + random(4), () => {
      const roll = random(3), i = item(), u = { TableName, ...update() };
      if (roll === 0) return [{ pk: i.pk, sk: i.sk }, { Put: { TableName, Item: i } }];
      if (roll === 1 && u.UpdateExpression) return [u.Key, { Update: u }];
      return [u.Key, { Delete: { TableName, Key: u.Key } }];
    }) }],
  };
  const often = o.only ? [o.only] : ["put", "put", "put", "update", "update", "update", "delete", "batch", "transact"];
  return () => { const way = often[random(often.length)]; return [way, ...ways[way]()]; };
}

const allowed = /TransactionConflictException|TransactionCanceledException.*TransactionConflict/;

async function write(TableName, given) {
  const o = complete(given);
  const next = writer(TableName, o, dice(o.seed)), done = {}, began = Date.now();
  let asked = 0, stop = false, wrong;
  process.on("SIGTERM", () => (stop = true));
  const count = (what) => {
    if (Object.keys(done).length === 0) console.log("writing");
    done[what] = (done[what] ?? 0) + 1;
  };
  async function worker() {
    while (!stop && !wrong && asked < o.count) {
      const due = began + (asked++ / o.rate) * 1000 - Date.now(), [way, operation, request] = next();
      if (due > 0) await pause(due);
      try {
        const { status, body } = await client.send(operation, request);
        if (status === 200) count(way);
        else if (status >= 500 && o.patient) count("unavailable");
        else if (allowed.test(`${body.__type}${body.message ?? body.Message}`)) count("conflict");
        else wrong = `${operation} ${JSON.stringify(request)}: ${status} ${JSON.stringify(body)}`;
      } catch (e) {
        if (!(e instanceof Unavailable) || !o.patient) throw e;
        count("lost");
        await pause(20);
      }
    }
  }
  await Promise.all(Array.from({ length: o.workers }, worker));
  if (wrong) throw new Error(wrong);
  console.log(Object.entries({ ...done, seconds: (Date.now() - began) / 1000 }).map(([k, v]) => `${k} ${v}`).join(", "));
}

// --- the command line

const [verb, table, ...rest] = process.argv.slice(2);
const words = [], options = {};
while (rest.length > 0) {
  const word = rest.shift();
  if (!word.startsWith("--")) words.push(word);
  else if (["--patient", "--expire"].includes(word)) options[word.slice(2)] = true;
  else options[word.slice(2)] = rest.shift();
}
const verbs = { create: () => create(table, words), add: () => add(table, words), drop: () => drop(table, words),
                fill: () => fill(table, options), write: () => write(table, options), check: () => check(table, options) };
try {
  await verbs[verb]();
} catch (e) {
  console.log(e.message);
  process.exitCode = 1;
}
process.exit();
