// A naive DynamoDB in memory, after AWS's documentation: what a request answers.
//
// run(operation, request) returns { ok: output, undo } or { error: type, texts, item }.  texts: the message begins with
// one of these; "" says that the oracle does not know it.  undo: [table, key, item before] of what was written.  Scans
// are answered as { ok: { all, scanned } }: the items in any order, since AWS promises none.
// Unsure (eval.mjs) is thrown, before anything is changed, where the documentation does not say what happens.
// Does not: size limits, pages of 1 MB, capacity, indexes, the older parameters.
import { Expressions } from "./check.mjs";
import { Invalid, Unsure, holds, project, update } from "./eval.mjs";
import { walk } from "./parse.mjs";
import { Unreadable, canonicalItem, order, sorted, text, typeOf } from "./value.mjs";

const OPV = "One or more parameter values were invalid: ";
const NO_SUCH_KEY = "The provided key element does not match the schema";

class Refusal extends Error {
  constructor(type, texts = [""], item = undefined) {
    super(`${type} ${texts}`);
    Object.assign(this, { type, texts, item });
  }
}

const LEGACY = [
  "AttributesToGet",
  "AttributeUpdates",
  "ConditionalOperator",
  "Expected",
  "KeyConditions",
  "QueryFilter",
  "ScanFilter",
];
const EXPRESSIONS = [
  "ConditionExpression",
  "FilterExpression",
  "KeyConditionExpression",
  "ProjectionExpression",
  "UpdateExpression",
];
const ENUMS = {
  ReturnValues: ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"],
  ReturnValuesOnConditionCheckFailure: ["ALL_OLD", "NONE"],
  Select: ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"],
};

export class Oracle {
  constructor() {
    this.tables = new Map();
    this.stats = { conditionTrue: 0, conditionFalse: 0, filterTrue: 0, filterFalse: 0, unfit: 0 };
  }

  // key: { hash: { name, type }, range: the same or undefined }
  createTable(name, key) {
    this.tables.set(name, { ...key, parts: [key.hash, key.range].filter(Boolean), items: new Map(), of: new Map() });
  }

  run(operation, request) {
    this.undo = [];
    try {
      return { ok: this[operation](request), undo: this.undo };
    } catch (e) {
      if (e instanceof Unreadable) return { error: "SerializationException", texts: [""] };
      if (!(e instanceof Refusal)) throw e;
      return { error: e.type, texts: e.texts, item: e.item };
    }
  }

  // --- what requests share ---

  begin(request, members = []) {
    const objections = [];
    for (const name of members)
      if (request[name] === undefined) objections.push("1 validation error detected: Value null at '");
    for (const [name, allowed] of Object.entries(ENUMS))
      if (request[name] !== undefined && !allowed.includes(request[name]))
        objections.push(`1 validation error detected: Value '${request[name]}' at '`);
    if (request.Limit !== undefined && request.Limit < 1) objections.push("");
    if (LEGACY.some((m) => m in request) && EXPRESSIONS.some((m) => m in request))
      objections.push("Can not use both expression and non-expression parameters in the same request: ");
    return { request, objections, expressions: new Expressions(request, objections) };
  }

  item(q, item) {
    return canonicalItem(item ?? {}, (t) => q.objections.push(t));
  }

  // The end of what can be said without the table.  If there is one, it may add objections.
  table(q, name) {
    q.expressions.finish();
    const table = this.tables.get(name);
    if (!table) {
      this.settle(q);
      throw new Refusal("ResourceNotFoundException", ["Requested resource not found"]);
    }
    return table;
  }

  settle(q) {
    if (q.objections.length > 0) throw new Refusal("ValidationException", q.objections);
  }

  keyOf(table, item) {
    return sorted(Object.fromEntries(table.parts.map((p) => [p.name, item[p.name]])));
  }

  // A Key parameter, or a batch's.
  checkKey(q, table, key) {
    if (
      Object.keys(key).length !== table.parts.length ||
      table.parts.some((p) => !key[p.name] || !(p.type in key[p.name]))
    )
      q.objections.push(NO_SUCH_KEY);
    for (const p of table.parts)
      if (key[p.name]?.[p.type] === "")
        q.objections.push(`${OPV}The AttributeValue for a key attribute cannot contain an empty `);
  }

  checkItem(q, table, item) {
    for (const p of table.parts) {
      const v = item[p.name];
      if (!v) q.objections.push(`${OPV}Missing the key ${p.name} in the item`);
      else if (!(p.type in v))
        q.objections.push(`${OPV}Type mismatch for key ${p.name} expected: ${p.type} actual: ${typeOf(v)}`);
      else if (v[p.type] === "")
        q.objections.push(
          "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ",
        );
    }
  }

