"""The snapshot as it would be if one value in it were another: one replace at a path, for records of every kind.

Pure. A path goes through frozen trees: the name of a field, the identity of a record in a tuple (its Lago id), the key
of a mapping, the place in a list of JSON. ``put`` is the whole of it; the rest knows where a snapshot's records stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from decimal import Decimal
from enum import Enum

from mappings.fields import with_values
from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    Charge,
    Coupon,
    Customer,
    Fee,
    FixedCharge,
    Plan,
    Snapshot,
    Subscription,
)

Path = tuple[str | int, ...]


class Absent(Enum):
    """What stands at a path where nothing is; ``None`` may be a value (the end of the last tier)."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


def identity(record: object) -> str | None:
    """What tells a record from others in its tuple; None for a plain value."""
    if not is_dataclass(record):
        return None
    name = getattr(record, "lago_id", None)
    return str(getattr(record, "key", None)) if name is None and hasattr(record, "key") else name


def put(tree: object, path: Path, value: object) -> object:
    """``tree`` with ``value`` at ``path``. ``ABSENT`` takes away what is there, a record that is not there is added."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(tree, Mapping):
        return _without_absent({**tree, step: put(tree.get(step, {}), rest, value)})
    if isinstance(tree, list):
        return [put(item, rest, value) if place == step else item for place, item in enumerate(tree)]
    if isinstance(tree, tuple):
        return _put_in_tuple(tree, step, rest, value)
    if is_dataclass(tree) and not isinstance(tree, type):
        inner = put(getattr(tree, str(step)), rest, value)
        return replace(tree, **{str(step): None if inner is ABSENT else inner})
    raise TypeError(f"no way into {type(tree).__name__} at {step!r}")


def _put_in_tuple(records: tuple[object, ...], step: str | int, rest: Path, value: object) -> tuple[object, ...]:
    is_there = any(identity(record) == step for record in records)
    if not is_there and not rest and value is not ABSENT:
        return (*records, value)
    changed = (put(record, rest, value) if identity(record) == step else record for record in records)
    return tuple(record for record in changed if record is not ABSENT)


def _without_absent(values: Mapping[str | int, object]) -> dict[str | int, object]:
    return {key: item for key, item in values.items() if item is not ABSENT}


# --- in a snapshot ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Another value in one record of Lago's (its class and Lago id), wherever in the snapshot the record stands."""

    record: type[object]
    lago_id: str
    path: Path = ()
    value: object = ABSENT


EACH = "*"
PLACES: Mapping[type[object], tuple[tuple[str, ...], ...]] = {
    Customer: (("customers",), ("invoices", EACH, "customer")),
    Subscription: (("subscriptions",),),
    Plan: (("plans",), ("subscriptions", EACH, "plan")),
    Charge: (("plans", EACH, "charges"), ("subscriptions", EACH, "plan", "charges")),
    FixedCharge: (
        ("plans", EACH, "fixed_charges"),
        ("subscriptions", EACH, "plan", "fixed_charges"),
        ("subscriptions", EACH, "fixed_charges"),
    ),
    BillableMetric: (("billable_metrics",),),
    AppliedCoupon: (("applied_coupons",),),
    Coupon: (("coupons",),),
}


def counterfactual(snapshot: Snapshot, change: At) -> Snapshot:
    """The snapshot in which the record has that value, and Lago's fees are those that follow from it."""
    for name, *place in PLACES[change.record]:
        snapshot = with_values(snapshot, {name: _in(getattr(snapshot, name), place, change)})
    return _with_fees(snapshot, change)


def _in(tree: object, place: Sequence[str], change: At) -> object:
    """``tree`` with the change made in all records that stand at ``place``."""
    if not place:
        return _on_record(tree, change)
    if isinstance(tree, tuple):
        return tuple(_in(record, place[1:], change) for record in tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return with_values(tree, {place[0]: _in(getattr(tree, place[0]), place[1:], change)})
    return tree


def _on_record(tree: object, change: At) -> object:
    """``tree``: the record itself, or the tuple in which it stands."""
    if isinstance(tree, tuple):
        return put(tree, (change.lago_id, *change.path), change.value)
    return put(tree, change.path, change.value) if identity(tree) == change.lago_id else tree


def _with_fees(snapshot: Snapshot, change: At) -> Snapshot:
    """What is not there was never billed, and Lago's own fees hold the units of a fixed charge."""
    if change.value is ABSENT and change.record in (Charge, FixedCharge) and change.path == ():
        return _without_fees(snapshot, lambda fee: change.lago_id in (fee.lago_charge_id, fee.lago_fixed_charge_id))
    if change.value is ABSENT and change.record is Charge and change.path[:1] == ("filters",):
        return _without_fees(snapshot, lambda fee: fee.lago_charge_filter_id == change.path[1])
    if change.record is FixedCharge and change.path == ("units",) and isinstance(change.value, Decimal):
        return _with_units(snapshot, change.lago_id, change.value)
    return snapshot


def _without_fees(snapshot: Snapshot, is_gone: Callable[[Fee], bool]) -> Snapshot:
    invoices = tuple(replace(i, fees=tuple(fee for fee in i.fees if not is_gone(fee))) for i in snapshot.invoices)
    return replace(snapshot, invoices=invoices, fees=tuple(fee for fee in snapshot.fees if not is_gone(fee)))


def _with_units(snapshot: Snapshot, fixed_charge: str, units: Decimal) -> Snapshot:
    def fees(stored: Iterable[Fee]) -> tuple[Fee, ...]:
        return tuple(replace(f, units=units) if f.lago_fixed_charge_id == fixed_charge else f for f in stored)

    return replace(snapshot, invoices=tuple(replace(i, fees=fees(i.fees)) for i in snapshot.invoices))
