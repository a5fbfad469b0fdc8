"""The plan of a cut-over: the gate, where each subscription ends, what customers take along; how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.cutover_gate import GateTerms, gate_checks
from lago2odoo.cli.migration import open_migration
from lago2odoo.cli.outcome import CommandOutcome
from mappings.carried import Carried, carried
from mappings.endings import Ending, endings
from mappings.money import from_subunits, told_money
from migrate.gate import GateCheck, is_open
from migrate.state.cutover_stages import leaving, stage_notes
from migrate.state.store import Store
from reports.columns import table


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoverPlan:
    """The gate of a cohort, where each of its subscriptions ends, and what its customers take along."""

    cohort: str
    checks: tuple[GateCheck, ...]
    endings: tuple[Ending, ...]
    carried: tuple[Carried, ...]
    earliest: date


def plan_of(context: CommandContext, store: Store, cohort: str, terms: GateTerms, earliest: date) -> CutoverPlan:
    """Ask everything that the gate asks; ends that were set before stay where they are."""
    with context.odoo() as odoo:
        migration = open_migration(context, store, odoo, cohort)
        ends = tuple(
            endings(migration.snapshot, migration.cohort.customers, earliest, leaving(stage_notes(store).values()))
        )
        return CutoverPlan(
            cohort=cohort,
            checks=tuple(gate_checks(context, store, odoo, migration, terms, ends)),
            endings=ends,
            carried=carried(migration.snapshot, migration.cohort.customers),
            earliest=earliest,
        )


def checked(plan: CutoverPlan) -> CommandOutcome:
    """Exit code 2 while the gate is closed."""
    opened = is_open(plan.checks)
    data = {
        "cohort": plan.cohort,
        "open": opened,
        "checks": [{**asdict(check), "open": check.is_open} for check in plan.checks],
        "endings": [{**asdict(e), "ending_at": f"{e.ending_at:%Y-%m-%dT%H:%M:%SZ}"} for e in plan.endings],
        "carried": [asdict(each) for each in plan.carried],
    }
    return CommandOutcome(data, "\n".join(_lines(plan, opened)), 0 if opened else 2)


def _lines(plan: CutoverPlan, opened: bool) -> Iterator[str]:
    marks = {True: "open", False: "CLOSED"}
    yield table(("gate", "", "why"), [(check.name, marks[check.is_open], str(check)) for check in plan.checks])
    yield ""
    yield from _of_endings(plan.endings)
    yield from _of_carried(plan.carried)
    closed = sum(not check.is_open for check in plan.checks)
    if opened:
        same = f"--not-before {plan.earliest}"  # else the day on which it is run would decide
        yield f"cohort {plan.cohort} may leave; next: lago2odoo cutover --cohort {plan.cohort} --end {same}"
    else:
        yield f"the gate of cohort {plan.cohort} is closed by {closed} of {len(plan.checks)} checks: nothing is ended"


def _of_endings(ends: Sequence[Ending]) -> Iterator[str]:
    """What would be done to whom, when, with the price of a whole period as Odoo bills it from that day on."""
    if not ends:
        return
    rows = [
        (e.customer, e.subscription, e.plan, f"{e.day} ({e.timezone})", f"{e.ending_at:%Y-%m-%dT%H:%M:%SZ}", _price(e))
        for e in ends
    ]
    yield table(("customer", "subscription", "plan", "Odoo from", "ending_at in Lago", "a period"), rows)
    yield from (f"{e.subscription}: {note}" for e in ends for note in (*e.blocks, *e.notes))
    yield ""


def _price(ending: Ending) -> str:
    return told_money(ending.base_cents, ending.currency) + (" (set already)" if ending.is_set else "")


def _of_carried(items: Sequence[Carried]) -> Iterator[str]:
    if not items:
        return
    head = ("customer", "", "owed in Lago", "credit left", "prepaid")
    yield table(
        head, [(c.customer, c.currency, *(f"{from_subunits(n, c.currency):,}" for n in _sums(c))) for c in items]
    )
    yield ""


def _sums(item: Carried) -> tuple[int, int, int]:
    return item.owed_cents, item.credit_cents, item.prepaid_cents