  decide(q, tree, old) {
    if (tree === null) return;
    const yes = holds(tree, old ?? {}, q.expressions);
    q.condition = yes;
    this.stats[yes ? "conditionTrue" : "conditionFalse"]++;
    if (!yes)
      throw new Refusal(
        "ConditionalCheckFailedException",
        ["The conditional request failed"],
        q.request.ReturnValuesOnConditionCheckFailure === "ALL_OLD" ? old : undefined,
      );
  }

  write(table, key, item) {
    const before = table.items.get(key),
      pk = text((item ?? before ?? {})[table.hash.name]);
    this.undo.push([table, key, before]);
    if (!item && !before) return;
    if (!table.of.has(pk)) table.of.set(pk, new Map());
    for (const map of [table.items, table.of.get(pk)]) item ? map.set(key, item) : map.delete(key);
  }

  // The items of one partition key.
  items(table, pk) {
    return [...(table.of.get(text(pk))?.values() ?? [])];
  }

  // --- items ---

  GetItem(request) {
    const q = this.begin(request, ["Key"]),
      key = this.item(q, request.Key);
    const projection = q.expressions.projection(request.ProjectionExpression),
      table = this.table(q, request.TableName);
    this.checkKey(q, table, key);
    this.settle(q);
    const item = table.items.get(text(key));
    return item ? { Item: this.shown(q, projection, item) } : {};
  }

  shown(q, projection, item) {
    return projection
      ? project(
          item,
          projection.paths.map((p) => q.expressions.path(p)),
        )
      : item;
  }

  oldOnly(q) {
    if (!["NONE", "ALL_OLD"].includes(q.request.ReturnValues ?? "NONE"))
      q.objections.push("Return values set to invalid value", "ReturnValues can only be ALL_OLD or NONE");
  }

  PutItem(request) {
    const q = this.begin(request, ["Item"]),
      item = this.item(q, request.Item);
    this.oldOnly(q);
    const condition = q.expressions.condition("ConditionExpression", request.ConditionExpression),
      table = this.table(q, request.TableName);
    this.checkItem(q, table, item);
    this.settle(q);
    const key = text(this.keyOf(table, item)),
      old = table.items.get(key);
    this.decide(q, condition, old);
    this.write(table, key, item);
    return old && request.ReturnValues === "ALL_OLD" ? { Attributes: old } : {};
  }

  DeleteItem(request) {
    const q = this.begin(request, ["Key"]),
      key = this.item(q, request.Key);
    this.oldOnly(q);
    const condition = q.expressions.condition("ConditionExpression", request.ConditionExpression),
      table = this.table(q, request.TableName);
    this.checkKey(q, table, key);
    this.settle(q);
    const old = table.items.get(text(key));
    this.decide(q, condition, old);
    this.write(table, text(key));
    return old && request.ReturnValues === "ALL_OLD" ? { Attributes: old } : {};
  }

  UpdateItem(request) {
    const q = this.begin(request, ["Key"]),
      key = this.item(q, request.Key);
    const tree = q.expressions.update(request.UpdateExpression);
    const condition = q.expressions.condition("ConditionExpression", request.ConditionExpression),
      table = this.table(q, request.TableName);
    this.checkKey(q, table, key);
    for (const s of tree?.sections ?? [])
      for (const a of s.actions)
        if (table.parts.some((p) => p.name === q.expressions.path(a.path)[0]))
          q.objections.push(
            `${OPV}Cannot update attribute ${q.expressions.path(a.path)[0]}. This attribute is part of the key`,
          );
    this.settle(q);
    const old = table.items.get(text(key));
    this.decide(q, condition, old);
    const now = this.updated(q, tree, old ?? key, old === undefined, table);
    const output = this.returned(request.ReturnValues ?? "NONE", old, now);
    this.write(table, text(key), now.item);
    return output;
  }

  updated(q, tree, item, created, table) {
    if (!tree) return { item, paths: [], moved: false };
    const reads = tree.sections
      .flatMap((s) => s.actions)
      .flatMap((a) => (a.value ? [...walk(a.value)] : []))
      .filter((n) => n.k === "path");
    if (created && tree.sections.every((s) => s.name === "REMOVE" || s.name === "DELETE"))
      throw new Unsure("only removes from an item that is not there");
    if (created && reads.some((n) => table.parts.some((p) => p.name === q.expressions.path(n)[0])))
      throw new Unsure("reads the key of an item that is not there");
    try {
      return update(tree, item, q.expressions);
    } catch (e) {
      if (!(e instanceof Invalid)) throw e;
      this.stats.unfit++;
      throw new Refusal("ValidationException", [e.message]);
    }
  }

