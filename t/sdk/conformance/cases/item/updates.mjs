// Update expressions: what becomes of an item.
import { B, BOOL, BS, L, M, N, NS, NULL, S, SS } from "../../tables.mjs";

const v = (x) => ({ ":v": x });
const vw = (x, y) => ({ ":v": x, ":w": y });
const Key = { pk: S("$K") };

// name, attributes before, expression, values, attributes after; null before: no item.
const becomes = ([name, before, UpdateExpression, values, after, more = {}]) => {
  const { names, ...rest } = more;
  return {
    name: `update: ${name}`, given: before ? [{ ...Key, ...before }] : [], steps: [
      { op: "UpdateItem", in: { Key, UpdateExpression, ExpressionAttributeValues: values,
        ExpressionAttributeNames: names,
                                ReturnValues: "ALL_NEW" }, out: { Attributes: { ...Key, ...after } } },
      { op: "GetItem", in: { Key, ConsistentRead: true }, out: { Item: { ...Key, ...after } } }], ...rest };
};

const some = { a: N(1), b: S("two"), l: L(S("x"), S("y"), S("z")), m: M({ a: N(1), l: L(N(7)), m: M({ x: N(9) }) }) };

export const cases = [
  // SET
  ["SET makes an item that was not there", null, "SET a = :v", v(N(1)), { a: N(1) }],
  ["SET adds an attribute", { a: N(1) }, "SET b = :v", v(S("x")), { a: N(1), b: S("x") }],
  ["SET replaces an attribute, and its type", { a: N(1) }, "SET a = :v", v(S("x")), { a: S("x") }],
  ["SET of several", { a: N(1) }, "SET a = :v, b = :w", vw(N(2), N(3)), { a: N(2), b: N(3) }],
  ...Object.entries({ S: S(""), N: N("-1.5"), B: B(0, 255), BOOL: BOOL(false), NULL, SS: SS("a", "b"), NS: NS(1, 2),
                      BS: BS([1], [2]), L: L(N(1), L()), M: M({ x: M({}) }) })
    .map(([type, value]) => [`SET to a value of type ${type}`, {}, "SET a = :v", v(value), { a: value }]),
  ["SET copies an attribute", { a: L(N(1)) }, "SET b = a", undefined, { a: L(N(1)), b: L(N(1)) }],
  ["SET copies a nested value", some, "SET c = m.m.x", undefined, { ...some, c: N(9) }],
  ["SET copies an element", some, "SET c = l[1]", undefined, { ...some, c: S("y") }],
  ["SET swaps two: operands are of before", { a: N(1), b: N(2) }, "SET a = b, b = a", undefined, { a: N(2), b: N(1) }],
  ["SET copies what another part removes", { a: N(1) }, "SET b = a REMOVE a", undefined, { b: N(1) }],
  ["SET copies what another part sets, as it was", { a: N(1) }, "SET a = :v, b = a", v(N(5)), { a: N(5), b: N(1) }],
  ["SET in a map", { m: M({ a: N(1) }) }, "SET m.a = :v", v(N(2)), { m: M({ a: N(2) }) }],
  ["SET adds to a map", { m: M({ a: N(1) }) }, "SET m.b = :v", v(N(2)), { m: M({ a: N(1), b: N(2) }) }],
  ["SET in a map in a map", { m: M({ m: M({}) }) }, "SET m.m.c = :v", v(N(2)), { m: M({ m: M({ c: N(2) }) }) }],
  ["SET two members of one map", { m: M({}) }, "SET m.a = :v, m.b = :w", vw(N(1), N(2)),
    { m: M({ a: N(1), b: N(2) }) }],
  ["SET an element", { l: L(N(1), N(2)) }, "SET l[1] = :v", v(N(9)), { l: L(N(1), N(9)) }],
  ["SET the element after the last appends", { l: L(N(1)) }, "SET l[1] = :v", v(N(9)), { l: L(N(1), N(9)) }],
  ["SET far beyond the end appends", { l: L(N(1)) }, "SET l[500] = :v", v(N(9)), { l: L(N(1), N(9)) }],
  ["SET two beyond the end appends in the order of indexes", { l: L(N(1)) }, "SET l[9] = :v, l[5] = :w", vw(N(9), N(5)),
    { l: L(N(1), N(5), N(9)) }],
  ["SET in an empty list", { l: L() }, "SET l[0] = :v", v(N(1)), { l: L(N(1)) }],
  ["SET an element of a list in a map", { m: M({ l: L(N(1)) }) }, "SET m.l[0] = :v", v(N(2)), { m: M({ l: L(N(2)) }) }],
  ["SET a member of a map in a list", { l: L(M({ a: N(1) })) }, "SET l[0].b = :v", v(N(2)),
    { l: L(M({ a: N(1), b: N(2) })) }],
  ["SET an element of a list in a list", { l: L(L(N(1))) }, "SET l[0][0] = :v", v(N(2)), { l: L(L(N(2))) }],
  ["SET a reserved word by another name", {}, "SET #n = :v", v(S("x")), { name: S("x") }, { names: { "#n": "name" } }],
  ["SET a name with a dot", {}, "SET #n = :v", v(S("x")), { "a.b": S("x") }, { names: { "#n": "a.b" } }],
  ["SET a name with blanks and more", {}, "SET #n = :v", v(S("x")), { "a b-c[0] \u00e9": S("x") },
    { names: { "#n": "a b-c[0] \u00e9" } }],
  ["SET in small letters", {}, "set a = :v", v(N(1)), { a: N(1) }],
  // arithmetic
  ["SET with +", { a: N(1) }, "SET a = a + :v", v(N("2.5")), { a: N("3.5") }],
  ["SET with -", { a: N(1) }, "SET a = a - :v", v(N(3)), { a: N(-2) }],
  ["SET with + of two attributes", { a: N(1), b: N(2) }, "SET c = a + b", undefined, { a: N(1), b: N(2), c: N(3) }],
  ["SET with - of two values", {}, "SET c = :v - :w", vw(N(1), N(3)), { c: N(-2) }],
  ["SET with + of an attribute to itself", { a: N(4) }, "SET a = a + a", undefined, { a: N(8) }],
  ["SET with + without blanks", { a: N(4) }, "SET a=a+:v", v(N(1)), { a: N(5) }],
  ["SET with + of nested values", { m: M({ a: N(1) }), l: L(N(2)) }, "SET c = m.a + l[0]", undefined,
    { m: M({ a: N(1) }), l: L(N(2)), c: N(3) }],
  ["+ is exact in decimals", { a: N("0.1") }, "SET a = a + :v", v(N("0.2")), { a: N("0.3") }],
  ["+ of 38 digits is exact", { a: N("12345678901234567890123456789012345678") }, "SET a = a + :v", v(N(1)),
    { a: N("12345678901234567890123456789012345679") }],
  ["- to zero has no sign", { a: N("-5") }, "SET a = a + :v", v(N("5.0")), { a: N(0) }],
  ["+ drops trailing zeros", { a: N("1.5") }, "SET a = a + :v", v(N("0.5")), { a: N(2) }],
  // if_not_exists
  ["if_not_exists gives the attribute", { a: N(1) }, "SET a = if_not_exists(a, :v)", v(N(9)), { a: N(1) }],
  ["if_not_exists gives the value", {}, "SET a = if_not_exists(a, :v)", v(N(9)), { a: N(9) }],
  ["if_not_exists of another attribute", { b: N(2) }, "SET a = if_not_exists(b, :v)", v(N(9)), { a: N(2), b: N(2) }],
  ["if_not_exists with a path as default", { b: N(2) }, "SET a = if_not_exists(a, b)", undefined, { a: N(2), b: N(2) }],
  ["if_not_exists of a nested path", { m: M({}) }, "SET m.c = if_not_exists(m.c, :v)", v(N(1)), { m: M({ c: N(1) }) }],
  ["if_not_exists counts from nothing", null, "SET a = if_not_exists(a, :v) + :w", vw(N(0), N(1)), { a: N(1) }],
  ["if_not_exists counts on", { a: N(41) }, "SET a = if_not_exists(a, :v) + :w", vw(N(0), N(1)), { a: N(42) }],
  ["if_not_exists on the right of +", { a: N(41) }, "SET a = :w + if_not_exists(a, :v)", vw(N(0), N(1)), { a: N(42) }],
  ["if_not_exists in if_not_exists", { c: N(3) }, "SET a = if_not_exists(a, if_not_exists(b, c))", undefined,
    { a: N(3), c: N(3) }],
  ["if_not_exists of NULL, which exists", { a: NULL }, "SET a = if_not_exists(a, :v)", v(N(9)), { a: NULL }],
  // list_append
  ["list_append at the end", { l: L(N(1)) }, "SET l = list_append(l, :v)", v(L(N(2), N(3))),
    { l: L(N(1), N(2), N(3)) }],
  ["list_append at the beginning", { l: L(N(1)) }, "SET l = list_append(:v, l)", v(L(N(2))), { l: L(N(2), N(1)) }],
  ["list_append of two attributes", { l: L(N(1)), k: L(N(2)) }, "SET c = list_append(l, k)", undefined,
    { l: L(N(1)), k: L(N(2)), c: L(N(1), N(2)) }],
  ["list_append of two values", {}, "SET l = list_append(:v, :w)", vw(L(N(1)), L(S("a"))), { l: L(N(1), S("a")) }],
  ["list_append of an empty list", { l: L(N(1)) }, "SET l = list_append(l, :v)", v(L()), { l: L(N(1)) }],
  ["list_append of a list to itself", { l: L(N(1)) }, "SET l = list_append(l, l)", undefined, { l: L(N(1), N(1)) },
    { unconfirmed: true }],
  ["list_append with if_not_exists", {}, "SET l = list_append(if_not_exists(l, :v), :w)", vw(L(), L(N(1))),
    { l: L(N(1)) }],
  ["list_append in list_append", { l: L(N(2)) }, "SET l = list_append(list_append(:v, l), :w)", vw(L(N(1)), L(N(3))),
    { l: L(N(1), N(2), N(3)) }],
  ["list_append of a nested list", { m: M({ l: L(N(1)) }) }, "SET m.l = list_append(m.l, :v)", v(L(N(2))),
    { m: M({ l: L(N(1), N(2)) }) }],
  // REMOVE
  ["REMOVE an attribute", { a: N(1), b: N(2) }, "REMOVE a", undefined, { b: N(2) }],
  ["REMOVE several", { a: N(1), b: N(2), c: N(3) }, "REMOVE a, c", undefined, { b: N(2) }],
  ["REMOVE what is not there", { a: N(1) }, "REMOVE b", undefined, { a: N(1) }],
  ["REMOVE a member of a map", { m: M({ a: N(1), b: N(2) }) }, "REMOVE m.a", undefined, { m: M({ b: N(2) }) }],
  ["REMOVE the last member leaves an empty map", { m: M({ a: N(1) }) }, "REMOVE m.a", undefined, { m: M({}) }],
  ["REMOVE a member that is not there", { m: M({ a: N(1) }) }, "REMOVE m.b", undefined, { m: M({ a: N(1) }) }],
  ["REMOVE an element closes the gap", { l: L(N(0), N(1), N(2)) }, "REMOVE l[1]", undefined, { l: L(N(0), N(2)) }],
  ["REMOVE several elements by their places of before", { l: L(N(0), N(1), N(2), N(3)) }, "REMOVE l[0], l[2]",
    undefined,
    { l: L(N(1), N(3)) }],
  ["REMOVE elements in another order", { l: L(N(0), N(1), N(2), N(3)) }, "REMOVE l[2], l[0]", undefined,
    { l: L(N(1), N(3)) }],
  ["REMOVE beyond the end", { l: L(N(0)) }, "REMOVE l[7]", undefined, { l: L(N(0)) }],
  ["REMOVE the last element leaves an empty list", { l: L(N(0)) }, "REMOVE l[0]", undefined, { l: L() }],
  ["REMOVE a member of a map in a list", { l: L(M({ a: N(1) })) }, "REMOVE l[0].a", undefined, { l: L(M({})) }],
  ["SET one element and REMOVE another", { l: L(N(0), N(1), N(2)) }, "SET l[0] = :v REMOVE l[1]", v(N(9)),
    { l: L(N(9), N(2)) }],
  ["SET beyond the end and REMOVE", { l: L(N(0), N(1)) }, "SET l[5] = :v REMOVE l[0]", v(N(9)), { l: L(N(1), N(9)) },
    { unconfirmed: true }],
  // ADD
  ["ADD to a number", { a: N(1) }, "ADD a :v", v(N("2.5")), { a: N("3.5") }],
  ["ADD a negative number", { a: N(1) }, "ADD a :v", v(N(-3)), { a: N(-2) }],
  ["ADD to no number starts from 0", {}, "ADD a :v", v(N(7)), { a: N(7) }],
  ["ADD makes an item", null, "ADD a :v", v(N(7)), { a: N(7) }],
  ["ADD to a string set", { a: SS("x") }, "ADD a :v", v(SS("y", "x")), { a: SS("x", "y") }],
  ["ADD to a number set, by value", { a: NS(1) }, "ADD a :v", v(NS("1.0", "2")), { a: NS(1, 2) }],
  ["ADD to a binary set", { a: BS([1]) }, "ADD a :v", v(BS([2])), { a: BS([1], [2]) }],
  ["ADD to no set", {}, "ADD a :v", v(SS("x")), { a: SS("x") }],
  ["ADD to several", { a: N(1) }, "ADD a :v, b :w", vw(N(1), N(5)), { a: N(2), b: N(5) }],
  ["ADD to a nested number", { m: M({ a: N(1) }) }, "ADD m.a :v", v(N(1)), { m: M({ a: N(2) }) }],
  ["ADD to a nested number that is not there", { m: M({}) }, "ADD m.a :v", v(N(1)), { m: M({ a: N(1) }) }],
  ["ADD to an element", { l: L(N(1)) }, "ADD l[0] :v", v(N(1)), { l: L(N(2)) }],
  // DELETE
  ["DELETE from a set", { a: SS("x", "y", "z") }, "DELETE a :v", v(SS("x", "z")), { a: SS("y") }],
  ["DELETE from a number set, by value", { a: NS(1, 2) }, "DELETE a :v", v(NS("1.00")), { a: NS(2) }],
  ["DELETE from a binary set", { a: BS([1], [2]) }, "DELETE a :v", v(BS([1])), { a: BS([2]) }],
  ["DELETE what is not in the set", { a: SS("x") }, "DELETE a :v", v(SS("y")), { a: SS("x") }],
  ["DELETE of all removes the attribute", { a: SS("x") }, "DELETE a :v", v(SS("x", "y")), {}],
  ["DELETE from what is not there", { b: N(1) }, "DELETE a :v", v(SS("x")), { b: N(1) }],
  ["DELETE from a nested set", { m: M({ a: SS("x", "y") }) }, "DELETE m.a :v", v(SS("x")), { m: M({ a: SS("y") }) }],
  ["DELETE of all of a nested set removes it", { m: M({ a: SS("x") }) }, "DELETE m.a :v", v(SS("x")), { m: M({}) }],
  // all together
  ["all four parts", { a: N(1), b: N(2), c: N(3), d: SS("x", "y") }, "SET a = :v REMOVE b ADD c :v DELETE d :w",
    vw(N(9), SS("x")), { a: N(9), c: N(12), d: SS("y") }],
  ["the parts in another order", { a: N(1), b: N(2), c: N(3), d: SS("x", "y") },
    "DELETE d :w ADD c :v REMOVE b SET a = :v",
    vw(N(9), SS("x")), { a: N(9), c: N(12), d: SS("y") }],
  ["siblings in one map", { m: M({ a: N(1), b: N(2) }) }, "SET m.a = :v REMOVE m.b", v(N(9)), { m: M({ a: N(9) }) }],
].map(becomes).concat([
  { name: "update: REMOVE on no item makes none", unconfirmed: true, steps: [
    { op: "UpdateItem", in: { Key, UpdateExpression: "REMOVE a", ReturnValues: "ALL_NEW" }, out: {} },
    { op: "GetItem", in: { Key, ConsistentRead: true }, out: {} }] },
  { name: "update: REMOVE and SET on no item make one", op: "UpdateItem", out: { Attributes: { ...Key, b: N(1) } },
    in: { Key, UpdateExpression: "REMOVE a SET b = :v", ExpressionAttributeValues: v(N(1)), ReturnValues: "ALL_NEW" } },
]);
