// Facts from the developer guide and the API reference, asked of the oracle: `node --test t/diff/oracle.test.mjs`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "./compare.mjs";
import { Dice } from "./dice.mjs";
import { Unsure } from "./eval.mjs";
import { Generator } from "./gen.mjs";
import * as number from "./number.mjs";
import { Oracle } from "./oracle.mjs";
import { tables } from "./pools.mjs";
import { shrink } from "./shrink.mjs";
import { Twin } from "./twin.mjs";
import { walk } from "./walk.mjs";

const NINES = "9".repeat(38);

test("numbers: plain form, and what is no number", () => {
  for (const [given, printed] of [
    ["00042", "42"],
    ["1.5E2", "150"],
    ["-0", "0"],
    ["3.140", "3.14"],
    ["1E-3", "0.001"],
    [".5", "0.5"],
    ["-1e0", "-1"],
    ["1E+2", "100"],
    [NINES, NINES],
    [`0.${NINES}`, `0.${NINES}`],
    ["1E125", `1${"0".repeat(125)}`],
    ["1E-130", `0.${"0".repeat(129)}1`],
    [`1.${"0".repeat(60)}`, "1"],
  ])
    assert.equal(number.print(number.parse(given)), printed);
  for (const bad of [
    "",
    "-",
    ".",
    "1e",
    "abc",
    "0x1",
    " 1",
    "1 ",
    "1E126",
    "-1E126",
    "1E-131",
    `1${"0".repeat(37)}1`,
    "NaN",
  ])
    assert.throws(() => number.parse(bad), number.NumberError, bad);
});

test("numbers: exact sums, and their order", () => {
  for (const [a, b, sum] of [
    ["0.1", "0.2", "0.3"],
    [NINES, "1", `1${"0".repeat(38)}`],
    ["1", "-1", "0"],
    ["1E37", "0.1", `1${"0".repeat(37)}.1`],
    ["-5", "2.5", "-2.5"],
  ])
    if (sum.length < 40) assert.equal(number.print(number.add(number.parse(a), number.parse(b))), sum);
  assert.throws(() => number.add(number.parse("1E38"), number.parse("0.1")), number.NumberError);
  const list = ["-1E125", "-10", "-9", "-0.5", "-1E-130", "0", "1E-130", "0.5", "9", "10", "1E125"].map(number.parse);
  for (const i of list.keys())
    for (const k of list.keys()) assert.equal(Math.sign(number.compare(list[i], list[k])), Math.sign(i - k));
});

function bicycle() {
  const oracle = new Oracle();
  oracle.createTable("t", { hash: { name: "pk", type: "S" } });
  oracle.createTable("r", { hash: { name: "pk", type: "S" }, range: { name: "sk", type: "N" } });
  oracle.run("PutItem", {
    TableName: "t",
    Item: {
      pk: { S: "1" },
      Title: { S: "Bicycle" },
      Price: { N: "500" },
      Colors: { SS: ["Red", "Black"] },
      Gone: { NULL: true },
      Sizes: { NS: ["1", "2"] },
      Pictures: { M: { Front: { S: "f" }, Views: { L: [{ S: "a" }, { S: "b" }, { N: "3" }] } } },
      Related: { L: [{ N: "341" }, { N: "472" }, { N: "649" }] },
      Raw: { B: "AAEC" },
    },
  });
  for (const n of ["10", "-1", "2", "0.5"])
    oracle.run("PutItem", { TableName: "r", Item: { pk: { S: "p" }, sk: { N: n }, v: { N: n } } });
  return oracle;
}

const values = {
  ":n": { N: "500" },
  ":s": { S: "Bi" },
  ":red": { S: "Red" },
  ":one": { N: "1" },
  ":two": { N: "2" },
  ":t": { S: "SS" },
  ":b": { B: "AAE=" },
  ":f": { BOOL: false },
};
const used = (text, all) =>
  Object.fromEntries(Object.entries(all).filter(([alias]) => new RegExp(`${alias}\\b`).test(text)));
const some = (o) => (Object.keys(o).length > 0 ? o : undefined);

