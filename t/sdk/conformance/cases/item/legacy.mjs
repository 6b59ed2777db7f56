// The parameters of before expressions, of items: Expected, ConditionalOperator, AttributeUpdates, AttributesToGet.
import { B, BOOL, L, M, N, NS, OPV, S, SS, failed, ve } from "../../tables.mjs";

const Key = { pk: S("$K") };
const item = { ...Key, s: S("hello"), n: N(5), b: B(1, 2, 3), t: BOOL(true), ss: SS("a", "b"), ns: NS(1, 2),
  l: L(S("x"), N(2)),
               m: M({ a: N(1) }), "x.y": S("dot") };

const expect = (holds) => ([name, Expected, more = {}]) => {
  const { ConditionalOperator, ...rest } = more;
  return { name: `legacy: Expected ${holds ? "holds" : "fails"}: ${name}`, given: [item], ...rest, op: "PutItem",
           in: { Item: item, Expected, ConditionalOperator }, ...(holds ? { out: {} } : { error: failed }) };
};
const compare = (ComparisonOperator, ...AttributeValueList) => ({
  ComparisonOperator, AttributeValueList: AttributeValueList.length ? AttributeValueList : undefined });

const holds = [
  ["a value", { s: { Value: S("hello") } }],
  ["a value, with Exists", { s: { Value: S("hello"), Exists: true } }],
  ["a number, by value", { n: { Value: N("5.0") } }],
  ["a set, whatever its order", { ss: { Value: SS("b", "a") } }],
  ["nothing", { gone: { Exists: false } }],
  ["several, all of which hold", { s: { Value: S("hello") }, n: { Value: N(5) }, gone: { Exists: false } }],
  ["Value with an operator", { n: { ComparisonOperator: "GT", Value: N(4) } }],
  ["EQ", { n: compare("EQ", N(5)) }], ["EQ of lists", { l: compare("EQ", L(S("x"), N(2))) }],
  ["EQ of maps", { m: compare("EQ", M({ a: N(1) })) }],
  ["NE", { n: compare("NE", N(6)) }], ["NE of another type", { n: compare("NE", S("5")) }],
  ["LE", { n: compare("LE", N(5)) }], ["LT", { n: compare("LT", N(6)) }],
  ["GE", { n: compare("GE", N(5)) }], ["GT of binaries", { b: compare("GT", B(1, 2)) }],
  ["NOT_NULL", { n: compare("NOT_NULL") }], ["NULL", { gone: compare("NULL") }],
  ["CONTAINS in a string", { s: compare("CONTAINS", S("ell")) }],
  ["CONTAINS in a set", { ss: compare("CONTAINS", S("b")) }],
  ["CONTAINS in a list", { l: compare("CONTAINS", N(2)) }],
  ["NOT_CONTAINS", { ss: compare("NOT_CONTAINS", S("c")) }],
  ["BEGINS_WITH", { s: compare("BEGINS_WITH", S("he")) }],
  ["IN", { n: compare("IN", N(1), N(5)) }],
  ["BETWEEN", { n: compare("BETWEEN", N(5), N(9)) }],
  ["OR, one of which holds", { s: { Value: S("x") }, n: { Value: N(5) } }, { ConditionalOperator: "OR" }],
  ["AND, all of which hold", { s: { Value: S("hello") }, n: { Value: N(5) } }, { ConditionalOperator: "AND" }],
  ["a name with a dot is a name", { "x.y": { Value: S("dot") } }],
  ["a reserved word needs no other name", { name: { Exists: false } }],
];

