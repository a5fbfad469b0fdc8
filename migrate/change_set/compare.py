"""What apply would do, worked out without touching anything. Pure.

Three-way, field by field: *base* is what we sent last (the ledger), *wanted* is what the mappers want now, *observed*
is what stands in Odoo, *stored* is what Odoo made of what we sent.

    observed = wanted                         nothing to do
    wanted = base,  observed = stored         nothing to do (Odoo normalises some values)
    wanted = base,  observed moved            kept: someone, or Odoo itself, changed it; reported, never overwritten
    wanted moved,   observed = stored         update
    wanted moved,   observed moved            conflict: named, nothing of the record is written
    no base,        observed differs          update: the record is ours by its external id, the ledger does not know it
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from mappings.target import Desired, Find, Mapped, Phase, Ref, Skipped
from migrate.change_set.changes import (
    EVERYTHING,
    Action,
    Change,
    ChangeScope,
    ChangeSet,
    FieldDiff,
    Known,
    LineChange,
    Observed,
    Seen,
    each_line,
)
from migrate.change_set.removals import count_removals
from migrate.change_set.watched import BOOKED, watched_values
from migrate.values import Canon, wanted


def diff(
    mapped: Sequence[Mapped],
    observed: Observed,
    base: Mapping[str, Known],
    *,
    snapshot_digest: str = "",
    scope: ChangeScope = EVERYTHING,
    staying: frozenset[str] = frozenset(),
) -> ChangeSet:
    """Compare; the result keeps the order of ``mapped``, removals come last, newest first.

    ``base``: what the ledger knows within the scope (phases, cohort), in the order of its application. Records of it
    that nobody wants any more are removed, unless they are ``staying``: mapped outside the scope, or no correction.
    """
    changes = [_skip(m) if isinstance(m, Skipped) else _record(m, observed, base.get(m.xid)) for m in mapped]
    live = {m.xid for m in mapped if isinstance(m, Desired)} | staying
    vanished = [(x, k) for x, k in base.items() if x not in live]
    removals = [_removal(xid, known, observed) for xid, known in reversed(vanished)]
    every = (*changes, *removals)
    return ChangeSet(every, snapshot_digest, scope, count_removals(every, base))


def _skip(skipped: Skipped) -> Change:
    return Change(
        Action.SKIPPED,
        skipped.phase,
        "",
        "",
        str(skipped.source),
        skipped.customer,
        skipped=skipped,
        note=f"{skipped.reason}: {skipped.detail}",
    )


def _change(action: Action, desired: Desired) -> Change:
    source = str(desired.source)
    return Change(action, desired.phase, desired.model, desired.xid, source, desired.customer, desired=desired)


def _record(desired: Desired, observed: Observed, known: Known | None) -> Change:
    if desired.xid in observed.withheld:
        model, number = observed.ids.get(desired.xid, ("", 0))
        stands = number if model == desired.model else None
        return replace(_change(Action.WITHHELD, desired), res_id=stands, note=observed.withheld[desired.xid])
    seen = observed.records.get(desired.xid)
    if seen is None:
        return _creation(desired, observed, known)
    return against(desired, seen, observed, known)


def against(desired: Desired, seen: Seen, observed: Observed, known: Known | None = None) -> Change:
    """What is to be done to a record that stands there, lines and all."""
    unfinished = known is not None and known.writing
    want = compared(desired, observed, unfinished=unfinished)
    diffs = tuple(_fields(want, seen, known, desired.late if unfinished else frozenset()))
    lines = tuple(_lines(desired, seen, observed, known))
    verdicts = {d.verdict for d in diffs} | {v for line in lines for v in _verdicts(line)}
    action = _worst(verdicts)
    after = tuple(d.field[:-2] for d in diffs if d.field.endswith("()") and d.verdict is Action.UPDATE)
    return replace(
        _change(action, desired),
        res_id=seen.res_id,
        diffs=diffs,
        lines=lines,
        after=after,
        fresh=known is None or unfinished or _moved(want, seen, known),
        note=f"{seen.foreign} lines were added in Odoo" if seen.foreign else "",
    )


def _creation(desired: Desired, observed: Observed, known: Known | None) -> Change:
    diffs = tuple(
        FieldDiff(n, None, value, Action.CREATE) for n, value in compared(desired, observed, creation=True).items()
    )
    lines = tuple(
        LineChange(name, line.model, line.xid, Action.CREATE, line, None, _line_creation(line, observed))
        for name, line in each_line(desired)
    )
    return replace(
        _change(Action.CREATE, desired),
        diffs=diffs,
        lines=lines,
        after=desired.after,
        note="was deleted in Odoo; is created again" if known and known.sent else "",
    )


def _line_creation(line: Desired, observed: Observed) -> tuple[FieldDiff, ...]:
    values = compared(line, observed, creation=True)
    return tuple(FieldDiff(n, None, value, Action.CREATE) for n, value in values.items())


def compared(
    desired: Desired, observed: Observed, *, creation: bool = False, unfinished: bool = False
) -> dict[str, Canon]:
    """Field -> canonical wanted value. Methods of ``after`` are fields named ``method()``, wanted true.

    A record that we want is wanted active, unless the mapper says otherwise: someone may archive it.
    ``unfinished``: a run was stopped before it could write the late fields, so that they count even if only once.
    """
    fields = observed.fields[desired.model]
    name: Callable[[Ref | Find], str] = observed.name
    values = {
        key: wanted(value, fields[key], name)
        for key, value in desired.values.items()
        if creation or key not in desired.once or (unfinished and key in desired.late)
    }
    if not creation:
        active = fields.get("active")
        if active is not None and active.type == "boolean" and "active" not in desired.values:
            values["active"] = True
    values.update({f"{method}()": True for method in desired.after})
    return values


def _fields(
    want: Mapping[str, Canon], seen: Seen, known: Known | None, ours: frozenset[str] = frozenset()
) -> Iterator[FieldDiff]:
    """``ours``: fields that nobody but our own interrupted writing can have moved."""
    values = seen.values
    for name, value in want.items():
        before = values.get(name)
        if before != value:
            verdict = Action.UPDATE if name in ours else _verdict(name, value, before, known)
            yield FieldDiff(name, before, value, verdict)


def _verdict(name: str, value: Canon, before: Canon, known: Known | None) -> Action:
    """For a field whose observed value is not the wanted one."""
    if known is None or name not in known.sent:
        return Action.UPDATE
    wanted_moved = value != known.sent[name]
    observed_moved = before != known.expected(name)
    if wanted_moved and observed_moved:
        return Action.CONFLICT
    if wanted_moved:
        return Action.UPDATE
    return Action.KEPT if observed_moved else Action.UNCHANGED


def _lines(desired: Desired, seen: Seen, observed: Observed, known: Known | None) -> Iterator[LineChange]:
    known_lines = known.lines if known else {}
    for name, line in each_line(desired):
        seen_line = seen.lines.get(name, {}).get(line.xid)
        if seen_line is None:
            yield LineChange(name, line.model, line.xid, Action.CREATE, line, None, _line_creation(line, observed))
        else:
            diffs = tuple(_fields(compared(line, observed), seen_line, known_lines.get(line.xid)))
            yield LineChange(
                name, line.model, line.xid, _worst({d.verdict for d in diffs}), line, seen_line.res_id, diffs
            )
    live = {line.xid for _, line in each_line(desired)}
    for name in desired.children:
        for xid, seen_line in seen.lines.get(name, {}).items():
            if xid not in live and not _stays_zeroed(seen_line, known_lines.get(xid)):
                yield _line_removal(name, xid, seen_line, known_lines.get(xid))


def _worst(verdicts: Collection[Action]) -> Action:
    return next((a for a in (Action.CONFLICT, Action.UPDATE, Action.KEPT) if a in verdicts), Action.UNCHANGED)


def _verdicts(line: LineChange) -> Iterator[Action]:
    """What a line means for its record: lines that come or go are an update of it."""
    if line.action in (Action.CREATE, Action.REMOVE):
        yield Action.UPDATE
    yield from (d.verdict for d in line.diffs)


def _line_removal(name: str, xid: str, seen: Seen, known: Known | None) -> LineChange:
    moved = tuple(_drift(seen, known, Action.CONFLICT)) if known else ()
    return LineChange(name, seen.model, xid, Action.CONFLICT if moved else Action.REMOVE, None, seen.res_id, moved)


def _stays_zeroed(seen: Seen, known: Known | None) -> bool:
    return known is not None and known.zeroed and not list(_drift(seen, known, Action.KEPT))


def _drift(seen: Seen, known: Known, verdict: Action) -> Iterator[FieldDiff]:
    for name in known.sent:
        if name in seen.values and seen.values[name] != known.expected(name):
            yield FieldDiff(name, seen.values[name], known.expected(name), verdict)


def drift(seen: Seen, known: Known) -> tuple[FieldDiff, ...]:
    """What someone changed since we applied: ``before`` stands in Odoo now, ``after`` is what we left there.

    Fields of lines are named ``line external id: field``; a line that is gone has the one diff ``deleted``.
    """
    diffs = [*_drift(seen, known, Action.KEPT), *booked(seen, known)]
    present = {xid: line for lines in seen.lines.values() for xid, line in lines.items()}
    for xid, line in known.lines.items():
        if xid not in present:
            diffs.append(FieldDiff(f"{xid}: deleted", True, False, Action.KEPT))
        else:
            inner = _drift(present[xid], line, Action.KEPT)
            diffs += [FieldDiff(f"{xid}: {d.field}", d.before, d.after, d.verdict) for d in inner]
    return tuple(diffs)


def booked(seen: Seen, known: Known) -> Iterator[FieldDiff]:
    """An entry that somebody posted, cancelled, or set back to draft since: it has a number, and is ours no more.

    What it was is not asked of the ledger, which may have learned of it only afterwards: a draft, unless we did more.
    """
    if known.model not in BOOKED or "state" not in seen.values:
        return
    ours = next((state for method, state in _STATES if known.sent.get(method)), "draft")
    if seen.values["state"] != ours:
        yield FieldDiff("state", seen.values["state"], ours, Action.KEPT)
    elif ours == "draft" and seen.values.get("posted_before"):
        yield FieldDiff("posted_before", True, False, Action.KEPT)


_STATES = (("button_cancel()", "cancel"), ("action_post()", "posted"))  # the last that was called on an entry decides


def is_next_step(model: str, diff: FieldDiff) -> bool:
    """Whether this is what becomes of an open balance anyway: it is posted, and may be a draft again meanwhile."""
    return diff.field in BOOKED.get(model, ()) and diff.before != "cancel"


def unlike_after_apply(seen: Seen, known: Known) -> tuple[FieldDiff, ...]:
    """``drift``, and what decides a bill beside what we wrote: watched fields, added lines, another record."""
    diffs = [*drift(seen, known), *_watched(seen, known, "")]
    for lines in seen.lines.values():
        for xid, line in lines.items():
            if xid in known.lines:
                diffs += _watched(line, known.lines[xid], f"{xid}: ")
    if seen.foreign:
        diffs.append(FieldDiff("lines added", seen.foreign, 0, Action.KEPT))
    if known.res_id and seen.res_id != known.res_id:
        diffs.append(FieldDiff("id", seen.res_id, known.res_id, Action.KEPT))
    return tuple(diffs)


def never_noted(seen: Seen, known: Known) -> frozenset[str]:
    """Fields that decide a bill and of which nobody knows what stood there: applied by a release that did not look."""
    return frozenset(watched_values(known.model, seen.values, known.sent).keys() - known.stored.keys())


def _watched(seen: Seen, known: Known, place: str) -> Iterator[FieldDiff]:
    for name, before in watched_values(known.model, known.stored, known.sent).items():
        if name in BOOKED.get(known.model, ()):
            continue  # ``booked`` tells it
        if name in seen.values and seen.values[name] != before:
            yield FieldDiff(place + name, seen.values[name], before, Action.KEPT)


def _moved(want: Mapping[str, Canon], seen: Seen, known: Known) -> bool:
    """Whether Odoo already holds a newly wanted value: the ledger must learn it, or later edits look like ours."""
    if known.res_id != seen.res_id:
        return True
    if never_noted(seen, known):
        return True
    if known.sent == want and not known.stored:
        return False
    return any(
        seen.values.get(n) == v and (n not in known.sent or v != known.sent[n] or v != known.expected(n))
        for n, v in want.items()
    )


def _removal(xid: str, known: Known, observed: Observed) -> Change:
    seen, is_withheld = observed.records.get(xid), xid in observed.withheld
    moved = drift(seen, known) if seen and not known.writing else ()  # a removal that was stopped is half our work
    action = Action.WITHHELD if is_withheld else Action.CONFLICT if moved else Action.REMOVE
    note = "no longer in Lago" if seen else "no longer in Lago, and already gone in Odoo"
    diffs = tuple(FieldDiff(d.field, d.before, d.after, Action.CONFLICT) for d in moved)
    return Change(
        action,
        Phase(known.phase),
        known.model,
        xid,
        known.source,
        known.customer,
        res_id=seen.res_id if seen else None,
        diffs=diffs,
        note=observed.withheld.get(xid, note),
    )
