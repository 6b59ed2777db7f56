// Is an answer what the oracle says?  Numbers are compared by their text, sets without order, everything else as it is.
import { makeSet, sorted, text, typeOf } from "./value.mjs";

function tidy(v) {
  const type = typeOf(v),
    x = v[type];
  if (type === "M") return { M: tidyItem(x) };
  if (type === "L") return { L: x.map(tidy) };
  if (type.length !== 2) return v;
  const set = makeSet(type, x);
  return set[type].length === x.length ? set : v;
}

export function tidyItem(item) {
  return sorted(Object.fromEntries(Object.entries(item).map(([k, v]) => [k, tidy(v)])));
}

const lists = (items) => items.map((i) => text(tidyItem(i)));

function compareError(expected, { status, body }) {
  const type = String(body.__type ?? "").replace(/.*#/, ""),
    message = body.message ?? body.Message ?? "";
  if (status !== 400 || type !== expected.error) return `type: ${expected.error} expected`;
  if (!expected.texts.some((t) => message.startsWith(t)))
    return `message: it begins with none of ${JSON.stringify(expected.texts)}`;
  if (text(body.Item && tidyItem(body.Item)) !== text(expected.item)) return "Item of the refusal";
  return null;
}

function compareBatch(expected, body) {
  if (text(Object.keys(body.Responses ?? {}).sort()) !== text(Object.keys(expected.Responses).sort()))
    return "Responses: other tables";
  for (const [table, items] of Object.entries(expected.Responses))
    if (text(lists(body.Responses[table]).sort()) !== text(lists(items).sort())) return `Responses: of ${table}`;
  return text(body.UnprocessedKeys) === "{}" ? null : "UnprocessedKeys";
}

function compareItems(expected, body) {
  for (const name of ["Item", "Attributes", "LastEvaluatedKey"])
    if (text(body[name] && tidyItem(body[name])) !== text(expected[name] && tidyItem(expected[name]))) return name;
  for (const name of ["Count", "ScannedCount", "UnprocessedItems"])
    if (text(body[name]) !== text(expected[name])) return name;
  if (text(body.Items && lists(body.Items)) !== text(expected.Items && lists(expected.Items))) return "Items";
  const more = Object.keys(body).filter((k) => !(k in expected));
  return more.length > 0 ? `members: ${more}` : null;
}

// A whole walk (walk.mjs), in any order.
function compareWalk(expected, { problem, items, count, scanned }) {
  if (problem) return problem;
  if (scanned !== expected.scanned) return "ScannedCount of all pages";
  if (count !== expected.count) return "Count of all pages";
  return text(items && lists(items).sort()) === text(expected.all && lists(expected.all).sort())
    ? null
    : "Items of all pages";
}

// null, or what differs: a word that names the kind, perhaps with more behind a colon.
export function difference(operation, expected, answer) {
  if (expected.error)
    return answer.status === 200 ? `success: ${expected.error} expected` : compareError(expected, answer);
  if (answer.status !== 200) return "refused";
  if (operation === "Scan") return compareWalk(expected.ok, answer.body);
  return operation === "BatchGetItem" ? compareBatch(expected.ok, answer.body) : compareItems(expected.ok, answer.body);
}
