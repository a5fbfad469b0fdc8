"""The usage of a running period as Lago's API shows it."""

from __future__ import annotations

from ..rating.current_usage import ChargeUsage, CurrentUsage, GroupUsage
from .rows import Answer

# Lago's pricing units and presentation groups have no counterpart in Odoo
WITHOUT: Answer = {"pricing_unit_details": None, "presentation_breakdowns": []}


def customer_usage(usage: CurrentUsage, taxes_cents: int) -> Answer:
    """``usage``: what rating found (``rating.current_usage``); the taxes are Odoo's."""
    shown = {name: value for name, value in usage.items() if name not in ("refusals", "charges_usage")}
    return {
        **shown,
        "lago_invoice_id": None,
        "taxes_amount_cents": taxes_cents,
        "total_amount_cents": usage["amount_cents"] + taxes_cents,
        "charges_usage": [_charge(charge) for charge in usage["charges_usage"]],
    }


def _charge(charge: ChargeUsage) -> Answer:
    groups = [{**group, **WITHOUT, "filters": _filters(group)} for group in charge["grouped_usage"]]
    return {**charge, **WITHOUT, "filters": _filters(charge), "grouped_usage": groups}


def _filters(usage: ChargeUsage | GroupUsage) -> list[Answer]:
    return [{**bucket, **WITHOUT} for bucket in usage["filters"]]
