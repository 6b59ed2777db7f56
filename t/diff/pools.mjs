// What requests are made of: tables, names and small sets of values.
export const b64 = (...bytes) => Buffer.from(bytes).toString("base64");

const key = (hash, range) => ({ hash: { name: "pk", type: hash }, range: range && { name: "sk", type: range } });
export const tables = {
  "diff-s": key("S"),
  "diff-n": key("N"),
  "diff-b": key("B"),
  "diff-ss": key("S", "S"),
  "diff-sn": key("S", "N"),
  "diff-sb": key("S", "B"),
  "diff-ns": key("N", "S"),
  "diff-bn": key("B", "N"),
};

const NINES = "9".repeat(38);
export const numbers = {
  small: ["0", "1", "2", "3", "-1", "10", "0.5", "-2.5", "100"],
  written: ["-0", "1.0", "1e2", "00042", "3.140", "+7", ".5", "1E+1", "-0.0e5", "100e-2"],
  edge: [
    NINES,
    `-${NINES}`,
    "1E-130",
    "-1E-130",
    `9.${NINES.slice(1)}E+125`,
    `-9.${NINES.slice(1)}E125`,
    `1.${"0".repeat(36)}1E-130`,
    "1E125",
    `0.${NINES}`,
    "12345678901234567890123456789012345678",
    `${NINES}00000`,
    `${"0".repeat(50)}1.${"0".repeat(50)}`,
    "1E37",
    "1E38",
    "1E-37",
  ],
};
export const strings = ["", "a", "ab", "abc", "b", "B", "10", "a b", "ä", "~", "\uff5e", "\u{1f600}", '"\\\n\u0000'];
export const binaries = ["", b64(0), b64(0, 1), b64(0, 255), b64(255), b64(1)];
export const sorts = {
  S: ["a", "aa", "ab", "a\u0000", "b", "A", "ä", "\uff5e", "\u{1f600}"],
  N: ["0", "1", "-1", "1.5", "10", "-10", "2", NINES, "-9.99E125", "1E-130", "9.99E125", "-1E-130", "0.1"],
  B: [b64(0), b64(0, 255), b64(0, 1), b64(1), b64(255), b64(255, 255), b64(0, 0)],
};
// Names and the type that they mostly have.
export const names = {
  n1: "N",
  n2: "N",
  s1: "S",
  b1: "B",
  t1: "BOOL",
  m1: "M",
  l1: "L",
  ss1: "SS",
  ns1: "NS",
  bs1: "BS",
  w1: "*",
  name: "*",
  "x y": "*",
  "a.b": "S",
};
export const inner = ["n1", "n2", "s1", "l1", "m1", "ns1", "x y", "w1"];
export const ALL = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"];
