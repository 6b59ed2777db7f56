// What expressions mean, on items in canonical form (value.mjs).  Paths are arrays of names and indexes.
import * as number from "./number.mjs";
import { binary, equal, makeSet, order, sorted, typeOf } from "./value.mjs";

// A ValidationException that depends on the item.
export class Invalid extends Error {}
// The documentation does not say what happens.
export class Unsure extends Error {}

const WRONG_TYPE = "An operand in the update expression has an incorrect data type";
const MISSING = "The provided expression refers to an attribute that does not exist in the item";
const BAD_PATH = "The document path provided in the update expression is invalid for update";

const REMOVED = Symbol("removed");

function child(v, step) {
  const inside = typeof step === "number" ? v.L : v.M;
  return inside !== undefined && Object.hasOwn(inside, step) ? inside[step] : undefined;
}

export function find(item, path) {
  let v = { M: item };
  for (const step of path) {
    v = child(v, step);
    if (v === undefined) return undefined;
  }
  return v;
}

// --- conditions ------------------------------------------------------------------------------------------------------

function size(v) {
  const type = typeOf(v),
    x = v[type];
  switch (type) {
    case "S":
      return x.length;
    case "B":
      return binary(x).length;
    case "M":
      return Object.keys(x).length;
    case "N":
    case "BOOL":
    case "NULL":
      return undefined;
    default:
      return x.length;
  }
}

function contains(v, x) {
  const type = typeOf(v),
    other = typeOf(x);
  if (type === "L") return v.L.some((e) => equal(e, x));
  if (type.length === 2 && type[1] === "S") return other === type[0] && v[type].includes(x[other]);
  if (type !== other) return false;
  if (type === "S") return v.S.includes(x.S);
  return type === "B" && binary(v.B).includes(binary(x.B));
}

function beginsWith(v, x) {
  if (typeOf(v) !== typeOf(x)) return false;
  if ("S" in v) return v.S.startsWith(x.S);
  return "B" in v && binary(v.B).subarray(0, binary(x.B).length).equals(binary(x.B));
}

