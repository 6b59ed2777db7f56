// Query and Scan: Select, projections, filters, and what a page costs.  API reference, Query and Scan; the developer
// guide, "Capacity consumption for Query operations".
import { N, OPV, S, keys, ve } from "../../tables.mjs";
import { constraint, lengthAtLeast } from "../../words.mjs";

// Items of 15 bytes and some; the table is for these alone, so that a scan sees nothing else.
export const tables = { "select": keys("pk", "S", "sk", "S"), "costly": keys("pk", "S", "sk", "S") };
const items = ["a", "b", "c"].map((s, i) => ({ pk: S("p"), sk: S(s), v: N(i), m: { M: { x: S(s), y: N(i) } },
                                              l: { L: [S(s), N(i)] } }));
const only = (...names) => items.map((item) => Object.fromEntries(names.map((n) => [n, item[n]])));

const query = { op: "Query", in: { KeyConditionExpression: "pk = :p", ExpressionAttributeValues: { ":p": S("p") } } };
const scan = { op: "Scan", in: {} };
// AttributesToGet does not go together with expressions, but KeyConditions do.
const older = { op: "Query", in: { KeyConditions: { pk: { ComparisonOperator: "EQ",
    AttributeValueList: [S("p")] } } } };

function both(name, input, more) {
  const { values, ...rest } = input;
  const isOlder = input.AttributesToGet && !input.ProjectionExpression;
  return [isOlder ? older : query, scan].map(({ op, in: base }) => {
    const all = { ...base.ExpressionAttributeValues, ...values };
    const { error, ...others } = more;
    return {
      name: `select: ${op}, ${name}`, op, table: "select", given: items, ...others,
      in: { ...base, ConsistentRead: true, ...rest,
            ...(Object.keys(all).length ? { ExpressionAttributeValues: all } : {}) },
      ...(error === undefined ? {} : { error: error.name ? error : ve(error) }),
    };
  });
}

const found = (Items, ScannedCount = 3) => ({ out: { Count: Items.length, ScannedCount, Items } });
const refused = (error, more = {}) => ({ error, given: undefined, ...more });
const MIXED = "Can not use both expression and non-expression parameters in the same request: " +
              "Non-expression parameters: {AttributesToGet} Expression parameters: {";
const counted = { out: { Count: 3, ScannedCount: 3 } };
const unsure = { unconfirmed: true };

const selects = [
  both("all attributes come by themselves", {}, found(items)),
  both("ALL_ATTRIBUTES", { Select: "ALL_ATTRIBUTES" }, found(items)),
  both("COUNT brings no items", { Select: "COUNT" }, counted),
  both("SPECIFIC_ATTRIBUTES with a ProjectionExpression",
       { Select: "SPECIFIC_ATTRIBUTES", ProjectionExpression: "v" }, found(only("v"))),
  both("SPECIFIC_ATTRIBUTES with AttributesToGet",
       { Select: "SPECIFIC_ATTRIBUTES", AttributesToGet: ["v"] }, found(only("v"))),
  both("SPECIFIC_ATTRIBUTES alone", { Select: "SPECIFIC_ATTRIBUTES" },
       refused("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")),
  both("ALL_ATTRIBUTES with a ProjectionExpression", { Select: "ALL_ATTRIBUTES", ProjectionExpression: "v" },
       refused("Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES")),
  both("ALL_ATTRIBUTES with AttributesToGet", { Select: "ALL_ATTRIBUTES", AttributesToGet: ["v"] },
       refused("Cannot specify the AttributesToGet when choosing to get ALL_ATTRIBUTES")),
  both("COUNT with a ProjectionExpression", { Select: "COUNT", ProjectionExpression: "v" },
       refused("Cannot specify the ProjectionExpression when choosing to get only the Count")),
  both("COUNT with AttributesToGet", { Select: "COUNT", AttributesToGet: ["v"] },
       refused("Cannot specify the AttributesToGet when choosing to get only the Count")),
  both("ALL_PROJECTED_ATTRIBUTES with a ProjectionExpression",
       { Select: "ALL_PROJECTED_ATTRIBUTES", ProjectionExpression: "v" },
       refused("Cannot specify the ProjectionExpression when choosing to get ALL_PROJECTED_ATTRIBUTES", unsure)),
  both("ALL_PROJECTED_ATTRIBUTES without an index", { Select: "ALL_PROJECTED_ATTRIBUTES" },
       refused("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")),
  both("an index that is not there", { IndexName: "none" },
       refused("The table does not have the specified index: none")),
];

