// Requests to a DynamoDB endpoint over node's own HTTP, signed by hand (AWS Signature Version 4).
import { createHash, createHmac } from "node:crypto";
import http from "node:http";

const hash = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

const READS = ["GetItem", "Query", "Scan", "BatchGetItem", "DescribeTable"];

// What cannot be answered: no connection, or an outcome that is not known.
export class Unavailable extends Error {}

export class Client {
  constructor({ endpoint, region, accessKeyId, secretAccessKey, connections }) {
    Object.assign(this, { url: new URL(endpoint), region, accessKeyId, secretAccessKey });
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  }

  signed(target, body) {
    const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, ""),
      day = time.slice(0, 8),
      scope = `${day}/${this.region}/dynamodb/aws4_request`;
    const headers = {
      "content-type": "application/x-amz-json-1.0",
      host: this.url.host,
      "x-amz-date": time,
      "x-amz-target": target,
    };
    const names = Object.keys(headers).join(";");
    const canonical = [
      "POST",
      "/",
      "",
      ...Object.entries(headers).map(([k, v]) => `${k}:${v}`),
      "",
      names,
      hash(body),
    ].join("\n");
    if (this.day !== day) {
      this.key = [day, this.region, "dynamodb", "aws4_request"].reduce(hmac, `AWS4${this.secretAccessKey}`);
      this.day = day;
    }
    const signature = hmac(this.key, ["AWS4-HMAC-SHA256", time, scope, hash(canonical)].join("\n")).toString("hex");
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${this.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return headers;
  }

  // Answers { status, body }, the body read as JSON.
  send(operation, request) {
    const body = Buffer.from(JSON.stringify(request)),
      headers = this.signed(`DynamoDB_20120810.${operation}`, body);
    headers["content-length"] = body.length;
    return new Promise((resolve, reject) => {
      const fail = (e) => reject(new Unavailable(`${operation}: ${e.message}`));
      const r = http.request(
        { agent: this.agent, host: this.url.hostname, port: this.url.port, method: "POST", path: "/", headers },
        (answer) => {
          const parts = [];
          answer
            .on("data", (p) => parts.push(p))
            .on("error", fail)
            .on("end", () => {
              try {
                resolve({ status: answer.statusCode, body: JSON.parse(Buffer.concat(parts).toString()) });
              } catch (e) {
                fail(e);
              }
            });
        },
      );
      r.on("error", fail);
      r.end(body);
    });
  }

  // The same, asking again when the service says that it is busy: then nothing was done.  Reads are asked again anyway.
  async call(operation, request) {
    for (let tries = 0; tries < 200; tries++) {
      const answer = await this.send(operation, request);
      if (answer.status < 500) return answer;
      if (answer.status !== 503 && !READS.includes(operation))
        throw new Unavailable(`${operation}: status ${answer.status}: ${JSON.stringify(answer.body)}`);
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Unavailable(`${operation}: always busy`);
  }

  async ok(operation, request) {
    const { status, body } = await this.call(operation, request);
    if (status !== 200) throw new Unavailable(`${operation}: ${JSON.stringify(body)}`);
    return body;
  }
}
