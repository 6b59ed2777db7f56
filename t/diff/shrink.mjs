// Makes a difference small: the items that were there before, and one request.
import { Oracle } from "./oracle.mjs";
import { Unsure } from "./eval.mjs";
import { parseCondition, parseUpdate, walk as nodes } from "./parse.mjs";
import { text } from "./value.mjs";

const TRIES_MAX = 400;

const tablesOf = (request) => (request.RequestItems ? Object.keys(request.RequestItems) : [request.TableName]);

// The items of the tables that request is about, as they were before it: [{ table, item }].
export function contentsBefore(oracle, request, undo = []) {
  return tablesOf(request).flatMap((name) => {
    const table = oracle.tables.get(name),
      items = new Map(table?.items);
    for (const [t, key, old] of undo.toReversed()) if (t === table) old ? items.set(key, old) : items.delete(key);
    return [...items.values()].map((item) => ({ table: name, item }));
  });
}

// Does the difference show when the endpoint holds setup and nothing else in these tables?  Answers it, or null.
async function attempt(endpoint, tables, { setup, operation, request }) {
  const { client, ask, compare } = endpoint,
    oracle = new Oracle();
  for (const [name, key] of Object.entries(tables)) oracle.createTable(name, key);
  for (const table of tablesOf(request).filter((t) => t in tables)) {
    const keyOf = (i) => oracle.keyOf(oracle.tables.get(table), i);
    for (let start; ;) {
      const page = await client.ok("Scan", {
        TableName: table,
        ConsistentRead: true,
        ...(start && { ExclusiveStartKey: start }),
      });
      for (const i of page.Items) await client.ok("DeleteItem", { TableName: table, Key: keyOf(i) });
      if (!(start = page.LastEvaluatedKey)) break;
    }
  }
  for (const { table, item } of setup) {
    await client.ok("PutItem", { TableName: table, Item: item });
    oracle.run("PutItem", { TableName: table, Item: item });
  }
  let expected;
  try {
    expected = oracle.run(operation, structuredClone(request));
  } catch (e) {
    if (e instanceof Unsure) return null;
    throw e;
  }
  const answer = await ask(operation, request),
    what = compare(operation, expected, answer);
  return what && { what, expected, answer };
}

// --- smaller cases ---

function* smallerValue(v) {
  const type = Object.keys(v)[0],
    x = v[type];
  if (Array.isArray(x)) for (const i of x.keys()) if (type === "L" || x.length > 1) yield { [type]: x.toSpliced(i, 1) };
  if (type === "L") for (const [i, e] of x.entries()) for (const s of smallerValue(e)) yield { L: x.with(i, s) };
  if (type === "M") for (const m of smallerItem(x, [])) yield { M: m };
}

function* smallerItem(item, keep) {
  for (const name of Object.keys(item)) {
    if (keep.includes(name)) continue;
    const { [name]: v, ...rest } = item;
    yield rest;
    for (const s of smallerValue(v)) yield { ...rest, [name]: s };
  }
}

const cut = (t, from, to, by = "") => t.slice(0, from) + by + t.slice(to);

function* smallerCondition(t) {
  const all = [...nodes(parseCondition(t))];
  for (const n of all)
    if (["and", "or", "not", "paren"].includes(n.k))
      for (const kid of n.a) yield cut(t, n.from, n.to, t.slice(kid.from, kid.to));
}

function* smallerUpdate(t) {
  const { sections } = parseUpdate(t);
  const write = (list) =>
    list
      .map(
        ({ name, actions }) =>
          `${name} ${actions.map((a) => t.slice(a.path.from, a.value?.to ?? a.path.to)).join(", ")}`,
      )
      .join(" ");
  for (const [i, s] of sections.entries()) {
    if (sections.length > 1) yield write(sections.toSpliced(i, 1));
    if (s.actions.length > 1)
      for (const k of s.actions.keys()) yield write(sections.with(i, { ...s, actions: s.actions.toSpliced(k, 1) }));
  }
}

function* smallerText(name, t) {
  try {
    if (name === "UpdateExpression") yield* smallerUpdate(t);
    else if (name === "ProjectionExpression")
      for (const [i] of t.split(",").entries()) yield t.split(",").toSpliced(i, 1).join(",");
    else yield* smallerCondition(t);
  } catch {
    // What does not parse stays as it is.
  }
}

// Without the aliases that before used and request does not.
function pruned(request, before) {
  const words = (r) =>
    new Set(
      Object.entries(r)
        .filter(([k]) => k.endsWith("Expression"))
        .flatMap(([, t]) => t.match(/[#:]\w+/g) ?? []),
    );
  const old = words(before),
    now = words(request),
    out = { ...request };
  for (const m of ["ExpressionAttributeNames", "ExpressionAttributeValues"]) {
    if (!out[m]) continue;
    out[m] = Object.fromEntries(Object.entries(out[m]).filter(([alias]) => now.has(alias) || !old.has(alias)));
    if (Object.keys(out[m]).length === 0) delete out[m];
  }
  return out;
}

function* smallerRequest(request) {
  for (const name of Object.keys(request)) {
    if (["TableName", "Key", "ConsistentRead"].includes(name)) continue;
    const { [name]: v, ...rest } = request;
    if (name === "Item") for (const s of smallerItem(v, ["pk", "sk"])) yield { ...request, Item: s };
    else yield pruned(rest, request);
    if (name.endsWith("Expression"))
      for (const t of smallerText(name, v)) yield pruned({ ...request, [name]: t }, request);
    if (name === "ExpressionAttributeValues") for (const s of smallerItem(v, [])) yield { ...request, [name]: s };
    if (name === "RequestItems")
      for (const [t, list] of Object.entries(v)) {
        const rows = list.Keys ?? list,
          { [t]: _, ...others } = v;
        if (Object.keys(others).length > 0) yield { ...request, RequestItems: others };
        for (const i of rows.keys())
          if (rows.length > 1)
            yield {
              ...request,
              RequestItems: { ...v, [t]: list.Keys ? { ...list, Keys: rows.toSpliced(i, 1) } : rows.toSpliced(i, 1) },
            };
      }
  }
}

function* smaller(c) {
  if (c.setup.length > 1)
    for (const half of [c.setup.slice(0, c.setup.length / 2), c.setup.slice(c.setup.length / 2)])
      yield { ...c, setup: half };
  for (const i of c.setup.keys()) yield { ...c, setup: c.setup.toSpliced(i, 1) };
  for (const r of smallerRequest(c.request)) yield { ...c, request: r };
  for (const [i, { table, item }] of c.setup.entries())
    for (const s of smallerItem(item, ["pk", "sk"])) yield { ...c, setup: c.setup.with(i, { table, item: s }) };
}

const kind = (what) => what.split(":")[0];

// endpoint: { client, ask, compare }.  Answers the smallest case found with what differs, or null if the contents alone
// do not show it.
export async function shrink(endpoint, tables, first) {
  let found = await attempt(endpoint, tables, first),
    best = first;
  if (!found) return null;
  for (let tries = 0, better = true; better && tries < TRIES_MAX;) {
    better = false;
    for (const c of smaller(best)) {
      if (++tries > TRIES_MAX) break;
      const again = await attempt(endpoint, tables, c);
      if (!again || kind(again.what) !== kind(found.what)) continue;
      [best, found, better] = [c, again, text(c) !== text(best)];
      break;
    }
  }
  return { ...best, ...found };
}
