"""Which usage events can be kept in columns; what is wrong with the others. Pure.

An event outside of the years of any calendar (a time sent in milliseconds) falls in no period: Lago keeps it and never
bills it. It is set aside, as one that cannot be read is: Lago has no call to delete either, and they stop nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from mappings.decode import WRONG_VALUE, DecodeError, decode
from mappings.phrases import Told
from mappings.quarantine import FieldProblem
from mappings.ranges import YEARS
from mappings.records import Event

IN_NO_PERIOD = "event_in_no_period"
SEEMS_READABLE = ("event", WRONG_VALUE, Told.UNSTORABLE.of())

_NEEDED = ("transaction_id", "code", "timestamp")
_OPTIONAL = ("external_subscription_id", "created_at", "lago_id")
_DEEP = 40  # brackets; fewer need no look
_OTHER_YEAR = re.compile(r"[+-]?\d{5,}-")


def problem_of(payload: object) -> FieldProblem:
    """Why an event was set aside."""
    return find_problem(payload) or SEEMS_READABLE


def find_problem(payload: object) -> FieldProblem | None:
    """What is wrong with an event, looked at closely."""
    if not isinstance(payload, Mapping):
        return ("(whole record)", WRONG_VALUE, Told.SHOULD_BE.of(Told.AN_OBJECT.of(), type(payload).__name__))
    moment = payload.get("timestamp")
    if isinstance(moment, str) and is_in_no_period(moment):
        return ("timestamp", IN_NO_PERIOD, Told.IN_NO_PERIOD.of(repr(moment[:40])))
    try:
        decode(Event, {"external_subscription_id": "", **{k: v for k, v in payload.items() if v is not None}}, "events")
    except DecodeError as error:
        return (error.path, error.reason, error.problem)
    return None


def is_suspect(payload: object, text: str) -> bool:
    """Whether an event must be looked at closely: cheap, for there are millions."""
    if not isinstance(payload, Mapping):
        return True
    return (
        any(type(payload.get(name)) is not str for name in _NEEDED)
        or any(type(payload.get(name)) not in (str, type(None)) for name in _OPTIONAL)
        or not isinstance(payload.get("properties"), dict | None)
        or payload.get("precise_total_amount_cents") is not None
        or is_in_no_period(str(payload["timestamp"]))
        or is_in_no_period(str(payload.get("created_at")))
        or "\\u" in text
        or text.count("{") + text.count("[") > _DEEP
    )


def is_in_no_period(moment: str) -> bool:
    """Whether a time is one, of a year that nobody bills."""
    if _OTHER_YEAR.match(moment):
        return True
    try:
        return datetime.fromisoformat(moment).year not in YEARS
    except ValueError:
        return False
