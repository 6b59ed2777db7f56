// The tables that cases share, and what case files say again and again.
const key = (name, type, kind) => ({ KeySchema: [{ AttributeName: name, KeyType: kind }],
                                     AttributeDefinitions: [{ AttributeName: name, AttributeType: type }] });

// A table's keys: keys("pk", "S", "sk", "N").
export function keys(hash, hashType, range, rangeType) {
  const parts = [key(hash, hashType, "HASH"), ...(range ? [key(range, rangeType, "RANGE")] : [])];
  return { KeySchema: parts.flatMap((p) => p.KeySchema),
           AttributeDefinitions: parts.flatMap((p) => p.AttributeDefinitions) };
}

export const tables = {
  hash: keys("pk", "S"),
  both: keys("pk", "S", "sk", "S"),
  number: keys("pk", "N", "sk", "N"),
  binary: keys("pk", "B", "sk", "B"),
};

// Values.
export const S = (v) => ({ S: v });
export const N = (v) => ({ N: String(v) });
export const B = (...v) => ({ B: new Uint8Array(v) });
export const BOOL = (v) => ({ BOOL: v });
export const NULL = { NULL: true };
export const L = (...v) => ({ L: v });
export const M = (v) => ({ M: v });
export const SS = (...v) => ({ SS: v });
export const NS = (...v) => ({ NS: v.map(String) });
export const BS = (...v) => ({ BS: v.map((b) => new Uint8Array(b)) });

// Errors.
export const ve = (message) => ({ name: "ValidationException", message });
export const OPV = "One or more parameter values were invalid: ";
export const failed = { name: "ConditionalCheckFailedException", message: "The conditional request failed" };
