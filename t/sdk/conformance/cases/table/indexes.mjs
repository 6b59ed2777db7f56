// CreateTable with secondary indexes: what a definition may be, and how it is described.  API reference, CreateTable; the
// developer guide, "Local secondary indexes", "Global secondary indexes", "Service quotas"; the service's model.
import assert from "node:assert/strict";
import { difference } from "../../compare.mjs";
import { like, ok, settled } from "../../flows.mjs";
import { OPV, ve } from "../../tables.mjs";
import { among, bad, constraint, constraints, lengthAtLeast, lengthAtMost, notNull, pattern,
         valueAtLeast } from "../../words.mjs";

const unsure = { unconfirmed: true };
const names = (n, prefix = "x") => Array.from({ length: n }, (_, i) => `${prefix}${i}`);
const define = (...list) => list.map((n) => ({ AttributeName: n, AttributeType: "S" }));
const schema = (hash, range = []) => [...hash.map((n) => ({ AttributeName: n, KeyType: "HASH" })),
                                      ...range.map((n) => ({ AttributeName: n, KeyType: "RANGE" }))];
const units = (r, w) => ({ ProvisionedThroughput: { ReadCapacityUnits: r, WriteCapacityUnits: w } });
const ALL = { ProjectionType: "ALL" };
const INCLUDE = (...NonKeyAttributes) => ({ ProjectionType: "INCLUDE", NonKeyAttributes });
const x = (IndexName, KeySchema, more) => ({ IndexName, KeySchema, Projection: ALL, ...more });
const local = (...list) => ({ LocalSecondaryIndexes: list });
const global = (...list) => ({ GlobalSecondaryIndexes: list });
const AC = schema(["a"], ["c"]);
const C = schema(["c"]);
const base = { BillingMode: "PAY_PER_REQUEST", KeySchema: schema(["a"], ["b"]), AttributeDefinitions: define("a", "b", "c") };
const provisioned = { BillingMode: "PROVISIONED", ...units(5, 5) };

function refused(name, input, error, more = {}) {
  return { name: `indexes: ${name}`, op: "CreateTable", ...more, error: error.name ? error : ve(error),
           in: { TableName: "refused-$K", ...base, ...input } };
}

// --- the model ----------------------------------------------------------------------------------------------------

