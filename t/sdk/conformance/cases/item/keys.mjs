// Keys: of every type, in every operation that takes one.
import { B, BOOL, L, M, N, NULL, OPV, S, SS, ve } from "../../tables.mjs";

const MISMATCH = "The provided key element does not match the schema";
const emptyPut = (what,
  key) => "One or more parameter values are not valid. The AttributeValue for a key attribute cannot " +
  `contain an empty ${what} value. Key: ${key}`;
const emptyKey = (what,
  key) => `${OPV}The AttributeValue for a key attribute cannot contain an empty ${what} value. Key: ${key}`;
const HASH_LONG = `${OPV}Size of hashkey has exceeded the maximum size limit of2048 bytes`;
const RANGE_LONG = `${OPV}Aggregated size of all range keys has exceeded the size limit of 1024 bytes`;
const wrong = (key, wanted, got) => ve(`${OPV}Type mismatch for key ${key} expected: ${wanted} actual: ${got}`);
const missing = (key) => ve(`${OPV}Missing the key ${key} in the item`);

const put = (name, Item, error, more) => ({ name: `keys: put ${name}`, op: "PutItem", in: { Item }, error, ...more });
// The same of all three that take a Key.
const key = (name, Key, message, more) => ["GetItem", "UpdateItem", "DeleteItem"].map((op) => ({
  name: `keys: ${op} ${name}`, op, in: { Key }, error: ve(message), ...more }));
const found = (name, table, put, get = put) => ({ name: `keys: ${name}`, table, steps: [
  { op: "PutItem", in: { Item: { ...put, v: S("v") } } },
  { op: "GetItem", in: { Key: get, ConsistentRead: true }, out: { Item: { ...put, v: S("v") } } }] });
// One item by two spellings of its key.
const same = (name, table, one, two, out) => ({ name: `keys: ${name}`, table, steps: [
  { op: "PutItem", in: { Item: { ...one, v: S("one") } } },
  { op: "PutItem", in: { Item: { ...two, v: S("two") }, ReturnValues: "ALL_OLD" },
    out: { Attributes: { ...out, v: S("one") } } },
  { op: "GetItem", in: { Key: one, ConsistentRead: true }, out: { Item: { ...out, v: S("two") } } }] });
const apart = (name, table, one, two) => ({ name: `keys: ${name}`, table, steps: [
  { op: "PutItem", in: { Item: one } },
  { op: "GetItem", in: { Key: two, ConsistentRead: true }, out: {} },
  { op: "PutItem", in: { Item: two, ReturnValues: "ALL_OLD" }, out: {} }] });