  returned(what, old, { item, paths, moved }) {
    let shown;
    if (what === "ALL_OLD") shown = old;
    if (what === "ALL_NEW") shown = item;
    if (what === "UPDATED_OLD") shown = project(old ?? {}, paths);
    if (what === "UPDATED_NEW") shown = project(item, paths);
    if (what === "UPDATED_NEW" && moved) throw new Unsure("new values of list elements that have moved");
    if (what.startsWith("UPDATED") && Object.keys(shown).length === 0) shown = undefined;
    return shown ? { Attributes: shown } : {};
  }

  // --- query and scan ---

  select(q) {
    const { Select, ProjectionExpression } = q.request;
    if (Select === "SPECIFIC_ATTRIBUTES" && ProjectionExpression === undefined) q.objections.push("");
    if (["ALL_ATTRIBUTES", "COUNT"].includes(Select) && ProjectionExpression !== undefined) q.objections.push("");
    if (Select === "ALL_PROJECTED_ATTRIBUTES") q.objections.push("");
  }

  // What of the items is shown, those that the filter keeps.
  output(q, projection, filter, items) {
    const kept = items.filter((i) => {
      const yes = filter === null || holds(filter, i, q.expressions);
      if (filter) this.stats[yes ? "filterTrue" : "filterFalse"]++;
      return yes;
    });
    const out = { Count: kept.length, ScannedCount: items.length };
    if (q.request.Select !== "COUNT") out.Items = kept.map((i) => this.shown(q, projection, i));
    return out;
  }

  Query(request) {
    const q = this.begin(request),
      start = request.ExclusiveStartKey && this.item(q, request.ExclusiveStartKey);
    this.select(q);
    const keys = q.expressions.condition("KeyConditionExpression", request.KeyConditionExpression);
    const projection = q.expressions.projection(request.ProjectionExpression);
    const filter = q.expressions.condition("FilterExpression", request.FilterExpression);
    if (request.KeyConditionExpression === undefined)
      q.objections.push("Either the KeyConditions or KeyConditionExpression parameter must be specified");
    const table = this.table(q, request.TableName),
      forward = request.ScanIndexForward ?? true;
    const tests = keys ? this.keyTests(q, table, keys) : [];
    for (const n of filter ? walk(filter) : [])
      if (n.k === "path" && table.parts.some((p) => p.name === q.expressions.path(n)[0]))
        q.objections.push("Filter Expression can only contain non-primary key attributes: Primary key attribute: ");
    if (start) this.startKey(q, table, tests, start);
    this.settle(q);
    const after = (i) =>
      !start || (table.range && order(i[table.range.name], start[table.range.name]) * (forward ? 1 : -1) > 0);
    const { node } = tests.find((t) => t.name === table.hash.name);
    let items = this.items(table, q.expressions.value(node.a[1].alias)).filter((i) =>
      tests.every((t) => holds(t.node, i, q.expressions)),
    );
    if (table.range) items.sort((a, b) => order(a[table.range.name], b[table.range.name]) * (forward ? 1 : -1));
    items = items.filter(after).slice(0, request.Limit);
    const out = this.output(q, projection, filter, items);
    if (items.length === request.Limit && this.oneRow(table, tests))
      throw new Unsure("the last key of a query for one item");
    if (items.length === request.Limit && tests.some((t) => this.atEnd(q, table, t, items.at(-1))))
      throw new Unsure("the last key of a query at the last key that its condition allows");
    if (items.length === request.Limit) out.LastEvaluatedKey = this.keyOf(table, items.at(-1));
    return out;
  }

  oneRow(table, tests) {
    return table.parts.every((p) => tests.some((t) => t.name === p.name && t.node.op === "="));
  }

  // The tests of a key condition, that of the partition key first; objections where it is none.
  keyTests(q, table, tree) {
    const tests = [],
      flat = (n) =>
        n.k === "and"
          ? n.a.forEach(flat)
          : n.k === "paren"
            ? flat(n.a[0])
            : tests.push({
                node: n,
                name: n.a[0] && q.expressions.path(n.a[0].k === "path" ? n.a[0] : { steps: [] })[0],
              });
    flat(tree);
    const bad = (t) => q.objections.push(t);
    for (const { node, name } of tests) {
      const part = table.parts.find((p) => p.name === name),
        op = node.k === "call" ? node.name : node.k === "compare" ? node.op : node.k;
      if (!["=", "<", "<=", ">", ">=", "between", "begins_with"].includes(op))
        bad("Invalid operator used in KeyConditionExpression: ");
      if (!part) bad("");
      else if (part === table.hash && op !== "=") bad("Query key condition not supported");
      for (const v of node.a.slice(1).map((n) => q.expressions.value(n.alias))) {
        if (!v) bad("");
        else if (part && !(part.type in v)) bad(`${OPV}Condition parameter type does not match schema type`);
        else if (part && v[part.type] === "" && part.type !== "N")
          bad(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ",
          );
      }
      if (tests.filter((t) => t.name === name).length > 1) bad("");
    }
    if (!tests.some((t) => t.name === table.hash.name))
      bad(`Query condition missed key schema element: ${table.hash.name}`);
    return tests;
  }