const fails = [
  ["another value", { s: { Value: S("x") } }],
  ["a value of what is not there", { gone: { Value: S("x") } }],
  ["another type", { n: { Value: S("5") } }],
  ["nothing, of what is there", { s: { Exists: false } }],
  ["several, one of which fails", { s: { Value: S("hello") }, n: { Value: N(6) } }],
  ["NE", { n: compare("NE", N("5.0")) }], ["LT", { n: compare("LT", N(5)) }], ["GT of another type",
    { s: compare("GT", N(1)) }],
  ["NOT_NULL", { gone: compare("NOT_NULL") }], ["NULL", { n: compare("NULL") }],
  ["CONTAINS", { s: compare("CONTAINS", S("z")) }], ["NOT_CONTAINS", { ss: compare("NOT_CONTAINS", S("a")) }],
  ["BEGINS_WITH", { s: compare("BEGINS_WITH", S("ello")) }], ["IN", { n: compare("IN", N(1), N(2)) }],
  ["BETWEEN", { n: compare("BETWEEN", N(6), N(9)) }],
  ["OR, none of which holds", { s: { Value: S("x") }, n: { Value: N(6) } }, { ConditionalOperator: "OR" }],
  ["AND, one of which fails", { s: { Value: S("hello") }, n: { Value: N(6) } }, { ConditionalOperator: "AND" }],
];

// name, operation, parameters, message
const refused = ([name, op, input, message]) => ({
  name: `legacy refused: ${name}`, op, in: { ...(op === "PutItem" ? { Item: item } : { Key }), ...input },
    error: ve(message),
  unconfirmed: true });
const expected = (name, one, message) => [name, "PutItem", { Expected: { a: one } }, message];
const update = (name, one, message) => [name, "UpdateItem", { AttributeUpdates: { a: one } }, message];
const types = (operator, type) => `${OPV}ComparisonOperator ${operator} is not valid for ${type} AttributeValue type`;
const number = (operator) => `${OPV}Invalid number of argument(s) for the ${operator} ComparisonOperator`;
const ONE = `1 validation error detected: ${OPV}`;
const mixed = (old, now) => "Can not use both expression and non-expression parameters in the same request: " +
  `Non-expression parameters: {${old}} Expression parameters: {${now}}`;
const enums = (value, member,
  set) => `1 validation error detected: Value '${value}' at '${member}' failed to satisfy ` +
  `constraint: Member must satisfy enum value set: ${set}`;

// name, attributes before, AttributeUpdates, attributes after
const becomes = ([name, before, AttributeUpdates, after]) => ({
  name: `legacy: AttributeUpdates: ${name}`, given: before ? [{ ...Key, ...before }] : [], op: "UpdateItem",
  in: { Key, AttributeUpdates, ReturnValues: "ALL_NEW" }, out: { Attributes: { ...Key, ...after } } });
const returns = (ReturnValues, Attributes) => ({
  name: `legacy: AttributeUpdates: ${ReturnValues}`, given: [{ ...Key, a: N(1), b: N(2) }], op: "UpdateItem",
    out: { Attributes },
  in: { Key, AttributeUpdates: { a: { Value: N(3), Action: "PUT" } }, ReturnValues } });