const L1 = "localSecondaryIndexes.1.member", G1 = "globalSecondaryIndexes.1.member";
const model = [
  ...[["local", local, L1], ["global", global, G1]].flatMap(([kind, list, at]) => [
    refused(`a ${kind} index without anything`, list({}),
            constraints(bad(null, `${at}.indexName`, notNull), bad(null, `${at}.keySchema`, notNull),
                        bad(null, `${at}.projection`, notNull))),
    refused(`a ${kind} index without a name`, list(x(undefined, AC)), constraint(null, `${at}.indexName`, notNull)),
    refused(`a ${kind} index without keys`, list(x("abc")), constraint(null, `${at}.keySchema`, notNull)),
    refused(`a ${kind} index without a projection`, list(x("abc", AC, { Projection: undefined })),
            constraint(null, `${at}.projection`, notNull)),
    refused(`a ${kind} index with no keys`, list(x("abc", [])), constraint("[]", `${at}.keySchema`, lengthAtLeast(1))),
    refused(`a name of two characters for a ${kind} index`, list(x("ab", AC)),
            constraint("ab", `${at}.indexName`, lengthAtLeast(3))),
    refused(`a name of 256 characters for a ${kind} index`, list(x("x".repeat(256), AC)),
            constraint("x".repeat(256), `${at}.indexName`, lengthAtMost(255)), unsure),
    refused(`a name of other characters for a ${kind} index`, list(x("a b c", AC)),
            constraint("a b c", `${at}.indexName`, pattern)),
    refused(`an empty name for a ${kind} index`, list(x("", AC)),
            constraints(bad("", `${at}.indexName`, pattern), bad("", `${at}.indexName`, lengthAtLeast(3))), unsure),
    refused(`a ${kind} index with a projection of no meaning`, list(x("abc", AC, { Projection: { ProjectionType: "SOME" } })),
            constraint("SOME", `${at}.projection.projectionType`, among("ALL", "INCLUDE", "KEYS_ONLY"))),
    refused(`a ${kind} index with an empty list of attributes`, list(x("abc", AC, { Projection: INCLUDE() })),
            constraint("[]", `${at}.projection.nonKeyAttributes`, lengthAtLeast(1))),
    refused(`a ${kind} index with 21 attributes`, list(x("abc", AC, { Projection: INCLUDE(...names(21)) })),
            /projection.nonKeyAttributes' failed to satisfy constraint: Member must have length less than or equal to 20$/),
    refused(`a ${kind} index with an attribute without a name`, list(x("abc", AC, { Projection: INCLUDE("x", "") })),
            constraint("", `${at}.projection.nonKeyAttributes.2.member`, lengthAtLeast(1)), unsure),
    refused(`a ${kind} index with a key of no kind`, list(x("abc", [{ AttributeName: "a", KeyType: "SORT" }])),
            constraint("SORT", `${at}.keySchema.1.member.keyType`, among("HASH", "RANGE"))),
    refused(`a ${kind} index with a key without anything`, list(x("abc", [{}])),
            constraints(bad(null, `${at}.keySchema.1.member.attributeName`, notNull),
                        bad(null, `${at}.keySchema.1.member.keyType`, notNull))),
  ]),
  refused("a local index of three keys", local(x("abc", schema(["a"], ["b", "c"]))),
          /at 'localSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: Member must have length less/, unsure),
  refused("the second index's mistakes are told with its number", global(x("abc", C), x("a;", C)),
          constraints(bad("a;", "globalSecondaryIndexes.2.member.indexName", pattern),
                      bad("a;", "globalSecondaryIndexes.2.member.indexName", lengthAtLeast(3)))),
  refused("throughput without units", { ...provisioned, ...global(x("abc", C, { ProvisionedThroughput: {} })) },
          constraints(bad(null, `${G1}.provisionedThroughput.writeCapacityUnits`, notNull),
                      bad(null, `${G1}.provisionedThroughput.readCapacityUnits`, notNull))),
  refused("throughput of 0", { ...provisioned, ...global(x("abc", C, units(0, 1))) },
          constraint("0", `${G1}.provisionedThroughput.readCapacityUnits`, valueAtLeast(1))),
  refused("mistakes of the table and of both kinds of indexes are told together",
          { BillingMode: "FREE", ...local({ ...x("abc", AC), Projection: undefined }), ...global(x("abd")) },
          constraints(bad("FREE", "billingMode", among("PROVISIONED", "PAY_PER_REQUEST")),
                      bad(null, `${L1}.projection`, notNull), bad(null, `${G1}.keySchema`, notNull))),
  { name: "indexes: a list that is none", op: "CreateTable", raw: { TableName: "abc", GlobalSecondaryIndexes: {} },
    status: 400, error: { name: "SerializationException", message: () => true } },
  { name: "indexes: an index that is none", op: "CreateTable", raw: { TableName: "abc", LocalSecondaryIndexes: ["abc"] },
    status: 400, error: { name: "SerializationException", message: () => true } },
];

// --- keys ---------------------------------------------------------------------------------------------------------

const undefinedKeys = (k, a = "a, b, c") => `${OPV}Some index key attributes are not defined in AttributeDefinitions. ` +
                                            `Keys: [${k}], AttributeDefinitions: [${a}]`;
const FIRST = "Invalid KeySchema: The first KeySchemaElement is not a HASH key type";
const SAME = "Both the Hash Key and the Range Key element in the KeySchema have the same name";
const keys = [
  refused("no local indexes in the list", local(), `${OPV}List of LocalSecondaryIndexes is empty`),
  refused("no global indexes in the list", global(), `${OPV}List of GlobalSecondaryIndexes is empty`),
  refused("a local index on a table without sort key",
          { KeySchema: schema(["a"]), AttributeDefinitions: define("a", "c"), ...local(x("abc", AC)) },
          `${OPV}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex`),
  refused("a local index without sort key", local(x("abc", schema(["a"]))),
          `${OPV}Index KeySchema does not have a range key for index: abc`),
  refused("a local index with another partition key", local(x("abc", schema(["c"], ["b"]))),
          `${OPV}Index KeySchema does not have the same leading hash key as table KeySchema for index: abc. ` +
          "index hash key: c, table hash key: a"),
  refused("a local index whose sort key comes first", local(x("abc", AC.toReversed())), FIRST),
  refused("a local index with two partition keys", local(x("abc", schema(["a", "c"]))),
          "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"),
  refused("a local index with one attribute for both keys", local(x("abc", schema(["a"], ["a"]))), SAME),
  refused("a local index with an undefined key", local(x("abc", schema(["a"], ["z"]))), undefinedKeys("a, z")),
  refused("a global index with an undefined key", global(x("abc", schema(["z"]))), undefinedKeys("z")),
  refused("a global index with an undefined sort key", global(x("abc", schema(["c"], ["z"]))), undefinedKeys("c, z")),
  refused("a global index with a sort key alone", global(x("abc", schema([], ["c"]))), FIRST),
  refused("a global index whose sort key comes first", global(x("abc", schema(["c"], ["a"]).toReversed())), FIRST),
  refused("a global index with one attribute for both keys", global(x("abc", schema(["c"], ["c"]))), SAME),
  refused("a global index with a partition key behind a sort key",
          global(x("abc", [...schema(["a"], ["b"]), ...C])), /^Invalid KeySchema: /, unsure),
  refused("a global index with five partition keys",
          { AttributeDefinitions: define("a", "b", "c", "d", "e"), ...global(x("abc", schema(["a", "b", "c", "d", "e"]))) },
          /^One or more parameter values were invalid: Index KeySchema has more than 4 HASH keys/, unsure),
  refused("a global index with five sort keys",
          { AttributeDefinitions: define("a", "b", "c", "d", "e", "f"),
            ...global(x("abc", schema(["a"], ["b", "c", "d", "e", "f"]))) },
          /^One or more parameter values were invalid: Index KeySchema has more than 4 RANGE keys/, unsure),
  refused("a definition that no key uses", { AttributeDefinitions: define("a", "b", "c", "d"), ...global(x("abc", C)) },
          `${OPV}Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c, d], keys used: [a, b, c]`),
  refused("a definition that no local index uses", { AttributeDefinitions: define("a", "b", "c", "d"), ...local(x("abc", AC)) },
          `${OPV}Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c, d], keys used: [a, b, c]`),
];

// --- projections, names, numbers ----------------------------------------------------------------------------------

const withProjection = (Projection) => global(x("abc", C, { Projection }));
const twenty = (i) => x(`abc${i}`, C, { Projection: INCLUDE(...names(20, `x${i}`)) });
const others = [
  refused("no type of projection", withProjection({}), `${OPV}Unknown ProjectionType: null`),
  refused("attributes without a type of projection", withProjection({ NonKeyAttributes: ["x"] }),
          `${OPV}Unknown ProjectionType: null`),
  refused("ALL with a list of attributes", withProjection({ ...ALL, NonKeyAttributes: ["x"] }),
          `${OPV}ProjectionType is ALL, but NonKeyAttributes is specified`),
  refused("KEYS_ONLY with a list of attributes", withProjection({ ProjectionType: "KEYS_ONLY", NonKeyAttributes: ["x"] }),
          `${OPV}ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified`),
  refused("INCLUDE without a list of attributes", withProjection({ ProjectionType: "INCLUDE" }),
          `${OPV}ProjectionType is INCLUDE, but NonKeyAttributes is not specified`),
  refused("ALL with a list of attributes, local", local(x("abc", AC, { Projection: { ...ALL, NonKeyAttributes: ["x"] } })),
          `${OPV}ProjectionType is ALL, but NonKeyAttributes is specified`),
  refused("two local indexes of one name", local(x("abc", AC), x("abc", AC)), `${OPV}Duplicate index name: abc`),
  refused("two global indexes of one name", global(x("abc", C), x("abd", C), x("abc", C)), `${OPV}Duplicate index name: abc`),
  refused("a local and a global index of one name", { ...local(x("abc", AC)), ...global(x("abc", C)) },
          `${OPV}Duplicate index name: abc`),
  refused("six local indexes", local(...names(6, "abc").map((n) => x(n, AC))),
          `${OPV}Number of LocalSecondaryIndexes exceeds per-table limit of 5`),
  refused("21 global indexes", global(...names(21, "abc").map((n) => x(n, C))),
          `${OPV}GlobalSecondaryIndex count exceeds the per-table limit of 20`),
  refused("120 attributes in six indexes", global(...[1, 2, 3, 4, 5, 6].map(twenty)),
          /^One or more parameter values were invalid: NonKeyAttributes count exceeds/, unsure),
  refused("throughput of a global index on demand", global(x("abc", C, units(1, 1))),
          `${OPV}ProvisionedThroughput should not be specified for index: abc when BillingMode is PAY_PER_REQUEST`),
  refused("no throughput of a global index that is provisioned", { ...provisioned, ...global(x("abc", C)) },
          `${OPV}ProvisionedThroughput is not specified for index: abc`),
  refused("read units of an index beyond all bounds", { ...provisioned, ...global(x("abc", C, units(1000000000001, 1))) },
          "Given value 1000000000001 for ReadCapacityUnits is out of bounds for index abc", unsure),
  refused("a limit of 0 on demand", global(x("abc", C, { OnDemandThroughput: { MaxWriteRequestUnits: 0 } })),
          /Requested MaxWriteRequestUnits for OnDemandThroughput for index abc is outside of valid range$/, unsure),
  refused("a limit on demand of an index that is provisioned",
          { ...provisioned, ...global(x("abc", C, { ...units(1, 1), OnDemandThroughput: { MaxReadRequestUnits: 1 } })) },
          /^One or more parameter values were invalid: MaxReadRequestUnits for OnDemandThroughput cannot be specified/, unsure),
  refused("an index less warm than it would be", global(x("abc", C, { WarmThroughput: { ReadUnitsPerSecond: 1 } })),
          /Requested ReadUnitsPerSecond for WarmThroughput for index abc is lower than/, unsure),
];

// --- what comes first ---------------------------------------------------------------------------------------------

const order = [
  refused("throughput of the table comes before its indexes", { ...units(1, 1), ...local() },
          `${OPV}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST`),
  refused("keys of the table come before its indexes", { KeySchema: schema(["y"]), ...local() }, undefinedKeys("y")),
  refused("local indexes come first", { ...local(), ...global(x("abc", schema(["z"]))) },
          `${OPV}List of LocalSecondaryIndexes is empty`),
  refused("a local projection comes before global keys",
          { ...local(x("abc", AC, { Projection: {} })), ...global(x("abd", schema(["z"]))) }, `${OPV}Unknown ProjectionType: null`),
  refused("definitions come before the order of keys", global(x("abc", schema([], ["z"]))), undefinedKeys("z")),
  refused("definitions come before names that are the same", global(x("abc", schema(["z"], ["z"]))), undefinedKeys("z, z")),
  refused("the local partition key comes before the projection",
          local(x("abc", schema(["c"], ["a"]), { Projection: {} })), /does not have the same leading hash key/),
  refused("a local sort key comes before the partition key", local(x("abc", C)), /does not have a range key for index: abc$/),
  refused("keys come before throughput", global(x("abc", schema(["z"]), units(1, 1))), undefinedKeys("z")),
  refused("a projection comes before throughput", global(x("abc", C, { Projection: {}, ...units(1, 1) })),
          `${OPV}Unknown ProjectionType: null`),
  refused("an index's projection comes before the next one's keys",
          global(x("abc", C, { Projection: {} }), x("abd", schema(["z"]))), `${OPV}Unknown ProjectionType: null`),
  refused("a name that is there twice comes before their number", local(...names(6).map(() => x("abc", AC))),
          `${OPV}Duplicate index name: abc`),
  refused("local indexes are counted before global ones",
          { ...local(...names(6, "abc").map((n) => x(n, AC))), ...global(...names(21, "abd").map((n) => x(n, C))) },
          `${OPV}Number of LocalSecondaryIndexes exceeds per-table limit of 5`),
  refused("names come before definitions that are not used",
          { AttributeDefinitions: define("a", "b", "c", "d"), ...global(x("abc", C), x("abc", C)) },
          `${OPV}Duplicate index name: abc`),
];

// --- what is made -------------------------------------------------------------------------------------------------

const noUnits = { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 };
const arn = (table, index) => new RegExp(`^arn:aws:dynamodb:[a-z0-9-]+:[0-9]{12}:table/${table}/index/${index}$`);

// wanted: of the description once the table is there, after a look at what CreateTable said.
function made(name, input, wanted, more = {}) {
  return { name: `indexes: ${name}`, ...more, run: async ({ key }) => {
    const TableName = `made-${key}`, whole = { TableName, ...base, ...input };
    const out = await ok("CreateTable", whole);
    assert.equal(out.TableDescription.GlobalSecondaryIndexes?.length, whole.GlobalSecondaryIndexes?.length);
    assert.equal(out.TableDescription.LocalSecondaryIndexes?.length, whole.LocalSecondaryIndexes?.length);
    const table = await settled(TableName);
    for (const [member, v] of Object.entries(wanted(TableName)))
      like(v, table[member]);
    await ok("DeleteTable", { TableName });
  } };
}

const described = (table, i) => ({ IndexName: i.IndexName, KeySchema: i.KeySchema, Projection: i.Projection,
                                   IndexSizeBytes: 0, ItemCount: 0, IndexArn: arn(table, i.IndexName) });
const describedGlobal = (table, i, throughput = noUnits, more = {}) =>
  ({ ...described(table, i), IndexStatus: "ACTIVE", ProvisionedThroughput: throughput,
     WarmThroughput: (w) => w.ReadUnitsPerSecond > 0 && w.WriteUnitsPerSecond > 0 && w.Status === "ACTIVE", ...more });
const one = x("abc", C), two = x("abd", schema(["c"], ["a"]), { Projection: { ProjectionType: "KEYS_ONLY" } });
const three = x("a.b-c_D", AC, { Projection: INCLUDE("x", "y") });
const eight = { KeySchema: schema(["a"], ["b"]), AttributeDefinitions: define("a", "b", ...names(8)) };
const makes = [
  made("a local index", local(three), (t) => ({ LocalSecondaryIndexes: [described(t, three)],
       GlobalSecondaryIndexes: undefined, AttributeDefinitions: base.AttributeDefinitions })),
  made("a global index", global(one), (t) => ({ GlobalSecondaryIndexes: [describedGlobal(t, one)],
       LocalSecondaryIndexes: undefined, AttributeDefinitions: base.AttributeDefinitions })),
  made("indexes of both kinds", { ...local(three), ...global(one, two) },
       (t) => ({ LocalSecondaryIndexes: [described(t, three)],
                 GlobalSecondaryIndexes: (l) => [one, two].every((i) =>
                   difference(describedGlobal(t, i), l.find((g) => g.IndexName === i.IndexName)) === null) })),
  made("a global index on a table without sort key",
       { KeySchema: schema(["a"]), AttributeDefinitions: define("a", "c"), ...global(one) },
       (t) => ({ GlobalSecondaryIndexes: [describedGlobal(t, one)] })),
  made("a global index with the table's own keys", { AttributeDefinitions: define("a", "b"),
       ...global(x("abc", schema(["b"], ["a"]))) }, () => ({ GlobalSecondaryIndexes: (l) => l.length === 1 })),
  made("a local index with the table's own keys", { AttributeDefinitions: define("a", "b"),
       ...local(x("abc", schema(["a"], ["b"]))) }, () => ({ LocalSecondaryIndexes: (l) => l.length === 1 })),
  made("a provisioned global index", { ...provisioned, ...global(x("abc", C, units(7, 9))) },
       (t) => ({ GlobalSecondaryIndexes: [describedGlobal(t, one, { NumberOfDecreasesToday: 0, ReadCapacityUnits: 7,
                                                                    WriteCapacityUnits: 9 })] })),
  made("a limit on demand", global(x("abc", C, { OnDemandThroughput: { MaxReadRequestUnits: 100 } })),
       (t) => ({ GlobalSecondaryIndexes: [describedGlobal(t, one, noUnits,
                                                          { OnDemandThroughput: { MaxReadRequestUnits: 100 } })] })),
  made("a warm index", global(x("abc", C, { WarmThroughput: { ReadUnitsPerSecond: 13000, WriteUnitsPerSecond: 5000 } })),
       (t) => ({ GlobalSecondaryIndexes: [describedGlobal(t, one, noUnits,
         { WarmThroughput: { ReadUnitsPerSecond: 13000, WriteUnitsPerSecond: 5000, Status: "ACTIVE" } })] })),
  made("keys of four and four attributes", { ...eight, ...global(x("abc", schema(names(8).slice(0, 4), names(8).slice(4)))) },
       () => ({ GlobalSecondaryIndexes: ([i]) => difference(schema(names(8).slice(0, 4), names(8).slice(4)),
                                                            i.KeySchema) === null })),
  made("two partition keys and no sort key", { AttributeDefinitions: define("a", "b", "c", "d"), ...global(x("abc", schema(["c", "d"]))) },
       () => ({ GlobalSecondaryIndexes: ([i]) => difference(schema(["c", "d"]), i.KeySchema) === null })),
  made("five local indexes", local(...names(5, "abc").map((n) => x(n, AC))),
       () => ({ LocalSecondaryIndexes: (l) => l.length === 5 })),
  made("20 global indexes", global(...names(20, "abc").map((n) => x(n, C))),
       () => ({ GlobalSecondaryIndexes: (l) => l.length === 20 && l.every((i) => i.IndexStatus === "ACTIVE") }), { alone: true }),
  made("100 attributes in five indexes", global(...[1, 2, 3, 4, 5].map(twenty)),
       () => ({ GlobalSecondaryIndexes: (l) => l.every((i) => i.Projection.NonKeyAttributes.length === 20) })),
  made("a key of one index among the attributes of another", global(x("abc", C), x("abd", schema(["b"]), { Projection: INCLUDE("c") })),
       () => ({ GlobalSecondaryIndexes: (l) => l.length === 2 })),
  made("names of 3 and 255 characters", global(x("...", C), x("x".repeat(255), C)),
       () => ({ GlobalSecondaryIndexes: (l) => l.length === 2 })),
  made("an index of its own makes no difference between tables", global(one),
       () => ({ GlobalSecondaryIndexes: ([i]) => i.Backfilling === undefined && i.Id === undefined && i.Table === undefined })),
];

export const cases = [...model, ...keys, ...others, ...order, ...makes];
