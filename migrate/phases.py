"""The order of the phases: an unfinished one blocks its successors, and the message says the way out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mappings.target import Phase
from migrate.errors import Blocked
from migrate.state.records import PhaseProgress

ORDER = tuple(Phase)
MIGRATED = tuple(phase for phase in ORDER if phase is not Phase.BOOKS)  # what ``apply`` writes and ``preview`` shows


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who is migrated: a named set of customers (external ids). ``EVERYONE`` has no name and no limit."""

    name: str
    customers: frozenset[str] | None

    def takes(self, customer: str | None) -> bool:
        """Records shared by all customers belong to every cohort."""
        return self.customers is None or customer is None or customer in self.customers


EVERYONE = Cohort("", None)


def chosen(phase: Phase | None, every: tuple[Phase, ...] = MIGRATED) -> tuple[Phase, ...]:
    """The phases of a command: one, or all of its own in order."""
    return every if phase is None else (phase,)


def require_predecessors(
    phase: Phase, cohort: Cohort, progress: Iterable[PhaseProgress], needed: Sequence[Phase] = ORDER
) -> None:
    """Raise Blocked unless all before ``phase`` of ``needed`` (those that have records) are done, but for left-outs."""
    done = {p.phase for p in progress if not p.blocks and p.cohort in ("", cohort.name)}
    failed = {p.phase: p.detail for p in progress if p.blocks and p.cohort == cohort.name}
    for before in ORDER[: ORDER.index(phase)]:
        if before in done or before not in needed:
            continue
        option = f" --cohort {cohort.name}" if cohort.name else ""
        reason = f" ({failed[before]})" if failed.get(before) else ""
        raise Blocked(
            f"phase {phase.value} must wait: {before.value} is unfinished{reason}; "
            f"run 'lago2odoo apply --phase {before.value}{option}' until it is done"
        )
