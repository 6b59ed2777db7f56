// HTTP: what comes in and how it is answered.  The developer guide, "DynamoDB low-level API".
import assert from "node:assert/strict";
import http from "node:http";
import { crc32, gunzipSync, gzipSync } from "node:zlib";
import { constraint, pattern } from "../../words.mjs";
import { ask, endpoint, exchange, region, text } from "../../wire.mjs";

const unsure = { unconfirmed: true };
const of = (name, run, more = {}) => ({ name: `http: ${name}`, ...more, run });
const UNKNOWN = "com.amazon.coral.service#UnknownOperationException";

function refused(answer, status, type) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json?.__type, type);
}

function ok(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(Array.isArray(answer.json?.TableNames), answer.text);
}

// --- answers ------------------------------------------------------------------------------------------------------

const isId = (id) => assert.match(id, /^[A-Z0-9]{52}$/);
const large = { TableName: "hash", Item: { pk: { S: "http large" }, x: { S: "x".repeat(20000) } } };
const get = { op: "GetItem", body: JSON.stringify({ TableName: "hash", Key: { pk: { S: "http large" } },
    ConsistentRead: true }) };
const put = () => ask({ op: "PutItem", body: JSON.stringify(large) });

const answers = [
  ...["1.0", "1.1"].map((v) => of(`JSON ${v} is answered by JSON ${v}`, async () => {
    const a = await ask({ headers: { "content-type": `application/x-amz-json-${v}` } });
    ok(a);
    assert.equal(a.headers["content-type"], `application/x-amz-json-${v}`);
  })),
  of("every answer has a request id", async () => {
    const [a, b] = [await ask(), await ask()];
    isId(a.headers["x-amzn-requestid"]);
    assert.notEqual(a.headers["x-amzn-requestid"], b.headers["x-amzn-requestid"]);
  }),
  of("a refusal has a request id", async () => isId((await ask({ op: "None" })).headers["x-amzn-requestid"])),
  of("an answer has the CRC-32 of its bytes", async () => {
    const a = await ask();
    assert.equal(Number(a.headers["x-amz-crc32"]), crc32(a.body));
  }),
  of("an empty answer has one too", async () => {
    const a = await put();
    assert.equal(a.text, "{}");
    assert.equal(Number(a.headers["x-amz-crc32"]), 2745614147);
  }),
  of("a refusal has the CRC-32 of its bytes", async () => {
    const a = await ask({ op: "DescribeTable", body: '{"TableName":"none-of-these"}' });
    assert.equal(a.status, 400);
    assert.equal(Number(a.headers["x-amz-crc32"]), crc32(a.body));
  }),
  of("an answer has a length and a date", async () => {
    const a = await ask();
    assert.equal(Number(a.headers["content-length"]), a.body.length);
    assert.ok(Math.abs(Date.now() - Date.parse(a.headers.date)) < 60000, a.headers.date);
  }),
  of("a large answer is packed where that is wanted", async () => {
    await put();
    const a = await ask({ ...get, headers: { "accept-encoding": "gzip" } });
    assert.equal(a.headers["content-encoding"], "gzip");
    assert.deepEqual(JSON.parse(gunzipSync(a.body)).Item, large.Item);
    assert.ok(a.body.length < 5000);
  }),
  of("the CRC-32 is that of the packed bytes", async () => {
    await put();
    const a = await ask({ ...get, headers: { "accept-encoding": "deflate, gzip" } });
    assert.equal(a.headers["content-encoding"], "gzip");
    assert.equal(Number(a.headers["x-amz-crc32"]), crc32(a.body));
  }),
  of("a large answer is not packed where that is not wanted", async () => {
    await put();
    const a = await ask({ ...get, headers: { "accept-encoding": "identity" } });
    assert.equal(a.headers["content-encoding"], undefined);
    assert.deepEqual(a.json.Item, large.Item);
  }),
  of("gzip;q=0 is not wanted", async () => {
    await put();
    assert.equal((await ask({ ...get, headers: { "accept-encoding": "gzip;q=0" } })).headers["content-encoding"],
                 undefined);
  }),
  of("a small answer is not packed", async () => {
    const a = await ask({ op: "DescribeLimits", headers: { "accept-encoding": "gzip" } });
    assert.equal(a.headers["content-encoding"], undefined);
    assert.equal(a.status, 200);
  }),
];

// --- requests -----------------------------------------------------------------------------------------------------

