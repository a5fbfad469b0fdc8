"""Buckets of units -> charge fees: rounding, Lago's rules about negatives and empty fees, charge minimum (facts §4).

``fees_of``: the fees of one charge on the periodic invoice. Those of charges paid in advance are in ``advance``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

from mappings.explain import CONVERSION_RATE, PRICING_UNIT, Step, StepKind
from mappings.money import CONTEXT, from_subunits, round_float, round_half_up, subunits, to_subunits, truncate
from mappings.period import days_between
from mappings.phrases import Told
from mappings.records import Charge, ChargeFilter, Json, PricingUnit
from reconcile.rating.aggregation import Aggregation, Group
from reconcile.rating.buckets import Bucket
from reconcile.rating.charge_models import rate_case
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.float_column import stored
from reconcile.rating.pricing import Priced
from reconcile.rating.refusal import RerateRefused, in_range
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.tiers import ZERO

_STORED_DIGITS = 15  # of Lago's precise columns
_LARGEST = 2**63 - 1  # of its bigint columns
_UNIT_PRICE_LIMIT = Decimal(10) ** 15  # numeric(30,15)
_CUSTOM_UNIT_DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAmounts:
    """The money of a fee as Lago stores it. ``precise_*`` are unrounded but for Lago's 15 decimals."""

    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int  # truncated: never a base for anything
    precise_unit_amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeFee:
    """One charge fee. ``true_up_parent`` is the index (in the same tuple) of the fee a charge minimum belongs to."""

    charge: Charge
    filter: ChargeFilter | None
    filter_position: int | None
    grouped_by: Group
    units: Decimal
    total_aggregated_units: Decimal
    events_count: int
    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    amount_details: Json
    steps: tuple[Step, ...]
    true_up: bool = False
    true_up_parent: int | None = None
    transaction_id: str | None = None  # the event of a pay-in-advance fee


def is_billed(demand: Demand) -> bool:
    """Whether the charge is on the periodic invoice at all (facts §3.4, §4.0)."""
    charge, metric, window = demand.charge, demand.metric, demand.window
    if window.charges_from >= window.charges_to and not window.current_usage:
        return False
    if charge.pay_in_advance and not window.current_usage:
        return charge.invoiceable and metric.recurring and not window.terminated
    rolls_over = window.terminated_by_upgrade and metric.recurring and not charge.prorated
    return charge.invoiceable and not (rolls_over and metric.code in window.next_metrics)


@in_range()
def fees_of(
    demand: Demand, buckets: Iterable[Bucket], *, rules: Rules = LATEST, premium: bool = True
) -> tuple[ChargeFee, ...]:
    """Fees from the units of every bucket: one per filter and group, empty ones left out, then the true-up."""
    by_bucket = [
        [fee_of(demand, bucket, aggregation, rules=rules, premium=premium) for aggregation in bucket.aggregations]
        for bucket in buckets
    ]
    if demand.window.current_usage:
        return tuple(fee for fees in by_bucket for fee in _shown(fees))
    fees = [fee for fees in by_bucket for fee in fees]
    extra = true_up_fee(demand, fees)
    parent = next((fee for fee in fees if fee.filter is None), None) if extra else None
    kept = [fee for fee in fees if fee is parent or is_stored(fee)]
    for fee in kept:
        check_storable(fee)
    if extra is not None:
        where = None if parent is None else _index(kept, parent)
        kept.append(replace(extra, true_up_parent=where, **_inherited(parent)))
    return tuple(kept)


def _shown(fees: Sequence[ChargeFee]) -> Sequence[ChargeFee]:
    """Current usage lists every bucket, but an empty group only if the bucket has nothing else."""
    nameless = tuple((key, None) for key, _ in fees[0].grouped_by)
    return [fee for fee in fees if is_stored(fee)] or [replace(fees[0], grouped_by=nameless)]


def _inherited(parent: ChargeFee | None) -> dict[str, Any]:  # Any: keyword arguments of ChargeFee
    """What a true-up fee copies from the fee it belongs to."""
    return {} if parent is None else {"grouped_by": parent.grouped_by, "amount_details": parent.amount_details}


def is_stored(fee: ChargeFee) -> bool:
    """Lago keeps no fee for nothing at all."""
    return bool(fee.units or fee.amount_cents or fee.events_count)


def _index(fees: Sequence[ChargeFee], wanted: ChargeFee) -> int:
    return next(index for index, fee in enumerate(fees) if fee is wanted)


def fee_of(
    demand: Demand, bucket: Bucket, aggregation: Aggregation, *, rules: Rules = LATEST, premium: bool = True
) -> ChargeFee:
    """Price one group of one bucket."""
    charge, currency = demand.charge, demand.window.currency
    rated = rate_case(
        Priced(
            model=charge.charge_model,
            properties=bucket.properties,
            aggregation=aggregation,
            currency=currency,
            prorated=charge.prorated,
            pay_in_advance=charge.pay_in_advance,
            premium=premium,
            rules=rules,
        )
    )
    units = billed_units(demand, aggregation)
    if aggregation.units < 0 or rated.amount < 0:
        floor = Step(kind=StepKind.BELOW_ZERO, amount=-rated.amount)
        units, rated = ZERO, replace(rated, amount=ZERO, unit_amount=ZERO, steps=(*rated.steps, floor))
    money = amounts(rated.amount, rated.unit_amount, currency, charge.applied_pricing_unit)
    total = aggregation.total_aggregated_units
    return ChargeFee(
        charge=charge,
        filter=bucket.filter,
        filter_position=bucket.position,
        grouped_by=aggregation.grouped_by,
        units=units,
        total_aggregated_units=units if total is None else total,
        events_count=aggregation.events_count,
        amount_cents=money.amount_cents,
        precise_amount_cents=money.precise_amount_cents,
        unit_amount_cents=money.unit_amount_cents,
        precise_unit_amount=money.precise_unit_amount,
        amount_details=rated.amount_details,
        steps=in_currency(rated.steps, charge.applied_pricing_unit),
    )


