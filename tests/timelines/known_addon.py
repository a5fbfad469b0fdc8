"""Invoices that the addon's rating cannot give, by the rule that is missing. What becomes equal is to be taken off."""

from __future__ import annotations

from collections.abc import Mapping

KNOWN: Mapping[str, tuple[str, ...]] = {
    "the fraction of a second at which a subscription ended, which a weighted sum counts": (
        "mixed-monthly-0164 invoice-2",
        "mixed-monthly-0189 invoice-4",
        "mixed-weekly-0014 invoice-2",
        "mixed-weekly-0194 invoice-1",
        "weak-wsum_rec-006 invoice-2",
        "weak-wsum_rec-007 invoice-3",
    ),
    "a running total after NaN": ("mixed-semiannual-y0042 invoice-5",),
}
