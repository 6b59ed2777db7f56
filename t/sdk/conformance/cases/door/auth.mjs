// Who asks: Signature Version 4.  IAM user guide, "Create a signed AWS API request" and "Troubleshoot signed requests";
// the developer guide, "Error handling with DynamoDB".
import assert from "node:assert/strict";
import { ask, region, stamp } from "../../wire.mjs";

const MISMATCH = "The request signature we calculated does not match the signature you provided. Check your AWS " +
                 "Secret Access Key and signing method. Consult the service documentation for details.";
const SERVICE = "com.amazon.coral.service#";
const unsure = { unconfirmed: true };

function refused(name, request, type, message, more = {}) {
  return { name: `auth: ${name}`, ...more, run: async () => {
    const a = await ask(request);
    assert.equal(a.status, 400, a.text);
    assert.equal(a.json?.__type, SERVICE + type, a.text);
    const said = a.json.message ?? a.json.Message;
    if (message instanceof RegExp)
      assert.match(said ?? "", message);
    else if (message !== undefined)
      assert.equal(said, message);
    assert.match(a.headers["x-amzn-requestid"], /^[A-Z0-9]{52}$/);
  } };
}

function accepted(name, request) {
  return { name: `auth: ${name}`, run: async () => {
    const a = await ask(request());
    assert.equal(a.status, 200, a.text);
  } };
}

const INCOMPLETE = "IncompleteSignatureException", WRONG = "InvalidSignatureException";
const without = (part) => (header) => header.replace(new RegExp(`${part}=[^, ]+,? ?`), "").replace(/, $/, "");

export const cases = [
  accepted("a right signature", () => ({})),
  accepted("more headers may be signed", () => ({ headers: { "x-amz-meta": "  a  b ", "user-agent": "x" } })),
  accepted("other headers need not be signed", () => ({ headers: { "x-other": "a" },
      unsigned: ["x-other", "content-type"] })),
  accepted("14 minutes ago", () => ({ date: stamp(-14 * 60) })),
  accepted("14 minutes ahead", () => ({ date: stamp(14 * 60) })),
  accepted("no blanks between the parts", () => ({ authorization: (h) => h.replaceAll(", ", ",") })),

  refused("no signature", { authorization: null }, "MissingAuthenticationTokenException",
          "Request is missing Authentication Token"),
  refused("an empty header", { authorization: () => "" }, "MissingAuthenticationTokenException", undefined, unsure),
  refused("a key that is not there", { id: "AKIAIOSFODNN7EXAMPLE" }, "UnrecognizedClientException",
          "The security token included in the request is invalid."),
  refused("a key that is not there, with a wrong secret", { id: "AKIAIOSFODNN7EXAMPLE", secret: "x" },
          "UnrecognizedClientException", "The security token included in the request is invalid."),
  refused("a wrong secret", { secret: "wrong" }, WRONG, new RegExp(`^${MISMATCH.replaceAll(".", "\\.")}`)),
  refused("a signature of zeros", { signature: "0".repeat(64) }, WRONG),
  refused("a signature that is too short", { signature: "00" }, WRONG),
  refused("another body than was signed", { body: "{}", send: "{ }" }, WRONG),
  refused("another target than was signed", { headers: {}, authorization: (h) => h.replace(/..$/, "zz") }, WRONG),
  refused("a date of 16 minutes ago", { date: stamp(-16 * 60) }, WRONG,
          /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 15 min\.\)$/),
  refused("a date in 16 minutes", { date: stamp(16 * 60) }, WRONG,
          /^Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 15 min\.\)$/),
  refused("a day in the scope that is not the date's", { day: "20200101" }, WRONG,
          /^Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP/),
  refused("another region", { region: region === "eu-west-1" ? "us-west-2" : "eu-west-1" }, WRONG,
          new RegExp(`^Credential should be scoped to a valid region`, "i")),
  refused("another service", { service: "s3" }, WRONG, /^Credential should be scoped to correct service/i),
  refused("another end of the scope", { authorization: (h) => h.replace("aws4_request", "aws4") }, WRONG,
          /^Credential should be scoped with a valid terminator/, unsure),
  refused("no host among the signed headers", { unsigned: ["host"] }, WRONG, undefined, unsure),
  refused("no date among the signed headers", { unsigned: ["x-amz-date"] }, WRONG, undefined, unsure),
  refused("no target among the signed headers", { unsigned: ["x-amz-target"] }, WRONG, undefined, unsure),
  refused("a signed header that is not sent", { headers: { "x-more": "a" }, drop: ["x-more"] }, WRONG),
  refused("no date", { drop: ["x-amz-date"], unsigned: ["x-amz-date"] }, INCOMPLETE,
          /Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header\./),
  refused("no Credential", { authorization: without("Credential") }, INCOMPLETE,
          /^Authorization header requires 'Credential' parameter\. .*Authorization=/),
  refused("no SignedHeaders", { authorization: without("SignedHeaders") }, INCOMPLETE,
          /^Authorization header requires 'SignedHeaders' parameter\. .*Authorization=/),
  refused("no Signature", { authorization: without("Signature") }, INCOMPLETE,
          /^Authorization header requires 'Signature' parameter\. .*Authorization=/),
  refused("none of the three", { authorization: () => "AWS4-HMAC-SHA256 " }, INCOMPLETE,
          /'Credential' parameter\. .*'Signature' parameter\. .*'SignedHeaders' parameter\./),
  refused("another algorithm", { authorization: (h) => h.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1") },
          "MissingAuthenticationTokenException", undefined, unsure),
  refused("no target at all", { target: null }, WRONG, undefined, unsure),
  refused("a scope of four parts", { authorization: (h) => h.replace("/aws4_request", "") }, INCOMPLETE,
          /Credential must have exactly 5 slash-delimited elements/, unsure),
  refused("an unknown operation is not told to who may not ask", { op: "None", secret: "wrong" }, WRONG),
  refused("JSON is not read of who may not ask", { body: "{", secret: "wrong" }, WRONG),
];
