// The grammar of DynamoDB's expressions, as the guide gives it.  Nodes are { k, a, from, to, .. }: kind, children and
// where in the text.  Kinds: path { steps: [{ name } | { alias } | { index }] }, value { alias }, compare { op },
// call { name }, between, in, and, or, not, paren, + and -.  An update is { sections: [{ name, actions: [{ path,
// value }] }] }, a projection { paths }.

export class SyntaxProblem extends Error {}

const TOKEN = /\s*(?:(?<word>[#:]?[A-Za-z0-9_]+)|(?<sign><>|<=|>=|[=<>()[\],.+-]))/y;

function tokens(text) {
  const list = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const at = TOKEN.lastIndex,
      m = TOKEN.exec(text);
    if (!m) {
      if (text.slice(at).trim() !== "") throw new SyntaxProblem();
      list.push({ s: "", from: text.length, to: text.length });
      return list;
    }
    const s = m.groups.word ?? m.groups.sign;
    list.push({ s, word: m.groups.word !== undefined, from: TOKEN.lastIndex - s.length, to: TOKEN.lastIndex });
  }
}

class Parser {
  constructor(text) {
    this.list = tokens(text);
    this.i = 0;
  }

  get now() {
    return this.list[this.i];
  }

  is(s) {
    return this.now.s === s;
  }

  keyword(s) {
    return this.now.s.toUpperCase() === s;
  }

  take(ok = true) {
    if (!ok || this.now.s === "") throw new SyntaxProblem();
    return this.list[this.i++];
  }

  node(k, from, rest) {
    return { k, from, to: this.list[this.i - 1].to, ...rest };
  }

  end() {
    if (!this.is("")) throw new SyntaxProblem();
  }

  step() {
    const s = this.take(this.now.word && !this.now.s.startsWith(":")).s;
    if (/^\d/.test(s)) throw new SyntaxProblem();
    return s.startsWith("#") ? { alias: s } : { name: s };
  }

  path() {
    const { from } = this.now,
      steps = [this.step()];
    for (;;) {
      if (this.is(".")) {
        this.take();
        steps.push(this.step());
      } else if (this.is("[")) {
        this.take();
        steps.push({ index: Number(this.take(/^\d+$/.test(this.now.s)).s) });
        this.take(this.is("]"));
      } else {
        return this.node("path", from, { steps, a: [] });
      }
    }
  }

  operand() {
    const { from, s } = this.now;
    if (s.startsWith(":")) {
      this.take();
      return this.node("value", from, { alias: s, a: [] });
    }
    if (this.list[this.i + 1]?.s !== "(" || !/^[A-Za-z]/.test(s)) return this.path();
    this.take();
    this.take();
    const a = [this.operand()];
    while (this.is(",")) {
      this.take();
      a.push(this.operand());
    }
    this.take(this.is(")"));
    return this.node("call", from, { name: s, a });
  }

  // --- conditions ---

  binary(word, next) {
    let left = next();
    while (this.keyword(word)) {
      this.take();
      left = { k: word.toLowerCase(), a: [left, next()], from: left.from };
      left.to = this.list[this.i - 1].to;
    }
    return left;
  }

  condition() {
    return this.binary("OR", () => this.binary("AND", () => this.negation()));
  }

  negation() {
    const { from } = this.now;
    if (this.keyword("NOT")) {
      this.take();
      return this.node("not", from, { a: [this.negation()] });
    }
    if (!this.is("(")) return this.test();
    this.take();
    const inner = this.condition();
    this.take(this.is(")"));
    return this.node("paren", from, { a: [inner] });
  }

  test() {
    const left = this.operand(),
      { from } = left;
    if (["=", "<>", "<", "<=", ">", ">="].includes(this.now.s)) {
      const op = this.take().s;
      return this.node("compare", from, { op, a: [left, this.operand()] });
    }
    if (this.keyword("BETWEEN")) {
      this.take();
      const low = this.operand();
      this.take(this.keyword("AND"));
      return this.node("between", from, { a: [left, low, this.operand()] });
    }
    if (this.keyword("IN")) {
      this.take();
      this.take(this.is("("));
      const a = [left, this.operand()];
      while (this.is(",")) {
        this.take();
        a.push(this.operand());
      }
      this.take(this.is(")"));
      return this.node("in", from, { a });
    }
    if (left.k !== "call") throw new SyntaxProblem();
    return { ...left, test: true };
  }

  // --- updates ---

  arithmetic() {
    let left = this.operand();
    if (this.is("+") || this.is("-")) {
      const k = this.take().s,
        right = this.operand();
      left = this.node(k, left.from, { a: [left, right] });
    }
    return left;
  }

  action(section) {
    const path = this.path();
    if (section === "REMOVE") return { path };
    if (section === "SET") {
      this.take(this.is("="));
      return { path, value: this.arithmetic() };
    }
    return { path, value: this.operand() };
  }

  update() {
    const sections = [];
    while (!this.is("")) {
      const { from, s } = this.now,
        name = s.toUpperCase();
      this.take(["SET", "REMOVE", "ADD", "DELETE"].includes(name));
      const actions = [this.action(name)];
      while (this.is(",")) {
        this.take();
        actions.push(this.action(name));
      }
      sections.push(this.node("section", from, { name, actions }));
    }
    if (sections.length === 0) throw new SyntaxProblem();
    return { k: "update", sections };
  }

  projection() {
    const paths = [this.path()];
    while (this.is(",")) {
      this.take();
      paths.push(this.path());
    }
    return { k: "projection", paths };
  }
}

function whole(text, method) {
  const p = new Parser(text),
    tree = p[method]();
  p.end();
  return tree;
}

export const parseCondition = (text) => whole(text, "condition");
export const parseUpdate = (text) => whole(text, "update");
export const parseProjection = (text) => whole(text, "projection");

export function* walk(node) {
  for (const kid of node.a) yield* walk(kid);
  yield node;
}
