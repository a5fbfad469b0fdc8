"""What each column of the state may hold: one row a column. Pure.

SQLite keeps any value in any column, and a restore may lose constraints. Whoever reads a row asks here first, so that a
value that does not fit is named with its table, row and column before anything is made of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mappings.target import Phase
from migrate.state.entries import APPLIED, SENT, WRITING, ZEROED

READ_AGAIN = "run 'lago2odoo extract' again"
RESTORE = (
    "restore a copy of the state, or take a new one ([store] url) and run 'lago2odoo extract' and 'lago2odoo adopt'"
)
STATES = (SENT, WRITING, APPLIED, ZEROED)
COMMANDS = ("apply", "rollback", "adopt")


class CutoverStage(StrEnum):
    """How far a subscription is on its way out of Lago (``cutover_stages``)."""

    SETTING = "setting"
    ENDING = "ending"
    ENDED = "ended"
    BACK = "back"


_LARGEST_ID = 2**31 - 1  # of Odoo's records
_YEARS = range(2000, 2200)
_SHOWN = 60  # characters of a value

_MODEL = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_HASH = re.compile(r"[0-9a-f]{64}")
_MONTH = re.compile(r"month=\d{4}-\d{2}/events\.parquet")


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """``should``: what a value must be, in words."""

    should: str
    fits: Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A column whose value is none that it may hold."""

    column: str
    value: object
    should: str

    def __str__(self) -> str:
        shown = repr(self.value)
        return f"{self.column} is {shown if len(shown) <= _SHOWN else f'{shown[:_SHOWN]}...'}, must be {self.should}"


def find_misfit(table: str, values: Mapping[str, object]) -> Misfit | None:
    """The first column of a row that does not fit; columns without a kind may hold anything."""
    for column, kind in COLUMNS[table].items():
        if column in values and not kind.fits(values[column]):
            return Misfit(column, values[column], kind.should)
    return None


def _text(value: object) -> bool:
    return isinstance(value, str)


def _number(least: int, most: int = 2**63 - 1) -> ColumnKind:
    return ColumnKind(
        f"a whole number from {least} on" if most >= 2**63 - 1 else f"a whole number from {least} to {most}",
        lambda value: type(value) is int and least <= value <= most,
    )


def _one_of(names: Iterable[str]) -> ColumnKind:
    known = tuple(names)
    return ColumnKind(f"one of {', '.join(known)}", lambda value: _text(value) and value in known)


def _like(pattern: re.Pattern[str], should: str) -> ColumnKind:
    return ColumnKind(should, lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None)


def _or_none(kind: ColumnKind) -> ColumnKind:
    return ColumnKind(f"{kind.should}, or nothing", lambda value: value is None or kind.fits(value))


def _moment(value: object) -> bool:
    """With its zone: two moments without cannot be compared with the others."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None and moment.year in _YEARS


def _object(value: object) -> dict[str, object] | None:
    try:
        decoded = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _values(value: object) -> bool:
    """Fields with canonical values, as ``entries`` writes them."""
    decoded = {} if value == "{}" else _object(value)  # most often: a ledger has many rows
    return decoded is not None and all(_canonical(item) for item in decoded.values())


def _canonical(item: object) -> bool:
    texts = isinstance(item, list) and all(isinstance(name, str) for name in item)
    return item is None or isinstance(item, str | bool | int) or texts


def _counts(value: object) -> bool:
    """What -> names -> numbers."""
    decoded = _object(value)
    return decoded is not None and all(
        isinstance(some, dict) and all(type(number) is int for number in some.values()) for some in decoded.values()
    )


def _keys(value: object) -> bool:
    try:
        decoded = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return False
    return isinstance(decoded, list) and all(isinstance(key, str) for key in decoded)


TEXT, FILLED = (
    ColumnKind("a text", _text),
    ColumnKind("a text that is not empty", lambda value: _text(value) and value != ""),
)
FLAG = ColumnKind("0 or 1", lambda value: type(value) in (bool, int) and value in (0, 1))
MOMENT = ColumnKind("a moment with its zone, like 2026-07-01T00:00:00+00:00", _moment)
HASH = _like(_HASH, "a SHA-256 in hexadecimal digits")
PHASE = _one_of(phase.value for phase in Phase)
VALUES = ColumnKind("an object of fields and their values, in JSON", _values)
RUN = _number(1)

COLUMNS: Mapping[str, Mapping[str, ColumnKind]] = {
    "lago2odoo_state": {"version": _number(1)},
    "extract_runs": {
        "id": RUN,
        "source": FILLED,
        "lago_version": FILLED,
        "taken_at": MOMENT,
        "finished": FLAG,
        "dropped": FLAG,
    },
    "lago_records": {
        "resource": FILLED,
        "key": FILLED,
        "parent": TEXT,
        "payload": TEXT,
        "sha256": TEXT,
        "first_run": RUN,
        "changed_run": RUN,
        "seen_run": _number(0),
    },
    "extract_pages": {
        "run": RUN,
        "resource": FILLED,
        "reading": _number(1),
        "page": _number(1),
        "keys": ColumnKind("a list of texts, in JSON", _keys),
        "last": FLAG,
    },
    "extract_done": {"run": RUN, "unit": FILLED, "note": _or_none(TEXT)},
    "lago_unknown_fields": {"run": RUN, "resource": FILLED, "path": FILLED},
    "event_files": {
        "path": _like(_MONTH, "a month's file, like month=2026-07/events.parquet"),
        "events": _number(0),
        "sha256": _or_none(HASH),
    },
    "applied_records": {
        "xid": FILLED,
        "seq": _number(0),
        "parent": TEXT,
        "model": _like(_MODEL, "the name of a model of Odoo's"),
        "res_id": _number(0, _LARGEST_ID),
        "phase": PHASE,
        "customer": _or_none(TEXT),
        "source": TEXT,
        "state": _one_of(STATES),
        "created": FLAG,
        "sent": VALUES,
        "stored": VALUES,
        "before": VALUES,
        "run": _number(0),
        "adopted": FLAG,
        "seal": TEXT,
    },
    "phase_progress": {
        "phase": PHASE,
        "cohort": TEXT,
        "finished": FLAG,
        "detail": TEXT,
        "updated_at": MOMENT,
        "left_out": FLAG,
    },
    "apply_runs": {
        "id": RUN,
        "command": _one_of(COMMANDS),
        "cohort": TEXT,
        "started_at": MOMENT,
        "finished_at": _or_none(MOMENT),
        "target": TEXT,
        "counts": ColumnKind("an object of objects of numbers, in JSON", _counts),
    },
    "report_runs": {"folder": FILLED, "runs": _number(1), "head": HASH, "compared_at": MOMENT},
    "cutover_stages": {
        "lago_id": FILLED,
        "subscription": FILLED,
        "customer": FILLED,
        "cohort": FILLED,
        "stage": _one_of(CutoverStage),
        "ending_at": MOMENT,
        "noted_at": MOMENT,
    },
    "state_seals": {"name": FILLED, "rows": _number(0), "hash": HASH},
}
