// TransactGetItems.  API reference, TransactGetItems.
import { N, OPV, S, keys, ve } from "../../tables.mjs";
import { constraint, lengthAtLeast, lengthAtMost, notNull } from "../../words.mjs";

export const tables = { "transact-a": keys("pk", "S"), "transact-b": keys("pk", "S", "sk", "N") };

const unsure = { unconfirmed: true };
const key = { pk: S("$K") };
const pair = (sk) => ({ pk: S("$K"), sk: N(sk) });
const a = { ...key, v: N(1), m: { M: { x: S("y"), z: N(2) } } };
const b = (sk) => ({ ...pair(sk), v: N(sk) });
const given = [{ op: "PutItem", in: { TableName: "transact-a", Item: a } },
               ...[1, 2].map((sk) => ({ op: "PutItem", in: { TableName: "transact-b", Item: b(sk) } }))];
const getA = (rest = {}) => ({ Get: { TableName: "transact-a", Key: key, ...rest } });
const getB = (sk, rest = {}) => ({ Get: { TableName: "transact-b", Key: pair(sk), ...rest } });
const ask = (name, TransactItems, Items, rest = {}, more = {}) => ({ name: `transact get: ${name}`, steps: [...given,
  { op: "TransactGetItems", in: { TransactItems, ...more },
    out: { Responses: Items.map((Item) => (Item ? { Item } : {})), ...rest } }] });
const used = (TableName, n) => ({ TableName, CapacityUnits: n, ReadCapacityUnits: n });

const found = [
  ask("one item", [getA()], [a]),
  ask("several keep their order", [getB(2), getA(), getB(1)], [b(2), a, b(1)]),
  ask("what is not there is empty", [getB(7), getB(1), getB(8)], [null, b(1), null]),
  ask("a projection", [getA({ ProjectionExpression: "m.x, v" })], [{ v: N(1), m: { M: { x: S("y") } } }]),
  ask("each item has a projection of its own",
      [getA({ ProjectionExpression: "v" }), getB(1), getB(2, { ProjectionExpression: "sk" })],
      [{ v: N(1) }, b(1), { sk: N(2) }]),
  ask("a projection with substitutes", [getA({ ProjectionExpression: "#m.#z",
                                               ExpressionAttributeNames: { "#m": "m", "#z": "z" } })],
      [{ m: { M: { z: N(2) } } }]),
  ask("numbers are keys by value", [getB("1.00")], [b(1)]),
  ask("a table's ARN instead of its name",
      [{ Get: { TableName: "arn:aws:dynamodb:us-east-1:000000000000:table/transact-a", Key: key } }], [a]),
  ask("a hundred items", Array.from({ length: 100 }, (_, i) => getB(i)),
      Array.from({ length: 100 }, (_, i) => (i === 1 || i === 2 ? b(i) : null))),
  ask("capacity: two units for 4 KB, also for nothing", [getA(), getB(1), getB(7)], [a, b(1), null],
      { ConsumedCapacity: [used("transact-a", 2), used("transact-b", 4)] }, { ReturnConsumedCapacity: "TOTAL" }),
  ask("capacity: INDEXES adds the table", [getA()], [a],
      { ConsumedCapacity: [{ ...used("transact-a", 2), Table: { CapacityUnits: 2, ReadCapacityUnits: 2 } }] },
      { ReturnConsumedCapacity: "INDEXES" }),
];

const mistake = (name, TransactItems, error, rest = {}) =>
  ({ name: `transact get: ${name}`, op: "TransactGetItems", in: { TransactItems }, error, ...rest });
const raw = (name, body, error) => ({ name: `transact get: ${name}`, op: "TransactGetItems", raw: body, error });
const gone = { name: "ResourceNotFoundException", message: "Requested resource not found" };
const mistakes = [
  raw("TransactItems is required", {}, constraint(null, "transactItems", notNull)),
  mistake("no items", [], constraint("[]", "transactItems", lengthAtLeast(1))),
  mistake("more than a hundred items", Array.from({ length: 101 }, (_, i) => getB(i)),
          ve((m) => m.endsWith(`at 'transactItems' failed to satisfy constraint: ${lengthAtMost(100)}`))),
  raw("an element of nothing", { TransactItems: [{}] }, constraint(null, "transactItems.1.member.get", notNull)),
  raw("a get without its key", { TransactItems: [getA(), { Get: { TableName: "transact-a" } }] },
      constraint(null, "transactItems.2.member.get.key", notNull)),
  raw("a get without its table", { TransactItems: [{ Get: { Key: key } }] },
      constraint(null, "transactItems.1.member.get.tableName", notNull)),
  mistake("one item twice", [getB(1), getA(), getB("1.0")],
          ve("Transaction request cannot include multiple operations on one item")),
  mistake("a table that is not there", [getA(), { Get: { TableName: "no-such-table", Key: key } }], gone),
  mistake("an empty key", [{ Get: { TableName: "transact-a", Key: { pk: S("") } } }],
          ve(`${OPV}The AttributeValue for a key attribute cannot contain an empty string value. Key: pk`)),
  mistake("a key of another type", [getA(), { Get: { TableName: "transact-b", Key: { pk: S("$K"), sk: S("1") } } }],
          { name: "TransactionCanceledException",
            message: "Transaction cancelled, please refer cancellation reasons for specific reasons [None, " +
                     "ValidationError]",
            CancellationReasons: [{ Code: "None" },
                                  { Code: "ValidationError",
                                   Message: "The provided key element does not match the schema" }] },
          unsure),
  mistake("an empty projection", [getA({ ProjectionExpression: "" })],
          ve("Invalid ProjectionExpression: The expression can not be empty;")),
  mistake("paths that overlap", [getA({ ProjectionExpression: "m, m.x" })],
          ve("Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite " +
             "one of these " +
             "paths; path one: [m], path two: [m, x]")),
  mistake("a name that is not used", [getA({ ProjectionExpression: "v", ExpressionAttributeNames: { "#b": "b" } })],
          ve("Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}")),
  mistake("names without a projection", [getA({ ExpressionAttributeNames: { "#b": "b" } })],
          ve("ExpressionAttributeNames can only be specified when using expressions: ProjectionExpression is null"),
            unsure),
];

export const cases = [...found, ...mistakes];
