// ListTables, DescribeTable, DeleteTable, and ARNs in place of names.  API reference, of these.
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { N, S, keys, ve } from "../../tables.mjs";
import { constraint, lengthAtLeast, notNull, pattern, valueAtLeast, valueAtMost } from "../../words.mjs";

export const tables = Object.fromEntries([1, 2, 3, 4].map((i) => [`listed-${i}`, keys("pk", "S")]));
const listed = Object.keys(tables);
const unsure = { unconfirmed: true };
const gone = (name) => ({ name: "ResourceNotFoundException",
                          message: `Requested resource not found: Table: ${name} not found` });
const ABSENT = "The parameter 'TableName' is required but was not present in the request";

async function succeed(op, input) {
  const { out, error } = await send({ op, in: input });
  assert.equal(error, undefined, `${op}: ${error?.name}: ${error?.message}`);
  return out;
}

async function fail(op, input, wanted) {
  const { error } = await send({ op, in: input });
  assert.deepEqual({ name: error?.name, message: error?.message }, wanted);
}

// --- ListTables ---------------------------------------------------------------------------------------------------

async function lists(Limit) {
  const all = [];
  for (let ExclusiveStartTableName; ;) {
    const out = await succeed("ListTables", { Limit, ExclusiveStartTableName });
    all.push(out.TableNames);
    ExclusiveStartTableName = out.LastEvaluatedTableName;
    assert.ok(out.TableNames.length <= Limit);
    if (!ExclusiveStartTableName)
      return all;
    assert.equal(ExclusiveStartTableName, out.TableNames.at(-1));
    assert.equal(out.TableNames.length, Limit);
  }
}

const list = (name, input, more) => ({ name: `list: ${name}`, op: "ListTables", in: input, ...more });
const listing = [
  list("names what is there", {}, { out: { TableNames: (t) => listed.every((n) => t.includes(n)) } }),
  ...[1, 2, 5].map((n) => ({ name: `list: each table comes once, by ${n}`, run: async () => {
    const all = (await lists(n)).flat();
    assert.deepEqual(all.filter((t) => listed.includes(t)).sort(), listed);
  } })),
  list("goes on behind a name", { ExclusiveStartTableName: "listed-2", Limit: 2 },
       { out: { TableNames: ["listed-3", "listed-4"], LastEvaluatedTableName: "listed-4" } }),
  list("goes on behind a name that is not there", { ExclusiveStartTableName: "listed-2x", Limit: 1 },
       { out: { TableNames: ["listed-3"], LastEvaluatedTableName: "listed-3" } }),
  list("nothing is behind the last", { ExclusiveStartTableName: "z".repeat(200) }, { out: { TableNames: [] } }),
  list("a limit of 0", { Limit: 0 }, { error: constraint("0", "limit", valueAtLeast(1)) }),
  list("a limit below 0", { Limit: -1 }, { error: constraint("-1", "limit", valueAtLeast(1)) }),
  list("a limit of 101", { Limit: 101 }, { error: constraint("101", "limit", valueAtMost(100)) }),
  list("a limit of 100", { Limit: 100 }, { out: { TableNames: (t) => t.length <= 100,
                                                  LastEvaluatedTableName: () => true } }),
  list("a start name of two characters", { ExclusiveStartTableName: "ab" },
       { error: constraint("ab", "exclusiveStartTableName", lengthAtLeast(3)) }),
  list("a start name of other characters", { ExclusiveStartTableName: "abc d" },
       { error: constraint("abc d", "exclusiveStartTableName", pattern) }),
];

// --- DescribeTable ------------------------------------------------------------------------------------------------

