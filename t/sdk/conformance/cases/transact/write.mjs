// TransactWriteItems.  API reference, TransactWriteItems and TransactionCanceledException; developer guide, "Amazon
// DynamoDB Transactions: How it works".
import { B, N, OPV, S, SS, keys, ve } from "../../tables.mjs";
import { among, bad, constraint, constraints, lengthAtLeast, lengthAtMost, notNull, pattern } from "../../words.mjs";

export const tables = { "transact-a": keys("pk", "S"), "transact-b": keys("pk", "S", "sk", "N") };

const unsure = { unconfirmed: true };
const key = { pk: S("$K") };
const pair = (sk) => ({ pk: S("$K"), sk: N(sk) });
const put = (more = {}, rest = {}) => ({ Put: { TableName: "transact-a", Item: { ...key, ...more }, ...rest } });
const putB = (sk, more = {}, rest = {}) => ({ Put: { TableName: "transact-b", Item: { ...pair(sk), ...more },
                                                     ...rest } });
const del = (sk, rest = {}) => ({ Delete: { TableName: "transact-b", Key: pair(sk), ...rest } });
const update = (sk, UpdateExpression, rest = {}) =>
  ({ Update: { TableName: "transact-b", Key: pair(sk), UpdateExpression, ...rest } });
const check = (sk, ConditionExpression, rest = {}) =>
  ({ ConditionCheck: { TableName: "transact-b", Key: pair(sk), ConditionExpression, ...rest } });
const values = (v) => ({ ExpressionAttributeValues: v });

const write = (TransactItems, out = {}, more = {}) =>
  ({ op: "TransactWriteItems", in: { TransactItems, ...more }, out });
const refused = (TransactItems, error, more = {}) =>
  ({ op: "TransactWriteItems", in: { TransactItems, ...more }, error });
const stored = (...Items) => ({ op: "Query", in: { TableName: "transact-b", KeyConditionExpression: "pk = :p",
  ConsistentRead: true, ...values({ ":p": S("$K") }) },
    out: { Count: Items.length, ScannedCount: Items.length, Items } });
const only = (Item) => ({ op: "GetItem", in: { TableName: "transact-a", Key: key, ConsistentRead: true },
                          out: Item ? { Item } : {} });
const steps = (name, ...all) => ({ name: `transact write: ${name}`, steps: all });

// --- what it does -------------------------------------------------------------------------------------------------

const done = [
  steps("a put", write([put({ v: N(1) })]), only({ ...key, v: N(1) })),
  steps("a put replaces the whole item", write([put({ v: N(1) })]), write([put({ w: N(2) })]),
        only({ ...key, w: N(2) })),
  steps("an update makes an item", write([update(1, "SET v = :v", values({ ":v": N(1) }))]),
        stored({ ...pair(1), v: N(1) })),
  steps("an update of what is there", write([putB(1, { v: N(1) })]),
        write([update(1, "SET v = v + :v ADD s :s", values({ ":v": N(1), ":s": SS("a") }))]),
        stored({ ...pair(1), v: N(2), s: SS("a") })),
  steps("a delete", write([putB(1)]), write([del(1)]), stored()),
  steps("a delete of what is not there", write([del(1)]), stored()),
  steps("a check changes nothing", write([putB(1, { v: N(1) })]),
        write([check(1, "v = :v", values({ ":v": N(1) })), putB(2)]), stored({ ...pair(1), v: N(1) }, pair(2))),
  steps("a check of what is not there", write([check(1, "attribute_not_exists(pk)")]), stored()),
  steps("all four kinds, of two tables", write([putB(1), putB(2), putB(3)]),
        write([put(), update(1, "SET v = :v", values({ ":v": N(1) })), del(2), check(3, "attribute_exists(pk)")]),
        only(key), stored({ ...pair(1), v: N(1) }, pair(3))),
  steps("items with the same partition key", write([1, 2, 3, 4].map((n) => putB(n))),
        stored(pair(1), pair(2), pair(3), pair(4))),
  steps("a hundred items", write(Array.from({ length: 100 }, (_, i) => putB(i))),
        stored(...Array.from({ length: 100 }, (_, i) => pair(i)))),
  steps("conditions that hold", write([putB(1, { v: N(1) })]),
        write([putB(1, { v: N(2) }, { ConditionExpression: "v = :v", ...values({ ":v": N(1) }) }),
               del(2, { ConditionExpression: "attribute_not_exists(pk)" }),
               update(3, "SET v = :v", { ConditionExpression: "attribute_not_exists(#p)",
                                         ExpressionAttributeNames: { "#p": "pk" }, ...values({ ":v": N(3) }) })]),
        stored({ ...pair(1), v: N(2) }, { ...pair(3), v: N(3) })),
  steps("each item has names and values of its own",
        write([update(1, "SET #a = :v", { ExpressionAttributeNames: { "#a": "x" }, ...values({ ":v": N(1) }) }),
               update(2, "SET #a = :v", { ExpressionAttributeNames: { "#a": "y" }, ...values({ ":v": S("s") }) })]),
        stored({ ...pair(1), x: N(1) }, { ...pair(2), y: S("s") })),
  steps("a table's ARN instead of its name",
        write([{ Put: { TableName: "arn:aws:dynamodb:us-east-1:000000000000:table/transact-a", Item: key } }]),
          only(key)),
  steps("values of all types", write([putB(1, { b: B(0, 255), l: { L: [{ NULL: true }] }, t: { BOOL: true } })]),
        stored({ ...pair(1), b: B(0, 255), l: { L: [{ NULL: true }] }, t: { BOOL: true } })),
];

