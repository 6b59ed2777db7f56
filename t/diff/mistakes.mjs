// One deliberate mistake in a valid request.  Each takes the request (and the dice) and changes it, or answers false if
// it does not apply.
const EXPRESSIONS = [
  "ConditionExpression",
  "FilterExpression",
  "ProjectionExpression",
  "UpdateExpression",
  "KeyConditionExpression",
];
const WRITES = ["PutItem", "UpdateItem", "DeleteItem"];

const badValues = [
  {},
  { S: "a", N: "1" },
  { N: "" },
  { N: "abc" },
  { N: "1e" },
  { N: "0x10" },
  { N: " 1" },
  { N: `1${"0".repeat(37)}1` },
  { N: "1E126" },
  { N: "-1E126" },
  { N: "1E-131" },
  { N: "Infinity" },
  { N: "NaN" },
  { SS: [] },
  { NS: [] },
  { BS: [] },
  { SS: ["a", "a"] },
  { NS: ["1", "1.0"] },
  { BS: ["AA==", "AA=="] },
  { NULL: false },
  { B: "A" },
  { B: "A=A=" },
  { S: 1 },
  { N: 1 },
  { BOOL: "true" },
  { L: {} },
  { M: [] },
  { SS: "a" },
  { L: [{ NS: ["1", "x"] }] },
  { M: { n1: { N: "1E999" } } },
  nested(33),
  nested(40),
];

function nested(n) {
  let v = { N: "1" };
  for (let i = 0; i < n; i++) v = i % 2 ? { L: [v] } : { M: { m1: v } };
  return v;
}

function withValue(r, alias, v) {
  r.ExpressionAttributeValues = { ...r.ExpressionAttributeValues, [alias]: v };
  return alias;
}

// The name of an expression that takes conditions, which the request now has.
function conditional(r) {
  const what = "Key" in r || "Item" in r ? "ConditionExpression" : "FilterExpression";
  r[what] ??= "attribute_exists(n1)";
  return what;
}

function also(r, test) {
  r[conditional(r)] += ` AND ${test}`;
}

const anywhere = ["PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"];