const describe = (name, input, more) => ({ name: `describe: ${name}`, op: "DescribeTable", in: input, ...more });
const describing = [
  describe("a table that is not there", { TableName: "none-of-these" }, { error: gone("none-of-these") }),
  describe("a name is needed", {}, { error: ve(ABSENT), ...unsure }),
  describe("a name of other characters", { TableName: "abc d" }, { error: constraint("abc d", "tableName", pattern) }),
  describe("names are told apart by case", { TableName: "LISTED-1" }, { error: gone("LISTED-1") }),
  { name: "describe: keys and their order", run: async () => {
    const { Table } = await succeed("DescribeTable", { TableName: "number" });
    assert.deepEqual(Table.KeySchema, keys("pk", "N", "sk", "N").KeySchema);
    assert.deepEqual(Table.AttributeDefinitions, keys("pk", "N", "sk", "N").AttributeDefinitions);
  } },
  { name: "describe: twice the same", run: async () => {
    const [a, b] = [await succeed("DescribeTable", { TableName: "listed-1" }),
                    await succeed("DescribeTable", { TableName: "listed-1" })];
    assert.deepEqual(a, b);
  } },
  { name: "describe: two tables have two identities", run: async () => {
    const [a, b] = [await succeed("DescribeTable", { TableName: "listed-1" }),
                    await succeed("DescribeTable", { TableName: "listed-2" })];
    assert.notEqual(a.Table.TableId, b.Table.TableId);
    assert.notEqual(a.Table.TableArn, b.Table.TableArn);
  } },
];

// --- DeleteTable --------------------------------------------------------------------------------------------------

async function make(TableName, more = {}) {
  await succeed("CreateTable", { TableName, ...keys("pk", "S"), BillingMode: "PAY_PER_REQUEST", ...more });
  while ((await succeed("DescribeTable", { TableName })).Table.TableStatus === "CREATING")
    await new Promise((resolve) => setTimeout(resolve, 20));
}