def billed_units(demand: Demand, aggregation: Aggregation) -> Decimal:
    """The units a fee shows: without proration where the charge has one (facts §4.0)."""
    charge = demand.charge
    if demand.window.current_usage and (charge.pay_in_advance or charge.prorated):
        shown = aggregation.current_usage_units
        return aggregation.units if shown is None else shown
    if charge.prorated and aggregation.full_units is not None:
        return aggregation.full_units
    return aggregation.units


@in_range()
def amounts(
    amount: Decimal, unit_amount: Decimal, currency: str, pricing_unit: PricingUnit | None = None
) -> FeeAmounts:
    """``amount`` and ``unit_amount`` in units of the currency (or of the pricing unit) -> what Lago stores."""
    with localcontext(CONTEXT):
        if pricing_unit is not None:
            # rounded in the custom unit first, and never un-rounded again (facts §4.0)
            amount = round_half_up(amount, _CUSTOM_UNIT_DIGITS) * pricing_unit.conversion_rate
            unit_amount = unit_amount * pricing_unit.conversion_rate
        scale = subunits(currency)
        return FeeAmounts(
            amount_cents=to_subunits(amount, currency),
            precise_amount_cents=round_half_up(amount * scale, _STORED_DIGITS),
            unit_amount_cents=int(truncate(unit_amount * scale)),
            precise_unit_amount=round_half_up(unit_amount, _STORED_DIGITS),
        )


def in_currency(steps: tuple[Step, ...], pricing_unit: PricingUnit | None) -> tuple[Step, ...]:
    """Steps whose amounts are in the invoice's currency; prices stay in the pricing unit that they are set in."""
    if pricing_unit is None:
        return steps
    rate = pricing_unit.conversion_rate
    unit = pricing_unit.short_name or pricing_unit.code or "pricing units"
    priced: dict[str, Decimal | str] = {PRICING_UNIT: unit, CONVERSION_RATE: rate}
    return tuple(
        replace(step, values={**step.values, **priced}, amount=None if step.amount is None else step.amount * rate)
        for step in steps
    )


def check_storable(fee: ChargeFee) -> None:
    """Raises RerateRefused where Lago cannot store the fee: it then produces no invoice either."""
    if fee.units < 0:
        raise RerateRefused("units_out_of_range", Told.UNITS_BELOW_ZERO.of(fee.units))
    if max(abs(fee.amount_cents), abs(fee.unit_amount_cents)) > _LARGEST:
        raise RerateRefused("amount_out_of_range", Told.CENTS_BEYOND.of(fee.amount_cents))
    if abs(fee.precise_unit_amount) >= _UNIT_PRICE_LIMIT:
        raise RerateRefused("unit_price_out_of_range", Told.PRICE_BEYOND.of(fee.precise_unit_amount))


# --- charge minimum ---


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueUp:
    """What is missing to the charge's minimum; ``minimum_cents`` is the (prorated) minimum itself."""

    amount_cents: int
    precise_amount_cents: Decimal
    precise_unit_amount: Decimal
    minimum_cents: float


def true_up(window: ChargeWindow, min_amount_cents: int, used_cents: int, used_precise: Decimal) -> TrueUp | None:
    """The minimum for the days of the window, less what was used. Lago computes in doubles here (facts §4.10)."""
    days = days_between(window.charges_from, window.charges_to, window.timezone) - window.terminated_by_upgrade
    minimum = min_amount_cents / window.charges_duration * days
    if used_cents >= minimum:
        return None
    precise = stored(minimum) - used_precise
    return TrueUp(
        amount_cents=round_float(minimum - used_cents),
        precise_amount_cents=round_half_up(precise, _STORED_DIGITS),
        precise_unit_amount=round_half_up(from_subunits(precise, window.currency), _STORED_DIGITS),
        minimum_cents=minimum,
    )


def true_up_fee(demand: Demand, fees: Sequence[ChargeFee]) -> ChargeFee | None:
    """The fee for a charge minimum over all filters and groups of the charge, without parent yet."""
    charge, window = demand.charge, demand.window
    if charge.min_amount_cents <= 0 or charge.pay_in_advance:
        return None
    used = sum(fee.amount_cents for fee in fees)
    with localcontext(CONTEXT):
        missing = true_up(window, charge.min_amount_cents, used, sum((fee.precise_amount_cents for fee in fees), ZERO))
    if missing is None:
        return None
    return ChargeFee(
        charge=charge,
        filter=None,
        filter_position=None,
        grouped_by=(),
        units=Decimal(1),
        total_aggregated_units=Decimal(1),
        events_count=0,
        amount_cents=missing.amount_cents,
        precise_amount_cents=missing.precise_amount_cents,
        unit_amount_cents=missing.amount_cents,
        precise_unit_amount=missing.precise_unit_amount,
        amount_details={},
        steps=(
            Step(
                kind=StepKind.MINIMUM,
                amount=from_subunits(stored(missing.minimum_cents), window.currency),
            ),
            Step(kind=StepKind.USED, amount=from_subunits(-used, window.currency)),
        ),
        true_up=True,
    )
