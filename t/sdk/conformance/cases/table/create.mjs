// CreateTable: what a definition may be.  API reference, CreateTable, and the limits of the service's model.
import assert from "node:assert/strict";
import { send } from "../../client.mjs";
import { difference } from "../../compare.mjs";
import { OPV, keys, ve } from "../../tables.mjs";
import { among, bad, constraint, constraints, lengthAtLeast, lengthAtMost, notNull, pattern,
         valueAtLeast } from "../../words.mjs";

const onDemand = { BillingMode: "PAY_PER_REQUEST" };
const units = (r, w) => ({ ProvisionedThroughput: { ReadCapacityUnits: r, WriteCapacityUnits: w } });
const definition = (AttributeName, AttributeType = "S") => ({ AttributeName, AttributeType });
const element = (AttributeName, KeyType) => ({ AttributeName, KeyType });
const unsure = { unconfirmed: true };

function refused(name, input, error, more = {}) {
  return { name: `create: ${name}`, op: "CreateTable", ...more,
           in: { TableName: "refused-$K", ...keys("pk", "S"), ...onDemand, ...input },
           error: error.name ? error : ve(error) };
}

// --- names --------------------------------------------------------------------------------------------------------

const tableNames = [
  refused("a name is needed", { TableName: undefined },
          "The parameter 'TableName' is required but was not present in the request"),
  refused("an empty name", { TableName: "" },
          /at 'tableName' failed to satisfy constraint: Member must have length greater/, unsure),
  ...["a", "ab", ".."].map((name) =>
    refused(`a name of ${name.length} characters: ${name}`, { TableName: name },
            constraint(name, "tableName", lengthAtLeast(3)))),
  refused("a name of 256 characters", { TableName: "x".repeat(256) },
          constraint("x".repeat(256), "tableName", lengthAtMost(255)), unsure),
  ...["a b c", "abc/def", "täble", "abc#", "abc\n", "abc:d", "a'b'c"].map((name) =>
    refused(`a name of other characters: ${JSON.stringify(name)}`, { TableName: name },
            constraint(name, "tableName", pattern))),
  refused("a name that is taken", { TableName: "both" },
          { name: "ResourceInUseException", message: "Table already exists: both" }),
  refused("a name that is taken, with other keys", { TableName: "both", ...keys("a", "B") },
          { name: "ResourceInUseException", message: "Table already exists: both" }),
  refused("the definition is looked at before the name", { TableName: "both", ...keys("a", "S"),
      AttributeDefinitions: [] },
          /^One or more parameter values were invalid: Some index key attributes are not defined/, unsure),
];

// --- members ------------------------------------------------------------------------------------------------------

const members = [
  refused("keys are needed", { KeySchema: undefined }, constraint(null, "keySchema", notNull), unsure),
  refused("attributes are needed", { AttributeDefinitions: undefined },
          constraint(null, "attributeDefinitions", notNull), unsure),
  refused("keys and attributes are needed", { KeySchema: undefined, AttributeDefinitions: undefined },
          constraints(bad(null, "keySchema", notNull), bad(null, "attributeDefinitions", notNull)), unsure),
  refused("no keys", { KeySchema: [] }, constraint("[]", "keySchema", lengthAtLeast(1))),
  refused("three keys", { KeySchema: [element("a", "HASH"), element("b", "RANGE"), element("c", "RANGE")],
                          AttributeDefinitions: ["a", "b", "c"].map((n) => definition(n)) },
          /at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2$/, unsure),
  refused("a key of no kind", { KeySchema: [element("pk", "SORT")] },
          constraint("SORT", "keySchema.1.member.keyType", among("HASH", "RANGE"))),
  refused("a key without kind", { KeySchema: [element("pk")] },
          constraint(null, "keySchema.1.member.keyType", notNull)),
  refused("a key without name", { KeySchema: [element(undefined, "HASH")] },
          constraint(null, "keySchema.1.member.attributeName", notNull)),
  refused("a key with an empty name", { KeySchema: [element("", "HASH")] },
          constraint("", "keySchema.1.member.attributeName", lengthAtLeast(1))),
  refused("a key with a name of 256 bytes", keys("x".repeat(256), "S"),
          (m) => m.includes(bad("x".repeat(256), "keySchema.1.member.attributeName", lengthAtMost(255))), unsure),
  ...["SS", "BOOL", "M", "s"].map((type) =>
    refused(`a key of type ${type}`, { AttributeDefinitions: [definition("pk", type)] },
            constraint(type, "attributeDefinitions.1.member.attributeType", among("B", "N", "S")))),
  refused("an attribute without type", { AttributeDefinitions: [{ AttributeName: "pk" }] },
          constraint(null, "attributeDefinitions.1.member.attributeType", notNull)),
  refused("an attribute without name", { AttributeDefinitions: [{ AttributeType: "S" }] },
          constraint(null, "attributeDefinitions.1.member.attributeName", notNull)),
  refused("an attribute with an empty name", { AttributeDefinitions: [definition("pk"), definition("")] },
          constraint("", "attributeDefinitions.2.member.attributeName", lengthAtLeast(1))),
  refused("the second key's mistakes are told with its number",
          { KeySchema: [element("pk", "HASH"), element("sk", "x")],
            AttributeDefinitions: [definition("pk"), definition("sk")] },
          constraint("x", "keySchema.2.member.keyType", among("HASH", "RANGE"))),
  refused("a billing mode of no meaning", { BillingMode: "FREE" },
          constraint("FREE", "billingMode", among("PROVISIONED", "PAY_PER_REQUEST"))),
  refused("a table class of no meaning", { TableClass: "GLACIER" },
          constraint("GLACIER", "tableClass", among("STANDARD", "STANDARD_INFREQUENT_ACCESS"))),
  refused("mistakes are told together", { BillingMode: "FREE", TableClass: "GLACIER", KeySchema: [] },
          constraints(bad("FREE", "billingMode", among("PROVISIONED", "PAY_PER_REQUEST")),
                      bad("GLACIER", "tableClass", among("STANDARD", "STANDARD_INFREQUENT_ACCESS")),
                      bad("[]", "keySchema", lengthAtLeast(1)))),
  refused("mistakes of lists are told together",
          { KeySchema: [element("pk", "x")], AttributeDefinitions: [definition("pk", "y")] },
          constraints(bad("x", "keySchema.1.member.keyType", among("HASH", "RANGE")),
                      bad("y", "attributeDefinitions.1.member.attributeType", among("B", "N", "S")))),
];

