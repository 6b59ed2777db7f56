// UpdateTable of global secondary indexes.  API reference, UpdateTable; the developer guide, "Managing global secondary
// indexes".
import assert from "node:assert/strict";
import { fails, like, ok, settled } from "../../flows.mjs";
import { OPV, S, ve } from "../../tables.mjs";
import { bad, constraint, constraints, lengthAtLeast, notNull, pattern, valueAtLeast } from "../../words.mjs";

const unsure = { unconfirmed: true };
const define = (...list) => list.map((n) => ({ AttributeName: n, AttributeType: "S" }));
const schema = (hash, range = []) => [...hash.map((n) => ({ AttributeName: n, KeyType: "HASH" })),
                                      ...range.map((n) => ({ AttributeName: n, KeyType: "RANGE" }))];
const units = (r, w) => ({ ProvisionedThroughput: { ReadCapacityUnits: r, WriteCapacityUnits: w } });
const x = (IndexName, KeySchema = schema(["c"]), more = {}) =>
  ({ IndexName, KeySchema, Projection: { ProjectionType: "ALL" }, ...more });
const provisioned = { BillingMode: "PROVISIONED", ...units(5, 5) };
const onDemand = { BillingMode: "PAY_PER_REQUEST" };
const base = { KeySchema: schema(["a"], ["b"]), AttributeDefinitions: define("a", "b", "c") };

export const tables = {
  indexed: { ...base, GlobalSecondaryIndexes: [x("abc")], LocalSecondaryIndexes: [x("loc", schema(["a"], ["c"]))] },
  metered: { ...base, ...provisioned, GlobalSecondaryIndexes: [x("abc", undefined, units(5, 5)), x("abd", undefined, units(5, 5))] },
};

const Create = (...args) => ({ Create: x(...args) });
const Delete = (IndexName) => ({ Delete: { IndexName } });
const Update = (IndexName, more) => ({ Update: { IndexName, ...more } });

function refused(name, updates, error, more = {}) {
  const { TableName = "indexed", AttributeDefinitions, also, ...rest } = more;
  return { name: `index updates: ${name}`, op: "UpdateTable", ...rest, error: error.name ? error : ve(error),
           in: { TableName, AttributeDefinitions, GlobalSecondaryIndexUpdates: updates, ...also } };
}

// --- by themselves ------------------------------------------------------------------------------------------------

