"""Another period than Lago's is refused by name, unless a proven cause says that it is another, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconcile.billed import LineKey, Refusal
from reconcile.causes.cause_of import calendar_causes
from reconcile.compare.positions import ComparedInvoice, Key, compare_invoice
from reconcile.rerate.other_periods import PeriodRefusals
from reports.data import LAGO, ODOO, OUTSIDE, REFUSED, Finding

Findings = Mapping[Key, tuple[Finding, ...]]


def with_periods(
    invoice: ComparedInvoice, findings: Findings, others: PeriodRefusals, tolerance_cents: int
) -> tuple[ComparedInvoice, Findings]:
    """The invoice as compared, where Odoo refuses what it bills for another period; and what is left of its findings.

    A refused side states no header: only what was found of lines stays.
    """
    refusals = tuple(_unexplained(others, findings))
    if not refusals:
        return invoice, findings
    odoo = invoice.sides[ODOO]
    sides = {**invoice.sides, ODOO: replace(odoo, refusals=(*odoo.refusals, *refusals))}
    again = compare_invoice(sides, invoice.pair, tolerance_cents)
    return again, {
        p.key: findings[p.key] for p in again.positions if p.key in findings and p.status not in (REFUSED, OUTSIDE)
    }


def _unexplained(others: PeriodRefusals, findings: Findings) -> Iterator[Refusal]:
    """Those of subscriptions on whose lines no cause is proven that moves their periods."""
    explained = {
        key.subscription
        for key, named in findings.items()
        if isinstance(key, LineKey) and any(moves_periods(finding) for finding in named)
    }
    for subscription, refusals in others.items():
        if subscription not in explained:
            yield from refusals


def moves_periods(finding: Finding) -> bool:
    """Who reads such a cause knows that the period is another. What is proven of Lago's own says nothing of Odoo's."""
    return finding.proven and finding.side != LAGO and finding.cause in calendar_causes()
