// Random requests that collide a lot: few keys, few names, small values.  Most are valid, 15 % have one deliberate
// mistake (mistakes.mjs).
// A generator owns the partition keys of its number: no other writes them.
import { makeMistake } from "./mistakes.mjs";
import { canonical, canonicalItem, text } from "./value.mjs";
import { ALL, b64, binaries, inner, names, numbers, sorts, strings, tables } from "./pools.mjs";

// The aliases of one request.
class Aliases {
  constructor(dice) {
    Object.assign(this, { dice, names: {}, values: {} });
  }

  name(name) {
    if (/^[a-z]+\d$|^[ps]k$/.test(name) && !this.dice.chance(20)) return name;
    const alias = `#${name.replace(/\W/g, "_")}`;
    this.names[alias] = name;
    return alias;
  }

  value(v) {
    const old = Object.entries(this.values).find(([, x]) => x === v);
    const alias = old ? old[0] : `:v${Object.keys(this.values).length}`;
    this.values[alias] = v;
    return alias;
  }

  into(request) {
    if (Object.keys(this.names).length > 0) request.ExpressionAttributeNames = this.names;
    if (Object.keys(this.values).length > 0) request.ExpressionAttributeValues = this.values;
    return request;
  }
}

export class Generator {
  constructor(dice, oracle, owner) {
    Object.assign(this, { dice, oracle, owner });
  }

  // --- values ---

  number() {
    return this.dice.pick(numbers[this.dice.weighted({ small: 75, written: 12, edge: 13 })]);
  }

  elements(pool) {
    return this.dice.shuffled(pool).slice(0, 1 + this.dice.below(3));
  }

  value(type, depth = 0) {
    const d = this.dice;
    if (type === "*") type = d.pick(depth < 3 ? ALL : ALL.slice(0, 8));
    switch (type) {
      case "S":
        return { S: d.pick(strings) };
      case "N":
        return { N: this.number() };
      case "B":
        return { B: d.pick(binaries) };
      case "BOOL":
        return d.chance(20) ? { NULL: true } : { BOOL: d.chance(50) };
      case "NULL":
        return { NULL: true };
      case "SS":
        return { SS: this.elements(strings) };
      case "NS":
        return { NS: this.elements(d.chance(20) ? numbers.edge.slice(0, 9) : numbers.small) };
      case "BS":
        return { BS: this.elements(binaries) };
      case "L":
        return { L: Array.from({ length: d.below(4) }, () => this.value(d.chance(50) ? "N" : "*", depth + 1)) };
      default:
        return {
          M: Object.fromEntries(
            this.elements(inner)
              .slice(d.below(2))
              .map((n) => [n, this.valueFor(n, depth + 1)]),
          ),
        };
    }
  }

  valueFor(name, depth = 0) {
    const type = names[name] ?? "*";
    return this.value(
      this.dice.chance(8) || (depth > 2 && (type === "M" || type === "L")) ? "*" : type,
      Math.max(depth, 1),
    );
  }

  // --- keys and items ---

  hash(type) {
    const j = this.dice.below(3),
      n = this.owner * 10 + j;
    if (type === "S") return { S: `k${this.owner}-${j}` };
    if (type === "N") return { N: this.dice.pick([`${n}`, `${n}.0`, `${n}0e-1`, `0${n}`]) };
    return { B: b64(this.owner >> 8, this.owner & 255, j) };
  }

  key(table) {
    const { hash, range } = tables[table],
      k = { [hash.name]: this.hash(hash.type) };
    if (range)
      k[range.name] = {
        [range.type]: this.dice.pick(this.dice.chance(60) ? sorts[range.type].slice(0, 3) : sorts[range.type]),
      };
    return k;
  }

  item(table) {
    const item = this.key(table);
    for (const n of this.dice.shuffled(Object.keys(names)).slice(0, 1 + this.dice.below(8))) item[n] = this.valueFor(n);
    return item;
  }

  stored(table, k) {
    return this.oracle.tables.get(table).items.get(text(canonicalItem(k, () => {})));
  }

  // --- paths ---

