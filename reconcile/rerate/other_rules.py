"""Whether invoices that differ are all equal by the rules of another of Lago's versions.

A build between two releases, or from Lago's main branch, calls itself by the release before it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from mappings.records import Snapshot
from reconcile.rating.rules import rules_for, versions
from reconcile.rerate.customer_parts import CustomerParts
from reconcile.rerate.noise_floor import InvoiceCheck, control


def fitting_version(snapshot: Snapshot, events: Path, checks: Sequence[InvoiceCheck], period: str) -> str | None:
    """The newest version by whose rules all of a month is equal, of which some differs by the snapshot's own; or None.

    ``checks``: by the snapshot's own version. The first customer that differs is tried alone before all others.
    """
    differing = [check for check in checks if not check.is_equal]
    customers = {customer.external_id: customer.lago_id for customer in snapshot.customers}
    if not differing or differing[0].customer not in customers:
        return None
    part = CustomerParts(snapshot).of(customers[differing[0].customer])
    names = {check.lago_id for check in checks}
    for version in versions():
        other = rules_for(version) != rules_for(snapshot.lago_version)
        if other and all(_are_equal(each, version, events, period, names) for each in (part, snapshot)):
            return version
    return None


def _are_equal(snapshot: Snapshot, version: str, events: Path, period: str, names: Collection[str]) -> bool:
    checks = control(replace(snapshot, lago_version=version), events, period=period)
    return all(check.is_equal for check in checks if check.lago_id in names)
