"""Invoices that the control run cannot give, by the rule that is missing. One that becomes equal is to be taken off."""

from __future__ import annotations

from collections.abc import Mapping

KNOWN: Mapping[str, tuple[str, ...]] = {
    "units of a fixed charge that changed: the API does not say when": (
        "fixed_charges_midperiod-plan-0000 invoice-2",
        "fixed_charges_midperiod-plan-0008 invoice-2",
        "fixed_charges_midperiod-plan-0014 invoice-3",
        "fixed_charges_midperiod-sub-0039 invoice-1",
        "mixed-quarterly-0127 invoice-0",
        "mixed-weekly-0081 invoice-1",
        "mixed-weekly-0183 invoice-0",
        "weak-fixed_changed-003 invoice-1",
        "weak-fixed_changed-003 invoice-2",
    ),
    "a running total after NaN": ("mixed-semiannual-y0042 invoice-5",),
}
