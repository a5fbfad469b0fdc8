"""The ``label`` of a step in the report's JSON (schema 1.0): a notation for its kind and values, written and read.

The schema has one text for a step, so that text is the file's form of it, like ``2026-07`` is that of a month. The
templates below are fixed as long as the schema is; what a person reads is ``reports.texts``' and no part of the file.
A label that is no notation (written by a version that knew other steps) stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from string import Formatter

from mappings.explain import CONVERSION_RATE, PRICING_UNIT, Step, StepKind

NOTATION: Mapping[StepKind, str] = {
    StepKind.AS_WRITTEN: "{text}",
    StepKind.UNITS_PRICE: "units × price",
    StepKind.FLAT_FEES_UP_TO: "flat fees up to {units} units",
    StepKind.TIER_RANGE: "tier {lower} to {upper}",
    StepKind.TIER_FROM: "tier from {lower}",
    StepKind.ALL_UNITS_AT_TIER: "all units at the tier from {lower}",
    StepKind.FIRST_TIER_FLAT: "flat fee of the first tier",
    StepKind.PACKAGES_AFTER_FREE: "packages of {size} after {free} free units",
    StepKind.RATE_BEYOND_FREE: "{rate} % of units beyond {free} free",
    StepKind.FIXED_FEE_BEYOND_FREE: "fixed fee beyond {free} free events",
    StepKind.EVENT_BOUNDS: "each event held within {least} and {most}",
    StepKind.OWN_PRICES: "sum of the events' own prices",
    StepKind.CUSTOM_AMOUNT: "amount of the metric's own code",
    StepKind.BELOW_ZERO: "below zero: nothing is billed",
    StepKind.MINIMUM: "minimum for the days of the period",
    StepKind.USED: "used",
    StepKind.COMMITMENT: "commitment for {days} of {whole} days",
    StepKind.FEES_OF_PERIOD: "fees of the period",
    StepKind.FULL_DAYS: "full period: {days} of {whole} days",
    StepKind.FIRST_DAYS: "first period: {days} of {whole} days",
    StepKind.TERMINATED_DAYS: "terminated period: {days} of {whole} days",
    StepKind.UPGRADED_DAYS: "upgraded period: {days} of {whole} days",
    StepKind.WITHOUT_EVENT: "without this event",
    StepKind.DAYS_LEFT: "days left",
    StepKind.FULL_PERIOD: "full period",
    StepKind.FIRST_PERIOD: "first period",
    StepKind.TRIAL: "trial",
    StepKind.AFTER_TRIAL: "after the trial",
    StepKind.UNTIL_END: "until the end of the subscription",
    StepKind.AFTER_UPGRADE: "after an upgrade",
    StepKind.TIER: "tier {lower}-{upper}",
    StepKind.PACKAGES: "packages",
    StepKind.RATE_AFTER_FREE: "rate on units after free ones",
    StepKind.FIXED_FEE_PER_EVENT: "fixed fee per paid event",
    StepKind.BOUNDED_EVENTS: "per transaction within bounds",
    StepKind.EVENT_AMOUNTS: "sum of the events' amounts",
    StepKind.PRORATED_UNITS: "prorated units in their tiers",
    StepKind.FIRST_TIER: "first tier without units",
    StepKind.MINIMUM_LEFT: "minimum of the period − billed",
    StepKind.COMMITMENT_LEFT: "commitment of the period − billed",
    StepKind.EVENT_DIFFERENCE: "with this event − without it",
    StepKind.COUPON: "coupon",
    StepKind.FEE: "fee",
    StepKind.PLAN_AMOUNT: "plan_amount",
    StepKind.GRADUATED_RANGE: "graduated_ranges {place}: {lower} to {upper}",
    StepKind.GRADUATED_PERCENTAGE_RANGE: "graduated_percentage_ranges {place}: {lower} to {upper}, {rate} %",
    StepKind.UNITS: "units",
    StepKind.FREE_UNITS: "free_units",
    StepKind.PAID_UNITS: "paid_units",
    StepKind.FREE_EVENTS: "free_events",
    StepKind.PAID_EVENTS: "paid_events",
    StepKind.RATE: "rate: {rate}",
    StepKind.PER_UNIT_AMOUNT: "per_unit_amount",
    StepKind.PER_UNIT_TOTAL_AMOUNT: "per_unit_total_amount",
    StepKind.FLAT_UNIT_AMOUNT: "flat_unit_amount",
    StepKind.PER_PACKAGE_SIZE: "per_package_size",
    StepKind.PER_PACKAGE_UNIT_AMOUNT: "per_package_unit_amount",
    StepKind.FIXED_FEE_UNIT_AMOUNT: "fixed_fee_unit_amount",
    StepKind.FIXED_FEE_TOTAL_AMOUNT: "fixed_fee_total_amount",
    StepKind.MIN_MAX_ADJUSTMENT_TOTAL_AMOUNT: "min_max_adjustment_total_amount",
}
_NO_BOUND: Mapping[str, str] = {"lower": "None", "upper": "∞", "least": "None", "most": "None"}
_IN, _AT = " (in ", " × "  # of what is priced in a pricing unit

Values = dict[str, Decimal | str]


def label_of(step: Step) -> str:
    """The step's notation, behind the name of its line where it has one."""
    label = NOTATION[step.kind].format(**{**_NO_BOUND, **step.values})
    if PRICING_UNIT in step.values:
        label += f"{_IN}{step.values[PRICING_UNIT]}{_AT}{step.values[CONVERSION_RATE]})"
    return f"{step.line}: {label}" if step.line else label


@lru_cache(maxsize=4096)
def step_of(label: str) -> Step:
    """The step of a label, without its numbers. Labels repeat: each is read once."""
    text, priced = _pricing(label)
    for line, rest in _lines(text):
        step = _noted(rest)
        if step is not None:
            return replace(step, line=line, values={**step.values, **priced})
    return Step(kind=StepKind.AS_WRITTEN, values={"text": label})


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """The text whole, then every way to part the name of a line from it: the name may hold colons too."""
    yield "", text
    parts = text.split(": ")
    for count in range(1, len(parts)):
        yield ": ".join(parts[:count]), ": ".join(parts[count:])


def _pricing(label: str) -> tuple[str, Values]:
    text, _, note = label.rpartition(_IN)
    unit, at, rate = note.removesuffix(")").rpartition(_AT)
    number = _number(rate)
    if not (text and at and note.endswith(")")) or number is None:
        return label, {}
    return text, {PRICING_UNIT: unit, CONVERSION_RATE: number}


def _noted(text: str) -> Step | None:
    if text in _FIXED:
        return Step(kind=_FIXED[text])
    for kind, template in _FILLED.items():
        values = _values_in(template, text)
        if values is not None:
            return Step(kind=kind, values=values)
    return None


_FILLED = {kind: template for kind, template in NOTATION.items() if "{" in template and template != "{text}"}
_FIXED = {template: kind for kind, template in NOTATION.items() if "{" not in template}


def _values_in(template: str, text: str) -> Values | None:
    """The numbers that fill the template's fields; None if the text is not of this template."""
    pieces = [(literal, name) for literal, name, _, _ in Formatter().parse(template)]
    values: Values = {}
    for (literal, name), (after, _) in zip(pieces, [*pieces[1:], ("", None)], strict=True):
        if not text.startswith(literal):
            return None
        text = text.removeprefix(literal)
        if name is not None:
            end = text.find(after) if after else len(text)
            written, text = text[:end], text[end:]
            number = _number(written)
            if number is not None:
                values[name] = number
            elif written != _NO_BOUND.get(name):
                return None
    return values if not text else None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
