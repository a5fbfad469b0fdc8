"""How an amount came about, in one shape for rating, comparing and reporting: data only, words are the reports' own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class StepKind(StrEnum):
    """What a step does. A comment names its values; a bound that does not exist is left out.

    The sides count differently (the addon takes what is billed off a minimum in one step, the re-rate in two) and each
    keeps kinds of its own: two kinds of one meaning have the same words in ``reports.texts``.
    """

    AS_WRITTEN = "as_written"  # text: of an addon or a Lago that knows steps we do not
    UNITS_PRICE = "units_price"
    FLAT_FEES_UP_TO = "flat_fees_up_to"  # units
    # the re-rate
    TIER_RANGE = "tier_range"  # lower, upper
    TIER_FROM = "tier_from"  # lower
    ALL_UNITS_AT_TIER = "all_units_at_tier"  # lower
    FIRST_TIER_FLAT = "first_tier_flat"
    PACKAGES_AFTER_FREE = "packages_after_free"  # size, free
    RATE_BEYOND_FREE = "rate_beyond_free"  # rate, free
    FIXED_FEE_BEYOND_FREE = "fixed_fee_beyond_free"  # free
    EVENT_BOUNDS = "event_bounds"  # least, most
    OWN_PRICES = "own_prices"
    CUSTOM_AMOUNT = "custom_amount"
    BELOW_ZERO = "below_zero"
    MINIMUM = "minimum"
    USED = "used"
    COMMITMENT = "commitment"  # days, whole
    FEES_OF_PERIOD = "fees_of_period"
    FULL_DAYS = "full_days"  # days, whole
    FIRST_DAYS = "first_days"  # days, whole
    TERMINATED_DAYS = "terminated_days"  # days, whole
    UPGRADED_DAYS = "upgraded_days"  # days, whole
    WITHOUT_EVENT = "without_event"
    DAYS_LEFT = "days_left"
    # the addon: the names that it sends
    FULL_PERIOD = "full_period"
    FIRST_PERIOD = "first_period"
    TRIAL = "trial"
    AFTER_TRIAL = "after_trial"
    UNTIL_END = "until_end"
    AFTER_UPGRADE = "after_upgrade"
    TIER = "tier"  # lower, upper
    PACKAGES = "packages"
    RATE_AFTER_FREE = "rate_after_free"
    FIXED_FEE_PER_EVENT = "fixed_fee_per_event"
    BOUNDED_EVENTS = "bounded_events"
    EVENT_AMOUNTS = "event_amounts"
    PRORATED_UNITS = "prorated_units"
    FIRST_TIER = "first_tier"
    MINIMUM_LEFT = "minimum_left"
    COMMITMENT_LEFT = "commitment_left"
    EVENT_DIFFERENCE = "event_difference"
    COUPON = "coupon"
    # what Lago stores with a fee, by Lago's own names
    FEE = "fee"
    PLAN_AMOUNT = "plan_amount"
    GRADUATED_RANGE = "graduated_ranges"  # place, lower, upper
    GRADUATED_PERCENTAGE_RANGE = "graduated_percentage_ranges"  # place, lower, upper, rate
    UNITS = "units"
    FREE_UNITS = "free_units"
    PAID_UNITS = "paid_units"
    FREE_EVENTS = "free_events"
    PAID_EVENTS = "paid_events"
    RATE = "rate"  # rate
    PER_UNIT_AMOUNT = "per_unit_amount"
    PER_UNIT_TOTAL_AMOUNT = "per_unit_total_amount"
    FLAT_UNIT_AMOUNT = "flat_unit_amount"
    PER_PACKAGE_SIZE = "per_package_size"
    PER_PACKAGE_UNIT_AMOUNT = "per_package_unit_amount"
    FIXED_FEE_UNIT_AMOUNT = "fixed_fee_unit_amount"
    FIXED_FEE_TOTAL_AMOUNT = "fixed_fee_total_amount"
    MIN_MAX_ADJUSTMENT_TOTAL_AMOUNT = "min_max_adjustment_total_amount"


ADDON_STEPS = frozenset(
    {StepKind.UNITS_PRICE, StepKind.FLAT_FEES_UP_TO, StepKind.FULL_PERIOD, StepKind.FIRST_PERIOD, StepKind.TRIAL}
    | {StepKind.AFTER_TRIAL, StepKind.UNTIL_END, StepKind.AFTER_UPGRADE, StepKind.TIER, StepKind.PACKAGES}
    | {StepKind.RATE_AFTER_FREE, StepKind.FIXED_FEE_PER_EVENT, StepKind.BOUNDED_EVENTS, StepKind.EVENT_AMOUNTS}
    | {StepKind.PRORATED_UNITS, StepKind.FIRST_TIER, StepKind.MINIMUM_LEFT, StepKind.COMMITMENT_LEFT}
    | {StepKind.EVENT_DIFFERENCE, StepKind.COUPON}
)
LAGO_DETAILS = frozenset(
    {StepKind.PLAN_AMOUNT, StepKind.UNITS, StepKind.FREE_UNITS, StepKind.PAID_UNITS, StepKind.FREE_EVENTS}
    | {StepKind.PAID_EVENTS, StepKind.PER_UNIT_AMOUNT, StepKind.PER_UNIT_TOTAL_AMOUNT, StepKind.FLAT_UNIT_AMOUNT}
    | {StepKind.PER_PACKAGE_SIZE, StepKind.PER_PACKAGE_UNIT_AMOUNT, StepKind.FIXED_FEE_UNIT_AMOUNT}
    | {StepKind.FIXED_FEE_TOTAL_AMOUNT, StepKind.MIN_MAX_ADJUSTMENT_TOTAL_AMOUNT}
)  # numbers of ``amount_details`` that stand alone

PRICING_UNIT, CONVERSION_RATE = "pricing_unit", "conversion_rate"  # values of any step that is priced in such a unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of how an amount came about: ``20 units × 0.05 = 1.00``. Money in units of the currency."""

    kind: StepKind
    values: Mapping[str, Decimal | str] = field(default_factory=dict)
    line: str = ""  # the line it belongs to, where several lines are one position
    units: Decimal | None = None
    unit_price: Decimal | None = None
    flat: Decimal | None = None
    amount: Decimal | None = None


def given(**values: Decimal | None) -> dict[str, Decimal | str]:
    """The values of a step that exist: the last tier has no upper bound."""
    return {name: value for name, value in values.items() if value is not None}
