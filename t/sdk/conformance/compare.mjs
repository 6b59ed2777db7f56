// Wanted against got.  In what is wanted may stand, besides data, a RegExp for a string, and a function that says
// whether it likes the value.  A member that is undefined is not there.  The order within SS, NS and BS does not count.
const TEXT_MAX = 800;

function isPlain(v) {
  return v !== null && typeof v === "object" && !Array.isArray(v) && !(v instanceof Uint8Array);
}

function members(v) {
  return Object.keys(v).filter((k) => v[k] !== undefined);
}

function inOrder(set) {
  return [...set].map((v) => (v instanceof Uint8Array ? Buffer.from(v).toString("latin1") : v)).sort();
}

// Where they differ first, or null.
export function difference(wanted, got, path = "") {
  if (typeof wanted === "function")
    return wanted(got) ? null : `${path} is not as it should be`;
  if (wanted instanceof RegExp)
    return typeof got === "string" && wanted.test(got) ? null : `${path} does not match`;
  if (wanted instanceof Uint8Array)
    return got instanceof Uint8Array && Buffer.compare(wanted, got) === 0 ? null : `${path} differs`;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(got) || got.length !== wanted.length)
      return `${path} is not a list of ${wanted.length}`;
    return wanted.reduce((bad, w, i) => bad ?? difference(w, got[i], `${path}[${i}]`), null);
  }
  if (!isPlain(wanted))
    return Object.is(wanted, got) ? null : `${path} differs`;
  if (!isPlain(got))
    return `${path} is no map`;
  for (const m of new Set([...members(wanted), ...members(got)])) {
    const isSet = ["SS", "NS", "BS"].includes(m) && Array.isArray(wanted[m]) && Array.isArray(got[m]);
    const bad = isSet ? difference(inOrder(wanted[m]), inOrder(got[m]), `${path}.${m}`)
                      : difference(wanted[m], got[m], `${path}.${m}`);
    if (bad)
      return bad;
  }
  return null;
}

// One line, and not too long a one.
export function show(value) {
  const plain = (_, v) => v instanceof RegExp || typeof v === "function" ? String(v)
    : v instanceof Uint8Array ? `bytes ${Buffer.from(v).toString("base64")}` : v;
  const text = typeof value === "string" ? value : JSON.stringify(value, plain);
  return text?.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}... (${text.length})` : text;
}
