// Sends a step's request through the SDK, or as it stands but signed by the SDK's signer, and says what came back:
// { out } or { error: { name, message, ... } }; of a raw request also status, answers (headers) and type (__type).
import { createHash, createHmac } from "node:crypto";
import http from "node:http";
import * as sdk from "@aws-sdk/client-dynamodb";
import { SignatureV4 } from "@smithy/signature-v4";

const { env } = process;
const endpoint = new URL(env.AWS_ENDPOINT_URL_DYNAMODB ?? env.AWS_ENDPOINT_URL ?? "http://127.0.0.1:8000");
const region = env.AWS_REGION ?? "us-east-1";
const client = new sdk.DynamoDBClient({ maxAttempts: 3, region, endpoint: endpoint.href });
const agent = new http.Agent({ keepAlive: true });

class Sha256 {
  constructor(secret) {
    this.hash = secret ? createHmac("sha256", secret) : createHash("sha256");
  }
  update(data) {
    this.hash.update(data);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

const signer = new SignatureV4({
  service: "dynamodb", region, sha256: Sha256,
  credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID ?? "", secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? "" },
});

// Members that the SDK adds to errors for its own use.
function isOwn(name) {
  return !name.startsWith("$") && !["name", "message", "Message", "__type", "stack"].includes(name);
}

function errorOf(e) {
  return { name: e.name, message: e.message, ...Object.fromEntries(Object.entries(e).filter(([k]) => isOwn(k))) };
}

async function call(op, input) {
  try {
    const { $metadata, ...out } = await client.send(new sdk[`${op}Command`](input));
    return { out };
  } catch (e) {
    if (!e.$metadata?.httpStatusCode)
      throw e;
    return { error: errorOf(e) };
  }
}

function exchange(request) {
  return new Promise((resolve, reject) => {
    const q = http.request({ agent, hostname: request.hostname, port: request.port, path: request.path,
                             method: request.method, headers: request.headers }, (r) => {
      const parts = [];
      r.on("data", (d) => parts.push(d)).on("error", reject);
      r.on("end", () => resolve({ status: r.statusCode, answers: r.headers, text: Buffer.concat(parts).toString() }));
    });
    q.on("error", reject).end(request.body);
  });
}

async function callRaw(op, body, headers) {
  const request = await signer.sign({
    method: "POST", protocol: endpoint.protocol, hostname: endpoint.hostname, port: Number(endpoint.port),
    path: "/", query: {},
    headers: { host: endpoint.host, "content-type": "application/x-amz-json-1.0",
               "x-amz-target": `DynamoDB_20120810.${op}`, ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  const { status, answers, text } = await exchange(request);
  let json = text;
  try {
    json = JSON.parse(text);
  } catch {
    // Then the text is the answer.
  }
  if (status < 400)
    return { out: json, status, answers };
  const { __type: type = "", message, Message, ...rest } = Object(json);
  return { error: { name: type.replace(/.*#/, ""), message: message ?? Message, ...rest }, status, answers, type };
}

export async function send(step) {
  return step.raw === undefined ? call(step.op, step.in) : callRaw(step.op, step.raw, step.headers);
}

// Makes those of the tables that are not there, and waits for all of them.
export async function make(tables) {
  await Promise.all(Object.entries(tables).map(async ([TableName, t]) => {
    const { error } = await call("CreateTable", { TableName, BillingMode: "PAY_PER_REQUEST", ...t });
    if (error && error.name !== "ResourceInUseException")
      console.log(`# table ${TableName}: ${error.name}: ${error.message}`);
    else
      await sdk.waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName });
  }));
}
