// BatchGetItem.  API reference, BatchGetItem.
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { B, N, OPV, S, keys, ve } from "../../tables.mjs";
import { among, bad, constraint, constraints, lengthAtLeast, notNull } from "../../words.mjs";

export const tables = { "batch-a": keys("pk", "S"), "batch-b": keys("pk", "S", "sk", "N") };

const key = (pk) => ({ pk: S(pk) });
const pair = (sk) => ({ pk: S("$K"), sk: N(sk) });
const noTable = { name: "ResourceNotFoundException", message: "Requested resource not found" };
const DUPLICATES = "Provided list of item keys contains duplicates";
const SCHEMA = "The provided key element does not match the schema";
const unsure = { unconfirmed: true };
const put = (table, Item) => ({ op: "PutItem", in: { TableName: table, Item } });
const used = (TableName, CapacityUnits, more) => ({ TableName, CapacityUnits, ...more });

// --- what it finds ------------------------------------------------------------------------------------------------

const a = { pk: S("$K"), v: N(1), m: { M: { x: S("y"), z: N(2) } } };
const b1 = { ...pair(1), v: S("one") }, b2 = { ...pair(2), v: S("two") };
const given = [put("batch-a", a), put("batch-b", b1), put("batch-b", b2)];

function get(name, RequestItems, out, more = {}) {
  const consistent = Object.entries(RequestItems).map(([t, r]) => [t, { ConsistentRead: true, ...r }]);
  return { name: `batch get: ${name}`, steps: [...given, {
    op: "BatchGetItem", in: { RequestItems: Object.fromEntries(consistent), ...more },
      out: { UnprocessedKeys: {}, ...out } }] };
}

// Items of batch-b, told apart by their sort keys.
const inAnyOrder = (...wanted) => (list) => list.length === wanted.length &&
  wanted.every((w) => list.some((i) => i.sk.N === w.sk.N && i.v?.S === w.v?.S));

const found = [
  get("one item", { "batch-a": { Keys: [key("$K")] } }, { Responses: { "batch-a": [a] } }),
  get("several of a table", { "batch-b": { Keys: [pair(1), pair(2)] } },
      { Responses: { "batch-b": inAnyOrder(b1, b2) } }),
  get("of two tables", { "batch-a": { Keys: [key("$K")] }, "batch-b": { Keys: [pair(2)] } },
      { Responses: { "batch-a": [a], "batch-b": [b2] } }),
  get("what is not there is left out", { "batch-b": { Keys: [pair(7), pair(2)] } }, { Responses: { "batch-b": [b2] } }),
  get("a table of which nothing is there has an empty list", { "batch-b": { Keys: [pair(7)] } },
      { Responses: { "batch-b": [] } }),
  get("a projection", { "batch-a": { Keys: [key("$K")], ProjectionExpression: "m.x, v" } },
      { Responses: { "batch-a": [{ v: N(1), m: { M: { x: S("y") } } }] } }),
  get("a projection with substitutes",
      { "batch-a": { Keys: [key("$K")], ProjectionExpression: "#m.#z",
                     ExpressionAttributeNames: { "#m": "m", "#z": "z" } } },
      { Responses: { "batch-a": [{ m: { M: { z: N(2) } } }] } }),
  get("a projection of what is not there", { "batch-a": { Keys: [key("$K")], ProjectionExpression: "nowhere" } },
      { Responses: { "batch-a": [{}] } }),
  get("AttributesToGet", { "batch-a": { Keys: [key("$K")], AttributesToGet: ["v", "nowhere"] } },
      { Responses: { "batch-a": [{ v: N(1) }] } }),
  get("each table has a projection of its own", { "batch-a": { Keys: [key("$K")], ProjectionExpression: "v" },
                                                  "batch-b": { Keys: [pair(1)], ProjectionExpression: "sk" } },
      { Responses: { "batch-a": [{ v: N(1) }], "batch-b": [{ sk: N(1) }] } }),
  get("numbers are keys by value", { "batch-b": { Keys: [{ pk: S("$K"), sk: N("1.00") }] } },
      { Responses: { "batch-b": [b1] } }),
  get("capacity: a unit for a strong read, also of nothing", { "batch-b": { Keys: [pair(1), pair(7)] } },
      { Responses: { "batch-b": [b1] }, ConsumedCapacity: [used("batch-b", 2)] }, { ReturnConsumedCapacity: "TOTAL" }),
  get("capacity: half for an eventual one", { "batch-b": { Keys: [pair(7), pair(8), pair(9)], ConsistentRead: false } },
      { Responses: { "batch-b": [] }, ConsumedCapacity: [used("batch-b", 1.5)] }, { ReturnConsumedCapacity: "TOTAL" }),
  get("capacity: INDEXES tells the table's share", { "batch-b": { Keys: [pair(7)] } },
      { Responses: { "batch-b": [] }, ConsumedCapacity: [used("batch-b", 1, { Table: { CapacityUnits: 1 } })] },
      { ReturnConsumedCapacity: "INDEXES" }),
  get("capacity: of each table", { "batch-a": { Keys: [key("$K")] }, "batch-b": { Keys: [pair(1), pair(2)] } },
      { Responses: { "batch-a": [a], "batch-b": (l) => l.length === 2 },
        ConsumedCapacity: (l) => JSON.stringify(l.map((c) => [c.TableName, c.CapacityUnits]).sort()) ===
                                 '[["batch-a",1],["batch-b",2]]' }, { ReturnConsumedCapacity: "TOTAL" }),
  get("capacity: NONE tells nothing", { "batch-b": { Keys: [pair(7)] } }, { Responses: { "batch-b": [] } },
      { ReturnConsumedCapacity: "NONE" }),
  { name: "batch get: capacity: each item is rounded up by itself", steps: [
    ...[1, 2, 3].map((n) => put("batch-b", { ...pair(n), x: S("x".repeat(5000)) })),
    { op: "BatchGetItem", in: { RequestItems: { "batch-b": { ConsistentRead: true, Keys: [1, 2, 3].map(pair),
        ProjectionExpression: "sk" } },
                                ReturnConsumedCapacity: "TOTAL" },
      out: { UnprocessedKeys: {}, Responses: { "batch-b": inAnyOrder({ sk: N(1) }, { sk: N(2) }, { sk: N(3) }) },
             ConsumedCapacity: [used("batch-b", 6)] } }] },
  { name: "batch get: a hundred keys", op: "BatchGetItem",
    in: { RequestItems: { "batch-b": { Keys: Array.from({ length: 100 }, (_, i) => pair(-1 - i)) } } },
    out: { UnprocessedKeys: {}, Responses: { "batch-b": [] } } },
  { name: "batch get: a hundred keys of two tables", op: "BatchGetItem",
    in: { RequestItems: { "batch-a": { Keys: Array.from({ length: 50 }, (_, i) => key(`$K no ${i}`)) },
                          "batch-b": { Keys: Array.from({ length: 50 }, (_, i) => pair(-1 - i)) } } },
    out: { UnprocessedKeys: {}, Responses: { "batch-a": [], "batch-b": [] } } },
];

