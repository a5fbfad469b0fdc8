"""What a value of the configuration may be, beyond its type: ranges, choices, addresses, names of variables. Pure.

One row a key; a key without a row may be anything of its type. What is refused is told without its value where that
may be a secret: an address with a password, a key pasted where the name of its variable belongs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from urllib.parse import urlsplit

Check = Callable[[object], str]  # what is wrong, with the remedy; empty: nothing

LANGUAGES = ("en_CA", "fr_CA")  # those of ``reports.texts``, which costs too much to be asked here (a test compares)
TRANSPORTS = ("json2", "odoorpc")
KEPT = ("balances", "ledger")
WAIVABLE = ("currency_rounding", "income_account_type", "tax_split")
LONGEST_SECRET = 4_096
_VERSION = re.compile(r"v\d{1,4}(\.\d{1,4}){2}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STATES = ("sqlite", "postgresql", "postgresql+psycopg")


def _between(least: int, most: int) -> Check:
    def check(value: object) -> str:
        fits = isinstance(value, int) and least <= value <= most
        return "" if fits else f"must be from {least:,} to {most:,}, not {value}"

    return check


def _one_of(choices: tuple[str, ...]) -> Check:
    def check(value: object) -> str:
        return "" if value in choices else f"must be one of {', '.join(choices)}, not {value!r}"

    return check


def _some_of(choices: tuple[str, ...]) -> Check:
    def check(value: object) -> str:
        unknown = [item for item in value if item not in choices] if isinstance(value, tuple) else []
        return f"may name {', '.join(choices)}, not {unknown[0]!r}" if unknown else ""

    return check


def _filled(value: object) -> str:
    if not str(value).isprintable():
        return "must not hold control characters"
    return "" if str(value).strip() else "must not be empty: fill it in, or take the line away"


def _all_filled(value: object) -> str:
    hollow = isinstance(value, tuple) and any(not str(item).strip() for item in value)
    return "must not hold an empty text" if hollow else ""


def _names(value: object) -> str:
    """What somebody accepts by name: each once, so that taking a line out takes it back."""
    names = [str(item) for item in value] if isinstance(value, tuple) else []
    times = Counter(names)
    twice = next((name for name in names if times[name] > 1), None)
    return _all_filled(value) or ("" if twice is None else f"holds {twice!r} twice: take one away")


def _variable(value: object) -> str:
    """The name of an environment variable; not the secret itself, which people paste here."""
    fits = _VARIABLE.fullmatch(str(value))
    return "" if fits else "must be the name of an environment variable (letters, digits, _), not the secret itself"


def _file_of_key(value: object) -> str:
    """Where a key is; not the key itself, which people paste here."""
    if "PRIVATE KEY" in str(value) or len(str(value).splitlines()) > 1:
        return "must be the name of the key's file, not the key itself"
    return _filled(value)


def problem_of_secret(value: str) -> str:
    """Of a key as it is sent in a header. The value itself is never told."""
    if len(value) > LONGEST_SECRET:
        return f"it has more than {LONGEST_SECRET:,} characters"
    if len(value.splitlines()) > 1:
        return "it has several lines: a key is one (is this the file of a key?)"
    if not all("!" <= sign <= "~" for sign in value):
        return "it holds a blank, a control character or one that is no ASCII, as no key does"
    return ""


def _address(value: object) -> str:
    """Where a server is. Credentials go in a header, never in an address, where logs would keep them."""
    try:
        parts = urlsplit(str(value))
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or any(sign.isspace() or not sign.isprintable() for sign in str(value)):
        return "must be an address like https://odoo.example.com"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "must be an address without user, password, ? or #: the key is sent in a header"
    return ""


def _state(value: object) -> str:
    """A file, or the address of one of the two databases that may hold the state."""
    scheme, sign, rest = str(value).partition("://")
    if not sign or not str(value).isprintable():
        return _filled(value)
    if scheme not in _STATES or not rest.strip("/"):
        return "must be sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
    return ""


def _version(value: object) -> str:
    return "" if _VERSION.fullmatch(str(value)) else "must be a version like v1.52.0"


def _day(value: object) -> str:
    fits = isinstance(value, date) and 2000 <= value.year <= 2199
    return "" if fits else f"must be a day of the years 2000 to 2199, not {value}"


def contradictions(raw: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    """Key and problem of what is right key by key, and not together; ``raw`` is as the file has it."""
    if {"url", "recording"} <= raw.get("lago", {}).keys():
        yield "lago.recording", "and lago.url are two sources: take one of them away"
    for name, cohort in raw.get("cohorts", {}).items():
        if isinstance(cohort, Mapping) and not any(cohort.get(key) for key in ("customers", "plans")):
            yield f"cohorts.{name}", "names nobody: list customers or plans, or take it away"


CHECKS: Mapping[str, Check] = {
    "lago.url": _address,
    "lago.api_key_env": _variable,
    "lago.api_key_file": _filled,
    "lago.write_key_env": _variable,
    "lago.write_key_file": _filled,
    "lago.recording": _filled,
    "lago.requests_per_second": _between(1, 10_000),
    "lago.connections": _between(1, 64),
    "lago.timeout": _between(1, 3_600),
    "lago.patience": _between(0, 86_400),
    "lago.rules": _version,
    "odoo.url": _address,
    "odoo.database": _filled,
    "odoo.user": _filled,
    "odoo.key_env": _variable,
    "odoo.key_file": _filled,
    "odoo.transport": _one_of(TRANSPORTS),
    "odoo.timeout": _between(1, 86_400),
    "store.url": _state,
    "store.events": _filled,
    "mapping.tables": _filled,
    "mapping.usage_since": _day,
    "cohorts.*.customers": _all_filled,
    "cohorts.*.plans": _all_filled,
    "waive.skipped": _names,
    "waive.checks": _some_of(WAIVABLE),
    "waive.drift": _names,
    "reconcile.tolerance_cents": _between(0, 1_000_000),
    "reconcile.materiality_cents": _between(0, 1_000_000_000),
    "reconcile.waivers": _filled,
    "report.language": _one_of(LANGUAGES),
    "evidence.preparer_key": _file_of_key,
    "evidence.preparer_passphrase_env": _variable,
    "evidence.reviewer_key": _file_of_key,
    "evidence.reviewer_passphrase_env": _variable,
    "books.keep": _one_of(KEPT),
    "stripe.key_env": _variable,
    "stripe.key_file": _filled,
}


def problem_of(key: str, value: object) -> str:
    """What is wrong with the value of a dotted key; empty if nothing is. A cohort's own name stands for ``*``."""
    section, *rest = key.split(".")
    row = f"cohorts.*.{rest[-1]}" if section == "cohorts" and rest else key
    return CHECKS[row](value) if row in CHECKS else ""
