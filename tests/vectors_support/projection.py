"""Lago's projected usage, which the vectors hold beside the amounts: nothing that is migrated or billed needs it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

from mappings.money import CONTEXT, round_half_up
from reconcile.rating.charge_models import MODELS
from reconcile.rating.pricing import Priced, Rated, divide
from reconcile.rating.tiers import ZERO

_RECOMPUTED = ("standard", "graduated", "package", "volume")


def projected(case: Priced, rated: Rated, ratio: Decimal) -> tuple[Decimal, Decimal]:
    """Units and amount extrapolated to the whole period; ``ratio`` is the elapsed share of it (0 gives 0)."""
    if ratio <= 0:
        return ZERO, ZERO
    with localcontext(CONTEXT):
        units = round_half_up(divide(rated.units, ratio), 2)
        if case.model not in _RECOMPUTED or (case.model == "graduated" and case.prorated):
            return units, divide(rated.amount, ratio)
        if (case.model == "graduated" and units <= 0) or not units:
            return units, ZERO  # without flat fees
        whole = replace(case, aggregation=replace(case.aggregation, units=units, full_units=None))
        return units, MODELS[case.model](whole).amount