// --- what it costs ------------------------------------------------------------------------------------------------

const used = (TableName, n, kind = "WriteCapacityUnits") => ({ TableName, CapacityUnits: n, [kind]: n });
const cost = (...ConsumedCapacity) => ({ ConsumedCapacity });
const total = { ReturnConsumedCapacity: "TOTAL" };
const costs = [
  steps("capacity: two units for a KB", write([put()], cost(used("transact-a", 2)), total)),
  steps("capacity: each item is rounded up by itself",
        write([1, 2].map((n) => putB(n, { x: S("x".repeat(1100)) })), cost(used("transact-b", 8)), total)),
  steps("capacity: a delete costs what it deletes", write([putB(1, { x: S("x".repeat(2100)) })]),
        write([del(1)], cost(used("transact-b", 6)), total)),
  steps("capacity: INDEXES adds the table",
        write([put()], cost({ ...used("transact-a", 2), Table: { CapacityUnits: 2, WriteCapacityUnits: 2 } }),
              { ReturnConsumedCapacity: "INDEXES" })),
  steps("capacity: NONE says nothing", write([put()], {}, { ReturnConsumedCapacity: "NONE" })),
  steps("capacity: the second time under a token it is that of reading",
        write([put()], cost(used("transact-a", 2)), { ...total, ClientRequestToken: "cost-$K" }),
        write([put()], cost(used("transact-a", 2, "ReadCapacityUnits")), { ...total, ClientRequestToken: "cost-$K" })),
  steps("ReturnItemCollectionMetrics is taken", write([put()], {}, { ReturnItemCollectionMetrics: "SIZE" })),
];

// --- tokens -------------------------------------------------------------------------------------------------------

const token = { ClientRequestToken: "token-$K" };
const add = [update(1, "ADD v :v", values({ ":v": N(1) }))];
const mismatch = { name: "IdempotentParameterMismatchException", message: () => true };
const tokens = [
  steps("the same request under the same token is done once", write(add, {}, token), write(add, {}, token),
        write(add, {}, token), stored({ ...pair(1), v: N(1) })),
  steps("without a token of its own the SDK makes one a call", write(add), write(add), stored({ ...pair(1), v: N(2) })),
  steps("another request under the same token", write(add, {}, token), refused([put()], mismatch, token), only()),
  steps("a token of 36 characters", write([put()], {}, { ClientRequestToken: `$K${"x".repeat(28)}` }), only(key)),
  { ...steps("a cancelled transaction leaves its token free",
             refused([check(1, "attribute_exists(pk)")],
                     { name: "TransactionCanceledException", message: () => true, CancellationReasons: () => true },
                       token),
             write(add, {}, token), stored({ ...pair(1), v: N(1) })), ...unsure },
];

// --- cancelled ----------------------------------------------------------------------------------------------------

const NONE = { Code: "None" };
const FAILED = { Code: "ConditionalCheckFailed", Message: "The conditional request failed" };
const invalid = (Message) => ({ Code: "ValidationError", Message });
const cancelled = (...CancellationReasons) => ({ name: "TransactionCanceledException", CancellationReasons,
  message: "Transaction cancelled, please refer cancellation reasons for specific reasons " +
           `[${CancellationReasons.map((r) => r.Code).join(", ")}]` });