  // A path that leads somewhere in item, or may.
  steps(item, excluded = []) {
    const d = this.dice,
      some = Object.keys(names),
      path = [d.pick(some)];
    if (item && d.chance(65)) path[0] = d.pick(Object.keys(item));
    if (excluded.includes(path[0])) path[0] = d.pick(some);
    let v = item?.[path[0]] ?? (names[path[0]] === "L" ? { L: [] } : names[path[0]] === "M" ? { M: {} } : undefined);
    while (path.length < 5 && d.chance(v?.M || v?.L ? 60 : 3)) {
      const inside = v?.M ? Object.keys(v.M) : v?.L ? v.L.map((_, i) => i) : [];
      path.push(
        inside.length > 0 && d.chance(80)
          ? d.pick(inside)
          : (v?.L ? d.chance(95) : d.chance(5))
            ? d.below(4)
            : d.pick(inner),
      );
      v = v?.M?.[path.at(-1)] ?? v?.L?.[path.at(-1)];
    }
    return { path, v };
  }

  write(path, aliases) {
    return path.map((s, i) => (typeof s === "number" ? `[${s}]` : (i > 0 ? "." : "") + aliases.name(s))).join("");
  }

  // --- conditions ---

  word(s) {
    return this.dice.chance(5) ? s.toLowerCase() : s;
  }

  scalarLike(v) {
    const type = v && ["S", "N", "B"].find((t) => t in v);
    return type && this.dice.chance(35) ? { [type]: v[type] } : this.value(type ?? this.dice.pick(["S", "N", "B"]));
  }

  test(item, a, excluded) {
    const d = this.dice,
      { path, v } = this.steps(item, excluded),
      p = this.write(path, a),
      value = (x) => a.value(x);
    const other = () => this.write(this.steps(item, excluded).path, a);
    switch (
      d.weighted({
        equal: 22,
        order: 18,
        between: 8,
        in: 8,
        exists: 14,
        absent: 8,
        type: 6,
        begins: 6,
        contains: 8,
        size: 8,
        paths: 4,
      })
    ) {
      case "equal":
        return `${p} ${d.pick(["=", "=", "<>"])} ${value(v && d.chance(60) ? v : this.value("*", 1))}`;
      case "order":
        return `${p} ${d.pick(["<", "<=", ">", ">="])} ${value(this.scalarLike(v))}`;
      case "between": {
        const x = this.scalarLike(v),
          y = this.value(Object.keys(x)[0]);
        return `${p} ${this.word("BETWEEN")} ${value(x)} ${this.word("AND")} ${d.chance(15) ? other() : value(y)}`;
      }
      case "in":
        return `${p} ${this.word("IN")} (${Array.from({ length: 1 + d.below(3) }, () => value(v && d.chance(30) ? v : this.value("*", 2))).join(", ")})`;
      case "exists":
        return `attribute_exists(${p})`;
      case "absent":
        return `attribute_not_exists(${p})`;
      case "type":
        return `attribute_type(${p}, ${value({ S: v && d.chance(60) ? Object.keys(v)[0] : d.pick(ALL) })})`;
      case "begins":
        return `begins_with(${p}, ${value(this.value(v?.B !== undefined ? "B" : "S"))})`;
      case "contains":
        return `contains(${p}, ${value(this.held(v))})`;
      case "size":
        return `size(${p}) ${d.pick(["=", "<>", "<", ">="])} ${value({ N: String(d.below(4)) })}`;
      default:
        return `${p} ${d.pick(["=", "<>", "<", ">"])} ${other()}`;
    }
  }

  // Something that v may contain.
  held(v) {
    const d = this.dice,
      type = v && Object.keys(v)[0];
    if (type === "L" && v.L.length > 0 && d.chance(60)) return d.pick(v.L);
    if (type?.length === 2) return d.chance(60) ? { [type[0]]: d.pick(v[type]) } : this.value(type[0]);
    return this.value(d.pick(["S", "S", "N", "B"]));
  }

  condition(item, a, depth, excluded) {
    const d = this.dice;
    if (depth === 0 || d.chance(45)) return this.test(item, a, excluded);
    const x = this.condition(item, a, depth - 1, excluded);
    switch (d.weighted({ and: 30, or: 40, not: 20, paren: 20 })) {
      case "and":
        return `${x} ${this.word("AND")} ${this.condition(item, a, depth - 1, excluded)}`;
      case "or":
        return `${x} ${this.word("OR")} ${this.condition(item, a, depth - 1, excluded)}`;
      case "not":
        return `${this.word("NOT")} ${x}`;
      default:
        return /^\(.*\)$/s.test(x) ? x : `(${x})`;
    }
  }

