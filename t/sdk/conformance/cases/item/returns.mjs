// What the four operations return when asked: ReturnValues, and the item that failed a condition.
import { L, M, N, S, SS, failed, ve } from "../../tables.mjs";

const Key = { pk: S("$K") };
const old = { ...Key, a: N(1), b: S("two"), l: L(N(1), N(2), N(3)), m: M({ x: N(1), y: N(2) }), s: SS("p", "q") };
const set = (more) => ({ Key, UpdateExpression: "SET a = :v", ExpressionAttributeValues: { ":v": N(9) }, ...more });
const enums = "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]";
const bad = (value, member, set) => `1 validation error detected: Value '${value}' at '${member}' failed to satisfy ` +
  `constraint: Member must satisfy enum value set: ${set}`;

const one = ([name, op, input, answer, more = {}]) => ({ name: `returns: ${name}`, op, in: input, ...answer, ...more });
const withOld = (row) => ({ ...one(row), given: [old] });
// name, expression, values, ReturnValues, Attributes
const updated = ([name, UpdateExpression, values, ReturnValues, Attributes, more]) => withOld([
  `${ReturnValues}: ${name}`, "UpdateItem",
  { Key, UpdateExpression, ExpressionAttributeValues: values, ReturnValues }, { out: { Attributes } }, more]);
const v = (x) => ({ ":v": x });

