// Tables with secondary indexes.
import { keys } from "./tables.mjs";

const many = (names) => (names === undefined ? [] : [names].flat());

// hash and range: an attribute or a list of them; projection: a type, or the attributes that are included.
export function index(IndexName, hash, range, projection = "ALL") {
  const part = (KeyType) => (AttributeName) => ({ AttributeName, KeyType });
  return { IndexName, KeySchema: [...many(hash).map(part("HASH")), ...many(range).map(part("RANGE"))],
           Projection: Array.isArray(projection) ? { ProjectionType: "INCLUDE", NonKeyAttributes: projection }
                                                 : { ProjectionType: projection } };
}

// A table with the key pk, sk (strings); types: of the indexes' other attributes.
export function indexed(types, LocalSecondaryIndexes, GlobalSecondaryIndexes) {
  const table = keys("pk", "S", "sk", "S");
  const more = Object.entries(types).map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }));
  return { ...table, AttributeDefinitions: [...table.AttributeDefinitions, ...more],
           ...(LocalSecondaryIndexes ? { LocalSecondaryIndexes } : {}),
           ...(GlobalSecondaryIndexes ? { GlobalSecondaryIndexes } : {}) };
}