const fails = { ConditionExpression: "attribute_exists(nowhere)" };
const old = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
const cancels = [
  steps("one condition that fails undoes all",
        refused([put(), putB(1), del(2, fails), putB(3)], cancelled(NONE, NONE, FAILED, NONE)), only(), stored()),
  steps("every condition is looked at", refused([del(1, fails), putB(2), update(3, "REMOVE v", fails),
                                                 check(4, "a = b")], cancelled(FAILED, NONE, FAILED, FAILED))),
  steps("ALL_OLD shows the item", write([putB(1, { v: N(1) })]),
        refused([check(1, "v = sk AND sk = v AND v > :v", { ...values({ ":v": N(9) }), ...old }), put()],
                cancelled({ ...FAILED, Item: { ...pair(1), v: N(1) } }, NONE))),
  steps("ALL_OLD of what is not there", refused([del(1, { ...fails, ...old })], cancelled(FAILED))),
  steps("ALL_OLD for each kind", write([putB(1), putB(2), putB(3)]),
        refused([putB(1, {}, { ...fails, ...old }), update(2, "REMOVE v", { ...fails, ...old }),
                 del(3, { ...fails, ...old })],
                cancelled(...[1, 2, 3].map((n) => ({ ...FAILED, Item: pair(n) }))))),
  steps("NONE shows no item", write([putB(1)]),
        refused([del(1, { ...fails, ReturnValuesOnConditionCheckFailure: "NONE" })], cancelled(FAILED))),
  steps("an operand of a wrong type", write([putB(1, { v: S("s") })]),
        refused([update(1, "SET v = v + :v", values({ ":v": N(1) })), put()],
                cancelled(invalid("An operand in the update expression has an incorrect data type"), NONE)), only()),
  steps("an attribute that is not there",
        refused([update(1, "SET v = w")],
                cancelled(invalid("The provided expression refers to an attribute that does not " +
                                  "exist in the item")))),
  steps("a path that cannot be", write([putB(1, { v: S("s") })]),
        refused([update(1, "SET v.w = :v", values({ ":v": N(1) }))],
                cancelled(invalid("The document path provided in the update expression is invalid for update")))),
  steps("an item that becomes too large", write([putB(1, { v: S("x".repeat(300000)) })]),
        refused([update(1, "SET w = :v", values({ ":v": S("x".repeat(110000)) }))],
                cancelled(invalid("Item size to update has exceeded the maximum allowed size")))),
  steps("a key of another type in a Key",
        refused([put(), { Delete: { TableName: "transact-b", Key: { pk: S("$K"), sk: S("1") } } }],
                cancelled(NONE, invalid("The provided key element does not match the schema"))), only()),
  steps("a key that lacks its sort key",
        refused([{ ConditionCheck: { TableName: "transact-b", Key: key,
                                    ConditionExpression: "attribute_exists(pk)" } }],
                cancelled(invalid("The provided key element does not match the schema")))),
  steps("a key with more than the key",
        refused([{ Update: { TableName: "transact-a", Key: { ...key, v: N(1) }, UpdateExpression: "REMOVE w" } }],
                cancelled(invalid("The provided key element does not match the schema")))),
  steps("a key of another type in an Item",
        refused([{ Put: { TableName: "transact-b", Item: { pk: S("$K"), sk: S("1") } } }],
                cancelled(invalid(`${OPV}Type mismatch for key sk expected: N actual: S`)))),
];

// --- refused ------------------------------------------------------------------------------------------------------

