// UpdateTable without indexes, time to live, tags, continuous backups.  API reference, of these.
import assert from "node:assert/strict";
import { fails, like, ok, settled } from "../../flows.mjs";
import { OPV, keys, ve } from "../../tables.mjs";
import { among, bad, constraint, constraints, lengthAtLeast, lengthAtMost, notNull, valueAtLeast,
         valueAtMost } from "../../words.mjs";

const unsure = { unconfirmed: true };
const units = (r, w) => ({ ProvisionedThroughput: { ReadCapacityUnits: r, WriteCapacityUnits: w } });
const provisioned = { BillingMode: "PROVISIONED", ...units(5, 5) };
const onDemand = { BillingMode: "PAY_PER_REQUEST" };

export const tables = { "set-demand": keys("pk", "S"), "set-units": { ...keys("pk", "S"), ...provisioned } };

const refused = (name, input, error, more = {}) => ({ name: `settings: ${name}`, op: "UpdateTable", ...more,
  in: { TableName: "set-demand", ...input }, error: error.name ? error : ve(error) });
const only = (what) => `${OPV}${what} modification must be the only operation in the request`;
const onUnits = { TableName: "set-units" };
const stream = (StreamEnabled, StreamViewType) => ({ StreamSpecification: { StreamEnabled, StreamViewType } });

const updates = [
  refused("nothing to do", {}, /^At least one of ProvisionedThroughput, BillingMode, /),
  refused("a table that is not there", { TableName: "nowhere", ...onDemand },
          { name: "ResourceNotFoundException", message: "Requested resource not found: Table: nowhere not found" }),
  refused("a billing mode of no meaning", { BillingMode: "FREE" },
          constraint("FREE", "billingMode", among("PROVISIONED", "PAY_PER_REQUEST"))),
  refused("a table class of no meaning", { TableClass: "COLD" },
          constraint("COLD", "tableClass", among("STANDARD", "STANDARD_INFREQUENT_ACCESS"))),
  refused("units of 0", units(0, 1),
          constraint("0", "provisionedThroughput.readCapacityUnits", valueAtLeast(1))),
  refused("no units", { ProvisionedThroughput: {} },
          constraints(bad(null, "provisionedThroughput.readCapacityUnits", notNull),
                      bad(null, "provisionedThroughput.writeCapacityUnits", notNull))),
  refused("units beyond all bounds", { ...onUnits, ...units(1000000000001, 1) },
          "Given value 1000000000001 for ReadCapacityUnits is out of bounds"),
  refused("units that the table has", { ...onUnits, ...units(5, 5) }, /^The provisioned throughput for the table will not change/),
  refused("units on demand", units(1, 1), `${OPV}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when ` +
          "BillingMode is PAY_PER_REQUEST"),
  refused("units and on demand at once", { ...onUnits, ...onDemand, ...units(1, 1) },
          `${OPV}ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST`, unsure),
  refused("provisioned without units", { BillingMode: "PROVISIONED" },
          `${OPV}ProvisionedThroughput must be specified when BillingMode is PROVISIONED`),
  refused("encryption and more", { SSESpecification: { Enabled: true }, ...provisioned }, only("Server-Side Encryption"), unsure),
  refused("the class and more", { TableClass: "STANDARD", ...provisioned }, only("TableClass"), unsure),
  refused("deletion protection and more", { DeletionProtectionEnabled: true, ...provisioned }, only("DeletionProtection"), unsure),
  refused("a stream without a view", stream(true), `${OPV}If stream is being enabled then UpdateViewType is required`, unsure),
  refused("no stream, with a view", stream(false, "KEYS_ONLY"),
          `${OPV}If stream is being disabled, then UpdateViewType must not be specified`, unsure),
  refused("a view of no meaning", stream(true, "ALL"), constraint("ALL", "streamSpecification.streamViewType",
          among("OLD_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE")), unsure),
  refused("a stream that says nothing", { StreamSpecification: {} }, constraint(null, "streamSpecification.streamEnabled", notNull)),
  refused("no stream to switch off", stream(false), "Table has no stream to disable: TableName: set-demand", unsure),
  refused("a limit on demand of a provisioned table", { ...onUnits, OnDemandThroughput: { MaxReadRequestUnits: 1 } },
          `${OPV}MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED`, unsure),
  refused("a limit on demand of 0", { OnDemandThroughput: { MaxWriteRequestUnits: 0 } },
          `${OPV}Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range`, unsure),
  refused("a table that is to cool down", { WarmThroughput: { ReadUnitsPerSecond: 1 } },
          /lower than current WarmThroughput, decreasing WarmThroughput is not supported/, unsure),
  refused("a key of ours for encryption", { SSESpecification: { Enabled: true, SSEType: "AES256" } },
          `${OPV}SSEType AES256 is not supported`, unsure),
  refused("no encryption, with a key", { SSESpecification: { Enabled: false, KMSMasterKeyId: "x" } },
          `${OPV}KMSMasterKeyId can not be specified if Enabled is false`, unsure),
  refused("encryption as it is", { SSESpecification: { Enabled: false } }, `${OPV}Table is already encrypted by default`),
  refused("mistakes are told together", { BillingMode: "FREE", TableClass: "COLD", ...units(0, 0) },
          constraints(bad("FREE", "billingMode", among("PROVISIONED", "PAY_PER_REQUEST")),
                      bad("COLD", "tableClass", among("STANDARD", "STANDARD_INFREQUENT_ACCESS")),
                      bad("0", "provisionedThroughput.readCapacityUnits", valueAtLeast(1)),
                      bad("0", "provisionedThroughput.writeCapacityUnits", valueAtLeast(1)))),
];