const conditions = {
  "Price = :n": true,
  "Price <> :n": false,
  "Price > :one AND Price <= :n": true,
  "NOT Price > :one": false,
  "Price = :s": false,
  "Price <> :s": true,
  "Nothing = :n": false,
  "Nothing <> :n": true,
  "Nothing < :n": false,
  "NOT Nothing < :n": true,
  "attribute_exists(Gone)": true,
  "attribute_exists(Pictures.Front)": true,
  "attribute_exists(Pictures.Side)": false,
  "attribute_not_exists(Related[3])": true,
  "attribute_exists(Related[2])": true,
  "attribute_type(Colors, :t)": true,
  "begins_with(Title, :s)": true,
  "begins_with(Price, :s)": false,
  "begins_with(Raw, :b)": true,
  "contains(Colors, :red)": true,
  "contains(Title, :s)": true,
  "contains(Related, :n)": false,
  "contains(Sizes, :two)": true,
  "size(Colors) = :two": true,
  "size(Raw) > :two": true,
  "size(Pictures) = :two": true,
  "size(Price) = :two": false,
  "Price BETWEEN :one AND :n": true,
  "Price IN (:one, :n)": true,
  "Price IN (:s, :f)": false,
  "Price = :one OR Price = :n AND Title = :s": false,
  "(Price = :n OR Price = :one) AND attribute_exists(pk)": true,
  "Price > Related[0]": true,
  "Colors > :red": false,
};

test("conditions hold or fail as documented", () => {
  for (const [text, holds] of Object.entries(conditions)) {
    const r = bicycle().run("DeleteItem", {
      TableName: "t",
      Key: { pk: { S: "1" } },
      ConditionExpression: text,
      ExpressionAttributeValues: some(used(text, values)),
    });
    assert.equal(r.error, holds ? undefined : "ConditionalCheckFailedException", `${text}: ${r.texts}`);
  }
});

const refused = {
  "": "The expression can not be empty;",
  "Price =": "Syntax error; token: ",
  "Price = :x": "An expression attribute value used in expression is not defined; attribute value: :x",
  "#x = :n": "An expression attribute name used in the document path is not defined; attribute name: #x",
  "name = :n": "Attribute name is a reserved keyword; reserved keyword: name",
  "((Price = :n))": "The expression has redundant parentheses;",
  "Price < :f": "Incorrect operand type",
  "begins_with(Price, :n)": "Incorrect operand type",
  "Price BETWEEN :two AND :one": "The BETWEEN operator requires upper bound",
  "exists(Price)": "Invalid function name; function: exists",
  "attribute_exists(:s)": "Operator or function requires a document path",
  "contains(Price)": "Incorrect number of operands",
  "Price = Price": "The first operand must be distinct",
  "size(Price)": "The function is not allowed to be used this way",
};

test("conditions are refused as documented", () => {
  for (const [text, message] of Object.entries(refused)) {
    const r = bicycle().run("DeleteItem", {
      TableName: "t",
      Key: { pk: { S: "1" } },
      ConditionExpression: text,
      ExpressionAttributeValues: some(used(text, values)),
    });
    assert.equal(r.error, "ValidationException", text);
    assert.ok(
      r.texts.some((t) => t.startsWith(`Invalid ConditionExpression: ${message}`)),
      `${text}: ${r.texts}`,
    );
  }
});