const blank = (n) => " ".repeat(n);
const requests = [
  of("a packed request", async () => ok(await ask({ body: gzipSync("{}"), headers: { "content-encoding": "gzip" } }))),
  of("a packed request that is not packed", async () => {
    const a = await ask({ headers: { "content-encoding": "gzip" } });
    assert.equal(a.status, 400);
    assert.match(a.json.__type, /#SerializationException$/);
  }, unsure),
  of("a body of 16 MB", async () => ok(await ask({ body: `{}${blank(16 * 1024 * 1024 - 2)}` }))),
  of("a body of more than 16 MB", async () => {
    const a = await ask({ body: `{}${blank(16 * 1024 * 1024 - 1)}` }).catch((e) => e);
    assert.ok(a.status === 413 || a.code === "EPIPE" || a.code === "ECONNRESET", String(a.status ?? a));
  }),
  of("a packed body of more than 16 MB", async () => {
    const body = gzipSync(`{}${blank(17 * 1024 * 1024)}`);
    assert.equal((await ask({ body, headers: { "content-encoding": "gzip" } })).status, 413);
  }),
  of("a body in chunks", async () => {
    const head = text({ body: "{}" }).replace(/content-length: \d+\r\n/,
                                              "transfer-encoding: chunked\r\n").replace(/\{\}$/, "");
    const [a] = await exchange(`${head}1\r\n{\r\n1\r\n}\r\n0\r\n\r\n`);
    assert.match(a, /^HTTP\/1\.1 200 /);
  }),
  of("a client that asks whether to go on is told to", async () => {
    const all = text({ headers: { expect: "100-continue", connection: "close" }, unsigned: ["expect", "connection"] });
    const got = (await exchange(all, 3)).join("");
    assert.match(got, /HTTP\/1\.1 200 /);
  }, unsure),
  ...["TableNames", "tablenames", "X"].map((member) => of(`a member of no meaning is passed over: ${member}`,
      async () =>
    ok(await ask({ body: JSON.stringify({ [member]: { a: [1, "b", null, true, { c: 1.5e3 }] } }) })))),
  of("null is as good as nothing", async () =>
    ok(await ask({ body: '{"Limit":null,"ExclusiveStartTableName":null}' }))),
  of("blanks in JSON do not matter", async () => ok(await ask({ body: ' \r\n\t{ "Limit" :\n5 } ' }))),
  of("escapes in JSON are read", async () => {
    const a = await ask({ op: "DescribeTable", body: '{"\\u0054ableName":"n\\u006fne\\/\\""}' });
    assert.equal(a.json.message, constraint('none/"', "tableName", pattern).message);
  }),
];

// --- targets and methods ------------------------------------------------------------------------------------------

const targets = [
  ["an empty target", ""], ["an operation that is not there", "DynamoDB_20120810.Nothing"],
  ["an operation in small letters", "DynamoDB_20120810.listtables"], ["no operation", "DynamoDB_20120810."],
  ["no version", "ListTables"], ["another version", "DynamoDB_20111205.ListTables"],
  ["no dot", "DynamoDB_20120810ListTables"], ["another service", "Kinesis_20131202.ListStreams"],
  ["more behind the operation", "DynamoDB_20120810.ListTables.x"],
].map(([name, target]) => of(`${name}: unknown operation`, async () => {
  const a = await ask({ target });
  refused(a, 400, UNKNOWN);
  assert.equal(a.text, JSON.stringify({ __type: UNKNOWN }));
}));

const methods = [
  of("GET / says that all is well", async () => {
    const a = await exchange(`GET / HTTP/1.1\r\nHost: ${endpoint.host}\r\n\r\n`);
    assert.match(a[0], /^HTTP\/1\.1 200 /);
    assert.ok(a[0].endsWith(`\r\n\r\nhealthy: dynamodb.${region}.amazonaws.com `), a[0]);
  }),
  ...["PUT", "DELETE", "PATCH"].map((method) => of(`${method} is no operation`, async () => {
    const a = await ask({ method });
    assert.ok(a.status === 404 || a.status === 400, String(a.status));
  })),
  of("another path is no operation", async () => {
    const a = await ask({ path: "/tables" });
    assert.ok(a.status >= 400 && a.status < 500, String(a.status));
  }, unsure),
  of("a browser may ask first", async () => {
    const a = await exchange(`OPTIONS / HTTP/1.1\r\nHost: ${endpoint.host}\r\nOrigin: http://a.example\r\n` +
                             "Access-Control-Request-Method: POST\r\n" +
                             "Access-Control-Request-Headers: authorization, x-amz-target\r\n\r\n");
    assert.match(a[0], /^HTTP\/1\.1 200 /);
    assert.match(a[0], /\r\naccess-control-allow-origin: \*\r\n/i);
    assert.match(a[0], /\r\naccess-control-allow-headers: authorization, x-amz-target\r\n/i);
    assert.match(a[0], /\r\naccess-control-allow-methods: [A-Z, ]*POST/i);
    assert.match(a[0], /\r\naccess-control-max-age: \d+\r\n/i);
  }),
  of("a browser may read the answer", async () => {
    const a = await ask({ headers: { origin: "http://a.example" } });
    ok(a);
    assert.equal(a.headers["access-control-allow-origin"], "*");
  }),
  of("a browser may read a refusal", async () => {
    const a = await ask({ op: "None", headers: { origin: "http://a.example" } });
    assert.equal(a.headers["access-control-allow-origin"], "*");
  }),
];

// --- connections --------------------------------------------------------------------------------------------------

const connections = [
  of("one connection serves many requests", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set();
    agent.on("free", (s) => ports.add(s.localPort));
    for (let i = 0; i < 5; i++)
      ok(await ask({ agent }));
    assert.equal(ports.size, 1);
    agent.destroy();
  }),
  of("requests sent at once are answered in their order", async () => {
    const table = (TableName) => text({ op: "DescribeTable", body: JSON.stringify({ TableName }) });
    const got = await exchange(["hash", "none-of-these", "both", "number"].map(table).join(""), 4);
    assert.deepEqual(got.map((a) => a.slice(9, 12)), ["200", "400", "200", "200"]);
    assert.ok(got[0].includes('"TableName":"hash"') && got[2].includes('"TableName":"both"') &&
              got[3].includes('"TableName":"number"'));
  }),
  of("a refusal does not end the connection", async () => {
    const got = await exchange(text({ op: "None" }) + text(), 2);
    assert.deepEqual(got.map((a) => a.slice(9, 12)), ["400", "200"]);
  }),
  of("Connection: close ends it", async () => {
    const got = await exchange(text({ headers: { connection: "close" }, unsigned: ["connection"] }), 2);
    assert.equal(got.length, 1);
    assert.match(got[0], /^HTTP\/1\.1 200 /);
  }),
  of("a request that is no HTTP", async () => assert.match((await exchange("nonsense\r\n\r\n", 2)).join(""),
      /^(HTTP\/1\.1 400 |$)/)),
  of("a request line beyond 16 KB", async () =>
    assert.match((await exchange(`GET /${"x".repeat(20000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 2)).join(""),
                 /^HTTP\/1\.1 4\d\d /), unsure),
  of("headers beyond 16 KB", async () =>
    assert.match((await exchange(`GET / HTTP/1.1\r\nHost: x\r\nX-A: ${"x".repeat(20000)}\r\n\r\n`, 2)).join(""),
                 /^HTTP\/1\.1 4\d\d /),
     unsure),
  of("two lengths are refused", async () => {
    const all = text().replace("content-length: 2\r\n", "content-length: 2\r\ncontent-length: 3\r\n");
    assert.match((await exchange(all, 2)).join(""), /^HTTP\/1\.1 400 /);
  }),
  of("a length and chunks are refused", async () => {
    const all = text().replace("content-length: 2\r\n", "content-length: 2\r\ntransfer-encoding: chunked\r\n");
    assert.match((await exchange(all, 2)).join(""), /^HTTP\/1\.1 400 /);
  }),
];

// --- what a client asks about the service -------------------------------------------------------------------------

const info = [
  { name: "info: DescribeLimits", op: "DescribeLimits", in: {},
    out: Object.fromEntries(["AccountMaxReadCapacityUnits", "AccountMaxWriteCapacityUnits", "TableMaxReadCapacityUnits",
                             "TableMaxWriteCapacityUnits"].map((n) => [n, (v) => Number.isInteger(v) && v > 0])) },
  { name: "info: DescribeEndpoints", op: "DescribeEndpoints", in: {},
    out: { Endpoints: [{ Address: (a) => a.length > 0, CachePeriodInMinutes: 1440 }] } },
];

export const cases = [...answers, ...requests, ...targets, ...methods, ...connections, ...info];
