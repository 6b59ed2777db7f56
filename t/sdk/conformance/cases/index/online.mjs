// Indexes that come and go while their table is used: what reads of them answer.  The developer guide, "Managing Global
// Secondary Indexes".
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { send } from "../../client.mjs";
import { index } from "../../indexes.mjs";
import { N, S, keys } from "../../tables.mjs";

const ITEMS = 400, WAIT_MS_MAX = 60000;
const UNKNOWN = "The table does not have the specified index: late";
const BACKFILLING = "Cannot read from backfilling global secondary index: late";

async function ok(op, input) {
  const { out, error } = await send({ op, in: input });
  assert.equal(error, undefined);
  return out;
}

// Until the table, and its index if it has one, are as they should be.
async function described(TableName, good) {
  for (const end = Date.now() + WAIT_MS_MAX; Date.now() < end; await sleep(50)) {
    const { Table } = await ok("DescribeTable", { TableName });
    if (good(Table))
      return;
  }
  assert.fail(`${TableName} is not as it should be`);
}

const statusOf = (t) => t.GlobalSecondaryIndexes?.find((i) => i.IndexName === "late")?.IndexStatus;
const read = (TableName, more = {}) => send({ op: "Query", in: { TableName, IndexName: "late",
  KeyConditionExpression: "g = :g", ExpressionAttributeValues: { ":g": S("a") }, ...more } });

async function all(TableName) {
  const seen = [];
  for (let ExclusiveStartKey; ;) {
    const { out, error } = await read(TableName, { ExclusiveStartKey, Limit: 70 });
    assert.equal(error, undefined);
    seen.push(...out.Items.map((i) => i.sk.S));
    ExclusiveStartKey = out.LastEvaluatedKey;
    if (!ExclusiveStartKey)
      return seen.sort();
  }
}

const key = (i) => ({ pk: S(`p${i % 7}`), sk: S(String(i).padStart(4, "0")) });
const name = (i) => key(i).sk.S;

async function fill(TableName) {
  for (let i = 0; i < ITEMS; i += 25)
    await ok("BatchWriteItem", { RequestItems: { [TableName]: Array.from({ length: 25 }, (_, k) => ({ PutRequest: {
      Item: { ...key(i + k), ...((i + k) % 4 ? { g: S("a") } : {}), v: N(i + k) } } })) } });
}

async function comesAndGoes({ key: k }) {
  const TableName = `late-${k}`, before = Array.from({ length: ITEMS }, (_, i) => i).filter((i) => i % 4);
  await ok("CreateTable", { TableName, BillingMode: "PAY_PER_REQUEST", ...keys("pk", "S", "sk", "S") });
  await described(TableName, (t) => t.TableStatus === "ACTIVE");
  await fill(TableName);
  assert.equal((await read(TableName)).error?.message, UNKNOWN);
  await ok("UpdateTable", { TableName, AttributeDefinitions: [{ AttributeName: "g", AttributeType: "S" }],
                            GlobalSecondaryIndexUpdates: [{ Create: index("late", "g", undefined, "KEYS_ONLY") }] });
  // Writes go on, and what is read is refused or whole.
  for (let i = 0; i < 40; i++)
    await ok("DeleteItem", { TableName, Key: key(4 * i + 1) });
  const early = (await read(TableName)).error?.message;
  assert.ok(early === undefined || early === BACKFILLING || early === UNKNOWN);
  await described(TableName, (t) => t.TableStatus === "ACTIVE" && statusOf(t) === "ACTIVE");
  const wanted = before.filter((i) => i % 4 !== 1 || i >= 160).map(name);
  let seen = await all(TableName);
  for (let i = 0; i < 100 && seen.length !== wanted.length; i++)
    seen = await all(TableName);
  assert.deepEqual(seen, wanted);
  await ok("UpdateTable", { TableName, GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: "late" } }] });
  await described(TableName, (t) => t.TableStatus === "ACTIVE" && statusOf(t) === undefined);
  assert.equal((await read(TableName)).error?.message, UNKNOWN);
  await ok("DeleteTable", { TableName });
}

// Another index of the same name: what is known of the first one is of no use.
async function comesBack({ key: k }) {
  const TableName = `back-${k}`, late = index("late", "g", "v");
  const create = (Create, AttributeDefinitions) => ok("UpdateTable", { TableName, AttributeDefinitions,
    GlobalSecondaryIndexUpdates: [{ Create }] });
  const define = (AttributeName, AttributeType) => ({ AttributeName, AttributeType });
  await ok("CreateTable", { TableName, BillingMode: "PAY_PER_REQUEST", GlobalSecondaryIndexes: [late], ...keys("pk", "S", "sk", "S"),
    AttributeDefinitions: [define("pk", "S"), define("sk", "S"), define("g", "S"), define("v", "N")] });
  await described(TableName, (t) => t.TableStatus === "ACTIVE");
  await ok("PutItem", { TableName, Item: { ...key(1), g: S("a"), v: N(1) } });
  for (const end = Date.now() + WAIT_MS_MAX; Date.now() < end && !(await all(TableName)).length;)
    await sleep(20);
  assert.deepEqual(await all(TableName), [name(1)]);
  await ok("UpdateTable", { TableName, GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: "late" } }] });
  await described(TableName, (t) => t.TableStatus === "ACTIVE" && statusOf(t) === undefined);
  await create(index("late", "sk", "g", "KEYS_ONLY"), [define("sk", "S"), define("g", "S")]);
  await described(TableName, (t) => t.TableStatus === "ACTIVE" && statusOf(t) === "ACTIVE");
  const found = () => ok("Query", { TableName, IndexName: "late", KeyConditionExpression: "sk = :s AND g = :g",
    ExpressionAttributeValues: { ":s": key(1).sk, ":g": S("a") } });
  let out = await found();
  for (const end = Date.now() + WAIT_MS_MAX; Date.now() < end && !out.Count; out = await found())
    await sleep(20);
  assert.deepEqual(out.Items, [{ ...key(1), g: S("a") }]);
  assert.equal((await read(TableName)).error?.message, "Query condition missed key schema element: sk");
  await ok("DeleteTable", { TableName });
}

export const cases = [
  { name: "index online: an index comes and goes", run: comesAndGoes },
  { name: "index online: an index comes back as another one", run: comesBack },
  { name: "index online: several come and go at once", run: ({ key: k }) =>
    Promise.all([1, 2, 3].map((i) => comesAndGoes({ key: `${k}${i}` }))) },
];
