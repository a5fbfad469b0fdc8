"""Whose remedy it is: where Lago is the wrong side, nobody is sent to change what is right in Odoo."""

from __future__ import annotations

from reports.data import Evidence

# Remedies that are done in Lago, or that say why there is nothing to do there. All others are done in Odoo.
LAGOS_REMEDIES = frozenset(
    {
        "accept_rule",
        "bill_in_lago",
        "bill_late_usage",
        "check_boundaries",
        "check_edit",
        "check_lagos_taxes",
        "check_rounding",
        "check_store",
        "credit_in_lago",
        "mend_coupon_in_lago",
        "settle_in_lago",
    }
)

# A rule proposes the same of each side; what it tells to do in Odoo is, where Lago is wrong, a correction of Lago's.
# By whether Lago bills too much.
CORRECTIONS = {True: Evidence(name="credit_in_lago"), False: Evidence(name="bill_in_lago")}
