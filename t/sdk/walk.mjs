// What an application does with one table through the unmodified AWS SDK: it prints one "ok ..." line a step, and throws at the first
// thing that is not as on AWS.  The endpoint and the key come from the environment, as `ddb env` sets it.
import assert from "node:assert/strict";
import {
  BatchGetItemCommand, BatchWriteItemCommand, ConditionalCheckFailedException, CreateTableCommand, DeleteItemCommand,
  DeleteTableCommand, DescribeTableCommand, DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand, QueryCommand,
  ResourceNotFoundException, ScanCommand, UpdateItemCommand, waitUntilTableExists, waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, paginateScan } from "@aws-sdk/lib-dynamodb";

const TableName = process.argv[2] ?? "sdk-walk";
const client = new DynamoDBClient({ maxAttempts: 3 });
const document = DynamoDBDocumentClient.from(client);
const send = (command) => client.send(command);

async function step(name, f) {
  await f();
  console.log(`ok ${name}`);
}

await step("create a table of 4 partitions and wait for it", async () => {
  const { TableDescription: t } = await send(new CreateTableCommand({
    TableName, BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }, { AttributeName: "sk", AttributeType: "N" }],
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }, { AttributeName: "sk", KeyType: "RANGE" }],
  }));
  assert.equal(t.TableStatus, "CREATING");
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });
  const { Table } = await send(new DescribeTableCommand({ TableName }));
  assert.equal(Table.TableStatus, "ACTIVE");
  assert.ok((await send(new ListTablesCommand({}))).TableNames.includes(TableName));
});

await step("put and get every type", async () => {
  const Item = {
    pk: { S: "types" }, sk: { N: "1" }, s: { S: "ä" }, n: { N: "-1.5" }, b: { B: new Uint8Array([0, 1, 255]) }, t: { BOOL: true },
    z: { NULL: true }, l: { L: [{ S: "x" }, { N: "2" }] }, m: { M: { a: { S: "b" } } }, ss: { SS: ["a", "b"] }, ns: { NS: ["1", "2"] },
    bs: { BS: [new Uint8Array([1])] },
  };
  await send(new PutItemCommand({ TableName, Item }));
  const got = await send(new GetItemCommand({ TableName, Key: { pk: Item.pk, sk: Item.sk }, ConsistentRead: true }));
  assert.deepEqual(got.Item, Item);
});

await step("a failed condition is told as such, with the item", async () => {
  const put = new PutItemCommand({
    TableName, Item: { pk: { S: "types" }, sk: { N: "1" } }, ConditionExpression: "attribute_not_exists(pk)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });
  await assert.rejects(send(put), (e) => e instanceof ConditionalCheckFailedException && e.Item.s.S === "ä");
});

await step("update counts, and returns what was asked", async () => {
  const update = new UpdateItemCommand({
    TableName, Key: { pk: { S: "count" }, sk: { N: "0" } }, UpdateExpression: "ADD n :one SET #w = :w", ReturnValues: "UPDATED_NEW",
    ExpressionAttributeNames: { "#w": "when" }, ExpressionAttributeValues: { ":one": { N: "1" }, ":w": { S: "now" } },
  });
  await send(update);
  assert.deepEqual((await send(update)).Attributes, { n: { N: "2" }, when: { S: "now" } });
});

await step("batches write 100 items and read them", async () => {
  for (let i = 0; i < 4; i++) {
    const r = await send(new BatchWriteItemCommand({ RequestItems: { [TableName]: Array.from({ length: 25 }, (_, j) => ({
      PutRequest: { Item: { pk: { S: `p${j}` }, sk: { N: String(i) }, v: { N: String(i * 25 + j) } } },
    })) } }));
    assert.deepEqual(r.UnprocessedItems ?? {}, {});
  }
  const Keys = Array.from({ length: 100 }, (_, i) => ({ pk: { S: `p${i % 25}` }, sk: { N: String(Math.floor(i / 25)) } }));
  const r = await send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }));
  assert.equal(r.Responses[TableName].length, 100);
});

await step("query one partition key in both directions, page by page", async () => {
  const query = { TableName, KeyConditionExpression: "pk = :p AND sk >= :s", ConsistentRead: true, Limit: 2,
                  ExpressionAttributeValues: { ":p": { S: "p7" }, ":s": { N: "1" } } };
  const one = await send(new QueryCommand(query));
  assert.deepEqual(one.Items.map((i) => i.sk.N), ["1", "2"]);
  const two = await send(new QueryCommand({ ...query, ExclusiveStartKey: one.LastEvaluatedKey }));
  assert.deepEqual(two.Items.map((i) => i.sk.N), ["3"]);
  const back = await send(new QueryCommand({ ...query, ScanIndexForward: false, Limit: 10 }));
  assert.deepEqual(back.Items.map((i) => i.sk.N), ["3", "2", "1"]);
});

await step("scan everything across the partitions, in pages and in parallel segments", async () => {
  const seen = new Set();
  for await (const page of paginateScan({ client: document, pageSize: 7 }, { TableName, ConsistentRead: true }))
    for (const i of page.Items) seen.add(`${i.pk}/${i.sk}`);
  assert.equal(seen.size, 102);
  const counts = await Promise.all([0, 1, 2].map((Segment) =>
    send(new ScanCommand({ TableName, Segment, TotalSegments: 3, Select: "COUNT", ConsistentRead: true }))));
  assert.equal(counts.reduce((n, c) => n + c.Count, 0), 102);
  const some = await send(new ScanCommand({ TableName, FilterExpression: "v > :v", ProjectionExpression: "v",
                                            ExpressionAttributeValues: { ":v": { N: "97" } } }));
  assert.deepEqual(some.Items.map((i) => i.v.N).sort(), ["98", "99"]);
});

await step("the document client agrees", async () => {
  assert.equal((await document.send(new GetCommand({ TableName, Key: { pk: "p3", sk: 2 }, ConsistentRead: true }))).Item.v, 53);
});

await step("delete an item, then the table", async () => {
  const r = await send(new DeleteItemCommand({ TableName, Key: { pk: { S: "p3" }, sk: { N: "2" } }, ReturnValues: "ALL_OLD" }));
  assert.equal(r.Attributes.v.N, "53");
  await send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists({ client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });
  await assert.rejects(send(new GetItemCommand({ TableName, Key: { pk: { S: "p3" }, sk: { N: "2" } } })), ResourceNotFoundException);
});
