"""Units -> amounts: Lago's charge models (facts/lago-billing §4), each explained by its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mappings.records import Json
from reconcile.lines import Step
from reconcile.rules import LATEST, Rules

Group = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """Units of one bucket (filter x group), as ``reconcile.usage`` gives them.

    ``units`` are days-weighted when the charge is prorated, ``full_units`` the same quantity without proration.
    ``events`` are the values of the events in order, ``events_prorated`` the same days-weighted.
    """

    units: Decimal
    events_count: int = 0
    full_units: Decimal | None = None
    current_usage_units: Decimal | None = None
    total_aggregated_units: Decimal | None = None  # weighted sum: the running total at the end
    running_total: tuple[Decimal, ...] = ()  # percentage: cumulative units while free units may remain
    events: tuple[Decimal, ...] = ()
    events_prorated: tuple[Decimal, ...] = ()
    precise_total_amount_cents: Decimal | None = None  # dynamic: sum of the events' own prices
    custom_units: Decimal | None = None
    custom_amount: Decimal | None = None
    grouped_by: Group = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """An amount and how it came about. ``amount`` and ``unit_amount`` are in units of the currency, unrounded."""

    amount: Decimal
    unit_amount: Decimal
    units: Decimal
    amount_details: Mapping[str, Any]  # in the shape Lago stores with the fee
    steps: tuple[Step, ...] = ()


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
    """Price one bucket's units. Raises ``Refused`` for what Lago could not price either (named reason)."""
    raise NotImplementedError
