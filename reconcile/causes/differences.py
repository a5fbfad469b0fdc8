"""Where two frozen trees differ: one walk over records, tuples of records, mappings and lists of JSON.

differences(lago, odoo)  ->  Difference(path, lago, odoo) ...

A path can be given to ``put``: with Odoo's values at all of them, Lago's tree is Odoo's. Numbers are compared as
numbers (in JSON also those in texts), moments to the second, because Odoo keeps no more of most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime

from mappings.fields import decimal_of
from reconcile.rerate.counterfactual import ABSENT, Path, identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What each side has at a path; ``ABSENT`` where it has nothing."""

    path: Path
    lago: object
    odoo: object


Same = Callable[[object, object], bool]


def same_value(lago: object, odoo: object) -> bool:
    """Values of records: moments to the second, numbers as numbers, nothing is nothing."""
    if isinstance(lago, datetime) and isinstance(odoo, datetime):
        return lago.replace(microsecond=0) == odoo.replace(microsecond=0)
    return lago == odoo or (lago in NOTHING and odoo in NOTHING)


def same_json(lago: object, odoo: object) -> bool:
    """Values of JSON, where a number may also be a text."""
    left, right = decimal_of(lago), decimal_of(odoo)
    return same_value(lago, odoo) if left is None or right is None else left == right


def same_exactly(lago: object, odoo: object) -> bool:
    """Values of events, of which Odoo keeps everything."""
    return lago == odoo


def differences(lago: object, odoo: object, path: Path = (), same: Same = same_value) -> Iterator[Difference]:
    """All places at which the trees differ, in the order of Lago's."""
    if lago == odoo:
        return
    pairs = _pairs(lago, odoo)
    if pairs is not None:
        inside = same_json if _is_json(lago) else same
        for step, left, right in pairs:
            yield from differences(left, right, (*path, step), inside)
    elif not same(lago, odoo):
        yield Difference(path=path, lago=lago, odoo=odoo)


NOTHING = (None, ABSENT)


def _is_json(tree: object) -> bool:
    return isinstance(tree, Mapping) and not any(is_dataclass(value) for value in tree.values())


Pairs = Iterator[tuple[str | int, object, object]]


def _pairs(lago: object, odoo: object) -> Pairs | None:
    """What is to be compared one level below; None for values."""
    if isinstance(lago, Mapping) and isinstance(odoo, Mapping):
        return _of_mappings(lago, odoo)
    if isinstance(lago, tuple) and isinstance(odoo, tuple):
        left, right = _by_identity(lago), _by_identity(odoo)
        return None if left is None or right is None else _of_mappings(left, right)
    if isinstance(lago, list) and isinstance(odoo, list) and len(lago) == len(odoo):
        return ((place, *both) for place, both in enumerate(zip(lago, odoo, strict=True)))
    if is_dataclass(lago) and not isinstance(lago, type) and type(lago) is type(odoo):
        return ((f.name, getattr(lago, f.name), getattr(odoo, f.name)) for f in fields(lago))
    return None


def _of_mappings(lago: Mapping[str, object], odoo: Mapping[str, object]) -> Pairs:
    return ((key, lago.get(key, ABSENT), odoo.get(key, ABSENT)) for key in dict.fromkeys((*lago, *odoo)))


def _by_identity(records: tuple[object, ...]) -> dict[str, object] | None:
    """Records by what tells them apart; None for a tuple of plain values."""
    named = {name: record for record in records if (name := identity(record)) is not None}
    return named if len(named) == len(records) else None
