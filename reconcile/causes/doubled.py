"""A claim that Lago made twice is settled in Lago, before its balance makes it two in Odoo as well.

Pure. What is open, and where, stays as it was found; what to do about it is another thing, and whose doing it is:
Odoo, which does not hold a claim that is none, is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconcile.compare.positions import Key
from reconcile.rerate.lapses import BILLED_TWICE, PERIOD_TWICE
from reports.data import LAGO, Evidence, Finding, LapseView

_NOT_IN_ODOO = ("balance_missing", "settlement_missing")
_CARRIED = (*_NOT_IN_ODOO, "balance_wrong")


def doubled_claims(lapses: Sequence[LapseView]) -> dict[str, tuple[str, ...]]:
    """Number of an invoice -> those, itself among them, that bill the same."""
    twice = [lapse.invoices for lapse in lapses if lapse.kind in (BILLED_TWICE, PERIOD_TWICE)]
    return {number: numbers for numbers in twice for number in numbers}


def with_doubled(
    findings: Mapping[Key, tuple[Finding, ...]], twins: Sequence[str]
) -> Mapping[Key, tuple[Finding, ...]]:
    """The findings of an invoice that bills what others of Lago's (``twins``) bill too."""
    if not twins:
        return findings
    remedy = Evidence(name="settle_in_lago", values={"invoices": ", ".join(twins)})
    return {
        key: tuple(_settled_in_lago(f, remedy) if f.cause in _CARRIED else f for f in causes)
        for key, causes in findings.items()
    }


def _settled_in_lago(finding: Finding, remedy: Evidence) -> Finding:
    """Lago is wrong where Odoo lacks the second claim; a document that Odoo holds with another amount is Odoo's."""
    return replace(finding, remedy=remedy, side=LAGO if finding.cause in _NOT_IN_ODOO else finding.side)
