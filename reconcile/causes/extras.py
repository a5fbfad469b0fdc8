"""What only Odoo bills needs no recomputing: its own record is the proof, and the whole amount is its cause."""

from __future__ import annotations

from collections.abc import Mapping

from reconcile.compare.positions import ComparedInvoice, Key
from reconcile.sides.extras import EXTRA_BALANCE, EXTRA_INVOICE, EXTRA_ORDER, FOREIGN, Extra
from reports.data import ODOO, Evidence, Finding

NAMES = (EXTRA_ORDER, EXTRA_INVOICE, EXTRA_BALANCE)  # those with an amount; the others are refusals of that name
REMEDIES: Mapping[str, str] = {
    EXTRA_ORDER: "close_order",
    EXTRA_INVOICE: "remove_invoice",
    EXTRA_BALANCE: "renew_balance",
    FOREIGN: "mend_currency",
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
        evidence=(Evidence(name=extra.told, values=extra.facts),),
        remedy=Evidence(name=REMEDIES[extra.kind], values={**extra.facts, "what": extra.name}),
    )
