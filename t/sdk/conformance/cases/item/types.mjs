// Attribute values: what each type takes, and how it comes back.
import { B, BOOL, BS, L, M, N, NS, NULL, OPV, S, SS, ve } from "../../tables.mjs";

const Key = { pk: S("$K") };
const get = { op: "GetItem", in: { Key, ConsistentRead: true } };
const nested = (depth, wrap) => Array.from({ length: depth }).reduce((x) => wrap(x), S("x"));
const DEEP = "Nesting Levels have exceeded supported limits: " +
  "Attributes in the item have nested levels beyond supported limit";
const PUT_BAD = "ExpressionAttributeValues contains invalid value: ";

// name, what is put, what comes back if that is something else
const stays = ([name, value, back = value, more = {}]) => ({ name: `types: ${name}`, ...more, steps: [
  { op: "PutItem", in: { Item: { ...Key, a: value } }, out: {} },
  { ...get, out: { Item: { ...Key, a: back } } }] });

const refused = ([name, value, message, more = {}]) => ({
  name: `types refused: ${name}`, op: "PutItem", in: { Item: { ...Key, a: value } }, error: ve(message), ...more });

// Twice: in an item, and as a value of an expression, where the message says so.
const refusedTwice = ([name, value, message, more = {}]) => [
  refused([name, value, message, more]),
  { name: `types refused in an expression: ${name}`, op: "UpdateItem",
    error: ve(`${PUT_BAD}${message} for key :v`), ...more,
    in: { Key, UpdateExpression: "SET a = :v", ExpressionAttributeValues: { ":v": value } } }];

// name, JSON of a value, message
const raw = ([name, json, message, more = {}]) => ({
  name: `types refused: ${name}`, op: "PutItem", status: 400, error: ve(message), ...more,
  raw: `{"TableName":"hash","Item":{"pk":{"S":"$K"},"a":${json}}}` });

const unreadable = ([name, json]) => ({
  name: `types unreadable: ${name}`, op: "PutItem", status: 400,
    type: "com.amazon.coral.service#SerializationException",
  error: { name: "SerializationException", message: (m) => m === undefined || typeof m === "string" },
  raw: `{"TableName":"hash","Item":{"pk":{"S":"$K"},"a":${json}}}` });

const MIN = "1E-130", MAX = "9.9999999999999999999999999999999999999E+125",
  DIGITS = "1234567890".repeat(4).slice(0, 38);
const OVER = "Number overflow. Attempting to store a number with magnitude larger than supported range";
const UNDER = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
const PRECISE = "Attempting to store more than 38 significant digits in a Number";
const noNumber = (text) => `The parameter cannot be converted to a numeric value: ${text}`;

