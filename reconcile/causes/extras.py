"""What only Odoo bills needs no recomputing: its own record is the proof, and the whole amount is its cause."""

from __future__ import annotations

from collections.abc import Mapping

from mappings.phrases import Told
from reconcile.causes.of_lines import price_list
from reconcile.compare.positions import ComparedInvoice, Key
from reconcile.sides.extras import (
    EXTRA_BALANCE,
    EXTRA_INVOICE,
    EXTRA_ORDER,
    EXTRA_USAGE,
    FOREIGN,
    LACKING_BALANCE,
    Extra,
)
from reports.data import ODOO, Evidence, Finding

NAMES = (EXTRA_ORDER, EXTRA_INVOICE, EXTRA_BALANCE, LACKING_BALANCE, EXTRA_USAGE)  # with an amount; others are refusals
REMEDIES: Mapping[str, str] = {
    EXTRA_ORDER: "close_order",
    EXTRA_INVOICE: "remove_invoice",
    EXTRA_BALANCE: "renew_balance",
    LACKING_BALANCE: "raise_balance",
    EXTRA_USAGE: "drop_open_usage",
}
# What it is -> the evidence that says so at length; what has no amount needs none.
EVIDENCE: Mapping[Told, str] = {
    Told.ONLY_ORDER: "order_only_in_odoo",
    Told.ORDER_UNNAMED: "order_unnamed",
    Told.ONLY_SALE: "order_not_invoiced",
    Told.ONLY_INVOICE: "invoice_only_in_odoo",
    Told.BILLED_BY_BOTH: "invoice_of_both",
    Told.MORE_OPEN: "balance_only_in_odoo",
    Told.LESS_OPEN: "balance_too_low",
    Told.ONLY_USAGE: "usage_only_in_odoo",
    Told.BILLS_IN_OTHER: "other_currency",
}


def explain_extra(extra: Extra, invoice: ComparedInvoice) -> dict[Key, tuple[Finding, ...]]:
    """One proven finding a position that differs."""
    return {p.key: (_finding(extra, p.delta_cents),) for p in invoice.positions if p.delta_cents}


def _finding(extra: Extra, cents: int) -> Finding:
    return Finding(
        cause=extra.kind,
        side=ODOO,
        delta_cents=cents,
        proven=True,
        evidence=(Evidence(name=EVIDENCE[extra.detail.kind], values=extra.facts),),
        remedy=_remedy(extra),
    )


def _remedy(extra: Extra) -> Evidence:
    if extra.kind == FOREIGN:
        return price_list(extra.facts["where"], extra.facts["currency"])
    return Evidence(name=extra.remedy or REMEDIES[extra.kind], values={**extra.facts, "what": extra.name})