// Expression, values, what of the item is then different (null: gone), or the message.
const updates = [
  ["SET Price = Price - :v", { N: "15" }, { Price: { N: "485" } }],
  ["SET Fresh = if_not_exists(Fresh, :v)", { N: "0" }, { Fresh: { N: "0" } }],
  ["SET Price = if_not_exists(Price, :v)", { N: "0" }, {}],
  [
    "SET Related = list_append(Related, :v)",
    { L: [{ S: "x" }] },
    { Related: { L: [{ N: "341" }, { N: "472" }, { N: "649" }, { S: "x" }] } },
  ],
  [
    "SET Related = list_append(:v, Related)",
    { L: [{ S: "x" }] },
    { Related: { L: [{ S: "x" }, { N: "341" }, { N: "472" }, { N: "649" }] } },
  ],
  ["SET Related[1] = :v", { S: "x" }, { Related: { L: [{ N: "341" }, { S: "x" }, { N: "649" }] } }],
  ["SET Related[9] = :v", { S: "x" }, { Related: { L: [{ N: "341" }, { N: "472" }, { N: "649" }, { S: "x" }] } }],
  [
    "SET Pictures.Side = :v",
    { S: "s" },
    { Pictures: { M: { Front: { S: "f" }, Side: { S: "s" }, Views: { L: [{ S: "a" }, { S: "b" }, { N: "3" }] } } } },
  ],
  ["REMOVE Related[0], Related[2]", null, { Related: { L: [{ N: "472" }] } }],
  ["REMOVE Title, Nothing", null, { Title: null }],
  ["SET Title = Price, Price = Title", null, { Title: { N: "500" }, Price: { S: "Bicycle" } }],
  ["ADD Price :v", { N: "-500" }, { Price: { N: "0" } }],
  ["ADD Fresh :v", { N: "5" }, { Fresh: { N: "5" } }],
  ["ADD Colors :v", { SS: ["Red", "Blue"] }, { Colors: { SS: ["Black", "Blue", "Red"] } }],
  ["DELETE Colors :v", { SS: ["Red", "Blue"] }, { Colors: { SS: ["Black"] } }],
  ["DELETE Colors :v", { SS: ["Red", "Black"] }, { Colors: null }],
  ["SET Fresh = Nothing", null, "The provided expression refers to an attribute that does not exist in the item"],
  ["SET No.Way = :v", { N: "1" }, "The document path provided in the update expression is invalid for update"],
  ["ADD Title :v", { N: "1" }, "An operand in the update expression has an incorrect data type"],
  ["ADD Title :v", { S: "1" }, "Invalid UpdateExpression: Incorrect operand type"],
  [
    "SET Pictures = :v, Pictures.Front = :v",
    { N: "1" },
    "Invalid UpdateExpression: Two document paths overlap with each other",
  ],
  [
    "SET Pictures.x = :v, Pictures[0] = :v",
    { N: "1" },
    "Invalid UpdateExpression: Two document paths conflict with each other",
  ],
  [
    "SET pk = :v",
    { S: "1" },
    "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
  ],
  [
    "SET a = :v SET b = :v",
    { S: "1" },
    'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
  ],
];

test("updates do as documented", () => {
  for (const [text, v, change] of updates) {
    const oracle = bicycle(),
      Key = { pk: { S: "1" } },
      before = oracle.run("GetItem", { TableName: "t", Key }).ok.Item;
    const r = oracle.run("UpdateItem", {
      TableName: "t",
      Key,
      UpdateExpression: text,
      ReturnValues: "ALL_NEW",
      ...(v && { ExpressionAttributeValues: { ":v": v } }),
    });
    if (typeof change === "string") {
      assert.ok(
        r.texts?.some((t) => t.startsWith(change)),
        `${text}: ${JSON.stringify(r)}`,
      );
    } else {
      const want = Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, x]) => x !== null));
      assert.deepEqual(r.ok?.Attributes, want, text);
    }
  }
});

test("return values: old, new, and only what was updated", () => {
  const ask = (ReturnValues) =>
    bicycle().run("UpdateItem", {
      TableName: "t",
      Key: { pk: { S: "1" } },
      ReturnValues,
      ExpressionAttributeValues: { ":v": { S: "x" } },
      UpdateExpression: "SET Pictures.Front = :v, Fresh = :v REMOVE Title",
    }).ok.Attributes;
  assert.deepEqual(ask("UPDATED_OLD"), { Pictures: { M: { Front: { S: "f" } } }, Title: { S: "Bicycle" } });
  assert.deepEqual(ask("UPDATED_NEW"), { Fresh: { S: "x" }, Pictures: { M: { Front: { S: "x" } } } });
  assert.equal(ask("ALL_OLD").Title.S, "Bicycle");
  assert.equal(ask("ALL_NEW").Title, undefined);
  assert.equal(ask("NONE"), undefined);
});