// --- throughput ---------------------------------------------------------------------------------------------------

const where = (unit) => `provisionedThroughput.${unit}CapacityUnits`;
const provisioned = { BillingMode: "PROVISIONED" };
const throughput = [
  refused("neither billing mode nor throughput", { BillingMode: undefined },
          "No provisioned throughput specified for the table"),
  refused("provisioned without throughput", provisioned,
          `${OPV}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED`),
  refused("on demand with throughput", units(1, 1),
          `${OPV}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is ` +
          "PAY_PER_REQUEST"),
  refused("no read units", { ...provisioned, ...units(undefined, 1) }, constraint(null, where("read"), notNull)),
  refused("no write units", { ...provisioned, ...units(1, undefined) }, constraint(null, where("write"), notNull)),
  refused("neither read nor write units", { ...provisioned, ProvisionedThroughput: {} },
          constraints(bad(null, where("read"), notNull), bad(null, where("write"), notNull))),
  refused("read units of 0", { ...provisioned, ...units(0, 1) }, constraint("0", where("read"), valueAtLeast(1))),
  refused("write units of 0", { ...provisioned, ...units(1, 0) }, constraint("0", where("write"), valueAtLeast(1))),
  refused("units below 0", { ...provisioned, ...units(-1, -2) },
          constraints(bad("-1", where("read"), valueAtLeast(1)), bad("-2", where("write"), valueAtLeast(1)))),
  refused("read units beyond all bounds", { ...provisioned, ...units(1000000000001, 1) },
          "Given value 1000000000001 for ReadCapacityUnits is out of bounds"),
  refused("write units beyond all bounds", { ...provisioned, ...units(1, 1000000000001) },
          "Given value 1000000000001 for WriteCapacityUnits is out of bounds"),
];

// --- keys ---------------------------------------------------------------------------------------------------------

const undefinedKeys = (k, a) => `${OPV}Some index key attributes are not defined in AttributeDefinitions. ` +
                                `Keys: [${k}], AttributeDefinitions: [${a}]`;
const NUMBER = `${OPV}Number of attributes in KeySchema does not exactly match number of attributes defined in ` +
               "AttributeDefinitions";
const FIRST = "Invalid KeySchema: The first KeySchemaElement is not a HASH key type";
const SECOND = "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type";
const two = [definition("a"), definition("b")];
const schema = [
  refused("a sort key alone", { KeySchema: [element("pk", "RANGE")] }, FIRST),
  refused("the sort key first", { KeySchema: [element("a", "RANGE"), element("b", "HASH")],
                                  AttributeDefinitions: two }, FIRST),
  refused("two partition keys", { KeySchema: [element("a", "HASH"), element("b", "HASH")],
                                  AttributeDefinitions: two }, SECOND),
  refused("two sort keys", { KeySchema: [element("a", "RANGE"), element("b", "RANGE")], AttributeDefinitions: two },
          FIRST),
  refused("one attribute for both keys", { KeySchema: [element("a", "HASH"), element("a", "RANGE")],
                                           AttributeDefinitions: [definition("a")] },
          "Both the Hash Key and the Range Key element in the KeySchema have the same name"),
  refused("a key that is not defined", { KeySchema: [element("a", "HASH")], AttributeDefinitions: [definition("b")] },
          undefinedKeys("a", "b")),
  refused("no definitions at all", { AttributeDefinitions: [] }, undefinedKeys("pk", "")),
  refused("a sort key that is not defined", { KeySchema: [element("a", "HASH"), element("c", "RANGE")],
                                              AttributeDefinitions: two }, undefinedKeys("a, c", "a, b"), unsure),
  refused("names are told apart by case", { KeySchema: [element("PK", "HASH")] }, undefinedKeys("PK", "pk")),
  refused("a definition that no key uses", { KeySchema: [element("a", "HASH")], AttributeDefinitions: two }, NUMBER),
  refused("two definitions that no key uses", { AttributeDefinitions: [definition("pk"), ...two] }, NUMBER),
  refused("one attribute defined twice", { AttributeDefinitions: [definition("pk"), definition("pk")] },
          "Cannot have two attributes with the same name", unsure),
  refused("one attribute defined twice, with two types", { AttributeDefinitions: [definition("pk"),
      definition("pk", "N")] },
          "Cannot have two attributes with the same name", unsure),
];