export const cases = [
  ...[
    ["a string", S("hello")],
    ["an empty string", S("")],
    ["a string of all planes", S("\u0001\u007f\u00e9\u20ac\ufffd\ud83d\ude00")],
    ["a string with quotes, backslashes and ends of lines", S("\"\\\r\n\t/\b\f")],
    ["a string is not normalized", S("e\u0301\u00e9")],
    ["a binary of all bytes", B(...Array(256).keys())],
    ["an empty binary", B()],
    ["true", BOOL(true)],
    ["false", BOOL(false)],
    ["NULL", NULL],
    ["an empty list", L()],
    ["an empty map", M({})],
    ["a list of all types", L(S(""), N(1), B(), BOOL(true), NULL, L(), M({}), SS("a"), NS(1), BS([1]))],
    ["a map of all types",
      M({ s: S(""), n: N(1), b: B(), t: BOOL(true), z: NULL, l: L(), m: M({}), ss: SS("a"), ns: NS(1),
                               bs: BS([1]) })],
    ["a list keeps its order, and the same twice", L(N(3), N(1), N(3), N(2))],
    ["a map's names may be empty of meaning to expressions", M({ "a.b": N(1), "#x": N(2), " ": N(3), "\u00e9": N(4) })],
    ["a set of one string", SS("a")],
    ["a set of strings", SS("b", "a", "C")],
    ["an empty string in a set", SS("", "a")],
    ["an empty binary in a set", BS([], [1])],
    ["a set of numbers, in canonical form", NS("1.0", "-0.50", "1e2"), NS("1", "-0.5", "100")],
    ["a set of binaries", BS([255], [0], [0, 0])],
    ["nesting of 32 levels, lists", nested(32, (x) => L(x)), undefined, { unconfirmed: true }],
    ["nesting of 32 levels, maps", nested(32, (x) => M({ m: x })), undefined, { unconfirmed: true }],
  ].map(stays),

  // numbers
  ...[
    ["0", "0"], ["-0", "0"], ["+0", "0", { unconfirmed: true }], ["0.000", "0"], ["0e10", "0"], ["00042", "42"],
    ["-00042", "-42"], ["+7", "7"], ["1.0", "1"], ["3.140", "3.14"], [".5", "0.5", { unconfirmed: true }], ["1.5E2",
      "150"],
    ["1.5e+2", "150"], ["15e-1", "1.5"], ["-15E-3", "-0.015"], ["1000000", "1000000"], ["0.000001", "0.000001"],
    ["100e-2", "1"], [DIGITS, DIGITS], [`-${DIGITS}`, `-${DIGITS}`], [`0.${DIGITS}`, `0.${DIGITS}`],
    [`${DIGITS}00000`, `${DIGITS}00000`], [`0000${DIGITS}`, DIGITS], [`${DIGITS}.000`, DIGITS],
    ["1E125", `1${"0".repeat(125)}`], ["-1E125", `-1${"0".repeat(125)}`], [MIN, `0.${"0".repeat(129)}1`],
    [`-${MIN}`, `-0.${"0".repeat(129)}1`], [MAX, `${"9".repeat(38)}${"0".repeat(88)}`],
    [`-${MAX}`, `-${"9".repeat(38)}${"0".repeat(88)}`], ["0.1E126", `1${"0".repeat(125)}`], ["10E-131",
      `0.${"0".repeat(129)}1`],
  ].map(([text, back, more]) => stays([`number ${text}`, N(text), N(back), more])),
  ...[
    ["number 1E126", N("1E126"), OVER], ["number -1E126", N("-1E126"), OVER], ["number 10E125", N("10E125"), OVER],
    ["number 1E-131", N("1E-131"), UNDER], ["number -1E-131", N("-1E-131"), UNDER], ["number 0.1E-130", N("0.1E-130"),
      UNDER],
    ["number 1E1000", N("1E1000"), OVER, { unconfirmed: true }], ["number 1E-1000", N("1E-1000"), UNDER,
      { unconfirmed: true }],
    ["39 digits", N(`${DIGITS}9`), PRECISE], ["39 digits after the point", N(`0.${DIGITS}9`), PRECISE],
    ["39 digits with a gap", N(`1${"0".repeat(37)}1`), PRECISE],
    ["a number of letters", N("abc"), noNumber("abc")], ["a number with a comma", N("1,5"), noNumber("1,5")],
    ["a number of two points", N("1.2.3"), noNumber("1.2.3")], ["a number with a letter at its end", N("12x"),
      noNumber("12x")],
    ["a number in hexadecimal", N("0x10"), noNumber("0x10")], ["NaN", N("NaN"), noNumber("NaN")],
    ["Infinity", N("Infinity"), noNumber("Infinity")], ["a lone sign", N("-"), noNumber("-")],
    ["an exponent without digits", N("1e"), noNumber("1e")], ["two signs", N("--1"), noNumber("--1")],
    ["a number of blanks", N(" 1"), noNumber(" 1"), { unconfirmed: true }],
    ["an empty number", N(""), "The parameter cannot be converted to a numeric value"],
    ["a number in a list", L(N("abc")), noNumber("abc")], ["a number in a map", M({ x: N("1E126") }), OVER],
    ["a number in a set", NS("1", "abc"), noNumber("abc")], ["39 digits in a set", NS(`${DIGITS}9`), PRECISE],
    // sets
    ["an empty string set", SS(), `${OPV}An string set  may not be empty`],
    ["an empty number set", NS(), `${OPV}An number set  may not be empty`],
    ["an empty binary set", BS(), `${OPV}Binary sets should not be empty`],
    ["a string twice in a set", SS("a", "a"), `${OPV}Input collection [a, a] contains duplicates.`],
    ["a string twice among others", SS("b", "a", "b"), `${OPV}Input collection [b, a, b] contains duplicates.`],
    ["a number twice in a set", NS("1", "1"), "Input collection contains duplicates", { unconfirmed: true }],
    ["a number twice in a set, by value", NS("1", "1.0"), "Input collection contains duplicates",
      { unconfirmed: true }],
    ["a binary twice in a set", BS([1], [1]), `${OPV}Input collection [AQ==, AQ==]of type BS contains duplicates.`,
      { unconfirmed: true }],
    ["an empty set in a list", L(SS()), `${OPV}An string set  may not be empty`],
    ["an empty set in a map", M({ x: NS() }), `${OPV}An number set  may not be empty`],
    ["NULL that is false", { NULL: false }, `${OPV}Null attribute value types must have the value of true`],
  ].flatMap(refusedTwice),
  ...[
    ["nesting of 33 levels, lists", nested(33, (x) => L(x)), DEEP, { unconfirmed: true }],
    ["nesting of 33 levels, maps", nested(33, (x) => M({ m: x })), DEEP, { unconfirmed: true }],
    ["nesting of 100 levels", nested(100, (x) => L(x)), DEEP],
  ].map(refused),

  // what the SDK would not send
  ...[
    ["no type", "{}", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"],
    ["an unknown type", "{\"X\":\"a\"}",
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"],
    ["two types", "{\"S\":\"a\",\"N\":\"1\"}",
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"],
    ["no type within a list", "{\"L\":[{}]}",
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"],
    ["two types within a map", "{\"M\":{\"x\":{\"S\":\"a\",\"BOOL\":true}}}",
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"],
    ["a member that is null counts as none", "{\"S\":null}",
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes", { unconfirmed: true }],
  ].map(raw),
  { name: "types: a member that is null counts as none, beside another", op: "PutItem", status: 200, unconfirmed: true,
    raw: "{\"TableName\":\"hash\",\"Item\":{\"pk\":{\"S\":\"$K\",\"N\":null}}}", out: {} },
  ...[
    ["a number for S", "{\"S\":1}"], ["a boolean for S", "{\"S\":true}"], ["a number for N", "{\"N\":1}"],
    ["a number for B", "{\"B\":1}"], ["no base64 for B", "{\"B\":\"?\"}"], ["base64 without its end for B",
      "{\"B\":\"AA\"}"],
    ["a string for BOOL", "{\"BOOL\":\"true\"}"], ["a string for NULL", "{\"NULL\":\"true\"}"],
    ["a string for SS", "{\"SS\":\"a\"}"], ["numbers in SS", "{\"SS\":[1]}"], ["numbers in NS", "{\"NS\":[1]}"],
    ["a map for L", "{\"L\":{}}"], ["a list for M", "{\"M\":[]}"], ["strings in L", "{\"L\":[\"a\"]}"],
    ["a string in M", "{\"M\":{\"a\":\"b\"}}"], ["a string as a value", "\"a\""], ["a list as a value", "[]"],
    ["a number as a value", "5"],
  ].map(unreadable),
];
