// Exact decimal numbers as the guide describes them ("Supported data types"): up to 38 significant digits, magnitudes
// from 1E-130 to 9.99..E+125.  A number is { d: BigInt, e: exponent }, d without a final 0; zero is { d: 0n, e: 0 }.
const DIGITS_MAX = 38,
  MAGNITUDE_MAX = 126,
  MAGNITUDE_MIN = -129;

export class NumberError extends Error {}

const digits = (d) => String(d < 0n ? -d : d).length;

// Throws NumberError unless d * 10^e can be stored.
export function make(d, e) {
  if (d === 0n) return { d: 0n, e: 0 };
  while (d % 10n === 0n) {
    d /= 10n;
    e++;
  }
  const n = digits(d);
  if (n + e > MAGNITUDE_MAX)
    throw new NumberError("Number overflow. Attempting to store a number with magnitude larger than supported range");
  if (n + e < MAGNITUDE_MIN)
    throw new NumberError("Number underflow. Attempting to store a number with magnitude smaller than supported range");
  if (n > DIGITS_MAX) throw new NumberError("Attempting to store more than 38 significant digits in a Number");
  return { d, e };
}

export function parse(text) {
  const m = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text);
  if (!m || (m[2] === "" && !m[3])) throw new NumberError("The parameter cannot be converted to a numeric value");
  const whole = m[2] + (m[3] ?? "");
  const d = BigInt(whole || "0");
  return make(m[1] === "-" ? -d : d, Number(m[4] ?? 0) - (m[3] ?? "").length);
}

export function print({ d, e }) {
  const sign = d < 0n ? "-" : "",
    text = String(d < 0n ? -d : d);
  if (e >= 0) return sign + text + "0".repeat(e);
  const whole = text.length + e;
  return whole > 0 ? `${sign}${text.slice(0, whole)}.${text.slice(whole)}` : `${sign}0.${"0".repeat(-whole)}${text}`;
}

const scaled = (n, e) => n.d * 10n ** BigInt(n.e - e);

export function compare(a, b) {
  const e = Math.min(a.e, b.e),
    x = scaled(a, e),
    y = scaled(b, e);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function add(a, b) {
  const e = Math.min(a.e, b.e);
  return make(scaled(a, e) + scaled(b, e), e);
}

export const subtract = (a, b) => add(a, { d: -b.d, e: b.e });