// --- what is made -------------------------------------------------------------------------------------------------

const isDate = (d) => d instanceof Date && Math.abs(Date.now() - d) < 600000;
const noUnits = { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 };

function has(got, wanted) {
  for (const [member, v] of Object.entries(wanted))
    assert.equal(difference(v, got[member], member), null, JSON.stringify(got));
}

async function active(TableName) {
  for (;;) {
    const { out, error } = await send({ op: "DescribeTable", in: { TableName } });
    assert.equal(error, undefined);
    if (out.Table.TableStatus !== "CREATING")
      return out.Table;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// The description at once and when it is there, then the table goes again.
function made(name, input, wanted, more = {}) {
  return { name: `create: ${name}`, ...more, run: async ({ key }) => {
    const TableName = input.TableName ?? `made-${key}`;
    const { out, error } = await send({ op: "CreateTable", in: { ...onDemand, ...input, TableName } });
    assert.equal(error, undefined);
    has(out.TableDescription, { TableName, ItemCount: 0, TableSizeBytes: 0, CreationDateTime: isDate, ...wanted,
                                TableStatus: /^(CREATING|ACTIVE)$/ });
    has(await active(TableName), { TableName, ItemCount: 0, TableSizeBytes: 0, CreationDateTime: isDate, ...wanted,
                                   TableArn: new RegExp(`^arn:aws:dynamodb:[a-z0-9-]+:[0-9]{12}:table/${TableName}$`),
                                   TableId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, TableStatus: "ACTIVE" });
    assert.equal((await send({ op: "DeleteTable", in: { TableName } })).error, undefined);
  } };
}

const tables = [
  made("a partition key", keys("pk", "S"),
       { ...keys("pk", "S"), BillingModeSummary: (b) => b.BillingMode === "PAY_PER_REQUEST",
         ProvisionedThroughput: noUnits,
         DeletionProtectionEnabled: false, GlobalSecondaryIndexes: undefined, LocalSecondaryIndexes: undefined,
         StreamSpecification: undefined, LatestStreamArn: undefined }),
  made("a partition key and a sort key", keys("a", "N", "b", "B"), keys("a", "N", "b", "B")),
  made("definitions may come in another order",
       { ...keys("a", "N", "b", "B"), AttributeDefinitions: [definition("b", "B"), definition("a", "N")] },
       { KeySchema: keys("a", "N", "b", "B").KeySchema, AttributeDefinitions: (d) => d.length === 2 }),
  made("names of keys may be anything", keys("ä b", "S", "#", "S"), keys("ä b", "S", "#", "S")),
  made("a key's name of 255 bytes", keys("x".repeat(255), "S"), keys("x".repeat(255), "S")),
  made("provisioned", { ...keys("pk", "S"), ...provisioned, ...units(5, 7) },
       { ProvisionedThroughput: { NumberOfDecreasesToday: 0, ReadCapacityUnits: 5, WriteCapacityUnits: 7 } }),
  made("provisioned is what throughput means by itself", { ...keys("pk", "S"), BillingMode: undefined, ...units(1, 1) },
       { ProvisionedThroughput: { NumberOfDecreasesToday: 0, ReadCapacityUnits: 1, WriteCapacityUnits: 1 } }),
  made("a provisioned table has no billing mode summary", { ...keys("pk", "S"), BillingMode: undefined,
      ...units(1, 1) },
       { BillingModeSummary: undefined }, unsure),
  made("a table class", { ...keys("pk", "S"), TableClass: "STANDARD_INFREQUENT_ACCESS" },
       { TableClassSummary: (c) => c.TableClass === "STANDARD_INFREQUENT_ACCESS" }),
  made("names with dots, dashes and underscores", { ...keys("pk", "S"), TableName: "-._a.B-9_" }, keys("pk", "S")),
  made("a name of three characters", { ...keys("pk", "S"), TableName: "..." }, keys("pk", "S")),
  made("a name of 255 characters", { ...keys("pk", "S"), TableName: "x".repeat(255) }, keys("pk", "S")),
];

export const cases = [...tableNames, ...members, ...throughput, ...schema, ...tables];
