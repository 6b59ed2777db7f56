// What is wrong with a request's expressions before any item is looked at.  Every objection is collected: the service
// names one of them, and which one comes first is not this oracle's business.
import { SyntaxProblem, parseCondition, parseProjection, parseUpdate, walk } from "./parse.mjs";
import { canonical, order, typeOf } from "./value.mjs";

// Of the reserved words only those that the generator uses.
const RESERVED = ["COUNT", "DATE", "NAME", "SIZE", "STATUS", "USER", "VALUE", "YEAR"];
const CONDITION_CALLS = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
  size: 1,
};
const UPDATE_CALLS = { if_not_exists: 2, list_append: 2 };
const SCALARS = ["S", "N", "B"],
  SIZED = ["S", "B", "SS", "NS", "BS", "L", "M"],
  HOLDERS = ["S", "B", "SS", "NS", "BS", "L"];
const ALL_TYPES = ["S", "N", "B", "NULL", "BOOL", "SS", "NS", "BS", "L", "M"];
const OPERATORS_MAX = 300,
  IN_MAX = 100;
const INCORRECT = "Incorrect operand type for operator or function";

export class Expressions {
  constructor(request, objections) {
    this.objections = objections;
    this.given = { names: request.ExpressionAttributeNames ?? {}, values: {} };
    this.used = new Set();
    for (const [alias, v] of Object.entries(request.ExpressionAttributeValues ?? {}))
      this.given.values[alias] = canonical(v, (text) =>
        objections.push(`ExpressionAttributeValues contains invalid value: ${text}`),
      );
    for (const kind of ["Names", "Values"])
      if (request[`ExpressionAttribute${kind}`] && Object.keys(request[`ExpressionAttribute${kind}`]).length === 0)
        objections.push(`ExpressionAttribute${kind} must not be empty`);
    this.compiled = { names: 0, values: 0 }; // expressions that may use them
  }

  // --- what eval.mjs asks ---

  path(node) {
    return node.steps.map((s) => s.index ?? s.name ?? this.given.names[s.alias]);
  }

  value(alias) {
    return this.given.values[alias];
  }

  // --- compiling ---

  object(text) {
    this.objections.push(`Invalid ${this.what}: ${text}`);
  }

  // Returns the tree, or null if there is none.
  compile(what, text, parse, check) {
    const before = this.objections.length;
    if (text === undefined) return null;
    this.what = what;
    this.compiled.names++;
    this.compiled.values += what !== "ProjectionExpression";
    if (text === "") return (this.object("The expression can not be empty;"), null);
    let tree;
    try {
      tree = parse(text);
    } catch (e) {
      if (!(e instanceof SyntaxProblem)) throw e;
      this.syntax = true;
      return (this.object("Syntax error; token: "), null);
    }
    check.call(this, tree);
    return this.objections.length === before ? tree : null;
  }

  condition(what, text) {
    return this.compile(what, text, parseCondition, (tree) => this.checkCondition(tree));
  }

  projection(text) {
    return this.compile("ProjectionExpression", text, parseProjection, (tree) => {
      for (const p of tree.paths) this.resolve(p);
      this.distinctPaths(tree.paths);
    });
  }

  update(text) {
    return this.compile("UpdateExpression", text, parseUpdate, (tree) => this.checkUpdate(tree));
  }

  // To be called when all is compiled.
  finish() {
    for (const [kind, key] of [
      ["Names", "names"],
      ["Values", "values"],
    ]) {
      const aliases = Object.keys(this.given[key]);
      if (aliases.length > 0 && this.compiled[key] === 0)
        this.objections.push(`ExpressionAttribute${kind} can only be specified when using expressions`);
      else if (!this.syntax && aliases.some((a) => !this.used.has(a)))
        this.objections.push(`Value provided in ExpressionAttribute${kind} unused in expressions: keys: {`);
    }
  }

  resolve(node) {
    if (node.k === "value") {
      this.used.add(node.alias);
      if (!Object.hasOwn(this.given.values, node.alias))
        this.object(`An expression attribute value used in expression is not defined; attribute value: ${node.alias}`);
    }
    for (const s of node.steps ?? []) {
      if (s.name && RESERVED.includes(s.name.toUpperCase()))
        this.object(`Attribute name is a reserved keyword; reserved keyword: ${s.name}`);
      if (!s.alias) continue;
      this.used.add(s.alias);
      if (!Object.hasOwn(this.given.names, s.alias))
        this.object(
          `An expression attribute name used in the document path is not defined; attribute name: ${s.alias}`,
        );
    }
  }

  // The type of an operand if it is known beforehand.
  typeOf(node) {
    if (node.k === "value") return this.given.values[node.alias] && typeOf(this.given.values[node.alias]);
    if (node.k === "+" || node.k === "-" || (node.k === "call" && node.name === "size")) return "N";
    return node.k === "call" && node.name === "list_append" ? "L" : undefined;
  }