const where = (n, member) => `transactItems.${n}.member.${member}`;
const mistake = (name, TransactItems, error, more) => steps(name, refused(TransactItems, error, more));
const raw = (name, body, error) => ({ name: `transact write: ${name}`, op: "TransactWriteItems", raw: body, error });
const gone = { name: "ResourceNotFoundException", message: "Requested resource not found" };
const TWICE = "Transaction request cannot include multiple operations on one item";
const UNUSED = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}";
const mistakes = [
  raw("TransactItems is required", {}, constraint(null, "transactItems", notNull)),
  mistake("no items", [], constraint("[]", "transactItems", lengthAtLeast(1))),
  mistake("more than a hundred items", Array.from({ length: 101 }, (_, i) => putB(i)),
          ve((m) => m.startsWith("1 validation error detected: Value '[") &&
                    m.endsWith(`]' at 'transactItems' failed to satisfy constraint: ${lengthAtMost(100)}`))),
  { ...mistake("an element of nothing", [{}],
               ve("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")), ...unsure },
  mistake("an element of two", [{ ...put(), ...del(1) }],
          ve("TransactItems can only contain one of Check, Put, Update or Delete")),
  raw("a put of nothing", { TransactItems: [{ Put: {} }] },
      constraints(bad(null, where(1, "put.item"), notNull), bad(null, where(1, "put.tableName"), notNull))),
  raw("an update without its expression", { TransactItems: [{ Update: { TableName: "transact-a", Key: key } }] },
      constraint(null, where(1, "update.updateExpression"), notNull)),
  raw("a check without its condition", { TransactItems: [put(),
                                                         { ConditionCheck: { TableName: "transact-b",
                                                                             Key: pair(1) } }] },
      constraint(null, where(2, "conditionCheck.conditionExpression"), notNull)),
  raw("a delete without its key", { TransactItems: [{ Delete: { TableName: "transact-a" } }] },
      constraint(null, where(1, "delete.key"), notNull)),
  { ...mistake("a table's name of other characters", [{ Put: { TableName: "a#b", Item: key } }],
               constraint("a#b", where(1, "put.tableName"), pattern)), ...unsure },
  mistake("ReturnValuesOnConditionCheckFailure of another value",
          [del(1, { ReturnValuesOnConditionCheckFailure: "ALL_NEW" })],
          constraint("ALL_NEW", where(1, "delete.returnValuesOnConditionCheckFailure"), among("ALL_OLD", "NONE"))),
  mistake("a token that is too long", [put()], constraint("x".repeat(37), "clientRequestToken", lengthAtMost(36)),
          { ClientRequestToken: "x".repeat(37) }),
  mistake("an empty token", [put()], constraint("", "clientRequestToken", lengthAtLeast(1)),
          { ClientRequestToken: "" }),
  mistake("ReturnConsumedCapacity of another value", [put()],
          constraint("ALL", "returnConsumedCapacity", among("INDEXES", "TOTAL", "NONE")),
            { ReturnConsumedCapacity: "ALL" }),
  mistake("two puts of one item", [putB(1), putB(1)], ve(TWICE)),
  mistake("a check and a put of one item", [check(1, "attribute_exists(pk)"), putB(2), putB(1)], ve(TWICE)),
  mistake("keys are equal by value", [putB("1.0"), del(1)], ve(TWICE)),
  mistake("a table that is not there", [put(), { Put: { TableName: "no-such-table", Item: key } }], gone),
  mistake("an empty key in an Item", [{ Put: { TableName: "transact-a", Item: { pk: S("") } } }],
          ve("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain " +
             "an empty " +
             "string value. Key: pk")),
  mistake("an empty key in a Key", [{ Delete: { TableName: "transact-a", Key: { pk: S("") } } }],
          ve(`${OPV}The AttributeValue for a key attribute cannot contain an empty string value. Key: pk`)),
  mistake("an item that is too large", [putB(1, { v: S("x".repeat(410000)) })],
          ve("Item size has exceeded the maximum allowed size")),
  { ...mistake("more than 4 MB", Array.from({ length: 11 }, (_, i) => putB(i, { v: S("x".repeat(400000)) })),
               ve((m) => m.includes("size cannot exceed"))), ...unsure },
  mistake("a condition that cannot be read", [check(1, "a =")],
          ve('Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="')),
  mistake("an empty condition", [check(1, "")], ve("Invalid ConditionExpression: The expression can not be empty;")),
  mistake("an update that cannot be read", [update(1, "v = 1")],
          ve('Invalid UpdateExpression: Syntax error; token: "v", near: "v ="')),
  mistake("a value that is not defined", [del(1, { ConditionExpression: "a = :a" })],
          ve("Invalid ConditionExpression: An expression attribute value used in expression is not defined; " +
             "attribute value: :a")),
  mistake("another item's values do not count",
          [check(1, "a = :a", values({ ":a": N(1) })), check(2, "a = :a")],
          ve("Invalid ConditionExpression: An expression attribute value used in expression is not defined; " +
             "attribute value: :a")),
  mistake("a name that is not used",
          [del(1, { ConditionExpression: "attribute_exists(#a)", ExpressionAttributeNames: { "#a": "a", "#b": "b" } })],
          ve(UNUSED)),
  mistake("a reserved word", [update(1, "REMOVE size")],
          ve("Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: size")),
  mistake("an update of the key", [update(1, "SET sk = :v", values({ ":v": N(2) }))],
          ve(`${OPV}Cannot update attribute sk. This attribute is part of the key`)),
  mistake("a number that is none", [putB(1, { v: { N: "x" } })],
          ve("The parameter cannot be converted to a numeric value: x")),
];

export const cases = [...done, ...costs, ...tokens, ...cancels, ...mistakes];