const at = (action, n = 1) => `globalSecondaryIndexUpdates.${n}.member.${action}`;
const c = { AttributeDefinitions: define("c") };
const ONLY_ONE = `${OPV}Only one global secondary index update per index is allowed simultaneously. Index: abc`;
const alone = [
  refused("a deletion of nothing", [{ Delete: {} }], constraint(null, `${at("delete")}.indexName`, notNull)),
  refused("an update of nothing", [{ Update: {} }], constraint(null, `${at("update")}.indexName`, notNull)),
  refused("a creation of nothing", [{ Create: {} }],
          constraints(bad(null, `${at("create")}.indexName`, notNull), bad(null, `${at("create")}.keySchema`, notNull),
                      bad(null, `${at("create")}.projection`, notNull))),
  refused("a deletion of a name of other characters", [Delete("a b c")],
          constraint("a b c", `${at("delete")}.indexName`, pattern)),
  refused("an update of a name of two characters", [Update("ab", units(1, 1))],
          constraint("ab", `${at("update")}.indexName`, lengthAtLeast(3))),
  refused("a creation with an empty list of keys", [Create("new", [])],
          constraint("[]", `${at("create")}.keySchema`, lengthAtLeast(1)), c),
  refused("an update to no units", [Update("abc", { ProvisionedThroughput: {} })],
          constraints(bad(null, `${at("update")}.provisionedThroughput.writeCapacityUnits`, notNull),
                      bad(null, `${at("update")}.provisionedThroughput.readCapacityUnits`, notNull))),
  refused("an update to units of 0", [Update("abc", units(1, 0))],
          constraint("0", `${at("update")}.provisionedThroughput.writeCapacityUnits`, valueAtLeast(1))),
  refused("mistakes of several are told together", [{ Delete: {} }, Update("abc", units(0, 1)), Create("a;")],
          constraints(bad(null, `${at("delete")}.indexName`, notNull),
                      bad("0", `${at("update", 2)}.provisionedThroughput.readCapacityUnits`, valueAtLeast(1)),
                      bad("a;", `${at("create", 3)}.indexName`, pattern),
                      bad("a;", `${at("create", 3)}.indexName`, lengthAtLeast(3)))),
  refused("an empty list asks for nothing", [], /^At least one of ProvisionedThroughput, BillingMode, /),
  refused("an element that asks for nothing", [{}], `${OPV}One of GlobalSecondaryIndexUpdate.Update, ` +
          "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"),
  refused("an element that asks for two things", [{ ...Delete("abc"), ...Update("abc", units(1, 1)) }], /Only one of/, unsure),
  refused("two updates of one index", [Update("abc", units(1, 1)), Update("abc", units(2, 2))], ONLY_ONE),
  refused("an update and a deletion of one index", [Update("abc", units(1, 1)), Delete("abc")], ONLY_ONE),
  refused("an update that changes nothing", [Update("abc")], /^One or more parameter values were invalid: At least one of/, unsure),
  refused("a creation without definitions", [Create("new")],
          `${OPV}Some index key attributes are not defined in AttributeDefinitions. Keys: [c], AttributeDefinitions: []`, unsure),
  refused("a creation with another definition", [Create("new", schema(["c"], ["d"]))],
          `${OPV}Some index key attributes are not defined in AttributeDefinitions. Keys: [c, d], AttributeDefinitions: [c]`, c),
  refused("a creation with one attribute defined twice", [Create("new")], "Cannot have two attributes with the same name",
          { AttributeDefinitions: define("c", "c"), ...unsure }),
  refused("a creation with a sort key alone", [Create("new", schema([], ["c"]))],
          "Invalid KeySchema: The first KeySchemaElement is not a HASH key type", c),
  refused("a creation without a type of projection", [Create("new", undefined, { Projection: {} })],
          `${OPV}Unknown ProjectionType: null`, c),
  refused("a creation that projects all and more",
          [Create("new", undefined, { Projection: { ProjectionType: "ALL", NonKeyAttributes: ["x"] } })],
          `${OPV}ProjectionType is ALL, but NonKeyAttributes is specified`, c),
  refused("not together with encryption", [Delete("abc")],
          `${OPV}Server-Side Encryption modification must be the only operation in the request`,
          { also: { SSESpecification: { Enabled: true } } }),
  refused("not together with the table's class", [Delete("abc")],
          `${OPV}TableClass modification must be the only operation in the request`, { also: { TableClass: "STANDARD" } }),
];

// --- as against a table -------------------------------------------------------------------------------------------

const LIMIT = { name: "LimitExceededException", message: "Subscriber limit exceeded: Only 1 online index can be created or " +
                                                         "deleted simultaneously per table" };
const GONE = { name: "ResourceNotFoundException", message: "Requested resource not found" };
const metered = { TableName: "metered" };
const SAME = "The provisioned throughput for the index abc will not change. The requested value equals the current value. " +
  "Current ReadCapacityUnits provisioned for the index: 5. Requested ReadCapacityUnits: 5. " +
  "Current WriteCapacityUnits provisioned for the index: 5. Requested WriteCapacityUnits: 5. " +
  "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.";
