"""A claim that Lago made twice is settled in Lago, before its balance makes it two in Odoo as well.

Pure. What is open, and where, stays as it was found; only what to do about it is another thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconcile.compare.positions import Key
from reconcile.rerate.lapses import BILLED_TWICE, PERIOD_TWICE
from reports.data import Evidence, Finding, LapseView

_CARRIED = ("balance_missing", "settlement_missing", "balance_wrong")


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
        key: tuple(replace(f, remedy=remedy) if f.cause in _CARRIED else f for f in causes)
        for key, causes in findings.items()
    }