  projection(item, a) {
    const n = 1 + this.dice.below(4);
    return Array.from({ length: n }, () => this.write(this.steps(item).path, a)).join(", ");
  }

  // --- updates ---

  operand(item, a, type, depth) {
    const d = this.dice;
    if (depth > 0 && d.chance(25)) {
      if (type === "L" && d.chance(70))
        return `list_append(${this.operand(item, a, "L", depth - 1)}, ${this.operand(item, a, "L", depth - 1)})`;
      return `if_not_exists(${this.write(this.steps(item).path, a)}, ${this.operand(item, a, type, depth - 1)})`;
    }
    if (!d.chance(40)) return a.value(this.value(type, 1));
    const fit = item && Object.keys(item).filter((n) => type === "*" || type in item[n]);
    return fit?.length > 0 && d.chance(90) ? this.write([d.pick(fit)], a) : this.write(this.steps(item).path, a);
  }

  set(item, a) {
    const d = this.dice,
      { path } = this.steps(item, ["pk", "sk"]),
      p = this.write(path, a),
      type = names[path.at(-1)] ?? "*";
    const x = this.operand(item, a, type, 2);
    return type === "N" && d.chance(50)
      ? `${p} = ${x} ${d.pick(["+", "-"])} ${this.operand(item, a, "N", 1)}`
      : `${p} = ${x}`;
  }

  // ADD n :v, or DELETE with sets only.
  counted(item, a, sets) {
    const d = this.dice,
      types = sets ? ["SS", "NS", "BS"] : ["N", "N", "SS", "NS", "BS"];
    const type = d.pick(types),
      fit = Object.keys(item ?? {}).filter((n) => type in item[n] && n !== "pk" && n !== "sk");
    const name =
      fit.length > 0 && d.chance(80) ? d.pick(fit) : d.pick(Object.keys(names).filter((n) => names[n] === type));
    return `${this.write([name], a)} ${a.value(this.value(type))}`;
  }

  update(item, a) {
    const d = this.dice,
      sections = d.shuffled(["SET", "SET", "REMOVE", "ADD", "DELETE"]).slice(0, 1 + d.below(2));
    return [...new Set(sections)]
      .map((s) => {
        const n = 1 + d.below(3);
        const one = {
          SET: () => this.set(item, a),
          REMOVE: () => this.write(this.steps(item, ["pk", "sk"]).path, a),
          ADD: () => this.counted(item, a, false),
          DELETE: () => this.counted(item, a, true),
        }[s];
        return `${this.word(s)} ${Array.from({ length: n }, one).join(", ")}`;
      })
      .join(" ");
  }

  // --- requests ---

  write1(operation) {
    const d = this.dice,
      TableName = d.pick(Object.keys(tables)),
      a = new Aliases(d),
      request = { TableName };
    const item = operation === "PutItem" ? this.item(TableName) : this.key(TableName);
    const old = this.stored(
      TableName,
      Object.fromEntries(Object.entries(item).filter(([n]) => n === "pk" || n === "sk")),
    );
    request[operation === "PutItem" ? "Item" : "Key"] = item;
    if (operation === "UpdateItem" && !d.chance(3)) request.UpdateExpression = this.update(old, a);
    if (d.chance(40)) request.ConditionExpression = this.condition(old, a, 3);
    const choices =
      operation === "UpdateItem" ? ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"] : ["NONE", "ALL_OLD"];
    if (d.chance(75)) request.ReturnValues = d.pick(choices);
    if (d.chance(40)) request.ReturnValuesOnConditionCheckFailure = d.pick(["ALL_OLD", "ALL_OLD", "NONE"]);
    return a.into(request);
  }

  PutItem() {
    return this.write1("PutItem");
  }

  UpdateItem() {
    return this.write1("UpdateItem");
  }

  DeleteItem() {
    return this.write1("DeleteItem");
  }

  GetItem() {
    const d = this.dice,
      TableName = d.pick(Object.keys(tables)),
      a = new Aliases(d),
      Key = this.key(TableName);
    const request = { TableName, Key, ConsistentRead: true };
    if (d.chance(40)) request.ProjectionExpression = this.projection(this.stored(TableName, Key), a);
    return a.into(request);
  }

