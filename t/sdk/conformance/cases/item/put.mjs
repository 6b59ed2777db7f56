// PutItem: keys, and what it returns.
import { N, S, ve } from "../../tables.mjs";

export const cases = [
  { name: "put: an empty string as a key is refused", op: "PutItem", in: { Item: { pk: S("") } },
    error: ve("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain " +
              "an empty string value. Key: pk") },
  { name: "put: answers nothing when nothing is asked", op: "PutItem", in: { Item: { pk: S("$K") } }, out: {} },
  { name: "put: replaces the whole item", given: [{ pk: S("$K"), a: N(1) }], steps: [
    { op: "PutItem", in: { Item: { pk: S("$K"), b: N(2) } } },
    { op: "GetItem", in: { Key: { pk: S("$K") }, ConsistentRead: true }, out: { Item: { pk: S("$K"), b: N(2) } } }] },
];
