"""What stands in the JSON of a charge and of a metric, held against the shapes that rating reads (``rows``).

A flaw is a part of a sentence that names its place: ``filters[0].values is null, must be an object``. Only shapes are
judged here: what a number is worth is known where it is rated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from .numbers import shortened

Shape: TypeAlias = Callable[[object, str], Iterator[str]]


def first_flaw(shape: Shape, value: object, place: str) -> str:
    """The first thing that does not fit; empty if all does."""
    return next(shape(value, place), "")


def _wrong(place: str, value: object, wanted: str) -> str:
    # the kind of what is nested says enough, and writing it out could be long
    shown = (
        "null" if value is None else json.dumps(value) if isinstance(value, (bool, int, float)) else shortened(value)
    )
    return f"{place} is {shown}, must be {wanted}"


def _text(value: object, place: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _wrong(place, value, "a text")


def _list_of(shape: Shape) -> Shape:
    def check(value: object, place: str) -> Iterator[str]:
        if not isinstance(value, (list, tuple)):
            yield _wrong(place, value, "a list")
            return
        for index, entry in enumerate(value):
            yield from shape(entry, f"{place}[{index}]")

    return check


def _object_of(members: Mapping[str, Shape], needed: frozenset[str] = frozenset()) -> Shape:
    """An object; of its ``members`` those that are not ``needed`` may be absent, null or empty."""

    def check(value: object, place: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield _wrong(place, value, "an object")
            return
        for name, shape in members.items():
            if name in needed or value.get(name) not in (None, ""):
                yield from shape(value.get(name), f"{place}.{name}")

    return check


def _each(shape: Shape) -> Shape:
    """An object of which every member has the ``shape``, whatever its name."""

    def check(value: object, place: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield _wrong(place, value, "an object")
            return
        for name, entry in value.items():
            yield from shape(entry, f"{place}.{shortened(name)[1:-1]}")

    return check


_TEXTS = _list_of(_text)
_TIERS = _list_of(_object_of({}))
PROPERTIES = _object_of(
    {
        "pricing_group_keys": _TEXTS,
        "grouped_by": _TEXTS,
        "graduated_ranges": _TIERS,
        "volume_ranges": _TIERS,
        "graduated_percentage_ranges": _TIERS,
    }
)
FILTERS = _list_of(
    _object_of(
        {"lago_id": _text, "invoice_display_name": _text, "values": _each(_TEXTS), "properties": PROPERTIES},
        needed=frozenset({"values"}),
    )
)
METRIC_FILTERS = _list_of(_object_of({"key": _text, "values": _TEXTS}, needed=frozenset({"key", "values"})))