const projections = [
  both("a projection", { ProjectionExpression: "v, sk" }, found(only("v", "sk"))),
  both("AttributesToGet", { AttributesToGet: ["v", "sk"] }, found(only("v", "sk"))),
  both("a projection of what is not there", { ProjectionExpression: "nowhere" }, found([{}, {}, {}])),
  both("a projection into maps and lists", { ProjectionExpression: "m.y, l[1]" },
       found([0, 1, 2].map((i) => ({ m: { M: { y: N(i) } }, l: { L: [N(i)] } })))),
  both("a projection with substitutes", { ProjectionExpression: "#m.#x",
                                          ExpressionAttributeNames: { "#m": "m", "#x": "x" } },
       found(["a", "b", "c"].map((s) => ({ m: { M: { x: S(s) } } })))),
  both("an empty projection", { ProjectionExpression: "" },
       refused("Invalid ProjectionExpression: The expression can not be empty;")),
  both("a projection with a reserved word", { ProjectionExpression: "v, size" },
       refused("Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: size")),
  both("two paths of a projection that overlap", { ProjectionExpression: "m, m.x" },
       refused("Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite " +
               "one of these paths; path one: [m], path two: [m, x]")),
  [{ name: "select: Query, AttributesToGet and a KeyConditionExpression", op: "Query", table: "select",
     in: { ...query.in, AttributesToGet: ["v"] }, error: ve(`${MIXED}KeyConditionExpression}`) }],
  both("AttributesToGet with no name", { AttributesToGet: [] },
       refused(constraint("[]", "attributesToGet", lengthAtLeast(1)))),
  both("AttributesToGet with one name twice", { AttributesToGet: ["v", "v"] },
       refused(`${OPV}Duplicate value in attribute name: v`)),
  both("AttributesToGet and a ProjectionExpression", { AttributesToGet: ["v"], ProjectionExpression: "v" },
       refused((m) => m.startsWith(MIXED) && m.includes("ProjectionExpression"))),
];

const filters = [
  both("a filter", { FilterExpression: "v >= :v", values: { ":v": N(1) } }, found(items.slice(1))),
  both("a filter on what is nested", { FilterExpression: "m.x = :x OR l[1] = :y",
                                       values: { ":x": S("a"), ":y": N(2) } },
       found([items[0], items[2]])),
  both("a filter and a projection of other attributes",
       { FilterExpression: "v = :v", ProjectionExpression: "sk", values: { ":v": N(1) } }, found([{ sk: S("b") }])),
  both("a filter and COUNT", { FilterExpression: "v <> :v", Select: "COUNT", values: { ":v": N(1) } },
       { out: { Count: 2, ScannedCount: 3 } }),
  both("a filter that leaves nothing", { FilterExpression: "attribute_exists(nowhere)" }, found([])),
  both("a filter with what is no operator of keys", { FilterExpression: "v IN (:a, :b) AND NOT contains(l, :s)",
                                                      values: { ":a": N(0), ":b": N(1), ":s": S("a") } },
       found([items[1]])),
  both("a filter compares values of other types as unequal", { FilterExpression: "v = :v", values: { ":v": S("1") } },
       found([])),
  both("an empty filter", { FilterExpression: "" },
       refused("Invalid FilterExpression: The expression can not be empty;")),
  both("a syntax error in a filter", { FilterExpression: "v >", values: undefined },
       refused(/^Invalid FilterExpression: Syntax error; token: "<EOF>"/)),
  both("a filter with an undefined value", { FilterExpression: "v = :none" },
       refused("Invalid FilterExpression: An expression attribute value used in expression is not defined; " +
               "attribute value: :none")),
  both("redundant parentheses in a filter", { FilterExpression: "((attribute_exists(v)))" },
       refused("Invalid FilterExpression: The expression has redundant parentheses;")),
  [{ ...both("a filter on the partition key", { FilterExpression: "pk = :p" }, {})[0], given: undefined,
     error: ve("Filter Expression can only contain non-primary key attributes: Primary key attribute: pk") }],
  [{ ...both("a filter on the sort key", { FilterExpression: "sk = :p" }, {})[0], given: undefined,
     error: ve("Filter Expression can only contain non-primary key attributes: Primary key attribute: sk") }],
  [{ ...both("a filter on a key by a substitute", { FilterExpression: "attribute_exists(#k)",
                                                    ExpressionAttributeNames: { "#k": "sk" } }, {})[0],
                                                      given: undefined,
     error: ve("Filter Expression can only contain non-primary key attributes: Primary key attribute: sk") }],
  [both("a filter on keys", { FilterExpression: "sk > :s AND begins_with(pk, :p)",
                              values: { ":s": S("a"), ":p": S("p") } },
        found(items.slice(1)))[1]],
  [{ name: "select: Scan, values without an expression", op: "Scan", table: "select", unconfirmed: true,
     in: { ExpressionAttributeValues: { ":v": N(1) } },
     error: ve("ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null") }],
  [{ name: "select: Scan, names without an expression", op: "Scan", table: "select", unconfirmed: true,
     in: { ExpressionAttributeNames: { "#v": "v" } },
     error: ve("ExpressionAttributeNames can only be specified when using expressions") }],
];