  startKey(q, table, tests, start) {
    const fits = Object.keys(start).length === table.parts.length && table.parts.every((p) => start[p.name]?.[p.type]);
    if (!fits) {
      q.objections.push("The provided starting key is invalid");
      return;
    }
    if (q.objections.length > 0) return;
    if (this.oneRow(table, tests)) q.objections.push("The query can return at most one row and cannot be restarted");
    for (const t of tests)
      if (!holds(t.node, start, q.expressions)) q.objections.push("The provided starting key ");
      else if (this.atEnd(q, table, t, start)) throw new Unsure("a start at the last key that the condition allows");
  }

  atEnd(q, table, { node, name }, start) {
    const end = (q.request.ScanIndexForward ?? true) ? { "<=": 1, between: 2 } : { ">=": 1, between: 1 };
    const bound = node.a[end[node.k === "compare" ? node.op : node.k]];
    return name === table.range?.name && bound && order(q.expressions.value(bound.alias), start[name]) === 0;
  }

  Scan(request) {
    const q = this.begin(request),
      start = request.ExclusiveStartKey && this.item(q, request.ExclusiveStartKey);
    this.select(q);
    const projection = q.expressions.projection(request.ProjectionExpression);
    const filter = q.expressions.condition("FilterExpression", request.FilterExpression);
    const { Segment, TotalSegments } = request;
    if ((Segment === undefined) !== (TotalSegments === undefined)) q.objections.push("");
    else if (Segment >= TotalSegments)
      q.objections.push("The Segment parameter is zero-based and must be less than parameter TotalSegments: ");
    const table = this.table(q, request.TableName);
    this.settle(q);
    if (start) throw new Unsure("the order of a scan");
    const out = this.output(q, projection, filter, [...table.items.values()]);
    return { all: out.Items, count: out.Count, scanned: out.ScannedCount };
  }

  // --- batches ---

  batch(q, limit, of) {
    const tables = Object.entries(q.request.RequestItems ?? {}),
      n = tables.reduce((sum, [, t]) => sum + of(t).length, 0);
    if (tables.length === 0 || n > limit || tables.some(([, t]) => of(t).length === 0)) q.objections.push("");
    return tables;
  }

  distinct(q, keys) {
    if (new Set(keys).size < keys.length) q.objections.push("Provided list of item keys contains duplicates");
  }

  BatchGetItem(request) {
    const q = this.begin(request),
      Responses = {};
    const tables = this.batch(q, 100, (t) => t.Keys).map(([name, t]) => {
      const expressions = new Expressions(t, q.objections),
        own = { ...q, request: t, expressions };
      const keys = t.Keys.map((k) => this.item(q, k)),
        projection = expressions.projection(t.ProjectionExpression);
      expressions.finish();
      return { name, own, keys, projection };
    });
    for (const t of tables) t.table = this.table(q, t.name);
    for (const { table, keys } of tables) {
      for (const key of keys) this.checkKey(q, table, key);
      this.distinct(q, keys.map(text));
    }
    this.settle(q);
    for (const { name, table, own, keys, projection } of tables)
      Responses[name] = keys
        .map((k) => table.items.get(text(k)))
        .filter(Boolean)
        .map((i) => this.shown(own, projection, i));
    return { Responses, UnprocessedKeys: {} };
  }

  BatchWriteItem(request) {
    const q = this.begin(request);
    const tables = this.batch(q, 25, (t) => t).map(([name, list]) => ({
      name,
      rows: list.map((r) =>
        r.PutRequest ? { put: this.item(q, r.PutRequest.Item) } : { key: this.item(q, r.DeleteRequest.Key) },
      ),
    }));
    for (const t of tables) t.table = this.table(q, t.name);
    for (const { table, rows } of tables) {
      for (const r of rows) r.put ? this.checkItem(q, table, r.put) : this.checkKey(q, table, r.key);
      this.distinct(
        q,
        rows.map((r) => text(this.keyOf(table, r.put ?? r.key))),
      );
    }
    this.settle(q);
    for (const { table, rows } of tables)
      for (const r of rows) this.write(table, text(this.keyOf(table, r.put ?? r.key)), r.put);
    return { UnprocessedItems: {} };
  }
}