  range(part, a) {
    const d = this.dice,
      op = d.weighted({
        "=": 10,
        "<": 10,
        "<=": 10,
        ">": 10,
        ">=": 10,
        BETWEEN: 15,
        begins_with: part.type === "N" ? 0 : 15,
      });
    const v = () => a.value({ [part.type]: d.pick(sorts[part.type]) }),
      p = a.name(part.name);
    if (op === "BETWEEN") return `${p} ${this.word(op)} ${v()} ${this.word("AND")} ${v()}`;
    return op === "begins_with" ? `begins_with(${p}, ${v()})` : `${p} ${op} ${v()}`;
  }

  reads(request, a, item) {
    const d = this.dice;
    if (d.chance(40)) request.FilterExpression = this.condition(item, a, 2, ["pk", "sk"]);
    if (d.chance(30)) request.ProjectionExpression = this.projection(item, a);
    if (d.chance(12) && !request.ProjectionExpression) request.Select = d.pick(["COUNT", "ALL_ATTRIBUTES"]);
    return request;
  }

  Query() {
    const d = this.dice,
      TableName = d.pick(Object.keys(tables)),
      { hash, range } = tables[TableName],
      a = new Aliases(d);
    const pk = this.hash(hash.type),
      tests = [`${a.name(hash.name)} = ${a.value(pk)}`];
    const some = this.oracle.items(
      this.oracle.tables.get(TableName),
      canonical(pk, () => {}),
    );
    if (range && d.chance(60)) tests.push(this.range(range, a));
    const request = {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: d.shuffled(tests).join(` ${this.word("AND")} `),
    };
    this.reads(request, a, some.length > 0 ? d.pick(some) : undefined);
    if (d.chance(40)) request.Limit = 1 + d.below(4);
    if (d.chance(50)) request.ScanIndexForward = d.chance(40);
    if (d.chance(20)) request.ExclusiveStartKey = { ...this.key(TableName), pk };
    return a.into(request);
  }

  Scan() {
    const d = this.dice,
      TableName = d.pick(Object.keys(tables)),
      a = new Aliases(d),
      items = [...this.oracle.tables.get(TableName).items].sort().map(([, item]) => item);
    const request = this.reads({ TableName, ConsistentRead: true }, a, items.length > 0 ? d.pick(items) : undefined);
    if (d.chance(50)) request.Limit = 5 + d.below(60);
    if (d.chance(30)) Object.assign(request, { TotalSegments: 2 + d.below(4), Segment: 0 });
    return a.into(request);
  }

  // Keys that differ, by value.
  keys(table, n) {
    const list = Array.from({ length: n }, () => this.key(table));
    return [...new Map(list.map((k) => [text(canonicalItem(k, () => {})), k])).values()];
  }

  BatchGetItem() {
    const d = this.dice,
      RequestItems = {};
    for (const t of d.shuffled(Object.keys(tables)).slice(0, 1 + d.below(3))) {
      const Keys = this.keys(t, 1 + d.below(6)),
        a = new Aliases(d);
      RequestItems[t] = { Keys, ConsistentRead: true };
      if (d.chance(30)) RequestItems[t].ProjectionExpression = this.projection(this.stored(t, Keys[0]), a);
      if (Object.keys(a.names).length > 0) RequestItems[t].ExpressionAttributeNames = a.names;
    }
    return { RequestItems };
  }

  BatchWriteItem() {
    const d = this.dice,
      RequestItems = {};
    for (const t of d.shuffled(Object.keys(tables)).slice(0, 1 + d.below(3)))
      RequestItems[t] = this.keys(t, 1 + d.below(6)).map((k) =>
        d.chance(65) ? { PutRequest: { Item: { ...this.item(t), ...k } } } : { DeleteRequest: { Key: k } },
      );
    return { RequestItems };
  }

  // { operation, request, mistake }; whole: one over all keys, for when nobody writes.
  next(whole) {
    const d = this.dice;
    const operation = whole
      ? "Scan"
      : d.weighted({
          PutItem: 22,
          GetItem: 18,
          UpdateItem: 30,
          DeleteItem: 7,
          Query: 15,
          BatchGetItem: 4,
          BatchWriteItem: 4,
        });
    const request = this[operation](),
      mistake = d.chance(15) ? makeMistake(d, operation, request) : undefined;
    return { operation, request, mistake };
  }
}
