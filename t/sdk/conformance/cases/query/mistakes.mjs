// Query: key conditions that are no key conditions, and values that are no keys.  The developer guide, "Key condition
// expressions for the Query operation"; the words are the service's.
import { B, N, NULL, OPV, S, SS, ve } from "../../tables.mjs";
import { constraint, lengthAtLeast, lengthAtMost, notNull, pattern } from "../../words.mjs";

const INVALID = "Invalid KeyConditionExpression: ";
const EMPTY = "One or more parameter values are not valid. " +
              "The AttributeValue for a key attribute cannot contain an empty ";

function refused(name, KeyConditionExpression, values, message, more = {}) {
  const { table = "both", unconfirmed, ...members } = more;
  return { name: `query: ${name}`, op: "Query", table, ...(unconfirmed ? { unconfirmed } : {}),
           in: { KeyConditionExpression, ExpressionAttributeValues: values, ...members },
           error: message.name && message.message ? message : ve(message) };
}

const p = { ":p": S("$K") };
const ps = { ...p, ":s": S("1") };
const long = (n) => S("x".repeat(n));
const unsure = { unconfirmed: true };

const operators = [
  ["OR", "pk = :p OR sk = :s"], ["NOT", "NOT pk = :p", p], ["NOT", "pk = :p AND NOT sk = :s"],
  ["<>", "pk = :p AND sk <> :s"], ["<>", "pk <> :p", p], ["IN", "pk = :p AND sk IN (:s)"], ["IN", "pk IN (:p)", p],
  ["contains", "pk = :p AND contains(sk, :s)"], ["attribute_exists", "pk = :p AND attribute_exists(sk)", p],
  ["attribute_not_exists", "pk = :p AND attribute_not_exists(sk)", p],
  ["OR", "pk = :p AND (sk = :s OR sk > :s)"],
].map(([operator, text, values = ps]) =>
  refused(`the operator ${operator} is not for keys: ${text}`, text, values,
          `Invalid operator used in KeyConditionExpression: ${operator}`));

