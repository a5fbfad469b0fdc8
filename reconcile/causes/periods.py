"""Another period than Lago's is refused by name, unless a proven cause says that it is another, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.billed import LineKey, Refusal
from reconcile.causes.cause_of import calendar_causes
from reconcile.causes.observed import Suspect, remedy_at
from reconcile.compare.positions import ComparedInvoice, Key, compare_invoice
from reconcile.rerate.other_periods import FAMILIES, PeriodRefusals
from reports.data import LAGO, ODOO, OUTSIDE, REFUSED, Evidence, Finding

Findings = Mapping[Key, tuple[Finding, ...]]
MOVERS = calendar_causes()


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


def with_givers(
    invoice: ComparedInvoice, findings: Findings, others: PeriodRefusals, givers: Mapping[str, Sequence[Suspect]]
) -> Findings:
    """The findings, and the records that give another period of a subscription of which no amount says so.

    Only beside a cause that is proven of another subscription here, or of another record of its own order: alone, such
    an invoice would look equal. ``givers``: subscription -> records of its own order that give just the periods that
    Odoo bills.
    """
    told = dict(findings)
    proven = {(key.subscription, f.cause) for key, f in _of_lines(findings) if moves_periods(f)}
    for subscription in others.keys() & givers.keys():
        named = {cause for owner, cause in proven if owner == subscription}
        beside = [giver for giver in givers[subscription] if giver.cause not in named]
        known = named if len(givers[subscription]) > 1 and named else {cause for _, cause in proven if not named}
        key = _billed_line(invoice, subscription)
        if key is not None and known & {giver.cause for giver in givers[subscription]}:
            told[key] = (*told.get(key, ()), *map(_finding, beside))
    return told


def with_refused_givers(
    invoice: ComparedInvoice, findings: Findings, others: PeriodRefusals, givers: Mapping[str, Sequence[Suspect]]
) -> Findings:
    """The findings, and the records that give just the periods for which Odoo's invoice is refused.

    The refusal stands: no amount of this invoice says so, and without it the invoice would look equal. ``invoice``: as
    refused.
    """
    told = dict(findings)
    for subscription in others.keys() & givers.keys():
        named = {f.cause for key, f in _of_lines(findings) if key.subscription == subscription}
        beside = [giver for giver in givers[subscription] if giver.cause not in named]
        key = _billed_line(invoice, subscription)
        if beside and key is not None:
            told[key] = (*told.get(key, ()), *map(_finding, beside))
    return told


def _billed_line(invoice: ComparedInvoice, subscription: str) -> LineKey | None:
    keys = (p.key for p in invoice.positions if isinstance(p.key, LineKey) and p.lines.get(ODOO))
    return next((key for key in keys if key.subscription == subscription and key.kind in FAMILIES), None)


def _finding(giver: Suspect) -> Finding:
    """It moves no amount there."""
    remedy = giver.remedy or remedy_at("mend_field", giver.place, giver.lago)
    evidence = (Evidence(name="held", values=giver.told),)
    return Finding(cause=giver.cause, side=ODOO, delta_cents=0, proven=True, evidence=evidence, remedy=remedy)


def _of_lines(findings: Findings) -> Iterator[tuple[LineKey, Finding]]:
    return ((key, f) for key, named in findings.items() if isinstance(key, LineKey) for f in named)


def _unexplained(others: PeriodRefusals, findings: Findings) -> Iterator[Refusal]:
    """Those of subscriptions on whose lines no cause is proven that moves their periods."""
    explained = {key.subscription for key, finding in _of_lines(findings) if moves_periods(finding)}
    for subscription, refusals in others.items():
        if subscription not in explained:
            yield from refusals


def moves_periods(finding: Finding) -> bool:
    """Who reads such a cause knows that the period is another. What is proven of Lago's own says nothing of Odoo's."""
    return finding.proven and finding.side != LAGO and finding.cause in MOVERS
