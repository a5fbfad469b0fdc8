"""The prices in a charge's properties, held against what its model needs (facts/lago-billing §1.3). Pure.

Lago keeps them as free-form JSON, and so they are kept here; but every number and every range in them decides money,
and Odoo's addon takes what it is given. So a charge whose properties no Lago would have accepted is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from mappings.phrases import Phrase, Told
from mappings.ranges import HELD
from mappings.records.catalog import Charge, FixedCharge
from mappings.records.raw import Json
from mappings.text import written_number

WRONG, MISSING, UNKNOWN = "charge_properties_wrong", "charge_properties_missing", "unknown_charge_model"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a part of a record: the path to it, a stable name, a sentence that continues the path."""

    path: str
    reason: str
    problem: Phrase


Numbers = Mapping[str, bool]  # name -> whether it must be there


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrices:
    """What a charge model reads: ``numbers`` beside each other, and ``ranges`` of units with numbers of their own."""

    numbers: Numbers
    ranges: str = ""
    in_range: Numbers | None = None
    above_zero: tuple[str, ...] = ()


_PER_UNIT: Numbers = {"per_unit_amount": True, "flat_amount": True}
_OF_EVENTS = ("fixed_amount", "free_units_per_events", "free_units_per_total_aggregation")
_BOUNDS = ("per_transaction_min_amount", "per_transaction_max_amount")
MODELS: Mapping[str, ModelPrices] = {
    "standard": ModelPrices(numbers={"amount": True}),
    "package": ModelPrices(
        numbers=dict.fromkeys(("amount", "package_size", "free_units"), True), above_zero=("package_size",)
    ),
    "percentage": ModelPrices(numbers={"rate": True, **dict.fromkeys((*_OF_EVENTS, *_BOUNDS), False)}),
    "graduated": ModelPrices(numbers={}, ranges="graduated_ranges", in_range=_PER_UNIT),
    "volume": ModelPrices(numbers={}, ranges="volume_ranges", in_range=_PER_UNIT),
    "graduated_percentage": ModelPrices(
        numbers={}, ranges="graduated_percentage_ranges", in_range={"rate": True, "flat_amount": True}
    ),
    "dynamic": ModelPrices(numbers={}),
    "custom": ModelPrices(numbers={}),
}
_GROUPS = ("pricing_group_keys", "grouped_by", "presentation_group_keys")


def wrong_charge(charge: Charge) -> Wrong | None:
    """The first thing wrong with what a charge, or one of its filters, is priced by."""
    whole = _first(charge.charge_model, charge.properties, "properties")
    filters = (
        _first(charge.charge_model, item.properties, f"filters[{number}].properties")
        for number, item in enumerate(charge.filters)
    )
    return whole or next((wrong for wrong in filters if wrong), None)


def wrong_fixed_charge(charge: FixedCharge) -> Wrong | None:
    """The same of a fixed charge, whose units are its own too."""
    if charge.units < 0:
        return Wrong("units", WRONG, Told.IS_BELOW_0.of(charge.units))
    return _first(charge.charge_model, charge.properties, "properties")


def gap_in(ranges: Sequence[tuple[Decimal, Decimal | None]]) -> Phrase | None:
    """Why ranges of units (from, up to and with; open) do not run from 0 to an open end; None if they do."""
    if not ranges or ranges[0][0] != 0 or ranges[-1][1] is not None:
        return Told.NOT_FROM_ZERO.of()
    for (_, before), (after, _) in pairwise(ranges):
        if before is None or not 0 <= after - before <= 1:
            return Told.NOT_FOLLOWING.of(after, before)
    return None


def _first(model: str, properties: Json, place: str) -> Wrong | None:
    known = MODELS.get(model)
    if known is None:
        return Wrong("charge_model", UNKNOWN, Told.NOT_KNOWN.of(repr(model)))
    return next((Wrong(f"{place}.{w.path}", w.reason, w.problem) for w in _wrongs(known, properties)), None)


def _wrongs(model: ModelPrices, properties: Json) -> Iterator[Wrong]:
    yield from _wrong_numbers(model.numbers, properties, "")
    for name in model.above_zero:
        number = number_in(properties.get(name))
        if number is not None and number <= 0:
            yield Wrong(name, WRONG, Told.IS_NOT_ABOVE_0.of(number))
    if model.ranges:
        yield from _wrong_ranges(model, properties.get(model.ranges))
    for name in _GROUPS:
        yield from _wrong_keys(name, properties.get(name))


def _wrong_numbers(numbers: Numbers, values: Mapping[str, object], place: str) -> Iterator[Wrong]:
    for name, required in numbers.items():
        value = values.get(name)
        if value is None or value == "":
            if required:
                yield Wrong(f"{place}{name}", MISSING, (Told.EMPTY if name in values else Told.IS_MISSING).of())
            continue
        number = number_in(value)
        if number is None:
            yield Wrong(f"{place}{name}", WRONG, Told.IS_NO_NUMBER.of(_shown(value)))
        elif number < 0:
            yield Wrong(f"{place}{name}", WRONG, Told.IS_BELOW_0.of(number))
        elif number >= HELD:
            yield Wrong(f"{place}{name}", WRONG, Told.IS_BEYOND_DOUBLES.of(f"{number:.3e}"))


def _wrong_ranges(model: ModelPrices, listed: object) -> Iterator[Wrong]:
    if not isinstance(listed, list | tuple) or not listed:
        yield Wrong(model.ranges, MISSING if not listed else WRONG, Told.IS_NO_RANGES.of(_shown(listed)))
        return
    bounds: list[tuple[Decimal, Decimal | None]] = []
    for number, item in enumerate(listed):
        place = f"{model.ranges}[{number}]"
        if not isinstance(item, Mapping):
            yield Wrong(place, WRONG, Told.IS_NO_RANGE.of(_shown(item)))
            return
        yield from _wrong_numbers(model.in_range or {}, item, f"{place}.")
        yield from _wrong_numbers({"from_value": True, "to_value": False}, item, f"{place}.")
        bounds.append((number_in(item.get("from_value")) or Decimal(0), number_in(item.get("to_value"))))
    gap = gap_in(bounds)
    if gap:
        yield Wrong(model.ranges, WRONG, gap)


def _wrong_keys(name: str, keys: object) -> Iterator[Wrong]:
    if keys is None:
        return
    if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        yield Wrong(name, WRONG, Told.IS_NO_NAMES.of(_shown(keys)))


def number_in(value: object) -> Decimal | None:
    """A number, as JSON's own or as text; None for anything else, also for the digits of other scripts."""
    if type(value) is int or isinstance(value, Decimal):
        number = Decimal(value)
        return number if number.is_finite() else None
    return written_number(value) if isinstance(value, str) else None


def _shown(value: object) -> str:
    return type(value).__name__ if isinstance(value, Mapping | list | tuple) else ascii(value)[:40]