// "The response is limited to 16 MB": the rest is handed back, with all that is needed to ask for it.
const large = { name: "batch get: beyond 16 MB keys are handed back", run: async ({ key: k }) => {
  const Keys = Array.from({ length: 44 }, (_, i) => ({ pk: S(k), sk: N(i) }));
  for (const Key of Keys)
    await send(put("batch-b", { ...Key, x: S("x".repeat(390000)) }));
  const seen = [], ask = { ConsistentRead: true, ProjectionExpression: "#s, x",
                           ExpressionAttributeNames: { "#s": "sk" } };
  let RequestItems = { "batch-b": { Keys, ...ask } }, rounds = 0;
  while (Object.keys(RequestItems).length) {
    const { out, error } = await send({ op: "BatchGetItem", in: { RequestItems } });
    assert.equal(error, undefined);
    seen.push(...out.Responses["batch-b"].map((i) => Number(i.sk.N)));
    assert.ok(out.Responses["batch-b"].every((i) => i.pk === undefined && i.x.S.length === 390000));
    RequestItems = out.UnprocessedKeys;
    if (rounds++ === 0) {
      const { Keys: rest, ...others } = RequestItems["batch-b"];
      assert.deepEqual(others, ask);
      assert.equal(rest.length + seen.length, 44);
    }
  }
  assert.equal(rounds, 2);
  assert.deepEqual(seen.sort((x, y) => x - y), Keys.map((_, i) => i));
} };

// --- what it refuses ----------------------------------------------------------------------------------------------

function refused(name, RequestItems, error, more = {}) {
  const { unconfirmed, ...members } = more;
  return { name: `batch get: ${name}`, op: "BatchGetItem", ...(unconfirmed ? { unconfirmed } : {}),
           in: { RequestItems, ...members }, error: error.name ? error : ve(error) };
}

const keysOf = (n) => Array.from({ length: n }, (_, i) => key(`${i}`));
const MIXED = "Can not use both expression and non-expression parameters in the same request: " +
              "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}";