const mistakes = {
  "undefined value": { f: (d, r) => also(r, "n1 = :undefined"), on: anywhere },
  "undefined name": { f: (d, r) => also(r, "attribute_exists(#undefined)"), on: anywhere },
  "unused value": { f: (d, r) => void withValue(r, ":unused", { N: "1" }), on: anywhere },
  "unused name": {
    f: (d, r) => void (r.ExpressionAttributeNames = { ...r.ExpressionAttributeNames, "#unused": "n1" }),
  },
  syntax: {
    f: (d, r) => {
      const what = d.pick(EXPRESSIONS.filter((e) => e in r));
      if (!what) return false;
      r[what] += d.pick([" AND", ")", " =", ",", " (", " [", ".", " n1", "[x]", " $", " !", "[-1]"]);
    },
  },
  "reserved word": {
    f: (d, r) => also(r, `attribute_exists(${d.pick(["name", "status", "Count", "m1.value", "DATE"])})`),
    on: anywhere,
  },
  "reserved word in a projection": { f: (d, r) => void (r.ProjectionExpression = "n2, year"), on: ["GetItem"] },
  "empty expression": { f: (d, r) => void (r[conditional(r)] = ""), on: anywhere },
  "empty projection": { f: (d, r) => void (r.ProjectionExpression = ""), on: ["GetItem", "Query", "Scan"] },
  "empty update": { f: (d, r) => void (r.UpdateExpression = ""), on: ["UpdateItem"] },
  "redundant parentheses": {
    f: (d, r) => also(r, d.pick(["((attribute_exists(n1)))", "((n1 = n2))", "NOT ((n1 = n2))"])),
    on: anywhere,
  },
  function: {
    f: (d, r) =>
      also(
        r,
        d.pick([
          "attribute_exist(n1)",
          "SIZE(n1)",
          "Begins_With(s1, s2)",
          "if_not_exists(n1, n2)",
          "list_append(l1, l2)",
          "n1 = foo(n2)",
        ]),
      ),
    on: anywhere,
  },
  arity: {
    f: (d, r) =>
      also(
        r,
        d.pick([
          "begins_with(s1)",
          "attribute_exists(n1, n2)",
          "contains(l1)",
          "size(n1, n2) = n1",
          "attribute_type(n1)",
        ]),
      ),
    on: anywhere,
  },
  "use of a function": {
    f: (d, r) => also(r, d.pick(["size(l1)", "attribute_exists(n1) = n2", "n1 = contains(l1, n2)"])),
    on: anywhere,
  },
  operand: {
    f: (d, r) => {
      const any = (v) => withValue(r, ":wrong", v);
      also(
        r,
        d.pick([
          () => `n1 < ${any({ BOOL: true })}`,
          () => `n1 >= ${any({ SS: ["a"] })}`,
          () => `n1 > ${any({ L: [] })}`,
          () => `begins_with(s1, ${any({ N: "1" })})`,
          () => `attribute_type(n1, ${any({ S: "X" })})`,
          () => `attribute_type(n1, ${any({ N: "1" })})`,
          () => "attribute_type(n1, n2)",
          () => `size(${any({ N: "1" })}) = n1`,
          () => `attribute_exists(${any({ S: "n1" })})`,
          () => `contains(${any({ BOOL: true })}, n1)`,
          () => `n1 BETWEEN ${any({ M: {} })} AND n2`,
        ])(),
      );
    },
    on: anywhere,
  },
  bounds: {
    f: (d, r) =>
      also(
        r,
        `n1 BETWEEN ${withValue(r, ":low", d.pick([{ N: "2" }, { N: "1.01" }, { S: "1" }]))} AND ${withValue(r, ":high", { N: "1" })}`,
      ),
    on: anywhere,
  },
  "same operand": {
    f: (d, r) =>
      also(
        r,
        d.pick([
          "n1 = n1",
          "m1.n1 <> m1.n1",
          "contains(l1, l1)",
          "n1 IN (n2, n1)",
          "n1 BETWEEN n2 AND n1",
          "l1[0] < l1[0]",
        ]),
      ),
    on: anywhere,
  },
  operators: {
    f: (d, r) =>
      void (r[conditional(r)] = Array(d.pick([151, 200]))
        .fill("n1 = n2")
        .join(" OR ")),
    on: anywhere,
  },
  "operands of IN": { f: (d, r) => also(r, `n1 IN (${Array(101).fill("n2").join(",")})`), on: anywhere },
  overlap: {
    f: (d, r) => void (r.ProjectionExpression = d.pick(["m1, m1.n1", "n1, n1", "l1[0], m1.n1, l1", "m1.n1.s1, m1.n1"])),
    on: ["GetItem", "Query", "Scan"],
  },
  conflict: {
    f: (d, r) => void (r.ProjectionExpression = d.pick(["m1.n1, m1[0]", "w1[1], w1.n1", "m1.l1[0].n1, m1.l1.n1"])),
    on: ["GetItem", "Query", "Scan"],
  },
  update: {
    f: (d, r) => {
      const v = (x) => withValue(r, ":u", x);
      r.UpdateExpression = d.pick([
        () => "REMOVE m1, m1.n1",
        () => "REMOVE n1, n1",
        () => "REMOVE m1.n1, m1[0]",
        () => `SET n1 = ${v({ N: "1" })} REMOVE n1`,
        () => "REMOVE pk",
        () => `SET pk = ${v({ S: "x" })}`,
        () => `SET pk.n1 = ${v({ S: "x" })}`,
        () => `ADD pk ${v({ N: "1" })}`,
        () => "REMOVE n1 REMOVE n2",
        () => `SET n1 = ${v({ N: "1" })} SET n2 = :u`,
        () => `ADD s1 ${v({ S: "x" })}`,
        () => `ADD l1 ${v({ L: [] })}`,
        () => `DELETE n1 ${v({ N: "1" })}`,
        () => `SET n1 = n1 + ${v({ S: "x" })}`,
        () => `SET n1 = ${v({ BOOL: true })} - n2`,
        () => `SET l1 = list_append(l1, ${v({ S: "x" })})`,
        () => `SET n1 = size(n2)`,
        () => `SET n1 = if_not_exists(n1)`,
        () => `SET n1 = if_not_exists(${v({ N: "1" })}, :u)`,
        () => "SET n1 = foo(n2)",
        () => `SET n1 = n2 +`,
        () => `SET n1 ${v({ N: "1" })}`,
        () => `ADD n1 = ${v({ N: "1" })}`,
        () => "REMOVE n1 = n2",
        () => "DELETE ss1",
        () => "SET",
        () => "n1 = n2",
        () => `SET n1 = n2 + n1 + ${v({ N: "1" })}`,
      ])();
    },
    on: ["UpdateItem"],
  },
  key: {
    f: (d, r) => {
      const k = r.Key ?? r.Item,
        n = "sk" in k ? d.pick(["pk", "sk"]) : "pk",
        type = Object.keys(k[n])[0];
      const how = d.below(4);
      if (how === 0) delete k[n];
      else if (how === 1)
        k[n] = d.pick([{ BOOL: true }, { NULL: true }, { SS: ["a"] }, { [type === "S" ? "N" : "S"]: "1" }]);
      else if (how === 2 && type !== "N") k[n] = { [type]: "" };
      else if (how === 3 && r.Key) k.n1 = { N: "1" };
      else return false;
    },
    on: [...WRITES, "GetItem"],
  },
  value: {
    f: (d, r) => {
      const v = structuredClone(d.pick(badValues));
      if (r.Item && d.chance(60)) r.Item.bad = v;
      else also(r, `n1 = ${withValue(r, ":bad", v)}`);
    },
    on: anywhere,
  },
  "return values": {
    f: (d, r, op) =>
      void (r.ReturnValues =
        op === "UpdateItem"
          ? d.pick(["NOPE", "", "all_new"])
          : d.pick(["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "NOPE"])),
    on: WRITES,
  },
  "no table": { f: (d, r) => void (r.TableName = "diff-none"), on: [...anywhere, "GetItem"] },
  limit: { f: (d, r) => void (r.Limit = d.pick([0, -1])), on: ["Query", "Scan"] },
  select: {
    f: (d, r) => {
      delete r.ProjectionExpression;
      r.Select = d.pick(["SPECIFIC_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "NOPE"]);
    },
    on: ["Query", "Scan"],
  },
  segment: {
    f: (d, r) =>
      void Object.assign(
        r,
        d.pick([
          { Segment: 5, TotalSegments: 5 },
          { Segment: 9, TotalSegments: 2 },
        ]),
      ),
    on: ["Scan"],
  },
  "filter on a key": { f: (d, r) => also(r, "attribute_exists(pk)"), on: ["Query"] },
  "key condition": {
    f: (d, r) => {
      const v = (x) => withValue(r, ":k", x);
      const how = d.pick([
        () => (r.KeyConditionExpression += ` AND n1 = ${v({ N: "1" })}`),
        () => (r.KeyConditionExpression += ` OR pk = ${v({ S: "x" })}`),
        () => (r.KeyConditionExpression = `NOT pk = ${v({ S: "x" })}`),
        () => (r.KeyConditionExpression = `pk > ${v({ S: "x" })}`),
        () => (r.KeyConditionExpression = `sk = ${v({ S: "x" })}`),
        () => (r.KeyConditionExpression = `pk <> ${v({ S: "x" })}`),
        () => (r.KeyConditionExpression = `pk IN (${v({ S: "x" })})`),
        () => (r.KeyConditionExpression = `begins_with(pk, ${v({ S: "x" })})`),
        () => (r.KeyConditionExpression = `pk = ${v({ BOOL: true })}`),
        () => (r.KeyConditionExpression = `pk = ${v({ S: "" })}`),
        () => (r.KeyConditionExpression = `attribute_exists(pk)`),
        () => delete r.KeyConditionExpression,
      ]);
      how();
    },
    on: ["Query"],
  },
  "start key": {
    f: (d, r) =>
      void (r.ExclusiveStartKey = d.pick([
        {},
        { n1: { N: "1" } },
        { pk: { BOOL: true } },
        { pk: { S: "k" }, sk: { NULL: true } },
      ])),
    on: ["Query"],
  },
  "older parameters": {
    f: (d, r) => {
      conditional(r);
      r[r.FilterExpression !== undefined ? "QueryFilter" : "Expected"] = { n1: { ComparisonOperator: "NULL" } };
    },
    on: [...WRITES, "Query"],
  },
  batch: {
    f: (d, r) => {
      const [table, list] = Object.entries(r.RequestItems)[0],
        rows = list.Keys ?? list;
      const fill = list.Keys ? 101 : 26;
      [
        () => rows.push(structuredClone(rows[0])),
        () => rows.splice(0),
        () => delete r.RequestItems[table] && (r.RequestItems = {}),
        () => (r.RequestItems["diff-none"] = structuredClone(list)),
        () =>
          rows.push(
            ...Array.from({ length: fill }, (_, i) =>
              list.Keys ? { ...rows[0], sk: { N: String(i) } } : { DeleteRequest: { Key: { pk: { S: `x${i}` } } } },
            ),
          ),
      ][d.below(5)]();
    },
    on: ["BatchGetItem", "BatchWriteItem"],
  },
  "key in a batch": {
    f: (d, r) => {
      const list = Object.values(r.RequestItems)[0],
        row = d.pick(list.Keys ?? list),
        k = list.Keys ? row : (row.DeleteRequest?.Key ?? row.PutRequest.Item);
      if (d.chance(50)) delete k.pk;
      else k.pk = { BOOL: true };
    },
    on: ["BatchGetItem", "BatchWriteItem"],
  },
  "projection in a batch": {
    f: (d, r) =>
      void (Object.values(r.RequestItems)[0].ProjectionExpression = d.pick([
        "n1,",
        "n1, n1",
        "m1.name",
        "#undefined",
        "",
      ])),
    on: ["BatchGetItem"],
  },
};

// Returns the name of the mistake that request now has.
export function makeMistake(dice, operation, request) {
  const fitting = Object.entries(mistakes).filter(([, m]) => (m.on ?? [...anywhere, "GetItem"]).includes(operation));
  for (;;) {
    const [name, { f }] = dice.pick(fitting);
    if (f(dice, request, operation) !== false) return name;
  }
}