const shape = [
  refused("a condition is needed", undefined, undefined,
          "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
  refused("an empty condition is refused", "", undefined, `${INVALID}The expression can not be empty;`),
  refused("the partition key must be there", "sk = :s", { ":s": S("1") },
          "Query condition missed key schema element: pk"),
  refused("other attributes do not replace the partition key", "v = :p", p,
          "Query condition missed key schema element: pk"),
  refused("other attributes do not replace the sort key", "pk = :p AND v = :s", ps,
          "Query condition missed key schema element: sk"),
  refused("a table without sort key takes one condition", "pk = :p AND v = :s", ps,
          "Query key condition not supported", { table: "hash", ...unsure }),
  ...["<", "<=", ">", ">="].map((o) =>
    refused(`the partition key is not compared by ${o}`, `pk ${o} :p`, p, "Query key condition not supported")),
  refused("the partition key is not compared by BETWEEN", "pk BETWEEN :p AND :p", p,
          "Query key condition not supported"),
  refused("the partition key is not compared by begins_with", "begins_with(pk, :p)", p,
          "Query key condition not supported"),
  refused("two conditions on the sort key", "pk = :p AND sk > :s AND sk < :s", ps,
          "KeyConditionExpressions must only contain one condition per key"),
  refused("two conditions on the partition key", "pk = :p AND pk = :s", ps,
          "KeyConditionExpressions must only contain one condition per key"),
  refused("two attributes in a condition", "pk = :p AND sk = pk", p,
          "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition", unsure),
  refused("a condition without attribute", "pk = :p AND :s = :s", ps,
          "Invalid condition in KeyConditionExpression: No key attribute specified", unsure),
  refused("nested attributes are no keys", "pk.a = :p", p,
          "KeyConditionExpressions cannot have conditions on nested attributes", unsure),
  refused("elements of lists are no keys", "pk = :p AND sk[0] = :s", ps,
          "KeyConditionExpressions cannot have conditions on nested attributes", unsure),
];

const syntax = [
  refused("a syntax error is told with its token", "pk = = :p", p,
          `${INVALID}Syntax error; token: "=", near: "= = :p"`),
  refused("a missing operand is a syntax error", "pk =", undefined,
          /^Invalid KeyConditionExpression: Syntax error; token: "<EOF>"/),
  refused("a missing AND is a syntax error", "pk = :p sk = :s", ps,
          `${INVALID}Syntax error; token: "sk", near: ":p sk ="`),
  refused("a comma is no AND", "pk = :p, sk = :s", ps, `${INVALID}Syntax error; token: ",", near: ":p, sk"`),
  refused("== is a syntax error", "pk == :p", p, `${INVALID}Syntax error; token: "=", near: "== :p"`),
  refused("a character that nothing begins with", "pk = $p", undefined,
          /^Invalid KeyConditionExpression: Syntax error; token: "\$", near: "= \$p"$/, unsure),
  refused("a function of another name", "pk = :p AND starts_with(sk, :s)", ps,
          `${INVALID}Invalid function name; function: starts_with`),
  refused("functions are told apart by case", "pk = :p AND BEGINS_WITH(sk, :s)", ps,
          `${INVALID}Invalid function name; function: BEGINS_WITH`),
  refused("begins_with takes two operands", "pk = :p AND begins_with(sk)", p,
          `${INVALID}Incorrect number of operands for operator or function; operator or function: begins_with, ` +
          "number of operands: 1"),
  refused("a reserved word is no name", "name = :p", p,
          `${INVALID}Attribute name is a reserved keyword; reserved keyword: name`),
  refused("redundant parentheses", "((pk = :p))", p, `${INVALID}The expression has redundant parentheses;`),
  refused("a value that is not defined", "pk = :q", p,
          `${INVALID}An expression attribute value used in expression is not defined; attribute value: :q`),
  refused("a name that is not defined", "#p = :p", p,
          `${INVALID}An expression attribute name used in the document path is not defined; attribute name: #p`),
  refused("a value that is not used", "pk = :p", ps,
          "Value provided in ExpressionAttributeValues unused in expressions: keys: {:s}"),
  refused("a name that is not used", "pk = :p", p,
          "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}",
          { ExpressionAttributeNames: { "#x": "pk" } }),
  refused("values that are empty", "pk = :p", {}, "ExpressionAttributeValues must not be empty"),
  refused("names that are empty", "pk = :p", p, "ExpressionAttributeNames must not be empty",
          { ExpressionAttributeNames: {} }),
  refused("a value's name begins with a colon", "pk = :p", { ...p, q: S("a") },
          'ExpressionAttributeValues contains invalid key: Syntax error; key: "q"'),
  refused("a name's substitute begins with #", "pk = :p", p,
          'ExpressionAttributeNames contains invalid key: Syntax error; key: "q"',
            { ExpressionAttributeNames: { q: "pk" } }),
  refused("a condition of more than 4096 bytes", `pk = :p${" ".repeat(4090)}`, p,
          `${INVALID}Expression size has exceeded the maximum allowed size; expression size: 4097`),
];

const VALUE = "ExpressionAttributeValues contains invalid value: ";
const wrongType = `${OPV}Condition parameter type does not match schema type`;
const values = [
  refused("the partition key's type", "pk = :p", { ":p": N(1) }, wrongType),
  refused("the sort key's type: N for S", "pk = :p AND sk = :s", { ...p, ":s": N(1) }, wrongType),
  refused("the sort key's type: B for S", "pk = :p AND sk > :s", { ...p, ":s": B(1) }, wrongType),
  refused("the sort key's type: S for N", "pk = :p AND sk = :s", { ":p": N(1), ":s": S("1") }, wrongType,
          { table: "number" }),
  refused("the sort key's type: S for B", "pk = :p AND sk <= :s", { ":p": B(1), ":s": S("1") }, wrongType,
          { table: "binary" }),
  refused("a key is not NULL", "pk = :p", { ":p": NULL }, wrongType),
  refused("a key is no boolean", "pk = :p", { ":p": { BOOL: true } }, wrongType),
  refused("a key is no set", "pk = :p", { ":p": SS("a") }, wrongType),
  refused("a key is no list", "pk = :p", { ":p": { L: [] } }, wrongType),
  refused("begins_with is not for numbers", "pk = :p AND begins_with(sk, :s)", { ":p": N(1), ":s": N(1) },
          `${INVALID}Incorrect operand type for operator or function; operator or function: begins_with, ` +
          "operand type: N",
          { table: "number" }),
  refused("begins_with with a string on numbers", "pk = :p AND begins_with(sk, :s)", { ":p": N(1), ":s": S("1") },
          (m) => [wrongType, "Query key condition not supported"].includes(m), { table: "number", ...unsure }),
  refused("an order is not for booleans", "pk = :p AND sk < :s", { ...p, ":s": { BOOL: true } },
          `${INVALID}Incorrect operand type for operator or function; operator or function: <, operand type: BOOL`),
  refused("bounds the wrong way round: S", "pk = :p AND sk BETWEEN :a AND :b", { ...p, ":a": S("b"), ":b": S("a") },
          `${INVALID}The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ` +
          "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"),
  refused("bounds the wrong way round: N, by value", "pk = :p AND sk BETWEEN :a AND :b",
          { ":p": N(1), ":a": N(10), ":b": N(9) },
          `${INVALID}The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ` +
          "lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:9}",
            { table: "number" }),
  refused("bounds of two types", "pk = :p AND sk BETWEEN :a AND :b", { ...p, ":a": S("a"), ":b": N(1) },
          `${INVALID}The BETWEEN operator requires same data type for lower and upper bounds; ` +
          "lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {N:1}"),
  refused("an empty partition key", "pk = :p", { ":p": S("") }, `${EMPTY}string value. Key: pk`, unsure),
  refused("an empty sort key", "pk = :p AND sk = :s", { ...p, ":s": S("") }, `${EMPTY}string value. Key: sk`, unsure),
  refused("an empty binary key", "pk = :p", { ":p": B() }, `${EMPTY}binary value. Key: pk`,
          { table: "binary", ...unsure }),
  refused("a partition key of 2049 bytes", "pk = :p", { ":p": long(2049) },
          `${OPV}Size of hashkey has exceeded the maximum size limit of2048 bytes`),
  refused("a sort key of 1025 bytes", "pk = :p AND sk = :s", { ...p, ":s": long(1025) },
          `${OPV}Aggregated size of all range keys has exceeded the size limit of 1024 bytes`),
  { name: "query: a partition key of 2048 bytes, a sort key of 1024", op: "Query", table: "both",
    in: { KeyConditionExpression: "pk = :p AND sk = :s", ExpressionAttributeValues: { ":p": long(2048),
        ":s": long(1024) } },
    out: { Count: 0, ScannedCount: 0, Items: [] } },
  refused("a number of 39 digits", "pk = :p", { ":p": N("1".repeat(39)) },
          `${VALUE}Attempting to store more than 38 significant digits in a Number for key :p`, { table: "number" }),
  refused("what is no number", "pk = :p", { ":p": N("ten") },
          `${VALUE}The parameter cannot be converted to a numeric value: ten for key :p`, { table: "number" }),
];

const noTable = { name: "ResourceNotFoundException", message: "Requested resource not found" };
const members = [
  refused("a table that is not there", "pk = :p", p, noTable, { TableName: "none-of-these" }),
  refused("a table's name is needed", "pk = :p", p, constraint(null, "tableName", notNull), { TableName: undefined }),
  refused("a table's name of other characters", "pk = :p", p, constraint("a b", "tableName", pattern),
          { TableName: "a b" }),
  refused("a table's name of 256 characters", "pk = :p", p,
          constraint("x".repeat(256), "tableName", lengthAtMost(255)), { TableName: "x".repeat(256), ...unsure }),
  refused("an index that is not there", "pk = :p", p, "The table does not have the specified index: none",
          { IndexName: "none" }),
  refused("an index's name of two characters", "pk = :p", p, constraint("ab", "indexName", lengthAtLeast(3)),
          { IndexName: "ab" }),
  refused("an index's name of other characters", "pk = :p", p, constraint("a/b", "indexName", pattern),
          { IndexName: "a/b" }),
];

export const cases = [...shape, ...operators, ...syntax, ...values, ...members];
