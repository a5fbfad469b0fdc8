"""What Lago changed since it was applied, and Odoo does not have yet: the snapshot is ahead, nobody edited anything.

What ``preview`` would show of the phases that are done, for those for whom they are. Usage is left to ``preview``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.migration import cohort_of, mapped_but_usage
from mappings.quarantine import with_ids
from mappings.records import Snapshot
from mappings.target import Phase
from migrate.change_set.changes import Action, Change, Known
from migrate.change_set.watched import DECIDES
from migrate.errors import Blocked, ConfigError, OdooError
from migrate.odoo.door import Door
from migrate.odoo.preflight import prepare
from migrate.preview import preview
from migrate.state.ledger import Ledger
from migrate.state.records import PhaseProgress

SHOWN = 20
ENDED = ("terminated", "canceled")
_RUNS = frozenset({"state", "subscription_state", "stage_id", "in_progress", "fusion_ended_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """One record. ``ended``: its subscription ended in Lago (in which way), and Odoo still bills it."""

    source: str
    action: str
    model: str
    fields: tuple[str, ...]
    ended: str = ""

    def __str__(self) -> str:
        if self.ended:
            return f"{self.source}: {self.ended} in Lago, and still runs in Odoo"
        told = ", ".join(self.fields)
        words = {
            Action.CREATE.value: "new in Lago",
            Action.REMOVE.value: "no longer in Lago",
            Action.CONFLICT.value: f"changed in Lago, and in Odoo too: {told}",
        }
        return f"{self.source}: {words.get(self.action, f'changed in Lago: {told}')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOn:
    """All of them; ``unknown``: why that could not be worked out."""

    ahead: tuple[Ahead, ...] = ()
    unknown: str = ""

    def lines(self) -> Iterator[str]:
        """For people: what ended and still runs comes first."""
        if self.unknown:
            yield f"moved on in Lago since apply: not known: {self.unknown}"
        if self.ahead:
            yield f"moved on in Lago since apply, and not in Odoo yet: {len(self.ahead):,} records"
            yield from (f"    {record}" for record in self.ahead[:SHOWN])
        if len(self.ahead) > SHOWN:
            yield f"    and {len(self.ahead) - SHOWN:,} more: --format json"


def find_moved_on(context: CommandContext, odoo: Door, ledger: Ledger, snapshot: Snapshot) -> MovedOn:
    """Held against Odoo as ``preview`` does it. What stands in the way of that is said, and is no answer."""
    groups = _done(ledger.phases())
    if not groups:
        return MovedOn()
    try:
        mapped = (*prepare(), *mapped_but_usage(context, snapshot, odoo))
        changes = [
            change
            for cohort, phases in groups.items()
            for change in preview(
                odoo,
                ledger,
                mapped,
                phases=phases,
                cohort=cohort_of(context, snapshot, cohort or None),
                waived=with_ids(context.config.waive.reasons, snapshot.quarantined),
            ).changes
        ]
    except (Blocked, ConfigError, OdooError) as error:
        return MovedOn(unknown=str(error))
    known, states = ledger.known(), {s.lago_id: s.status for s in snapshot.subscriptions}
    ahead = {c.xid: _ahead(c, states) for c in changes if _is_lagos(c, known)}
    return MovedOn(ahead=tuple(sorted(ahead.values(), key=lambda record: not record.ended)))


def _done(phases: Sequence[PhaseProgress]) -> dict[str, tuple[Phase, ...]]:
    """Cohort ('' is everyone) -> the phases that are done for it and not for everyone; what is not done is told so."""
    done = [p for p in phases if not p.blocks and p.phase not in (Phase.USAGE, Phase.BOOKS)]
    whole = {p.phase for p in done if not p.cohort}
    groups: dict[str, tuple[Phase, ...]] = {}
    for each in done:
        if not each.cohort or each.phase not in whole:
            groups[each.cohort] = (*groups.get(each.cohort, ()), each.phase)
    return groups


def _is_lagos(change: Change, known: Mapping[str, Known]) -> bool:
    """Whether Lago moved: what was only taken out of Odoo comes again with the next apply, and is drift."""
    if change.action is Action.CREATE:
        return change.xid not in known
    if change.action is Action.REMOVE:
        return change.res_id is not None
    lines = known[change.xid].lines if change.xid in known else {}
    moved = any(
        line.action is Action.REMOVE
        or (line.action is Action.CREATE and line.xid not in lines)
        or any(diff.verdict is Action.UPDATE for diff in line.diffs)
        for line in change.lines
    )
    is_written = moved or bool(change.updates)
    return change.action is Action.CONFLICT or (change.action is Action.UPDATE and is_written)


def _ahead(change: Change, states: Mapping[str, str]) -> Ahead:
    verdicts = (Action.UPDATE, Action.CONFLICT)
    names = [d.field for d in change.diffs if d.verdict in verdicts]
    within = dict.fromkeys(d.field for line in change.lines for d in line.diffs if d.verdict in verdicts)
    moved = [line.action for line in change.lines if line.action in (Action.CREATE, Action.REMOVE)]
    fields = (*names, *(name for name in within if name not in names), *(["lines"] if moved else []))
    state = states.get(change.desired.source.lago_id, "") if change.desired else ""
    stops = state in ENDED and change.action is not Action.CREATE
    is_running = stops and any(name in _RUNS or name.endswith("()") for name in names)
    return Ahead(
        source=change.source,
        action=change.action.value,
        model=change.model,
        fields=tuple(_said(change.model, name) for name in fields) if change.action is not Action.CREATE else (),
        ended=state if is_running and change.model in ("sale.order", "sale.subscription") else "",
    )


def _said(model: str, name: str) -> str:
    """The field, with what it decides of a bill."""
    why = DECIDES.get(model, {}).get(name, "")
    return f"{name} ({why})" if why else name
