"""Units by the days they were there, where a charge is prorated."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from mappings.period import local_date
from mappings.phrases import Told
from reconcile.rating.pg_numeric import divide_numeric
from reconcile.rating.rules import unknown_before
from reconcile.rating.scope import EventScope

PRORATION_DIGITS = 5


def share_of_days(scope: EventScope, first: date, last: date | None = None) -> Decimal:
    """Days from ``first`` to ``last`` (or the end of the window), both counted, over those of the whole period."""
    window = scope.window
    final = last or local_date(window.charges_to, window.timezone)
    return divide_numeric(Decimal((final - first).days + 1), Decimal(window.charges_duration))


def check_removed(scope: EventScope, removed: bool) -> None:
    """Before v1.40.0 items without weight in the period occupied tiers: unknown which ones."""
    charge = scope.demand.charge
    if removed and charge.charge_model == "graduated" and not scope.rules.removed_items_free_tiers:
        detail = Told.RULE_BEFORE.of(charge.lago_id, Told.GRADUATED_REMOVED.of())
        raise unknown_before("removed_items_free_tiers", detail)
