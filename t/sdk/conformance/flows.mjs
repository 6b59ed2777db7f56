// For cases that are a story of a table: requests that must succeed or fail, and waiting for the table.
import assert from "node:assert/strict";
import { send } from "./client.mjs";
import { difference } from "./compare.mjs";

export async function ok(op, input) {
  const { out, error } = await send({ op, in: input });
  assert.equal(error, undefined, `${op}: ${error?.name}: ${error?.message}`);
  return out;
}

// wanted: an error as in a case.
export async function fails(op, input, wanted) {
  const { error } = await send({ op, in: input });
  like(wanted, error && { name: error.name, message: error.message });
}

export const like = (wanted, got) => assert.equal(difference(wanted, got), null, JSON.stringify(got));

// The description of the table, once it is ACTIVE.
export async function settled(TableName) {
  for (;;) {
    const { Table } = await ok("DescribeTable", { TableName });
    if (Table.TableStatus === "ACTIVE")
      return Table;
    assert.ok(["CREATING", "UPDATING"].includes(Table.TableStatus), Table.TableStatus);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
