// What the service says of a member that is not within its model's limits: "N validation errors detected: ...; ...".
import { ve } from "./tables.mjs";

export const notNull = "Member must not be null";
export const valueAtLeast = (n) => `Member must have value greater than or equal to ${n}`;
export const valueAtMost = (n) => `Member must have value less than or equal to ${n}`;
export const lengthAtLeast = (n) => `Member must have length greater than or equal to ${n}`;
export const lengthAtMost = (n) => `Member must have length less than or equal to ${n}`;
export const among = (...set) => `Member must satisfy enum value set: [${set.join(", ")}]`;
export const pattern = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";

// One failed constraint; value null: it is missing.
export function bad(value, where, what) {
  return `Value ${value === null ? "null" : `'${value}'`} at '${where}' failed to satisfy constraint: ${what}`;
}

// Several are told in an order that no document gives.
export function constraints(...parts) {
  const head = `${parts.length} validation error${parts.length > 1 ? "s" : ""} detected: `;
  if (parts.length === 1)
    return ve(head + parts[0]);
  return ve((text) => text.startsWith(head) && parts.every((p) => text.includes(p)) &&
                      text.length === head.length + parts.join("; ").length);
}

export const constraint = (value, where, what) => constraints(bad(value, where, what));
