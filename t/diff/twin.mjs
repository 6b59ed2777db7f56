// Stands in for an endpoint: another oracle, in this process.  It shows that generator, comparison and shrinking work
// without a cluster.
import { createHash } from "node:crypto";
import { Oracle } from "./oracle.mjs";
import { text } from "./value.mjs";

export class Twin {
  constructor(tables) {
    this.oracle = new Oracle();
    this.tables = tables;
    for (const [name, key] of Object.entries(tables)) this.oracle.createTable(name, key);
  }

  place(item, table) {
    return createHash("md5").update(text(item[this.tables[table].hash.name])).digest("hex");
  }

  scan(request) {
    const start = request.ExclusiveStartKey,
      all = { ...request };
    delete all.ExclusiveStartKey;
    const bad = this.oracle.run("Scan", all);
    if (bad.error) return bad;
    const table = this.oracle.tables.get(request.TableName),
      rank = (i) => this.place(i, request.TableName);
    const query = { hash: rank, key: (i) => this.oracle.keyOf(table, i) };
    let items = [...table.items.values()].filter(
      (i) =>
        request.Segment === undefined || parseInt(rank(i).slice(0, 6), 16) % request.TotalSegments === request.Segment,
    );
    items = this.inOrder(table, items, query);
    if (start) items = items.slice(items.findIndex((i) => text(query.key(i)) === text(start)) + 1);
    items = items.slice(0, request.Limit);
    const part = new Oracle();
    part.createTable(request.TableName, this.tables[request.TableName]);
    for (const i of items) part.tables.get(request.TableName).items.set(text(query.key(i)), i);
    const { ok } = part.run("Scan", all),
      body = { Count: ok.count, ScannedCount: ok.scanned };
    if (ok.all) body.Items = ok.all;
    if (items.length === request.Limit) body.LastEvaluatedKey = query.key(items.at(-1));
    return { ok: body };
  }

  inOrder(table, items, { hash }) {
    const groups = new Map();
    for (const i of items) groups.set(hash(i), [...(groups.get(hash(i)) ?? []), i]);
    return [...groups.keys()].sort().flatMap((h) => {
      const pk = groups.get(h)[0][table.hash.name];
      const r = this.oracle.run("Query", {
        TableName: [...this.oracle.tables].find(([, t]) => t === table)[0],
        KeyConditionExpression: "pk = :p",
        ExpressionAttributeValues: { ":p": pk },
      });
      return r.ok.Items;
    });
  }

  async call(operation, request) {
    const copy = structuredClone(request),
      { ok, error, texts, item } = operation === "Scan" ? this.scan(copy) : this.oracle.run(operation, copy);
    if (ok) return { status: 200, body: structuredClone(ok) };
    return { status: 400, body: { __type: `twin#${error}`, message: texts[0], ...(item && { Item: item }) } };
  }

  async ok(operation, request) {
    if (operation === "CreateTable") return {};
    if (operation === "DescribeTable") return { Table: { TableStatus: "ACTIVE" } };
    return (await this.call(operation, request)).body;
  }
}