const against = [
  refused("a table that is not there", [Delete("abc")],
          { name: "ResourceNotFoundException", message: "Requested resource not found: Table: nowhere not found" },
          { TableName: "nowhere" }),
  refused("a deletion of an index that is not there", [Delete("none")], GONE, unsure),
  refused("a deletion of a local index", [Delete("loc")], GONE, unsure),
  refused("an update of an index that is not there", [Update("none", units(1, 1))], GONE, { ...metered, ...unsure }),
  refused("a creation of an index that is there", [Create("abc")], "Attempting to create an index which already exists", c),
  refused("a creation of an index by a local one's name", [Create("loc")], "Attempting to create an index which already exists",
          { ...c, ...unsure }),
  refused("two creations", [Create("one"), Create("two")], LIMIT, c),
  refused("a creation and a deletion", [Create("one"), Delete("abc")], LIMIT, c),
  refused("two deletions", [Delete("abc"), Delete("abd")], LIMIT, metered),
  refused("throughput of a new index on demand", [Create("new", undefined, units(1, 1))],
          `${OPV}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new when BillingMode is ` +
          "PAY_PER_REQUEST", c),
  refused("throughput of an index on demand", [Update("abc", units(1, 1))],
          `${OPV}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: abc when BillingMode is ` +
          "PAY_PER_REQUEST"),
  refused("no throughput of a new index that is provisioned", [Create("new")],
          `${OPV}ProvisionedThroughput is not specified for index: new`, { ...c, ...metered, ...unsure }),
  refused("throughput that an index has", [Update("abc", units(5, 5))], SAME, { ...metered, ...unsure }),
  refused("throughput beyond all bounds", [Update("abc", units(1000000000001, 1))],
          "This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: " +
          "Action Blocked: IndexUpdate", metered),
  refused("a limit on demand of an index that is provisioned", [Update("abc", { OnDemandThroughput: { MaxReadRequestUnits: 1 } })],
          /MaxReadRequestUnits for OnDemandThroughput cannot be specified/, { ...metered, ...unsure }),
  refused("an index that is to cool down", [Update("abc", { WarmThroughput: { ReadUnitsPerSecond: 1 } })],
          /lower than current WarmThroughput, decreasing WarmThroughput is not supported$/, { ...metered, ...unsure }),
  refused("a definition that has another type", [Create("new")], ve(() => true),
          { AttributeDefinitions: [{ AttributeName: "c", AttributeType: "N" }], ...unsure }),
  refused("provisioned without the indexes", undefined, `${OPV}ProvisionedThroughput must be specified for index: abc`,
          { also: provisioned }),
];

// --- what becomes of a table --------------------------------------------------------------------------------------

const attributes = (t) => t.AttributeDefinitions.map((a) => a.AttributeName).sort();

// f(name) with a table of its own.
const flow = (name, table, f, more) => ({ name: `index updates: ${name}`, ...more, run: async ({ key }) => {
  const TableName = `flow-${key}`;
  await ok("CreateTable", { TableName, ...onDemand, ...table });
  await settled(TableName);
  await f(TableName);
  await settled(TableName);
  await ok("DeleteTable", { TableName });
} });