export const cases = [
  ...holds.map(expect(true)), ...fails.map(expect(false)),
  { name: "legacy: Expected of UpdateItem fails", given: [item], op: "UpdateItem", error: failed,
    in: { Key, AttributeUpdates: { n: { Value: N(6) } }, Expected: { n: { Value: N(6) } } } },
  { name: "legacy: Expected of DeleteItem fails, with the item", given: [item], op: "DeleteItem",
    error: { ...failed, Item: item },
    in: { Key, Expected: { n: { Value: N(6) } }, ReturnValuesOnConditionCheckFailure: "ALL_OLD" } },
  { name: "legacy: Expected of DeleteItem holds", given: [item], op: "DeleteItem", out: { Attributes: item },
    in: { Key, Expected: { n: { Value: N(5) } }, ReturnValues: "ALL_OLD" } },
  ...[
    ["PUT", { a: N(1) }, { a: { Value: S("x"), Action: "PUT" } }, { a: S("x") }],
    ["PUT when no action is named", { a: N(1) }, { a: { Value: S("x") } }, { a: S("x") }],
    ["PUT makes an item", null, { a: { Value: S("x"), Action: "PUT" } }, { a: S("x") }],
    ["PUT of a list", {}, { a: { Value: L(N(1)), Action: "PUT" } }, { a: L(N(1)) }],
    ["ADD to a number", { a: N(1) }, { a: { Value: N(2), Action: "ADD" } }, { a: N(3) }],
    ["ADD to nothing", {}, { a: { Value: N(2), Action: "ADD" } }, { a: N(2) }],
    ["ADD to a set", { a: SS("x") }, { a: { Value: SS("y"), Action: "ADD" } }, { a: SS("x", "y") }],
    ["ADD makes an item", null, { a: { Value: N(2), Action: "ADD" } }, { a: N(2) }],
    ["DELETE an attribute", { a: N(1), b: N(2) }, { a: { Action: "DELETE" } }, { b: N(2) }],
    ["DELETE what is not there", { b: N(2) }, { a: { Action: "DELETE" } }, { b: N(2) }],
    ["DELETE from a set", { a: SS("x", "y") }, { a: { Value: SS("x"), Action: "DELETE" } }, { a: SS("y") }],
    ["DELETE all of a set", { a: SS("x") }, { a: { Value: SS("x"), Action: "DELETE" } }, {}],
    ["several", { a: N(1), b: N(2) }, { a: { Value: N(1), Action: "ADD" }, b: { Action: "DELETE" },
      c: { Value: N(3) } },
      { a: N(2), c: N(3) }],
    ["a name with a dot is a name", {}, { "m.a": { Value: N(1) } }, { "m.a": N(1) }],
    ["a reserved word needs no other name", {}, { name: { Value: N(1) } }, { name: N(1) }],
  ].map(becomes),
  { name: "legacy: AttributeUpdates: DELETE alone on no item makes none", steps: [
    { op: "UpdateItem", in: { Key, AttributeUpdates: { a: { Action: "DELETE" } } }, out: {} },
    { op: "GetItem", in: { Key, ConsistentRead: true }, out: {} }] },
  returns("ALL_OLD", { ...Key, a: N(1), b: N(2) }), returns("UPDATED_OLD", { a: N(1) }), returns("UPDATED_NEW",
    { a: N(3) }),
  // AttributesToGet
  ...[
    ["some", ["s", "n"], { s: S("hello"), n: N(5) }], ["what is not there is left out", ["s", "gone"],
      { s: S("hello") }],
    ["a name with a dot is a name", ["x.y", "m.a"], { "x.y": S("dot") }],
  ].map(([name, AttributesToGet, Item]) => ({ name: `legacy: AttributesToGet: ${name}`, given: [item], op: "GetItem",
    in: { Key, ConsistentRead: true, AttributesToGet }, out: { Item } })),
  ...[
    ["AttributesToGet of nothing", "GetItem", { AttributesToGet: [] }, "1 validation error detected: Value '[]' at " +
      "'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1"],
    ["AttributesToGet with a name twice", "GetItem", { AttributesToGet: ["a", "a"] },
      `${OPV}Duplicate value in attribute name: a`],
    // Expected
    expected("a value that must not exist", { Value: N(1), Exists: false },
      `${ONE}Value cannot be used when Exists is false for Attribute: a`),
    expected("no value for what must exist", { Exists: true },
      `${ONE}Value must be provided when Exists is true for Attribute: a`),
    expected("nothing expected", {}, `${ONE}Value must be provided when Exists is null for Attribute: a`),
    expected("Exists with an operator", { Exists: true, ComparisonOperator: "EQ", Value: N(1) },
      `${ONE}Exists and ComparisonOperator cannot be used together for Attribute: a`),
    expected("Value with AttributeValueList", { Value: N(1), AttributeValueList: [N(1)], ComparisonOperator: "EQ" },
      `${ONE}Value and AttributeValueList cannot be used together for Attribute: a`),
    expected("AttributeValueList without an operator", { AttributeValueList: [N(1)] },
      `${ONE}AttributeValueList can only be used with a ComparisonOperator for Attribute: a`),
    expected("an operator without a value", { ComparisonOperator: "EQ" },
      `${ONE}Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a`),
    expected("EQ of two", compare("EQ", N(1), N(2)), number("EQ")),
    expected("BETWEEN of one", compare("BETWEEN", N(1)), number("BETWEEN")),
    expected("NULL of one", compare("NULL", N(1)), number("NULL")),
    expected("NOT_NULL of one", compare("NOT_NULL", N(1)), number("NOT_NULL")),
    expected("LT of a set", compare("LT", SS("a")), types("LT", "SS")),
    expected("GE of a boolean", compare("GE", BOOL(true)), types("GE", "BOOL")),
    expected("BEGINS_WITH of a number", compare("BEGINS_WITH", N(1)), types("BEGINS_WITH", "N")),
    expected("CONTAINS of a set", compare("CONTAINS", SS("a")), types("CONTAINS", "SS")),
    expected("BETWEEN of two types", compare("BETWEEN", N(1), S("a")),
      `${OPV}AttributeValues inside AttributeValueList must be of same type`),
    expected("BETWEEN in the wrong order", compare("BETWEEN", N(2), N(1)),
      "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
    expected("an unknown operator", compare("LIKE", N(1)), enums("LIKE", "expected.a.member.comparisonOperator",
      "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]")),
    ["ConditionalOperator without Expected", "PutItem", { ConditionalOperator: "AND" },
      "ConditionalOperator cannot be used without Filter or Expected"],
    ["ConditionalOperator with one Expected", "PutItem", { ConditionalOperator: "AND",
      Expected: { a: { Exists: false } } },
      "ConditionalOperator can only be used when Filter or Expected has two or more elements"],
    ["an unknown ConditionalOperator", "PutItem", { ConditionalOperator: "XOR", Expected: { a: { Exists: false } } },
      enums("XOR", "conditionalOperator", "[OR, AND]")],
    // AttributeUpdates
    update("ADD of a string", { Value: S("x"), Action: "ADD" }, `${OPV}ADD action is not supported for the type S`),
    update("ADD of a boolean", { Value: BOOL(true), Action: "ADD" },
      `${OPV}ADD action is not supported for the type BOOL`),
    update("DELETE of a number", { Value: N(1), Action: "DELETE" },
      `${OPV}DELETE action with value is not supported for the type N`),
    update("PUT without a value", { Action: "PUT" },
      `${OPV}Only DELETE action is allowed when no attribute value is specified`),
    update("ADD without a value", { Action: "ADD" },
      `${OPV}Only DELETE action is allowed when no attribute value is specified`),
    update("an unknown action", { Value: N(1), Action: "SET" }, enums("SET", "attributeUpdates.a.member.action",
      "[ADD, PUT, DELETE]")),
    ["PUT of the key", "UpdateItem", { AttributeUpdates: { pk: { Value: S("x") } } },
      `${OPV}Cannot update attribute pk. This attribute is part of the key`],
    // both families
    ["Expected with ConditionExpression", "PutItem", { Expected: { a: { Exists: false } },
      ConditionExpression: "attribute_exists(a)" },
      mixed("Expected", "ConditionExpression")],
    ["AttributeUpdates with UpdateExpression", "UpdateItem", { AttributeUpdates: { a: { Value: N(1) } },
      UpdateExpression: "REMOVE b" }, mixed("AttributeUpdates", "UpdateExpression")],
    ["AttributeUpdates with ConditionExpression", "UpdateItem", { AttributeUpdates: { a: { Value: N(1) } },
      ConditionExpression: "attribute_exists(a)" }, mixed("AttributeUpdates", "ConditionExpression")],
    ["Expected with UpdateExpression", "UpdateItem", { Expected: { a: { Exists: false } },
      UpdateExpression: "REMOVE b" },
      mixed("Expected", "UpdateExpression")],
    ["ConditionalOperator with ConditionExpression", "DeleteItem", { ConditionalOperator: "AND",
      ConditionExpression: "attribute_exists(a)" }, mixed("ConditionalOperator", "ConditionExpression")],
    ["AttributesToGet with ProjectionExpression", "GetItem", { AttributesToGet: ["a"], ProjectionExpression: "a" },
      mixed("AttributesToGet", "ProjectionExpression")],
    ["Expected with ExpressionAttributeNames", "PutItem", { Expected: { a: { Exists: false } },
      ExpressionAttributeNames: { "#a": "a" } },
        "ExpressionAttributeNames can only be specified when using expressions"],
    ["Expected with ExpressionAttributeValues", "PutItem", { Expected: { a: { Exists: false } },
      ExpressionAttributeValues: { ":a": N(1) } },
      "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"],
  ].map(refused),
];