  types(nodes, allowed) {
    for (const n of nodes) {
      const type = this.typeOf(n);
      if (type && !allowed.includes(type)) this.object(INCORRECT);
    }
  }

  calls(node, mine, others, where) {
    if (node.k !== "call") return true;
    if (!(node.name in mine)) {
      this.object(
        node.name in others
          ? `The function is not allowed in ${where}`
          : `Invalid function name; function: ${node.name}`,
      );
      return false;
    }
    if (node.a.length === mine[node.name]) return true;
    this.object("Incorrect number of operands for operator or function");
    return false;
  }

  checkCondition(tree) {
    const nodes = [...walk(tree)];
    const operators = nodes.filter((n) => !["path", "value", "call", "paren"].includes(n.k)).length;
    if (operators > OPERATORS_MAX)
      this.object(`The expression contains too many operators; operator count: ${operators}`);
    if (nodes.some((n) => n.k === "paren" && n.a[0].k === "paren"))
      this.object("The expression has redundant parentheses;");
    for (const n of nodes) {
      this.resolve(n);
      if (!this.calls(n, CONDITION_CALLS, UPDATE_CALLS, "a condition expression")) continue;
      if (n.k === "call" && Boolean(n.test) === (n.name === "size"))
        this.object("The function is not allowed to be used this way in an expression");
      if (n.k === "in" && n.a.length > IN_MAX + 1) this.object("The IN operator is provided with too many operands");
      if (["compare", "between", "in", "call"].includes(n.k)) this.operands(n);
    }
  }

  operands(n) {
    const [first, ...rest] = n.a,
      name = n.k === "call" ? n.name : n.op;
    if (
      first.k === "path" &&
      rest.some((r) => r.k === "path" && JSON.stringify(this.path(r)) === JSON.stringify(this.path(first)))
    )
      this.object("The first operand must be distinct from the remaining operands for this operator or function");
    if (n.k === "between" || ["<", "<=", ">", ">="].includes(name)) this.types(n.a, SCALARS);
    if (n.k === "between") this.bounds(rest);
    if ((name === "attribute_exists" || name === "attribute_not_exists") && first.k !== "path")
      this.object("Operator or function requires a document path");
    if (name === "attribute_type") {
      this.types([rest[0]], ["S"]);
      const v = rest[0].k === "value" && this.given.values[rest[0].alias];
      if (rest[0].k !== "value") this.object(INCORRECT);
      else if (v?.S !== undefined && !ALL_TYPES.includes(v.S))
        this.object(`Invalid attribute type name found; type: ${v.S}`);
    }
    if (name === "begins_with") this.types(n.a, ["S", "B"]);
    if (name === "contains") this.types([first], HOLDERS);
    if (name === "size") this.types([first], SIZED);
  }

  bounds([low, high]) {
    const x = this.given.values[low.alias],
      y = this.given.values[high.alias];
    if (low.k !== "value" || high.k !== "value" || !x || !y) return;
    if (typeOf(x) !== typeOf(y)) this.object("The BETWEEN operator requires same data type for lower and upper bounds");
    else if (order(x, y) > 0)
      this.object("The BETWEEN operator requires upper bound to be greater than or equal to lower bound");
  }

  distinctPaths(nodes) {
    const paths = nodes.map((n) => this.path(n));
    for (const [i, p] of paths.entries())
      for (const q of paths.slice(i + 1)) {
        const n = Math.min(p.length, q.length);
        let k = 0;
        while (k < n && p[k] === q[k]) k++;
        if (k === n) this.object("Two document paths overlap with each other");
        else if (typeof p[k] !== typeof q[k]) this.object("Two document paths conflict with each other");
      }
  }

  checkUpdate(tree) {
    const actions = tree.sections.flatMap((s) => s.actions.map((a) => ({ ...a, section: s.name })));
    for (const name of new Set(tree.sections.map((s) => s.name)))
      if (tree.sections.filter((s) => s.name === name).length > 1)
        this.object(`The "${name}" section can only be used once in an update expression;`);
    for (const { section, path, value } of actions) {
      this.resolve(path);
      for (const n of value ? walk(value) : []) this.updateNode(n);
      if (section === "ADD") this.types([value], ["N", "SS", "NS", "BS"]);
      if (section === "DELETE") this.types([value], ["SS", "NS", "BS"]);
    }
    this.distinctPaths(actions.map((a) => a.path));
  }

  updateNode(n) {
    this.resolve(n);
    if (!this.calls(n, UPDATE_CALLS, CONDITION_CALLS, "an update expression")) return;
    if (n.k === "+" || n.k === "-") this.types(n.a, ["N"]);
    if (n.k === "call" && n.name === "if_not_exists" && n.a[0].k !== "path")
      this.object("Operator or function requires a document path");
    if (n.k === "call" && n.name === "list_append") this.types(n.a, ["L"]);
  }
}
