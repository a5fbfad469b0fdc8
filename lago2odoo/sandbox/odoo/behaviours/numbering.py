"""The number a posted entry gets: the highest one of its journal, plus one, in the same shape."""

from __future__ import annotations

import re
from typing import Any

from ..orm import Env, Vals

REFUNDS = ("out_refund", "in_refund")
YEARLY = re.compile(
    r"^(?P<prefix>.*?)(?P<year>(?<=\D)(?:19|20|21)\d{2}|^(?:19|20|21)\d{2})(?P<between>\D+?)(?P<seq>\d+)(?P<suffix>\D*?)$"
)
FIXED = re.compile(r"^(?P<prefix>.*?)(?P<seq>\d{0,9})(?P<suffix>\D*?)$")


def _parsed(pattern: re.Pattern[str], name: str) -> re.Match[str]:
    found = pattern.match(name)
    if found is None:  # both patterns take any text that was matched or generated before
        raise ValueError(f"{name!r} is not a number of a journal entry")
    return found


def split(name: str) -> Vals:
    """``sequence_prefix`` and ``sequence_number`` as Odoo stores them."""
    found = _parsed(FIXED, name)
    return {"sequence_prefix": found["prefix"], "sequence_number": int(found["seq"] or 0)}


def next_name(env: Env, move: Vals) -> str:
    """The journal's own earlier names decide the shape: one odd name, even a draft's, and the rest follows it."""
    journal = env.row("account.journal", move["journal_id"], ("code", "type", "refund_sequence"))
    rows = _named(env, move, bool(journal["refund_sequence"]))
    year = str(move["date"])[:4]
    last = _last(rows, year, str(move["date"]))
    if last is None:
        return _increased(_start(journal, move, year))
    return _increased(last)


def _named(env: Env, move: Vals, separate: bool) -> list[dict[str, Any]]:
    columns = ("name", "date", "move_type")
    rows = env.rows("account.move", [move["journal_id"]], columns, by="journal_id")
    refund = move["move_type"] in REFUNDS
    return [
        row
        for row in rows
        if row["name"]
        and row["name"] != "/"
        and row["id"] != move["id"]
        and (not separate or (row["move_type"] in REFUNDS) == refund)
    ]


def _last(rows: list[dict[str, Any]], year: str, day: str) -> str | None:
    """The highest number under the prefix of the newest name; yearly names only count in their year."""
    if not rows:
        return None
    before = [row for row in rows if str(row["date"]) <= day]
    reference = (
        max(before, key=lambda row: (row["date"], row["id"]))
        if before
        else min(rows, key=lambda row: (row["date"], row["id"]))
    )
    if YEARLY.match(reference["name"]):
        rows = [row for row in rows if str(row["date"])[:4] == year and YEARLY.match(row["name"])]
        if not rows:
            return _restart(reference["name"], year)
    prefix = split(max(rows, key=lambda row: int(row["id"]))["name"])["sequence_prefix"]
    alike = [row["name"] for row in rows if split(row["name"])["sequence_prefix"] == prefix]
    return str(max(alike, key=lambda name: int(split(name)["sequence_number"])))


def _restart(name: str, year: str) -> str:
    found = _parsed(YEARLY, name)
    return f"{found['prefix']}{year}{found['between']}{'0' * len(found['seq'])}{found['suffix']}"


def _start(journal: Vals, move: Vals, year: str) -> str:
    if journal["type"] in ("sale", "bank", "cash", "credit"):
        name = f"{journal['code']}/{year}/00000"
    else:
        name = f"{journal['code']}/{year}/{str(move['date'])[5:7]}/0000"
    return f"R{name}" if journal["refund_sequence"] and move["move_type"] in REFUNDS else name


def _increased(name: str) -> str:
    found = _parsed(FIXED, name)
    width = len(found["seq"])
    return f"{found['prefix']}{int(found['seq'] or 0) + 1:0{width}d}{found['suffix']}"
