#!/usr/bin/python3
"""Writes num-v1.txt: what python3's decimal says of the numbers that t/unit/num.c reads.

Lines:  P text result [plain digits] [encoding]     parse, print, encode
        A a b sum                                   add; the sum or a result
Seeded, so running it again gives the same file.
"""
import decimal
import random
from decimal import Decimal

decimal.getcontext().prec = 1000
decimal.getcontext().Emax = 10000000
decimal.getcontext().Emin = -10000000
decimal.getcontext().traps[decimal.Inexact] = True
rnd = random.Random(20240607)


def judge(d):
    """The result's name, digits as a string and exponent of a decimal."""
    sign, digits, exp = d.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if text == "":
        return "ok", "", 0
    trimmed = text.rstrip("0")
    exp += len(text) - len(trimmed)
    magnitude = exp + len(trimmed)
    if magnitude > 126:
        return "overflow", None, None
    if magnitude < -129:
        return "underflow", None, None
    if len(trimmed) > 38:
        return "precise", None, None
    return "ok", trimmed, exp


def plain(negative, digits, exp):
    if digits == "":
        return "0"
    if exp >= 0:
        body = digits + "0" * exp
    elif len(digits) + exp > 0:
        body = digits[:exp] + "." + digits[exp:]
    else:
        body = "0." + "0" * -(len(digits) + exp) + digits
    return ("-" if negative else "") + body


def encode(negative, digits, exp):
    if digits == "":
        return "8000"
    magnitude = exp + len(digits)
    scale = -(-magnitude // 2)
    if magnitude % 2:
        digits = "0" + digits
    if len(digits) % 2:
        digits += "0"
    out = [0x80 + scale + 64] + [int(digits[i:i + 2]) + 1 for i in range(0, len(digits), 2)] + [0]
    if negative:
        out = [0xff - x for x in out]
    return bytes(out).hex()


def result(d):
    name, digits, exp = judge(d)
    if name != "ok":
        return name
    return "ok " + plain(d < 0, digits, exp) + " " + encode(d < 0, digits, exp)


def random_text():
    sign = rnd.choice(["", "-", "+", ""])
    whole = "0" * rnd.choice([0, 0, 0, 1, 5])
    whole += "".join(rnd.choices("0123456789", k=rnd.choice([1, 1, 2, 3, 9, 18, 20, 38])))
    whole += "0" * rnd.choice([0, 0, 1, 3, 40])
    fraction = rnd.choice(["", "", "." + "0" * rnd.choice([0, 0, 2, 30]) +
                           "".join(rnd.choices("0123456789", k=rnd.choice([1, 2, 5, 19, 20])))])
    power = str(rnd.choice([0, 1, 7, 60, 86, 88, 125, 126, 130, 131, 999]))
    exponent = rnd.choice(["", "", rnd.choice("eE") + rnd.choice(["", "+", "-"]) + power])
    return sign + whole + fraction + exponent


nines = "9" * 38
fixed = [
    "0", "-0", "00042", "1.5E2", "3.140", "1", "-1", "10", "99", "100", "0.1", "0.01", "-0.001", "1E125", "9.9E125",
    "1E126", nines + "E88", nines + "E89", nines + "9E87", nines, nines + "9", "1" + "0" * 38, "1" + "0" * 125, "1"
    + "0" * 126, "1E-130", "1E-131", "0.1E-129", "0.1E-130", "9E-131", "-1E-130", nines + "E-167", nines + "E-168",
    nines + "E-169", "0E999999", "0E-999999", "0.0", ".5", "5.", "1e5", "1e+5", "1e0005", "12345678901234567890",
    "18446744073709551615", "18446744073709551616", "0." + "0" * 200 + "1E201", "1" + "0" * 300 + "E-300",
    "1E99999999999999999999", "1E-99999999999999999999"
]
bad = [
    "", "+", "-", ".", "e5", "1e", "1e+", "1.2.3", "--1", "+-1", "1-", "0x10", "NaN", "Infinity", "-Infinity",
    "1_000", "1,5", "1e1.5", "1e5e5", "-.", "1f", "١", "a"
]

with open(__file__.replace(".py", ".txt"), "w") as out:
    for text in fixed + [random_text() for _ in range(700)]:
        clamped = text.replace("E99999999999", "E9").replace("E-99999999999", "E-9")
        print("P", text, result(Decimal(clamped)), file=out)
    for text in bad:
        print("P", text if text else "empty", "malformed", file=out)
    usable = fixed + [random_text() for _ in range(400)]
    usable = [Decimal(t) for t in usable if "9999999999" not in t.upper().partition("E")[2]]
    usable = [d for d in usable if judge(d)[0] == "ok"]
    pairs = [(rnd.choice(usable), rnd.choice(usable)) for _ in range(600)]
    near = []
    for _ in range(600):
        a = Decimal(rnd.randrange(1, 10 ** rnd.choice([1, 2, 20, 37, 38]))).scaleb(rnd.randrange(-60, 60))
        gap = rnd.randrange(-41, 42)
        b = Decimal(rnd.randrange(1, 10 ** rnd.choice([1, 2, 20, 37, 38]))).scaleb(a.as_tuple().exponent + gap)
        near.append((a * rnd.choice([1, -1]), b * rnd.choice([1, -1])))
    for e in range(30, 42):
        near += [(Decimal(f"1E{e}"), Decimal(-1)), (Decimal(f"-1E{e}"), Decimal(1)), (Decimal(f"2E{e}"), Decimal(-1)),
                 (Decimal(f"1E{e}"), Decimal(1)), (Decimal(f"19E{e - 1}"), Decimal("-" + nines))]
    near += [(Decimal(nines + "E88"), Decimal("1E88")), (Decimal(nines + "E88"), Decimal("1E87")),
             (Decimal("9E125"), Decimal("9E125")),
             (Decimal("1E-130"), Decimal("-1E-130")), (Decimal("1E-129"), Decimal("-9E-130"))]
    for a, b in pairs + near:
        a, b = (d if d else Decimal(0) for d in (a, b))
        if judge(a)[0] == "ok" and judge(b)[0] == "ok":
            print("A", f"{a:f}", f"{b:f}", result(a + b), file=out)
