"""The usage of a running period as Lago's API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Lago's pricing units and presentation groups have no counterpart in Odoo
WITHOUT = {"pricing_unit_details": None, "presentation_breakdowns": []}


def customer_usage(usage: Mapping[str, Any], taxes_cents: int) -> dict[str, Any]:
    """``usage``: what rating found (``rating.current_usage``); the taxes are Odoo's."""
    shown = {name: value for name, value in usage.items() if name not in ("refusals", "charges_usage")}
    return {
        **shown,
        "lago_invoice_id": None,
        "taxes_amount_cents": taxes_cents,
        "total_amount_cents": usage["amount_cents"] + taxes_cents,
        "charges_usage": [_charge(charge) for charge in usage["charges_usage"]],
    }


def _charge(charge: Mapping[str, Any]) -> dict[str, Any]:
    groups = [{**group, **WITHOUT, "filters": _filters(group)} for group in charge.get("grouped_usage") or ()]
    return {**charge, **WITHOUT, "filters": _filters(charge), "grouped_usage": groups}


def _filters(usage: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**bucket, **WITHOUT} for bucket in usage.get("filters") or ()]
