"""Units -> amounts: Lago's charge models (facts/lago-billing §4), each explained by its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, localcontext

from mappings.explain import Step, StepKind
from mappings.money import CONTEXT, from_subunits
from mappings.phrases import Told
from mappings.records import Json
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.graduated import price_graduated, price_graduated_percentage
from reconcile.rating.percentage import price_percentage
from reconcile.rating.pricing import Priced, Rated, divide, rated_of
from reconcile.rating.refusal import RerateRefused, in_range
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.tiers import ZERO, decimal_of
from reconcile.rating.volume import price_volume


def rate(
    charge_model: str,
    properties: Json,
    aggregation: Aggregation,
    *,
    currency: str,
    prorated: bool = False,
    pay_in_advance: bool = False,
    premium: bool = True,
    rules: Rules = LATEST,
) -> Rated:
    """Price one bucket's units. Raises ``RerateRefused`` for what Lago could not price either (named reason)."""
    return rate_case(
        Priced(
            model=charge_model,
            properties=properties,
            aggregation=aggregation,
            currency=currency,
            prorated=prorated,
            pay_in_advance=pay_in_advance,
            premium=premium,
            rules=rules,
        )
    )


@in_range()
def rate_case(case: Priced) -> Rated:
    """What the case costs, by its charge model."""
    model = MODELS.get(case.model)
    if model is None:
        raise RerateRefused("unknown_charge_model", Told.UNKNOWN_MODEL.of(repr(case.model), ", ".join(MODELS)))
    with localcontext(CONTEXT):
        return model(case)


def _price_standard(case: Priced) -> Rated:
    units, price = case.aggregation.units, decimal_of(case.properties, "amount")
    amount = units * price
    step = Step(kind=StepKind.UNITS_PRICE, units=units, unit_price=price, amount=amount)
    return rated_of(case, amount, {}, (step,))


def _price_dynamic(case: Priced) -> Rated:
    cents = case.aggregation.precise_total_amount_cents
    if cents is None:
        raise RerateRefused("dynamic_without_amount", Told.ALIKE_GROUPS.of())
    amount = from_subunits(cents, case.currency) if case.aggregation.units else ZERO
    return rated_of(case, amount, {}, (Step(kind=StepKind.OWN_PRICES, amount=amount),))


def _price_custom(case: Priced) -> Rated:
    amount = case.aggregation.custom_amount or ZERO
    return rated_of(case, amount, {}, (Step(kind=StepKind.CUSTOM_AMOUNT, amount=amount),))


def _price_package(case: Priced) -> Rated:
    free, price = decimal_of(case.properties, "free_units"), decimal_of(case.properties, "amount")
    size = decimal_of(case.properties, "package_size")
    if size <= 0:
        raise RerateRefused("bad_price", Told.PACKAGE_SIZE.of(repr(case.properties.get("package_size"))))
    paid = max(case.aggregation.units - free, ZERO)
    packages = Decimal(math.ceil(float(paid) / float(size)))  # Lago divides doubles here
    amount = packages * price
    used = case.aggregation.units != 0  # Lago shows nothing but zeros for a bucket without units
    details = {
        "free_units": free if used else ZERO,
        "paid_units": paid,
        "per_package_size": int(size) if used else 0,
        "per_package_unit_amount": price if used else ZERO,
    }
    step = Step(
        kind=StepKind.PACKAGES_AFTER_FREE,
        values={"size": size, "free": free},
        units=packages,
        unit_price=price,
        amount=amount,
    )
    return replace(rated_of(case, amount, details, (step,)), unit_amount=divide(amount, paid))


MODELS: Mapping[str, Callable[[Priced], Rated]] = {
    "standard": _price_standard,
    "graduated": price_graduated,
    "graduated_percentage": price_graduated_percentage,
    "package": _price_package,
    "percentage": price_percentage,
    "volume": price_volume,
    "dynamic": _price_dynamic,
    "custom": _price_custom,
}
