"""Prices of a charge as an app may send them, held against what its charge model needs, as Lago does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from . import amounts
from .rows import Given
from .texts import Errors

Problem = tuple[str, str]  # field, Lago's code


def errors(model: str, properties: object) -> Errors:
    """What is wrong with the properties of a charge: {field: [code]}."""
    if not isinstance(properties, Mapping):
        return {"properties": ["invalid_format"]}
    found: Errors = {}
    for field, code in (*CHECKS.get(model, _nothing)(properties), *_groups(properties)):
        if code not in found.setdefault(field, []):
            found[field].append(code)
    return found


def _nothing(_properties: Given) -> Iterator[Problem]:
    yield from ()


def _groups(properties: Given) -> Iterator[Problem]:
    """The keys that usage is grouped by are texts."""
    for field in ("pricing_group_keys", "grouped_by"):
        keys = properties.get(field)
        if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) and key for key in keys)):
            yield field, "invalid_type"


def _price(value: object) -> Decimal | None:
    """A number that is not negative, or None."""
    number = amounts.given(value)
    return number if number is not None and number >= 0 else None


def _whole(value: object, least: int) -> bool:
    number = amounts.given(value)
    return number is not None and number == number.to_integral_value() and number >= least


def _absent(value: object) -> bool:
    return value is None or value == ""


def _standard(properties: Given) -> Iterator[Problem]:
    if _price(properties.get("amount")) is None:
        yield "amount", "invalid_amount"


def _package(properties: Given) -> Iterator[Problem]:
    yield from _standard(properties)
    if not _whole(properties.get("package_size"), 1):
        yield "package_size", "invalid_package_size"
    if not _absent(properties.get("free_units")) and not _whole(properties["free_units"], 0):
        yield "free_units", "invalid_free_units"


def _percentage(properties: Given) -> Iterator[Problem]:
    if _price(properties.get("rate")) is None:
        yield "rate", "invalid_rate"
    for field in ("fixed_amount", "free_units_per_total_aggregation"):
        if not _absent(properties.get(field)) and _price(properties[field]) is None:
            yield field, f"invalid_{field}"
    events = properties.get("free_units_per_events")
    if not _absent(events) and not _whole(events, 0):
        yield "free_units_per_events", "invalid_free_units_per_events"
    yield from _bounds_per_event(properties)


def _bounds_per_event(properties: Given) -> Iterator[Problem]:
    bounds = []
    for field in ("per_transaction_min_amount", "per_transaction_max_amount"):
        value = properties.get(field)
        bounds.append(_price(value))
        if not _absent(value) and bounds[-1] is None:
            yield field, "invalid_amount"
    least, most = bounds
    if least is not None and most is not None and most < least:
        yield "per_transaction_max_amount", "per_transaction_max_lower_than_per_transaction_min"


def _tiers(field: str, prices: Mapping[str, str]) -> Callable[[Given], Iterator[Problem]]:
    """A check of ranges. ``prices``: price of a range -> Lago's code where it is no price; a flat amount may lack."""

    def check(properties: Given) -> Iterator[Problem]:
        ranges = properties.get(field)
        if not isinstance(ranges, Sequence) or isinstance(ranges, str) or not ranges:
            yield field, f"missing_{field}"
            return
        expected: frozenset[Decimal] | None = frozenset({Decimal(0)})
        for tier in ranges:
            if not isinstance(tier, Mapping):
                yield field, f"invalid_{field}"
                return
            yield from ((name, code) for name, code in prices.items() if not _priced(tier, name))
            fitting, expected = _next_bounds(tier, expected)
            if not fitting:
                yield field, f"invalid_{field}"
        if expected is not None:
            yield field, f"invalid_{field}"

    return check


def _priced(tier: Given, name: str) -> bool:
    return (name == "flat_amount" and _absent(tier.get(name))) or _price(tier.get(name)) is not None


def _next_bounds(tier: Given, expected: frozenset[Decimal] | None) -> tuple[bool, frozenset[Decimal] | None]:
    """(does the range begin where it may, where the next one may begin); None: after an open end nothing follows."""
    start, end = amounts.given(tier.get("from_value")), amounts.given(tier.get("to_value"))
    fitting = expected is not None and start in expected
    if tier.get("to_value") is None:
        return fitting, None
    if start is None or end is None or end < start:
        return False, frozenset()
    return fitting, frozenset({end, end + 1})


CHECKS: dict[str, Callable[[Given], Iterator[Problem]]] = {
    "standard": _standard,
    "package": _package,
    "percentage": _percentage,
    "graduated": _tiers("graduated_ranges", {"per_unit_amount": "invalid_amount", "flat_amount": "invalid_amount"}),
    "volume": _tiers("volume_ranges", {"per_unit_amount": "invalid_amount", "flat_amount": "invalid_amount"}),
    "graduated_percentage": _tiers(
        "graduated_percentage_ranges", {"rate": "invalid_rate", "flat_amount": "invalid_amount"}
    ),
}
