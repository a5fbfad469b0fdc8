"""Answers that hold the moment of the call: where nothing else moved, the record is the one that is known. Pure.

Lago writes the time of its answer into the counters of a subscription (``lifetime_usage``). Taken as it comes, every
extract would change such a record, and the name of everything that was read with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from migrate.rawjson import loads
from migrate.state.records import Raw


def as_known(raw: Raw, known: str | None, field: str) -> Raw:
    """The record, under the text that is ``known`` of it where only the moment in ``field`` is another."""
    if known is None or _without(known, field) != _without(raw.payload, field):
        return raw
    return replace(raw, payload=known)


def _without(text: str, field: str) -> object:
    """What the text says without the field; the text itself where it says nothing."""
    try:
        value = loads(text)
    except ValueError:
        return text
    return {name: item for name, item in value.items() if name != field} if isinstance(value, Mapping) else value