// The same of the three that write, on an item that fails the condition, and on none.
const writes = { PutItem: { Item: Key }, UpdateItem: { Key }, DeleteItem: { Key } };
const condition = { ConditionExpression: "a > :v", ExpressionAttributeValues: v(N(5)) };
const onFailure = Object.entries(writes).flatMap(([op, input]) => [
  withOld([`${op}: a failed condition carries no item`, op, { ...input, ...condition }, { error: failed }]),
  withOld([`${op}: a failed condition carries the item with ALL_OLD`, op,
    { ...input, ...condition, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }, { error: { ...failed, Item: old } }]),
  withOld([`${op}: a failed condition carries no item with NONE`, op,
    { ...input, ...condition, ReturnValuesOnConditionCheckFailure: "NONE" }, { error: failed }]),
  one([`${op}: a failed condition on no item carries none`, op,
    { ...input, ...condition, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }, { error: failed }]),
  withOld([`${op}: a condition that holds needs no ReturnValuesOnConditionCheckFailure`, op,
    { ...input, ConditionExpression: "a < :v", ExpressionAttributeValues: v(N(5)),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD" }, { out: {} }]),
  one([`${op}: an unknown ReturnValuesOnConditionCheckFailure`, op,
    { ...input, ReturnValuesOnConditionCheckFailure: "ALL_NEW" },
    { error: ve(bad("ALL_NEW", "returnValuesOnConditionCheckFailure", "[ALL_OLD, NONE]")) }]),
  one([`${op}: an unknown ReturnValues`, op, { ...input, ReturnValues: "ALL" },
    { error: ve(bad("ALL", "returnValues", enums)) }]),
  one([`${op}: ReturnValues in small letters`, op, { ...input, ReturnValues: "none" },
    { error: ve(bad("none", "returnValues", enums)) }]),
]);

// A failed condition changes nothing.
const untouched = Object.entries(writes).map(([op, input]) => ({
  name: `returns: ${op}: a failed condition changes nothing`, given: [old], steps: [
    { op, in: { ...input, ...condition }, error: failed },
    { op: "GetItem", in: { Key, ConsistentRead: true }, out: { Item: old } }] }));

export const cases = [
  ...onFailure, ...untouched,
  // PutItem and DeleteItem
  ...["PutItem", "DeleteItem"].flatMap((op) => [
    withOld([`${op}: nothing by itself`, op, writes[op], { out: {} }]),
    withOld([`${op}: nothing with NONE`, op, { ...writes[op], ReturnValues: "NONE" }, { out: {} }]),
    withOld([`${op}: the old item with ALL_OLD`, op, { ...writes[op], ReturnValues: "ALL_OLD" },
      { out: { Attributes: old } }]),
    one([`${op}: nothing with ALL_OLD where no item was`, op, { ...writes[op], ReturnValues: "ALL_OLD" }, { out: {} }]),
    ...["ALL_NEW", "UPDATED_OLD",
      "UPDATED_NEW"].map((r) => one([`${op}: ${r} is refused`, op, { ...writes[op], ReturnValues: r },
      { error: ve("ReturnValues can only be ALL_OLD or NONE") }, { unconfirmed: op === "DeleteItem" }])),
  ]),
  { name: "returns: PutItem replaces the whole item", given: [old], steps: [
    { op: "PutItem", in: { Item: { ...Key, z: N(1) } }, out: {} },
    { op: "GetItem", in: { Key, ConsistentRead: true }, out: { Item: { ...Key, z: N(1) } } }] },
  { name: "returns: DeleteItem removes the item", given: [old], steps: [
    { op: "DeleteItem", in: { Key }, out: {} },
    { op: "GetItem", in: { Key, ConsistentRead: true }, out: {} },
    { op: "DeleteItem", in: { Key }, out: {} }] },
  { name: "returns: DeleteItem with a condition on what is not there", op: "DeleteItem", error: failed,
    in: { Key, ConditionExpression: "attribute_exists(pk)" } },
  { name: "returns: GetItem of nothing", op: "GetItem", in: { Key }, out: {} },
  { name: "returns: GetItem sees a write at once with ConsistentRead", given: [old], op: "GetItem", out: { Item: old },
    in: { Key, ConsistentRead: true } },
  // UpdateItem
  withOld(["UpdateItem: nothing by itself", "UpdateItem", set(), { out: {} }]),
  withOld(["UpdateItem: nothing with NONE", "UpdateItem", set({ ReturnValues: "NONE" }), { out: {} }]),
  withOld(["UpdateItem: ALL_OLD", "UpdateItem", set({ ReturnValues: "ALL_OLD" }), { out: { Attributes: old } }]),
  withOld(["UpdateItem: ALL_NEW", "UpdateItem", set({ ReturnValues: "ALL_NEW" }),
    { out: { Attributes: { ...old, a: N(9) } } }]),
  one(["UpdateItem: ALL_OLD of an item that was not there", "UpdateItem", set({ ReturnValues: "ALL_OLD" }),
    { out: {} }]),
  one(["UpdateItem: UPDATED_OLD of an item that was not there", "UpdateItem", set({ ReturnValues: "UPDATED_OLD" }),
    { out: {} }]),
  one(["UpdateItem: ALL_NEW of an item that was not there", "UpdateItem", set({ ReturnValues: "ALL_NEW" }),
    { out: { Attributes: { ...Key, a: N(9) } } }]),
  one(["UpdateItem: UPDATED_NEW of an item that was not there", "UpdateItem", set({ ReturnValues: "UPDATED_NEW" }),
    { out: { Attributes: { a: N(9) } } }]),
  one(["UpdateItem: without an expression it makes an item of the key", "UpdateItem", { Key, ReturnValues: "ALL_NEW" },
    { out: { Attributes: Key } }]),
  withOld(["UpdateItem: without an expression it changes nothing", "UpdateItem", { Key, ReturnValues: "ALL_NEW" },
    { out: { Attributes: old } }]),
  withOld(["UpdateItem: UPDATED_NEW without an expression", "UpdateItem", { Key, ReturnValues: "UPDATED_NEW" },
    { out: {} }]),
  ...[
    ["one attribute", "SET a = :v", v(N(9)), "UPDATED_OLD", { a: N(1) }],
    ["one attribute", "SET a = :v", v(N(9)), "UPDATED_NEW", { a: N(9) }],
    ["set to what it was", "SET a = :v", v(N(1)), "UPDATED_NEW", { a: N(1) }],
    ["several", "SET a = :v, b = :v", v(N(9)), "UPDATED_OLD", { a: N(1), b: S("two") }],
    ["several", "SET a = :v, b = :v", v(N(9)), "UPDATED_NEW", { a: N(9), b: N(9) }],
    ["one that was there, one that was not", "SET a = :v, z = :v", v(N(9)), "UPDATED_OLD", { a: N(1) }],
    ["one that was not there", "SET z = :v", v(N(9)), "UPDATED_OLD", undefined],
    ["one that was not there", "SET z = :v", v(N(9)), "UPDATED_NEW", { z: N(9) }],
    ["a member of a map, and no other", "SET m.x = :v", v(N(9)), "UPDATED_OLD", { m: M({ x: N(1) }) }],
    ["a member of a map, and no other", "SET m.x = :v", v(N(9)), "UPDATED_NEW", { m: M({ x: N(9) }) }],
    ["a member that was not there", "SET m.z = :v", v(N(9)), "UPDATED_NEW", { m: M({ z: N(9) }) }],
    ["an element, and no other", "SET l[1] = :v", v(N(9)), "UPDATED_OLD", { l: L(N(2)) }],
    ["an element, and no other", "SET l[1] = :v", v(N(9)), "UPDATED_NEW", { l: L(N(9)) }],
    ["two elements", "SET l[2] = :v, l[0] = :v", v(N(9)), "UPDATED_OLD", { l: L(N(1), N(3)) }, { unconfirmed: true }],
    ["a removed attribute", "REMOVE a", undefined, "UPDATED_OLD", { a: N(1) }],
    ["a removed attribute", "REMOVE a", undefined, "UPDATED_NEW", undefined],
    ["a removed attribute that was not there", "REMOVE z", undefined, "UPDATED_OLD", undefined],
    ["a removed member", "REMOVE m.x", undefined, "UPDATED_OLD", { m: M({ x: N(1) }) }],
    ["a removed and a set attribute", "REMOVE b SET a = :v", v(N(9)), "UPDATED_NEW", { a: N(9) }],
    ["a removed and a set attribute", "REMOVE b SET a = :v", v(N(9)), "UPDATED_OLD", { a: N(1), b: S("two") }],
    ["a sum", "ADD a :v", v(N(9)), "UPDATED_NEW", { a: N(10) }],
    ["a sum", "ADD a :v", v(N(9)), "UPDATED_OLD", { a: N(1) }],
    ["a set that grew", "ADD s :v", v(SS("r")), "UPDATED_NEW", { s: SS("p", "q", "r") }],
    ["a set that shrank", "DELETE s :v", v(SS("p")), "UPDATED_NEW", { s: SS("q") }],
    ["a set that shrank", "DELETE s :v", v(SS("p")), "UPDATED_OLD", { s: SS("p", "q") }],
    ["a set that went", "DELETE s :v", v(SS("p", "q")), "UPDATED_NEW", undefined],
  ].map((row) => (row[4] ? updated(row) : { ...updated(row), out: {} })),
];
