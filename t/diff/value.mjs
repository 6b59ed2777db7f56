// Attribute values in DynamoDB's JSON, made canonical: numbers in plain form, sets sorted, maps by name.  Equal values
// have equal text.
import * as number from "./number.mjs";

const DEPTH_MAX = 32;
const OPV = "One or more parameter values were invalid: ";
const EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const TWO =
  "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";
const TYPES = ["S", "N", "B", "NULL", "BOOL", "SS", "NS", "BS", "L", "M"];

// What cannot be deserialised at all.
export class Unreadable extends Error {}

export const typeOf = (v) => Object.keys(v)[0];
export const text = (v) => JSON.stringify(v);
export const equal = (a, b) => text(a) === text(b);
export const binary = (base64) => Buffer.from(base64, "base64");

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function need(ok) {
  if (!ok) throw new Unreadable();
}

function canonicalNumber(s, bad) {
  need(typeof s === "string");
  try {
    return number.print(number.parse(s));
  } catch (e) {
    if (!(e instanceof number.NumberError)) throw e;
    bad(e.message);
    return "0";
  }
}

function canonicalBinary(s) {
  need(typeof s === "string" && BASE64.test(s));
  return binary(s).toString("base64");
}

const compareText = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const setKinds = {
  SS: {
    element: (s) => (need(typeof s === "string"), s),
    order: compareText,
    empty: "An string set  may not be empty",
  },
  NS: {
    element: canonicalNumber,
    order: (a, b) => number.compare(number.parse(a), number.parse(b)),
    empty: "An number set  may not be empty",
  },
  BS: {
    element: canonicalBinary,
    order: (a, b) => Buffer.compare(binary(a), binary(b)),
    empty: "Binary sets should not be empty",
  },
};

export function makeSet(type, elements) {
  return { [type]: [...new Set(elements)].sort(setKinds[type].order) };
}

function canonicalSet(type, list, bad) {
  need(Array.isArray(list));
  const elements = list.map((e) => setKinds[type].element(e, bad));
  if (elements.length === 0) bad(OPV + setKinds[type].empty);
  if (new Set(elements).size < elements.length)
    bad(type === "NS" ? "Input collection contains duplicates" : `${OPV}Input collection [`);
  return makeSet(type, elements);
}

// The canonical form of v; every objection goes to bad(text).  Throws Unreadable.
export function canonical(v, bad, depth = 0) {
  need(v !== null && typeof v === "object" && !Array.isArray(v));
  const types = Object.keys(v).filter((k) => TYPES.includes(k));
  if (types.length === 0) bad(EMPTY);
  if (types.length > 1) bad(TWO);
  if (types.length !== 1) return { NULL: true };
  const type = types[0],
    x = v[type];
  switch (type) {
    case "S":
      return (need(typeof x === "string"), { S: x });
    case "N":
      return { N: canonicalNumber(x, bad) };
    case "B":
      return { B: canonicalBinary(x) };
    case "BOOL":
      return (need(typeof x === "boolean"), { BOOL: x });
    case "NULL":
      need(typeof x === "boolean");
      if (!x) bad(`${OPV}Null attribute value types must have the value of true`);
      return { NULL: true };
    case "L":
      need(Array.isArray(x));
      if (depth >= DEPTH_MAX) return (bad("Nesting Levels have exceeded supported limits"), { NULL: true });
      return { L: x.map((e) => canonical(e, bad, depth + 1)) };
    case "M":
      if (depth >= DEPTH_MAX) return (bad("Nesting Levels have exceeded supported limits"), { NULL: true });
      return { M: canonicalItem(x, bad, depth + 1) };
    default:
      return canonicalSet(type, x, bad);
  }
}

export function sorted(o) {
  return Object.fromEntries(Object.entries(o).sort(([a], [b]) => compareText(a, b)));
}

export function canonicalItem(item, bad, depth = 0) {
  need(item !== null && typeof item === "object" && !Array.isArray(item));
  return sorted(Object.fromEntries(Object.entries(item).map(([k, v]) => [k, canonical(v, bad, depth)])));
}

// The order of two scalars of one type; null if they have none.
export function order(a, b) {
  const type = typeOf(a);
  if (type !== typeOf(b)) return null;
  if (type === "S") return compareText(a.S, b.S);
  if (type === "N") return number.compare(number.parse(a.N), number.parse(b.N));
  return type === "B" ? Buffer.compare(binary(a.B), binary(b.B)) : null;
}
