// Planted bugs: answers that are not what the endpoint said, or writes that never reach it.  Each has to be noticed.
import { Dice } from "./dice.mjs";
import { typeOf } from "./value.mjs";

const items = (body) =>
  [body.Item, body.Attributes, ...(body.Items ?? []), ...Object.values(body.Responses ?? {}).flat()].filter(Boolean);

function* values(v) {
  yield v;
  for (const kid of Object.values(v.M ?? v.L ?? {})) yield* values(kid);
}

const all = (body) =>
  items(body)
    .flatMap((i) => Object.values(i))
    .flatMap((v) => [...values(v)]);

// Each takes (answer, operation, request) and answers true if it has changed the answer.
const after = {
  attribute: ({ body }) =>
    items(body).some((i) =>
      Object.keys(i)
        .slice(2)
        .some((n) => delete i[n]),
    ),
  digit: ({ body }) => all(body).some((v) => v.N?.includes("1") && (v.N = v.N.replace("1", "2"))),
  zeros: ({ body }) => all(body).some((v) => v.N && !v.N.includes(".") && (v.N += ".0")),
  type: ({ body }) => all(body).some((v) => v.N && (v.S = v.N) && delete v.N),
  element: ({ body }) =>
    all(body).some((v) => v[typeOf(v)].length > 1 && Array.isArray(v[typeOf(v)]) && v[typeOf(v)].pop()),
  list: ({ body }) =>
    all(body).some(
      (v) => v.L?.length > 1 && JSON.stringify(v.L[0]) !== JSON.stringify(v.L[1]) && v.L.push(v.L.shift()),
    ),
  condition: (answer) =>
    /ConditionalCheck/.test(answer.body.__type) && Object.assign(answer, { status: 200, body: {} }),
  accepted: (answer) => /Validation/.test(answer.body.__type) && Object.assign(answer, { status: 200, body: {} }),
  refused: (answer) =>
    answer.status === 200 &&
    Object.assign(answer, {
      status: 400,
      body: { __type: "x#ConditionalCheckFailedException", message: "The conditional request failed" },
    }),
  message: ({ body }) => /not defined/.test(body.message ?? "") && (body.message = `Some ${body.message}`),
  missing: ({ body }) => Boolean(body.Item) && delete body.Item,
  order: ({ body }) =>
    body.Items?.length > 1 &&
    JSON.stringify(body.Items[0]) !== JSON.stringify(body.Items.at(-1)) &&
    body.Items.push(body.Items.shift()),
  page: ({ body }) => Boolean(body.LastEvaluatedKey) && delete body.LastEvaluatedKey,
  count: ({ body }) => body.Count > 0 && body.Count--,
  batch: ({ body }) => Object.values(body.Responses ?? {}).some((list) => list.pop()),
};
// These are answered without asking.
const instead = {
  "lost write": (operation, request) =>
    operation === "PutItem" && !request.ConditionExpression && !request.ReturnValues,
  "lost update": (operation, request) =>
    operation === "UpdateItem" && !request.ConditionExpression && !request.ReturnValues,
  "lost delete": (operation, request) =>
    operation === "DeleteItem" && !request.ConditionExpression && !request.ReturnValues,
};
export const bugs = [...Object.keys(after), ...Object.keys(instead)];

const EVERY = 5;

export class Liar {
  constructor(client, bug, seed) {
    Object.assign(this, { client, bug, dice: new Dice(seed), lies: 0 });
  }

  async call(operation, request) {
    const now = this.dice.below(EVERY) === 0;
    if (now && instead[this.bug]?.(operation, request)) {
      this.lies++;
      const answer = await this.client.call("GetItem", { TableName: request.TableName, Key: { pk: { NULL: true } } });
      return { ...answer, status: 200, body: {} };
    }
    const answer = await this.client.call(operation, request);
    if (now && after[this.bug]?.(answer, operation, request)) this.lies++;
    return answer;
  }

  ok(operation, request) {
    return this.client.ok(operation, request);
  }
}