// --- time to live and backups -------------------------------------------------------------------------------------

const ttl = (name, spec, error, more = {}) => ({ name: `settings: time to live: ${name}`, op: "UpdateTimeToLive", ...more,
  in: { TableName: "set-demand", TimeToLiveSpecification: spec }, error: error.name ? error : ve(error) });
const backups = (name, spec, error, more = {}) => ({ name: `settings: backups: ${name}`, op: "UpdateContinuousBackups",
  ...more, in: { TableName: "set-demand", PointInTimeRecoverySpecification: spec }, error: error.name ? error : ve(error) });
const T = "timeToLiveSpecification", P = "pointInTimeRecoverySpecification";
const structures = [
  ttl("no specification", undefined, constraint(null, T, notNull)),
  ttl("an empty specification", {}, constraints(bad(null, `${T}.attributeName`, notNull), bad(null, `${T}.enabled`, notNull))),
  ttl("no attribute", { Enabled: true }, constraint(null, `${T}.attributeName`, notNull)),
  ttl("an attribute and no more", { AttributeName: "t" }, constraint(null, `${T}.enabled`, notNull)),
  ttl("an attribute without a name", { AttributeName: "", Enabled: true },
      constraint("", `${T}.attributeName`, lengthAtLeast(1))),
  ttl("a name of 256 characters", { AttributeName: "x".repeat(256), Enabled: true },
      constraint("x".repeat(256), `${T}.attributeName`, lengthAtMost(255)), unsure),
  ttl("off, when it is off", { AttributeName: "t", Enabled: false }, "TimeToLive is already disabled"),
  { name: "settings: time to live: a table that is not there", op: "DescribeTimeToLive", in: { TableName: "nowhere" },
    error: { name: "ResourceNotFoundException", message: "Requested resource not found: Table: nowhere not found" } },
  { name: "settings: time to live: off at first", op: "DescribeTimeToLive", in: { TableName: "set-units" },
    out: { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } } },
  backups("no specification", undefined, constraint(null, P, notNull)),
  backups("an empty specification", {}, constraint(null, `${P}.pointInTimeRecoveryEnabled`, notNull)),
  backups("no days", { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 0 },
          constraint("0", `${P}.recoveryPeriodInDays`, valueAtLeast(1))),
  backups("36 days", { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 36 },
          constraint("36", `${P}.recoveryPeriodInDays`, valueAtMost(35))),
  backups("mistakes are told together", { RecoveryPeriodInDays: 36 },
          constraints(bad(null, `${P}.pointInTimeRecoveryEnabled`, notNull), bad("36", `${P}.recoveryPeriodInDays`, valueAtMost(35)))),
  { name: "settings: backups: a table that is not there", op: "DescribeContinuousBackups", in: { TableName: "nowhere" },
    error: { name: "TableNotFoundException", message: "Table not found: nowhere" } },
  { name: "settings: backups: as they are at first", op: "DescribeContinuousBackups", in: { TableName: "set-units" },
    out: { ContinuousBackupsDescription: { ContinuousBackupsStatus: "ENABLED",
           PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "DISABLED" } } } },
];

// --- what becomes of a table --------------------------------------------------------------------------------------

