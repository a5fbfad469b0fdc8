"""Values that clients should not send, and do."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from random import Random
from typing import Any

CANARY = "Zanzibarine"  # stands in texts that were sent: the log must not quote it
LETTERS = string.ascii_letters + string.digits


def text(rng: Random) -> str:
    """Of any length; random, so that it does not compress."""
    length = rng.choice((1, 20, 254, 255, 256, 300, 900, 2000, 2800, 3000, 5000, 9000))
    alphabet = rng.choice((LETTERS, LETTERS, "äöüßéñ漢字かな한글", "😀🎉🚀𝔘", "\u202e\u200b\ufeff\u0301é"))
    return (CANARY + "".join(rng.choices(alphabet, k=length)))[:length]


def hostile(rng: Random) -> str:
    return CANARY + rng.choice(
        (
            "'; DROP TABLE res_partner; --", "%s %(x)s %%", "{0} {x} ${1} {{7*7}}", "<script>alert(1)</script>",
            "a\x00b", "bell\x07\x1b[31m", "line\r\nX-Injected: yes", "..\\..\\etc", "../../etc/passwd", "a/b?c#d&e=f",
            "\ud800", "x\udfff", "\\u0000", '"', "\\", "\u2028\u2029", "\ufffe\uffff", "=cmd|' /C calc'!A0", "%", "_%",
        )
    )  # fmt: skip


def number(rng: Random) -> Any:
    """Numbers beyond what is meant, as numbers and as texts."""
    digits = "9" * rng.choice((16, 19, 20, 39, 41, 62, 101, 210, 400, 4000))
    as_text = (
        digits, f"-{digits}", f"0.{digits}", f"1e{rng.choice((16, 40, 99, 400, 999990, 400000, 50000000, 10**18))}",
        f"1e-{rng.choice((61, 400, 999990, 50000000))}", f"{digits}e{digits[:9]}", "0e999999999", "-0", "+5", ".5",
        "5.", " 12 ", "1_000", "0x10", "١٢", "１２", "NaN", "sNaN", "Infinity", "-inf", "1,5", "1e", "--1", "²",
    )  # fmt: skip
    as_number = (
        int(digits), -int(digits), 0, -1, 2**31, 2**31 - 1, 2**63, 2**63 - 1, -(2**63), 10**15, 1.5, -0.0, 1e308,
        5e-324, 12345678901234567890.123,
    )  # fmt: skip
    return rng.choice(as_text if rng.random() < 0.5 else as_number)


def moment(rng: Random) -> Any:
    return rng.choice(
        (
            "2026-99-99", "0000-00-00", "0001-01-01", "9999-12-31T23:59:59Z", "99999-01-01", "-1-01-01", "2026-02-30",
            "2026-07-01T25:00:00Z", "2026-07-01T00:00:00+99:99", "2026-W05-1", "20260701", "T", "now", "1899-12-31",
            "2026-07-01T00:00:00.123456789Z", "0999-01-01", -62135596801, 253402300800, 1.7e12, 1e18, "1785456000.5",
        )
    )  # fmt: skip


def other_type(rng: Random) -> Any:
    deep: Any = 1
    for _ in range(rng.choice((2, 30, 40, 400))):
        deep = [deep] if rng.random() < 0.5 else {"a": deep}
    values = (None, True, False, "", " ", [], {}, [None], [[]], {"a": [None]}, [{"y": "z"}], ["x", 5], deep)
    return rng.choice(values)


VALUES: dict[str, Callable[[Random], Any]] = {
    "text": text, "hostile text": hostile, "number": number, "moment": moment, "other type": other_type,
}  # fmt: skip
NAN = '"@@"'  # replaced in the finished JSON by what Python would not write


def raw(rng: Random, body: bytes) -> bytes:
    """Bytes that are not quite the JSON they were."""
    cut = rng.randrange(len(body) + 1)
    flipped = bytearray(body or b"{}")
    flipped[rng.randrange(len(flipped))] = rng.randrange(256)
    token = rng.choice((b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1" * 5000, b"01", b'"\\ud800"'))
    return rng.choice(
        (
            body[:cut], bytes(flipped), body + body, b"\xef\xbb\xbf" + body, body.decode().encode("utf-16"),
            b"[" * rng.choice((40, 5000, 100_000)), b'{"a":' * rng.choice((40, 50_000)), b"", b"null", b"[]", b"0",
            b"\xff\xfe\x00", b"a=1&b=2", b"<a/>", body.replace(b":", b"=", 1), token,
            with_token(rng, body, token), b'{"customer":' + b'"x' + b"y" * 200_000 + b'"}',
        )
    )  # fmt: skip


def with_token(rng: Random, body: bytes, token: bytes) -> bytes:
    """The body with one of its scalars replaced by a token."""
    try:
        found = json.loads(body)
    except ValueError:
        return token
    places = [(holder, key) for holder, key in spots(found) if not isinstance(holder[key], (dict, list))]
    if not places:
        return token
    holder, key = rng.choice(places)
    holder[key] = "@@"
    return json.dumps(found).encode().replace(NAN.encode(), token)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """(holder, key) of everything in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        found += [(holder, key) for key in keys]
        waiting += [holder[key] for key in keys]
    return found