const isGone = async (TableName) => {
  for (;;) {
    const { out, error } = await send({ op: "DescribeTable", in: { TableName } });
    if (error)
      return assert.deepEqual({ name: error.name, message: error.message }, gone(TableName));
    assert.equal(out.Table.TableStatus, "DELETING");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const PROTECTED = "Resource cannot be deleted as it is currently protected against deletion. " +
                  "Disable deletion protection first.";
const del = (name, f, more = {}) => ({ name: `delete: ${name}`, ...more, run: ({ key }) => f(`deleted-${key}`) });
const deleting = [
  { name: "delete: a table that is not there", op: "DeleteTable", in: { TableName: "none-of-these" },
    error: gone("none-of-these") },
  { name: "delete: a name is needed", op: "DeleteTable", in: {}, error: ve(ABSENT), ...unsure },
  { name: "delete: a name of other characters", op: "DeleteTable", in: { TableName: "abc d" },
    error: constraint("abc d", "tableName", pattern) },
  del("answers with the description, status DELETING", async (TableName) => {
    await make(TableName);
    const { TableDescription: t } = await succeed("DeleteTable", { TableName });
    assert.equal(t.TableStatus, "DELETING");
    assert.equal(t.TableName, TableName);
    assert.match(t.TableArn, new RegExp(`:table/${TableName}$`));
    assert.ok(t.ProvisionedThroughput);
    await isGone(TableName);
  }),
  del("once gone, a second time is a mistake", async (TableName) => {
    await make(TableName);
    await succeed("DeleteTable", { TableName });
    await isGone(TableName);
    await fail("DeleteTable", { TableName }, gone(TableName));
  }),
  del("nothing can be read or written any more", async (TableName) => {
    await make(TableName);
    await succeed("PutItem", { TableName, Item: { pk: S("a") } });
    await succeed("DeleteTable", { TableName });
    await isGone(TableName);
    const none = { name: "ResourceNotFoundException", message: "Requested resource not found" };
    await fail("PutItem", { TableName, Item: { pk: S("a") } }, none);
    await fail("GetItem", { TableName, Key: { pk: S("a") } }, none);
    await fail("Scan", { TableName }, none);
    await fail("BatchGetItem", { RequestItems: { [TableName]: { Keys: [{ pk: S("a") }] } } }, none);
  }),
  del("the list names it no more", async (TableName) => {
    await make(TableName);
    await succeed("DeleteTable", { TableName });
    await isGone(TableName);
    assert.ok(!(await lists(100)).flat().includes(TableName));
  }),
  del("the name can be taken again, and the table is empty", async (TableName) => {
    await make(TableName);
    const { Table: one } = await succeed("DescribeTable", { TableName });
    await succeed("PutItem", { TableName, Item: { pk: S("a"), v: N(1) } });
    await succeed("DeleteTable", { TableName });
    await isGone(TableName);
    await make(TableName);
    const { Table: two } = await succeed("DescribeTable", { TableName });
    assert.notEqual(one.TableId, two.TableId);
    assert.deepEqual(await succeed("GetItem", { TableName, Key: { pk: S("a") }, ConsistentRead: true }), {});
    await succeed("DeleteTable", { TableName });
  }),
  del("a protected table stays until it is protected no more", async (TableName) => {
    await make(TableName, { DeletionProtectionEnabled: true });
    assert.equal((await succeed("DescribeTable", { TableName })).Table.DeletionProtectionEnabled, true);
    await fail("DeleteTable", { TableName }, { name: "ValidationException", message: PROTECTED });
    await succeed("PutItem", { TableName, Item: { pk: S("a") } });
    await succeed("UpdateTable", { TableName, DeletionProtectionEnabled: false });
    while ((await succeed("DescribeTable", { TableName })).Table.TableStatus !== "ACTIVE")
      await new Promise((resolve) => setTimeout(resolve, 20));
    await succeed("DeleteTable", { TableName });
    await isGone(TableName);
  }, unsure),
];

// --- ARNs ---------------------------------------------------------------------------------------------------------

const byArn = (name, f) => ({ name: `arn: ${name}`, run: async ({ key }) => {
  await f((await succeed("DescribeTable", { TableName: "hash" })).Table.TableArn, { pk: S(key) });
} });
const arns = [
  byArn("DescribeTable", async (TableName) =>
    assert.equal((await succeed("DescribeTable", { TableName })).Table.TableName, "hash")),
  byArn("PutItem, GetItem, UpdateItem, DeleteItem", async (TableName, Key) => {
    await succeed("PutItem", { TableName, Item: { ...Key, v: N(1) } });
    await succeed("UpdateItem", { TableName, Key, UpdateExpression: "SET w = v" });
    assert.deepEqual(await succeed("GetItem", { TableName, Key, ConsistentRead: true }),
                     { Item: { ...Key, v: N(1), w: N(1) } });
    await succeed("DeleteItem", { TableName, Key });
    assert.deepEqual(await succeed("GetItem", { TableName: "hash", Key, ConsistentRead: true }), {});
  }),
  byArn("Query and Scan", async (TableName, Key) => {
    await succeed("PutItem", { TableName, Item: Key });
    const out = await succeed("Query", { TableName, ConsistentRead: true, KeyConditionExpression: "pk = :p",
                                         ExpressionAttributeValues: { ":p": Key.pk } });
    assert.deepEqual(out.Items, [Key]);
    assert.ok((await succeed("Scan", { TableName, ConsistentRead: true, Select: "COUNT" })).Count >= 1);
  }),
  byArn("BatchGetItem answers by the name it was given", async (TableName, Key) => {
    await succeed("BatchWriteItem", { RequestItems: { [TableName]: [{ PutRequest: { Item: Key } }] } });
    const out = await succeed("BatchGetItem", { RequestItems: { [TableName]: { Keys: [Key], ConsistentRead: true } } });
    assert.deepEqual(Object.values(out.Responses), [[Key]]);
  }),
  byArn("of a table that is not there", async (TableName, Key) =>
    fail("GetItem", { TableName: TableName.replace(/hash$/, "none-of-these"), Key },
         { name: "ResourceNotFoundException", message: "Requested resource not found" })),
];

export const cases = [...listing, ...describing, ...deleting, ...arns];