const flow = (name, table, f, more) => ({ name: `settings: ${name}`, ...more, run: async ({ key }) => {
  const TableName = `set-${key}`;
  await ok("CreateTable", { TableName, ...keys("pk", "S"), ...onDemand, ...table });
  const { TableArn } = await settled(TableName);
  await f(TableName, TableArn);
  await ok("DeleteTable", { TableName });
} });
const flows = [
  flow("units go up and down", provisioned, async (TableName) => {
    const { TableDescription: t } = await ok("UpdateTable", { TableName, ...units(7, 3) });
    assert.equal(t.TableStatus, "UPDATING");
    like({ ReadCapacityUnits: 7, WriteCapacityUnits: 3, NumberOfDecreasesToday: 1, LastIncreaseDateTime: () => true,
           LastDecreaseDateTime: () => true }, (await settled(TableName)).ProvisionedThroughput);
  }),
  flow("on demand and back", provisioned, async (TableName) => {
    await ok("UpdateTable", { TableName, ...onDemand });
    const t = await settled(TableName);
    assert.equal(t.BillingModeSummary.BillingMode, "PAY_PER_REQUEST");
    assert.equal(t.ProvisionedThroughput.ReadCapacityUnits, 0);
    await ok("UpdateTable", { TableName, ...provisioned });
    const back = await settled(TableName);
    assert.equal(back.BillingModeSummary.BillingMode, "PROVISIONED");
    assert.equal(back.ProvisionedThroughput.ReadCapacityUnits, 5);
  }),
  flow("a limit on demand comes and goes", {}, async (TableName) => {
    await ok("UpdateTable", { TableName, OnDemandThroughput: { MaxReadRequestUnits: 5, MaxWriteRequestUnits: 6 } });
    like({ MaxReadRequestUnits: 5, MaxWriteRequestUnits: 6 }, (await settled(TableName)).OnDemandThroughput);
    await ok("UpdateTable", { TableName, OnDemandThroughput: { MaxReadRequestUnits: -1 } });
    like({ MaxWriteRequestUnits: 6 }, (await settled(TableName)).OnDemandThroughput);
  }, unsure),
  flow("a stream is enabled once", {}, async (TableName) => {
    await ok("UpdateTable", { TableName, ...stream(true, "NEW_IMAGE") });
    const t = await settled(TableName);
    like({ StreamEnabled: true, StreamViewType: "NEW_IMAGE" }, t.StreamSpecification);
    assert.ok(t.LatestStreamArn.endsWith(`/stream/${t.LatestStreamLabel}`));
    await fails("UpdateTable", { TableName, ...stream(true, "KEYS_ONLY") },
                ve(`Table already has an enabled stream: TableName: ${TableName}`));
    await ok("UpdateTable", { TableName, ...stream(false) });
    assert.equal((await settled(TableName)).StreamSpecification, undefined);
  }),
  flow("a class", {}, async (TableName) => {
    await ok("UpdateTable", { TableName, TableClass: "STANDARD_INFREQUENT_ACCESS" });
    assert.equal((await settled(TableName)).TableClassSummary.TableClass, "STANDARD_INFREQUENT_ACCESS");
  }),
  flow("protection against deletion", {}, async (TableName) => {
    await ok("UpdateTable", { TableName, DeletionProtectionEnabled: true });
    assert.equal((await settled(TableName)).DeletionProtectionEnabled, true);
    await fails("DeleteTable", { TableName }, ve(/^Resource cannot be deleted as it is currently protected/));
    await ok("UpdateTable", { TableName, DeletionProtectionEnabled: false });
  }),
  flow("time to live is switched on", {}, async (TableName) => {
    const spec = { AttributeName: "t", Enabled: true };
    like({ TimeToLiveSpecification: spec }, await ok("UpdateTimeToLive", { TableName, TimeToLiveSpecification: spec }));
    like({ AttributeName: "t", TimeToLiveStatus: /^ENABL(ED|ING)$/ },
         (await ok("DescribeTimeToLive", { TableName })).TimeToLiveDescription);
    await fails("UpdateTimeToLive", { TableName, TimeToLiveSpecification: spec }, ve("TimeToLive is already enabled"));
    await fails("UpdateTimeToLive", { TableName, TimeToLiveSpecification: { AttributeName: "u", Enabled: true } },
                ve("TimeToLive is active on a different AttributeName: current AttributeName is t"));
  }),
  flow("tags come and go", { Tags: [{ Key: "a", Value: "1" }] }, async (TableName, ResourceArn) => {
    await ok("TagResource", { ResourceArn, Tags: [{ Key: "b", Value: "" }, { Key: "a", Value: "2" }] });
    const tags = async () => (await ok("ListTagsOfResource", { ResourceArn })).Tags.map((t) => `${t.Key}=${t.Value}`).sort();
    assert.deepEqual(await tags(), ["a=2", "b="]);
    await ok("UntagResource", { ResourceArn, TagKeys: ["a", "none"] });
    assert.deepEqual(await tags(), ["b="]);
  }),
];

export const cases = [...updates, ...structures, ...flows];