export const cases = [
  put("without the key", { a: S("x") }, missing("pk")),
  put("of nothing", {}, missing("pk")),
  put("without the range key", { pk: S("$K") }, missing("sk"), { table: "both" }),
  put("without the hash key", { sk: S("$K") }, missing("pk"), { table: "both" }),
  ...Object.entries({ N: N(1), B: B(1), BOOL: BOOL(true), NULL, L: L(), M: M({}), SS: SS("a") })
    .map(([t, v]) => put(`with a key of type ${t} for S`, { pk: v }, wrong("pk", "S", t))),
  put("with a range key of another type", { pk: S("$K"), sk: N(1) }, wrong("sk", "S", "N"), { table: "both" }),
  put("with a string for a number", { pk: S("1"), sk: N(1) }, wrong("pk", "N", "S"), { table: "number" }),
  put("with a string for a binary", { pk: S("a"), sk: B(1) }, wrong("pk", "B", "S"), { table: "binary" }),
  put("with an empty string as hash key", { pk: S(""), sk: S("a") }, ve(emptyPut("string", "pk")), { table: "both" }),
  put("with an empty string as range key", { pk: S("$K"), sk: S("") }, ve(emptyPut("string", "sk")), { table: "both" }),
  put("with an empty binary as hash key", { pk: B(), sk: B(1) }, ve(emptyPut("binary", "pk")), { table: "binary" }),
  put("with an empty binary as range key", { pk: B(1), sk: B() }, ve(emptyPut("binary", "sk")), { table: "binary" }),
  put("with a hash key of 2049 bytes", { pk: S("x".repeat(2049)) }, ve(HASH_LONG)),
  put("with a hash key of 2049 bytes in 683 letters", { pk: S("\u20ac".repeat(683)) }, ve(HASH_LONG)),
  put("with a range key of 1025 bytes", { pk: S("$K"), sk: S("x".repeat(1025)) }, ve(RANGE_LONG), { table: "both" }),
  put("with a binary hash key of 2049 bytes", { pk: B(...Array(2049).fill(1)), sk: B(1) }, ve(HASH_LONG),
    { table: "binary" }),
  found("a hash key of 2048 bytes", "hash", { pk: S("$K".padEnd(2042, "x")) }),
  found("a hash key of 2048 bytes in more letters than one byte each", "hash", { pk: S(`$K${"\u20ac".repeat(680)}`) }),
  found("a range key of 1024 bytes", "both", { pk: S("$K"), sk: S("x".repeat(1024)) }),
  found("a key of one byte", "both", { pk: S("$K"), sk: S("x") }),
  found("a key with every kind of letter", "both", { pk: S("$K"), sk: S("\u0001 /\\\"'\u00e9\u20ac\ud83d\ude00") }),
  found("binary keys", "binary", { pk: B(0, 255, 1), sk: B(0) }),
  found("number keys", "number", { pk: N("$N"), sk: N(-1.5) }),
  found("a number key of 38 digits", "number", { pk: N("$N"), sk: N("12345678901234567890123456789012345678") }),
  found("a number key near zero", "number", { pk: N("$N"), sk: N(`0.${"0".repeat(129)}1`) }),
  found("members of a key in another order", "both", { pk: S("$K"), sk: S("x") }, { sk: S("x"), pk: S("$K") }),
  same("numbers are one key by value: 1 and 1.0", "number", { pk: N("$N"), sk: N(1) }, { pk: N("$N.0"), sk: N("1.00") },
    { pk: N("$N"), sk: N(1) }),
  same("numbers are one key by value: 100 and 1e2", "number", { pk: N("$N"), sk: N(100) }, { pk: N("$N"),
    sk: N("1e2") },
    { pk: N("$N"), sk: N(100) }),
  same("numbers are one key by value: 0 and -0", "number", { pk: N("$N"), sk: N("-0") }, { pk: N("00$N"),
    sk: N("0.0") },
    { pk: N("$N"), sk: N(0) }),
  apart("strings that differ in case are two keys", "hash", { pk: S("$Kx") }, { pk: S("$KX") }),
  apart("strings that look the same are two keys", "hash", { pk: S("$K\u00e9") }, { pk: S("$Ke\u0301") }),
  apart("a longer string is another key", "both", { pk: S("$K"), sk: S("a") }, { pk: S("$K"), sk: S("a ") }),
  apart("a number and its negative are two keys", "number", { pk: N("$N"), sk: N(1) }, { pk: N("$N"), sk: N(-1) }),
  apart("38 digits are all of the key", "number", { pk: N("$N"), sk: N("1.0000000000000000000000000000000000001") },
    { pk: N("$N"), sk: N("1.0000000000000000000000000000000000002") }),
  apart("one hash key, two range keys", "both", { pk: S("$K"), sk: S("a") }, { pk: S("$K"), sk: S("b") }),
  apart("hash and range key do not run into each other", "both", { pk: S("$Ka"), sk: S("b") }, { pk: S("$K"),
    sk: S("ab") }),
  ...key("with no key", {}, MISMATCH),
  ...key("with another name", { id: S("x") }, MISMATCH),
  ...key("with another type", { pk: N(1) }, MISMATCH),
  ...key("with a type that no key has", { pk: BOOL(true) }, MISMATCH),
  ...key("with an attribute too many", { pk: S("$K"), a: S("x") }, MISMATCH),
  ...key("without the range key", { pk: S("$K") }, MISMATCH, { table: "both" }),
  ...key("without the hash key", { sk: S("$K") }, MISMATCH, { table: "both" }),
  ...key("with a range key of another type", { pk: S("$K"), sk: N(1) }, MISMATCH, { table: "both" }),
  ...key("with three attributes for two", { pk: S("$K"), sk: S("a"), a: S("x") }, MISMATCH, { table: "both" }),
  ...key("with an empty string", { pk: S("") }, emptyKey("string", "pk")),
  ...key("with an empty string as range key", { pk: S("$K"), sk: S("") }, emptyKey("string", "sk"), { table: "both" }),
  ...key("with an empty binary", { pk: B(), sk: B(1) }, emptyKey("binary", "pk"), { table: "binary" }),
  ...key("of 2049 bytes", { pk: S("x".repeat(2049)) }, HASH_LONG),
  ...key("with a range key of 1025 bytes", { pk: S("$K"), sk: S("x".repeat(1025)) }, RANGE_LONG, { table: "both" }),
  ...key("with a number that is none", { pk: N("abc"), sk: N(1) },
    "The parameter cannot be converted to a numeric value: abc", { table: "number" }),
  ...key("with a number of 39 digits", { pk: N("123456789012345678901234567890123456789"), sk: N(1) },
    "Attempting to store more than 38 significant digits in a Number", { table: "number" }),
];