function compare(op, x, y) {
  const same = x !== undefined && y !== undefined && equal(x, y);
  if (op === "=") return same;
  if (op === "<>") return !same;
  const c = x === undefined || y === undefined ? null : order(x, y);
  return c !== null && { "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0 }[op];
}

// ctx: { path(node) -> array, value(alias) -> value }; undefined for what is not there.
function operand(node, item, ctx) {
  if (node.k === "value") return ctx.value(node.alias);
  if (node.k === "path") return find(item, ctx.path(node));
  const v = operand(node.a[0], item, ctx),
    n = v === undefined ? undefined : size(v);
  return n === undefined ? undefined : { N: String(n) };
}

function call(node, item, ctx) {
  const [x, y] = node.a.map((n) => operand(n, item, ctx));
  if (node.name === "attribute_exists") return x !== undefined;
  if (node.name === "attribute_not_exists") return x === undefined;
  if (x === undefined || y === undefined) return false;
  if (node.name === "attribute_type") return typeOf(x) === y.S;
  return node.name === "begins_with" ? beginsWith(x, y) : contains(x, y);
}

export function holds(node, item, ctx) {
  switch (node.k) {
    case "paren":
      return holds(node.a[0], item, ctx);
    case "and":
      return node.a.map((n) => holds(n, item, ctx)).every((t) => t);
    case "or":
      return node.a.map((n) => holds(n, item, ctx)).some((t) => t);
    case "not":
      return !holds(node.a[0], item, ctx);
    case "call":
      return call(node, item, ctx);
    default:
      break;
  }
  const [x, ...rest] = node.a.map((n) => operand(n, item, ctx));
  if (node.k === "between") return compare(">=", x, rest[0]) && compare("<=", x, rest[1]);
  if (node.k === "in") return rest.some((y) => compare("=", x, y));
  return compare(node.op, x, rest[0]);
}

// --- projections -----------------------------------------------------------------------------------------------------

function prune(v, paths) {
  if (paths.some((p) => p.length === 0)) return v;
  const inside = v.M ?? v.L,
    kept = [];
  if (inside === undefined) return undefined;
  for (const [name, x] of Object.entries(inside)) {
    const step = v.L ? Number(name) : name;
    const deeper = paths.filter((p) => p[0] === step).map((p) => p.slice(1));
    const left = deeper.length > 0 ? prune(x, deeper) : undefined;
    if (left !== undefined) kept.push([name, left]);
  }
  if (kept.length === 0) return undefined;
  return v.L ? { L: kept.map(([, x]) => x) } : { M: Object.fromEntries(kept) };
}

export function project(item, paths) {
  return prune({ M: item }, paths)?.M ?? {};
}

// --- updates ---------------------------------------------------------------------------------------------------------

function arithmetic(f, x, y) {
  if (!("N" in x) || !("N" in y)) throw new Invalid(WRONG_TYPE);
  try {
    return { N: number.print(f(number.parse(x.N), number.parse(y.N))) };
  } catch (e) {
    if (e instanceof number.NumberError) throw new Invalid("");
    throw e;
  }
}

function compute(node, item, ctx) {
  if (node.k === "value") return ctx.value(node.alias);
  if (node.k === "path") {
    const v = find(item, ctx.path(node));
    if (v === undefined) throw new Invalid(MISSING);
    return v;
  }
  if (node.name === "if_not_exists") {
    const v = find(item, ctx.path(node.a[0]));
    if (v === undefined) return compute(node.a[1], item, ctx);
    try {
      compute(node.a[1], item, ctx);
    } catch (e) {
      throw e instanceof Invalid ? new Unsure("a default that is not needed and cannot be computed") : e;
    }
    return v;
  }
  const [x, y] = node.a.map((n) => compute(n, item, ctx));
  if (node.k === "+") return arithmetic(number.add, x, y);
  if (node.k === "-") return arithmetic(number.subtract, x, y);
  if (!("L" in x) || !("L" in y)) throw new Invalid(WRONG_TYPE);
  return { L: [...x.L, ...y.L] };
}

function added(old, v) {
  if ("N" in v) return old === undefined ? v : arithmetic(number.add, old, v);
  if (old === undefined) return v;
  const type = typeOf(v);
  if (typeOf(old) !== type) throw new Invalid(WRONG_TYPE);
  return makeSet(type, [...old[type], ...v[type]]);
}

function deleted(old, v) {
  if (old === undefined) return undefined;
  const type = typeOf(v);
  if (typeOf(old) !== type) throw new Invalid(WRONG_TYPE);
  const left = old[type].filter((e) => !v[type].includes(e));
  return left.length > 0 ? { [type]: left } : REMOVED;
}

// The value an action gives its path: undefined to leave it alone, REMOVED to take it away.
function outcome(section, action, item, ctx) {
  if (section === "SET") return compute(action.value, item, ctx);
  if (section === "REMOVE") return REMOVED;
  const old = find(item, ctx.path(action.path)),
    v = ctx.value(action.value.alias);
  return section === "ADD" ? added(old, v) : deleted(old, v);
}

function tidy(v) {
  if (v.L) return { L: v.L.filter((e) => e !== REMOVED).map(tidy) };
  return v.M ? { M: sorted(Object.fromEntries(Object.entries(v.M).map(([k, x]) => [k, tidy(x)]))) } : v;
}

// All values are computed from the item as it was; what goes behind the end of a list goes there in the order of the
// indexes.
export function update(tree, item, ctx) {
  const work = structuredClone({ M: item }),
    tails = [];
  let moved = false;
  const changes = tree.sections.flatMap((s) =>
    s.actions.map((a) => ({ section: s.name, path: ctx.path(a.path), to: outcome(s.name, a, item, ctx) })),
  );
  for (const { path, to } of changes) {
    const last = path.at(-1),
      parent = path.slice(0, -1).reduce((v, step) => (v === undefined ? v : child(v, step)), work);
    const inside = parent === undefined ? undefined : typeof last === "number" ? parent.L : parent.M;
    if (inside === undefined) throw new Invalid(BAD_PATH);
    if (to === undefined) continue;
    if (typeof last === "number") {
      moved ||= to === REMOVED || last >= inside.length;
      if (last < inside.length) inside[last] = to;
      else if (to !== REMOVED) tails.push({ inside, last, to });
    } else if (to === REMOVED) {
      delete inside[last];
    } else {
      inside[last] = to;
    }
  }
  for (const { inside, to } of tails.sort((a, b) => a.last - b.last)) inside.push(to);
  return { item: tidy(work).M, paths: changes.map((c) => c.path), moved };
}