// --- what it costs ------------------------------------------------------------------------------------------------

// Three items of 3 KB: 9,0xx bytes are 3 steps of 4 KB.
const x = S("x".repeat(3000));
const heavy = ["a", "b", "c"].map((s) => ({ pk: S("p"), sk: S(s), x }));
const used = (TableName, CapacityUnits, more = {}) => ({ TableName, CapacityUnits, ...more });

function costs(name, input, CapacityUnits, wanted) {
  return { name: `capacity: Query, ${name}`, op: "Query", table: "costly", given: heavy,
           in: { ...query.in, ConsistentRead: true, ReturnConsumedCapacity: "TOTAL", ...input,
                 ExpressionAttributeValues: { ":p": S("p"), ...input.ExpressionAttributeValues } },
           out: { ...wanted, ConsumedCapacity: used("costly", CapacityUnits) } };
}

const whole = { Count: 3, ScannedCount: 3, Items: heavy };
const capacity = [
  costs("4 KB a unit, of all items together", {}, 3, whole),
  costs("of the items that were read", { Limit: 1 }, 1,
        { Count: 1, ScannedCount: 1, Items: [heavy[0]], LastEvaluatedKey: { pk: S("p"), sk: S("a") } }),
  costs("two items of 3 KB are two units", { Limit: 2 }, 2,
        { Count: 2, ScannedCount: 2, Items: heavy.slice(0, 2), LastEvaluatedKey: { pk: S("p"), sk: S("b") } }),
  costs("before the filter", { FilterExpression: "attribute_not_exists(x)" }, 3,
        { Count: 0, ScannedCount: 3, Items: [] }),
  costs("a projection saves nothing", { ProjectionExpression: "sk" }, 3,
        { Count: 3, ScannedCount: 3, Items: heavy.map(({ sk }) => ({ sk })) }),
  costs("a count saves nothing", { Select: "COUNT" }, 3, { Count: 3, ScannedCount: 3 }),
  costs("a range that holds nothing costs one unit",
        { KeyConditionExpression: "pk = :p AND sk > :s", ExpressionAttributeValues: { ":s": S("x") } }, 1,
        { Count: 0, ScannedCount: 0, Items: [] }),
  costs("INDEXES tells the table's share", { ReturnConsumedCapacity: "INDEXES" }, 3, whole),
  costs("NONE tells nothing", { ReturnConsumedCapacity: "NONE" }, 3, whole),
  ...[query, scan].map(({ op, in: input }) => (
    { name: `capacity: ${op}, half for an eventually consistent read`, table: "costly", steps: [
      ...heavy.map((Item) => ({ op: "PutItem", table: "costly", in: { Item } })),
      { op, table: "costly", in: { ...input, ReturnConsumedCapacity: "TOTAL" }, eventually: true,
        out: { ...whole, ConsumedCapacity: used("costly", 1.5) } }] })),
  { name: "capacity: Query, half a unit at least", op: "Query", table: "costly",
    in: { ...query.in, ExpressionAttributeValues: { ":p": S("nobody") }, ReturnConsumedCapacity: "TOTAL" },
    out: { Count: 0, ScannedCount: 0, Items: [], ConsumedCapacity: used("costly", 0.5) } },
  { name: "capacity: Scan, 4 KB a unit", op: "Scan", table: "costly", given: heavy,
    in: { ConsistentRead: true, ReturnConsumedCapacity: "TOTAL" },
    out: { ...whole, ConsumedCapacity: used("costly", 3) } },
  { name: "capacity: Scan, INDEXES tells the table's share", op: "Scan", table: "costly", given: heavy,
    in: { ConsistentRead: true, ReturnConsumedCapacity: "INDEXES" },
    out: { ...whole, ConsumedCapacity: used("costly", 3, { Table: { CapacityUnits: 3 } }) } },
  { name: "capacity: Scan, before the filter", op: "Scan", table: "costly", given: heavy,
    in: { ConsistentRead: true, ReturnConsumedCapacity: "TOTAL", FilterExpression: "attribute_not_exists(x)" },
    out: { Count: 0, ScannedCount: 3, Items: [], ConsumedCapacity: used("costly", 3) } },
  { name: "capacity: Scan, NONE tells nothing", op: "Scan", table: "costly", given: heavy,
    in: { ConsistentRead: true, ReturnConsumedCapacity: "NONE" }, out: whole },
].map((c) => {
  if (c.in?.ReturnConsumedCapacity === "INDEXES" && c.op === "Query")
    c.out.ConsumedCapacity.Table = { CapacityUnits: 3 };
  if (c.in?.ReturnConsumedCapacity === "NONE")
    delete c.out.ConsumedCapacity;
  return c;
});

export const cases = [...selects.flat(), ...projections.flat(), ...filters.flat(), ...capacity];