const small = { KeySchema: schema(["a"]), AttributeDefinitions: define("a") };
const update = (TableName, ...list) => ok("UpdateTable", { TableName, GlobalSecondaryIndexUpdates: list });
const flows = [
  flow("an index is made", small, async (TableName) => {
    const { TableDescription: t } = await ok("UpdateTable", { TableName, AttributeDefinitions: define("c", "unused"),
                                                              GlobalSecondaryIndexUpdates: [Create("new")] });
    assert.equal(t.TableStatus, "UPDATING");
    like({ IndexName: "new", IndexStatus: "CREATING", Backfilling: false, KeySchema: schema(["c"]), ItemCount: 0,
           IndexSizeBytes: 0, Projection: { ProjectionType: "ALL" }, IndexArn: new RegExp(`:table/${TableName}/index/new$`),
           ProvisionedThroughput: () => true, WarmThroughput: () => true }, t.GlobalSecondaryIndexes[0]);
    const done = await settled(TableName);
    assert.deepEqual(attributes(done), ["a", "c"]);
    assert.equal(done.GlobalSecondaryIndexes[0].IndexStatus, "ACTIVE");
    assert.equal(done.GlobalSecondaryIndexes[0].Backfilling, undefined);
  }),
  flow("an index is made of a table with items", small, async (TableName) => {
    for (let i = 0; i < 30; i++)
      await ok("PutItem", { TableName, Item: { a: S(`k${i}`), c: S("x") } });
    await ok("UpdateTable", { TableName, AttributeDefinitions: define("c"), GlobalSecondaryIndexUpdates: [Create("new")] });
    assert.equal((await settled(TableName)).GlobalSecondaryIndexes[0].IndexStatus, "ACTIVE");
  }),
  flow("an index is deleted", { ...base, GlobalSecondaryIndexes: [x("abc")] }, async (TableName) => {
    const { TableDescription: t } = await update(TableName, Delete("abc"));
    assert.equal(t.TableStatus, "UPDATING");
    assert.equal(t.GlobalSecondaryIndexes[0].IndexStatus, "DELETING");
    const done = await settled(TableName);
    assert.equal(done.GlobalSecondaryIndexes, undefined);
    assert.deepEqual(attributes(done), ["a", "b"]);
  }),
  flow("definitions that another index uses stay", { ...base, GlobalSecondaryIndexes: [x("abc"), x("abd")] },
       async (TableName) => {
         await update(TableName, Delete("abc"));
         const done = await settled(TableName);
         assert.deepEqual(done.GlobalSecondaryIndexes.map((i) => i.IndexName), ["abd"]);
         assert.deepEqual(attributes(done), ["a", "b", "c"]);
       }),
  flow("an index comes again, with another type", { ...small, AttributeDefinitions: define("a", "c"),
                                                    GlobalSecondaryIndexes: [x("abc")] }, async (TableName) => {
    await update(TableName, Delete("abc"));
    await settled(TableName);
    await ok("UpdateTable", { TableName, AttributeDefinitions: [{ AttributeName: "c", AttributeType: "N" }],
                              GlobalSecondaryIndexUpdates: [Create("abc")] });
    const done = await settled(TableName);
    assert.equal(done.AttributeDefinitions.find((d) => d.AttributeName === "c").AttributeType, "N");
  }),
  flow("throughput of an index changes by itself", { ...base, ...provisioned, GlobalSecondaryIndexes: [x("abc", undefined, units(5, 5))] },
       async (TableName) => {
         await update(TableName, Update("abc", units(7, 3)));
         const t = await settled(TableName);
         like({ ReadCapacityUnits: 7, WriteCapacityUnits: 3, NumberOfDecreasesToday: 1, LastIncreaseDateTime: () => true,
                LastDecreaseDateTime: () => true }, t.GlobalSecondaryIndexes[0].ProvisionedThroughput);
         assert.equal(t.ProvisionedThroughput.ReadCapacityUnits, 5);
       }),
  flow("a limit on demand comes and goes", { ...base, GlobalSecondaryIndexes: [x("abc")] }, async (TableName) => {
    await update(TableName, Update("abc", { OnDemandThroughput: { MaxReadRequestUnits: 10 } }));
    like({ MaxReadRequestUnits: 10 }, (await settled(TableName)).GlobalSecondaryIndexes[0].OnDemandThroughput);
    await update(TableName, Update("abc", { OnDemandThroughput: { MaxReadRequestUnits: -1 } }));
    assert.equal((await settled(TableName)).GlobalSecondaryIndexes[0].OnDemandThroughput, undefined);
  }, unsure),
  flow("an index is warmed up", { ...base, GlobalSecondaryIndexes: [x("abc")] }, async (TableName) => {
    await update(TableName, Update("abc", { WarmThroughput: { ReadUnitsPerSecond: 20000 } }));
    const warm = (await settled(TableName)).GlobalSecondaryIndexes[0].WarmThroughput;
    assert.equal(warm.ReadUnitsPerSecond, 20000);
  }),
  flow("billing modes there and back", { ...base, GlobalSecondaryIndexes:
       [x("abc", undefined, { OnDemandThroughput: { MaxReadRequestUnits: 200 } }), x("abd")] }, async (TableName) => {
    await fails("UpdateTable", { TableName, ...provisioned },
                ve(/^One or more parameter values were invalid: ProvisionedThroughput must be specified for index: ab.,ab.$/));
    await ok("UpdateTable", { TableName, ...provisioned,
                              GlobalSecondaryIndexUpdates: [Update("abc", units(2, 3)), Update("abd", units(4, 5))] });
    const t = await settled(TableName), abc = t.GlobalSecondaryIndexes.find((i) => i.IndexName === "abc");
    assert.equal(t.BillingModeSummary.BillingMode, "PROVISIONED");
    assert.equal(abc.ProvisionedThroughput.ReadCapacityUnits, 2);
    assert.equal(abc.OnDemandThroughput, undefined);
    await ok("UpdateTable", { TableName, ...onDemand });
    for (const i of (await settled(TableName)).GlobalSecondaryIndexes)
      assert.deepEqual([i.ProvisionedThroughput.ReadCapacityUnits, i.ProvisionedThroughput.WriteCapacityUnits], [0, 0]);
  }),
  flow("a table is deleted with its indexes", { ...base, GlobalSecondaryIndexes: [x("abc")],
                                               LocalSecondaryIndexes: [x("loc", schema(["a"], ["c"]))] }, async (TableName) => {
    const { TableNames } = await ok("ListTables", {});
    assert.ok(TableNames.every((n) => !n.includes("#")));
  }),
];

export const cases = [...alone, ...against, ...flows];
