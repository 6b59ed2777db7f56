// Requests below the SDK: any method, path, header and signature, and any bytes on a connection.  The signature is made
// here by the published algorithm ("Create a signed AWS API request"), so that it can also be made wrong.
import { createHash, createHmac } from "node:crypto";
import http from "node:http";
import net from "node:net";

export const endpoint = new URL(process.env.AWS_ENDPOINT_URL_DYNAMODB ?? process.env.AWS_ENDPOINT_URL ??
                                "http://127.0.0.1:8000");
export const region = process.env.AWS_REGION ?? "us-east-1";
const keyId = process.env.AWS_ACCESS_KEY_ID ?? "", secretKey = process.env.AWS_SECRET_ACCESS_KEY ?? "";
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

// The time as AWS writes it, so many seconds from now.
export function stamp(seconds = 0) {
  return new Date(Date.now() + seconds * 1000).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

// Headers of a signed request.  How it may be made wrong or otherwise:
//   id, secret, region, service, token   not the environment's; date: not stamp(); day: not of date, in the scope
//   unsigned      names of headers that are sent and not signed; drop: that are signed and not sent
//   signature     instead of the right one; authorization: a function of the right header, or null: none
export function signed({ op = "ListTables", target = `DynamoDB_20120810.${op}`, method = "POST", path = "/",
                         body = "{}",
                         headers = {}, ...o }) {
  const date = o.date ?? stamp(), scope = [o.day ?? date.slice(0, 8), o.region ?? region, o.service ?? "dynamodb",
                                           "aws4_request"];
  const all = { host: endpoint.host, "x-amz-date": date, "content-type": "application/x-amz-json-1.0",
                ...(target === null ? {} : { "x-amz-target": target }),
                ...(o.token ? { "x-amz-security-token": o.token } : {}), ...headers };
  const names = Object.keys(all).map((n) => n.toLowerCase()).filter((n) => !(o.unsigned ?? []).includes(n)).sort();
  const blanks = (v) => String(v).trim().replace(/ +/g, " ");
  const value = (name) => blanks(all[Object.keys(all).find((n) => n.toLowerCase() === name)]);
  const canonical = [method, path, "", ...names.map((n) => `${n}:${value(n)}`), "", names.join(";"),
                     sha256(body)].join("\n");
  const text = ["AWS4-HMAC-SHA256", date, scope.join("/"), sha256(canonical)].join("\n");
  const key = scope.reduce(hmac, `AWS4${o.secret ?? secretKey}`);
  const right = `AWS4-HMAC-SHA256 Credential=${o.id ?? keyId}/${scope.join("/")}, SignedHeaders=${names.join(";")}, ` +
                `Signature=${o.signature ?? hmac(key, text).toString("hex")}`;
  const authorization = o.authorization === null ? {} : { authorization: o.authorization?.(right) ?? right };
  return Object.fromEntries(Object.entries({ ...all, ...authorization }).filter(([n]) => !(o.drop ?? []).includes(n)));
}

// What is answered: { status, headers, body (bytes), text, json }.
function answerOf(status, headers, body) {
  const text = body.toString();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    // Not all answers are JSON.
  }
  return { status, headers, body, text, json };
}

// One signed request.  send: other bytes than those signed; agent: as in node:http.
export function ask(o = {}) {
  const { method = "POST", path = "/", body = "{}", send = body, agent } = o;
  return new Promise((resolve, reject) => {
    const q = http.request({ agent, hostname: endpoint.hostname, port: endpoint.port, method, path,
                             headers: signed(o) }, (r) => {
      const parts = [];
      r.on("data", (d) => parts.push(d)).on("error", reject);
      r.on("end", () => resolve(answerOf(r.statusCode, r.headers, Buffer.concat(parts))));
    });
    q.on("error", reject).end(send);
  });
}

// A request as it goes over the wire.
export function text(o = {}) {
  const { method = "POST", path = "/", body = "{}" } = o;
  const lines = Object.entries(signed(o)).map(([n, v]) => `${n}: ${v}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

// Sends bytes on a connection; returns the answers that come back, when there are so many or it is closed.
export function exchange(bytes, answers = 1) {
  return new Promise((resolve, reject) => {
    let got = "";
    const s = net.connect(Number(endpoint.port), endpoint.hostname, () => s.write(bytes));
    s.setTimeout(20000, () => s.destroy(new Error(`no answer within 20 s: ${got}`)));
    s.on("data", (d) => {
      got += d.toString("latin1");
      if (split(got).length >= answers)
        s.end();
    });
    s.on("error", reject).on("close", () => resolve(split(got, true)));
  });
}

// Answers with a content-length, one after another; rest: also what is not whole.
function split(got, rest = false) {
  const all = [];
  while (got) {
    const head = got.indexOf("\r\n\r\n");
    const n = got.startsWith("HTTP/1.1 100 ") ? "0" : /content-length: (\d+)/i.exec(got.slice(0, head))?.[1];
    const end = head + 4 + Number(n);
    if (head < 0 || n === undefined || got.length < end)
      return rest ? [...all, got] : all;
    all.push(got.slice(0, end));
    got = got.slice(end);
  }
  return all;
}