test("projections keep the structure, list elements move together", () => {
  const get = (text) =>
    bicycle().run("GetItem", { TableName: "t", Key: { pk: { S: "1" } }, ProjectionExpression: text }).ok.Item;
  assert.deepEqual(get("Related[2], Related[0], Pictures.Views[1], Nothing"), {
    Pictures: { M: { Views: { L: [{ S: "b" }] } } },
    Related: { L: [{ N: "341" }, { N: "649" }] },
  });
  assert.deepEqual(get("Title[0], Price.x"), {});
});

test("queries: order, range, limit, direction, start, filter, count", () => {
  const ask = (text, more) =>
    bicycle().run("Query", {
      TableName: "r",
      KeyConditionExpression: text,
      ExpressionAttributeValues: { ":p": { S: "p" }, ...used(text, { ":x": { N: "0.5" }, ":y": { N: "2" } }) },
      ...more,
    }).ok;
  const keys = (r) => r.Items.map((i) => i.sk.N);
  assert.deepEqual(keys(ask("pk = :p")), ["-1", "0.5", "2", "10"]);
  assert.deepEqual(keys(ask("pk = :p", { ScanIndexForward: false, Limit: 2 })), ["10", "2"]);
  assert.deepEqual(ask("pk = :p", { Limit: 2 }).LastEvaluatedKey, { pk: { S: "p" }, sk: { N: "0.5" } });
  assert.deepEqual(keys(ask("pk = :p", { ExclusiveStartKey: { pk: { S: "p" }, sk: { N: "0.50" } } })), ["2", "10"]);
  assert.deepEqual(keys(ask("pk = :p AND sk BETWEEN :x AND :y")), ["0.5", "2"]);
  assert.deepEqual(keys(ask("sk > :x AND pk = :p")), ["2", "10"]);
  assert.deepEqual(ask("pk = :p AND sk <= :x", { Select: "COUNT" }), { Count: 2, ScannedCount: 2 });
});

test("what the documentation leaves open is not answered", () => {
  assert.throws(
    () => bicycle().run("UpdateItem", { TableName: "t", Key: { pk: { S: "2" } }, UpdateExpression: "REMOVE x1" }),
    Unsure,
  );
});

test("requests follow from their seed", () => {
  const some = () => {
    const oracle = new Oracle();
    for (const [name, key] of Object.entries(tables)) oracle.createTable(name, key);
    const g = new Generator(new Dice(7), oracle, 1);
    return JSON.stringify(Array.from({ length: 200 }, () => g.next(false)));
  };
  assert.equal(some(), some());
});

test("a difference is made small", async () => {
  const twin = new Twin(tables),
    key = { pk: { S: "k" } };
  const client = {
    ok: (o, r) => twin.ok(o, r),
    call: async (o, r) => {
      const answer = await twin.call(o, r);
      if (answer.body.Attributes?.n1) delete answer.body.Attributes.n1;
      return answer;
    },
  };
  const ask = (operation, request) => (operation === "Scan" ? walk(client, request) : client.call(operation, request));
  const setup = [1, 2, 3].map((i) => ({
    table: "diff-s",
    item: { pk: { S: i === 1 ? "k" : `o${i}` }, n1: { N: "1" }, m1: { M: { x1: { L: [] } } }, s1: { S: "s" } },
  }));
  const request = {
    TableName: "diff-s",
    Key: key,
    UpdateExpression: "SET s1 = :s, n2 = n1 REMOVE m1",
    ConditionExpression: "attribute_exists(pk) AND (n1 < :n OR s1 = :s)",
    ReturnValues: "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    ExpressionAttributeValues: { ":s": { S: "t" }, ":n": { N: "5" } },
  };
  const small = await shrink({ client, ask, compare: difference }, tables, { setup, operation: "UpdateItem", request });
  assert.equal(small.what, "Attributes");
  assert.deepEqual(small.setup, [{ table: "diff-s", item: { pk: { S: "k" }, n1: { N: "1" } } }]);
  assert.deepEqual(small.request, { TableName: "diff-s", Key: key, ReturnValues: "ALL_NEW" });
});