const REQUIRED = "The requestItems parameter is required for BatchGetItem";
const mistakes = [
  refused("no tables", {}, REQUIRED),
  refused("no RequestItems", undefined,
          (m) => [REQUIRED, `1 validation error detected: ${bad(null, "requestItems", notNull)}`].includes(m)),
  refused("no keys", { "batch-a": { Keys: [] } },
          constraint("[]", "requestItems.batch-a.member.keys", lengthAtLeast(1)), unsure),
  refused("keys that are missing", { "batch-a": {} }, constraint(null, "requestItems.batch-a.member.keys", notNull),
          unsure),
  refused("101 keys", { "batch-a": { Keys: keysOf(101) } },
          "1 validation error detected: Value at 'RequestItems.batch-a.member.Keys' failed to satisfy constraint: " +
          "Member must have length less than or equal to 100"),
  refused("101 keys of two tables", { "batch-a": { Keys: keysOf(51) },
                                      "batch-b": { Keys: Array.from({ length: 50 }, (_, i) => pair(i)) } },
          "Too many items requested for the BatchGetItem call"),
  refused("one key twice", { "batch-a": { Keys: [key("1"), key("2"), key("1")] } }, DUPLICATES),
  refused("one key twice, as numbers go", { "batch-b": { Keys: [pair(1), pair("1.0")] } }, DUPLICATES),
  refused("a key of another type", { "batch-a": { Keys: [{ pk: N(1) }] } }, SCHEMA),
  refused("a key without the sort key", { "batch-b": { Keys: [key("a")] } }, SCHEMA),
  refused("a key with another attribute", { "batch-a": { Keys: [{ ...key("a"), v: N(1) }] } }, SCHEMA),
  refused("a key of other attributes", { "batch-a": { Keys: [{ a: S("b") }] } }, SCHEMA),
  refused("a key of no attributes", { "batch-a": { Keys: [{}] } }, SCHEMA),
  refused("the second key counts too", { "batch-a": { Keys: [key("a"), { pk: B(1) }] } }, SCHEMA),
  refused("an empty string as key", { "batch-a": { Keys: [key("")] } },
          `${OPV}The AttributeValue for a key attribute cannot contain an empty string value. Key: pk`),
  refused("a key of 2049 bytes", { "batch-a": { Keys: [key("x".repeat(2049))] } },
          `${OPV}Size of hashkey has exceeded the maximum size limit of2048 bytes`),
  refused("a table that is not there", { "none-of-these": { Keys: [key("a")] } }, noTable),
  refused("one table that is not there, one that is",
          { "batch-a": { Keys: [key("a")] }, "none-of-these": { Keys: [key("a")] } }, noTable),
  refused("a table's name of other characters", { "a b": { Keys: [key("a")] } },
          /at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: \[.*pattern: .*\]$/),
  refused("an empty projection", { "batch-a": { Keys: [key("a")], ProjectionExpression: "" } },
          "Invalid ProjectionExpression: The expression can not be empty;"),
  refused("a syntax error in a projection", { "batch-a": { Keys: [key("a")], ProjectionExpression: "v," } },
          /^Invalid ProjectionExpression: Syntax error; token: "<EOF>"/),
  refused("a projection with an undefined substitute", { "batch-a": { Keys: [key("a")], ProjectionExpression: "#v" } },
          "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; " +
          "attribute name: #v"),
  refused("a substitute that is not used",
          { "batch-a": { Keys: [key("a")], ProjectionExpression: "v", ExpressionAttributeNames: { "#v": "v" } } },
          "Value provided in ExpressionAttributeNames unused in expressions: keys: {#v}"),
  refused("substitutes without an expression", { "batch-a": { Keys: [key("a")],
      ExpressionAttributeNames: { "#v": "v" } } },
          "ExpressionAttributeNames can only be specified when using expressions"),
  refused("substitutes of another table", { "batch-a": { Keys: [key("a")], ProjectionExpression: "v",
                                                         ExpressionAttributeNames: { "#v": "v" } },
                                            "batch-b": { Keys: [pair(1)], ProjectionExpression: "#v" } },
          /^(Value provided in ExpressionAttributeNames unused|Invalid ProjectionExpression: An expression attr)/),
  refused("AttributesToGet and a ProjectionExpression",
          { "batch-a": { Keys: [key("a")], AttributesToGet: ["v"], ProjectionExpression: "v" } }, MIXED),
  refused("AttributesToGet with no name", { "batch-a": { Keys: [key("a")], AttributesToGet: [] } },
          constraint("[]", "requestItems.batch-a.member.attributesToGet", lengthAtLeast(1)), unsure),
  refused("AttributesToGet with one name twice", { "batch-a": { Keys: [key("a")], AttributesToGet: ["v", "v"] } },
          `${OPV}Duplicate value in attribute name: v`),
  refused("a ReturnConsumedCapacity of no meaning", { "batch-a": { Keys: [key("a")] } },
          constraint("ALL", "returnConsumedCapacity", among("INDEXES", "TOTAL", "NONE")),
            { ReturnConsumedCapacity: "ALL" }),
  refused("constraints are told together", { "batch-a": { Keys: [] } },
          constraints(bad("ALL", "returnConsumedCapacity", among("INDEXES", "TOTAL", "NONE")),
                      bad("[]", "requestItems.batch-a.member.keys", lengthAtLeast(1))),
          { ReturnConsumedCapacity: "ALL", ...unsure }),
  refused("a projection is looked at before the table", { "none-of-these": { Keys: [key("a")],
      ProjectionExpression: "(" } },
          /^Invalid ProjectionExpression: Syntax error/, unsure),
  refused("the table is looked at before the keys", { "none-of-these": { Keys: [key("a"), key("a")] } }, noTable,
          unsure),
];

export const cases = [...found, large, ...mistakes];
