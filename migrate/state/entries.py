"""The rows of the ledger, and what becomes of them when a change is begun and when it is verified. Pure.

begin_change     before the call: what is ours to delete, and what a field held before
finish_change    after the read-back: what was sent, and what Odoo made of it
put_to_sleep     a line that Odoo would not delete: nothing of it is ours any more
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from mappings.target import is_ours
from migrate.change_set.changes import Action, Change, FieldDiff, Known, Observed, Seen, each_line
from migrate.change_set.compare import compared
from migrate.change_set.watched import LEADING, WATCHED, watched_values
from migrate.values import Canon, canon_from_json

_as_json = json.JSONEncoder(default=repr).encode  # made once: a ledger has many rows
# sent: creation under way; writing: change under way; zeroed: a line that stays in Odoo without a quantity
SENT, WRITING, APPLIED, ZEROED = "sent", "writing", "applied", "zeroed"

Values = Mapping[str, Canon]
Row = dict[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a record, or a line if ``parent`` is set. ``created`` by us, or adopted."""

    xid: str
    seq: int  # order of application
    parent: str
    model: str
    res_id: int
    phase: str
    customer: str | None
    source: str
    state: str
    created: bool
    sent: Values = field(default_factory=dict)
    stored: Values = field(default_factory=dict)  # where Odoo made something else of it
    before: Values = field(default_factory=dict)  # before our first change of a record that stood there already
    run: int = 0
    adopted: bool = False  # stood in Odoo under an id of ours, older than it, and the ledger knew nothing of it


class NewEntry(Protocol):
    """Gives the next row of a run: of the change's record, or of a line of it."""

    def __call__(self, change: Change, xid: str, parent: str, model: str) -> Entry: ...


class StoredRow(Protocol):
    """A row of the table as the database gives it."""

    def _asdict(self) -> dict[str, object]: ...


def entry_from_row(row: Mapping[str, object]) -> Entry:
    """The row's columns by name, with their values read."""
    values = dict(row)
    values.pop("seal", None)
    for name in ("sent", "stored", "before"):
        values[name] = _load(str(values[name]))
    for name in ("created", "adopted"):
        values[name] = bool(values[name])
    return Entry(**values)  # type: ignore[arg-type]  # the columns are the fields, a test holds it


def row_from_entry(entry: Entry) -> Row:
    """The entry as the table keeps it, with its seal."""
    row = _row(entry)
    return {**row, "seal": seal_of(row)}


def seal_of(row: Mapping[str, object]) -> str:
    """A hash over all of a row: a value that was exchanged for one that fits as well shows all the same.

    How it is made never changes: rows that are there already would look damaged.
    """
    parts = [int(value) if value is True or value is False else value for name, value in row.items() if name != "seal"]
    return hashlib.sha256(_as_json(parts).encode()).hexdigest()


def _row(entry: Entry) -> Row:
    return {
        "xid": entry.xid,
        "seq": entry.seq,
        "parent": entry.parent,
        "model": entry.model,
        "res_id": entry.res_id,
        "phase": entry.phase,
        "customer": entry.customer,
        "source": entry.source,
        "state": entry.state,
        "created": entry.created,
        "sent": _dump(entry.sent),
        "stored": _dump(entry.stored),
        "before": _dump(entry.before),
        "run": entry.run,
        "adopted": entry.adopted,
    }


def known_of(entry: Entry, lines: Mapping[str, Known]) -> Known:
    """What a comparison needs of it."""
    return Known(
        entry.model,
        entry.res_id,
        entry.sent,
        entry.stored,
        lines,
        entry.phase,
        entry.customer,
        entry.source,
        entry.state == ZEROED,
        entry.state in (SENT, WRITING),
    )


# --- before the call -----------------------------------------------------------------------------------------------


def begin_change(change: Change, old: Mapping[str, Entry], new: NewEntry) -> Iterator[Entry]:
    """The record and those of its lines that we are about to touch."""
    creation = change.action is Action.CREATE
    yield _begin(new(change, change.xid, "", change.model), creation, change.diffs, old.get(change.xid))
    for line in change.lines:
        if line.action in (Action.CREATE, Action.UPDATE) or line.desired is None:
            entry = new(change, line.xid, change.xid, line.model)
            yield _begin(entry, line.action is Action.CREATE, line.diffs, old.get(line.xid))


def _begin(fresh: Entry, creation: bool, diffs: tuple[FieldDiff, ...], old: Entry | None) -> Entry:
    before = {d.field: d.before for d in diffs}
    if old is not None and not (creation and old.state != SENT):
        first = old.before if old.created else {**before, **old.before}
        return replace(old, before=first, state=WRITING if old.state == APPLIED else old.state)
    ours = creation and is_ours(fresh.xid)  # what bears another's external id is never ours, whatever was planned
    return replace(fresh, state=SENT, created=ours, before={} if ours else before)


# --- after the read-back -------------------------------------------------------------------------------------------


def finish_change(
    change: Change, seen: Seen, observed: Observed, old: Mapping[str, Entry], new: NewEntry
) -> Iterator[Entry]:
    """The record and its lines as they are known to stand now."""
    if change.desired is None:
        return
    stood = observed.records.get(change.xid)
    entry = new(change, change.xid, "", change.model)
    values = _without(compared(change.desired, observed), change.diffs)
    anew = bool(change.updates & LEADING) or change.action is Action.CREATE
    yield _finish(entry, values, seen, old.get(change.xid), stood, anew)
    diffs = {line.xid: line.diffs for line in change.lines}
    for name, line in each_line(change.desired):
        standing = seen.lines.get(name, {}).get(line.xid)
        if standing is not None:
            entry = new(change, line.xid, change.xid, line.model)
            values = _without(compared(line, observed), diffs.get(line.xid, ()))
            before = stood.lines.get(name, {}).get(line.xid) if stood else None
            yield _finish(entry, values, standing, old.get(line.xid), before)


def _without(values: Values, diffs: tuple[FieldDiff, ...]) -> tuple[Values, frozenset[str]]:
    """What we sent; and the fields that were kept, and stay as the ledger had them: they are still someone else's."""
    kept = frozenset(d.field for d in diffs if d.verdict in (Action.KEPT, Action.CONFLICT))
    return {name: value for name, value in values.items() if name not in kept}, kept


def _finish(
    fresh: Entry,
    sent_and_kept: tuple[Values, frozenset[str]],
    seen: Seen,
    old: Entry | None,
    stood: Seen | None,
    anew: bool = False,
) -> Entry:
    """``stood``: the record as it was read before we wrote. ``anew``: what is watched is looked at afresh."""
    values, kept = sent_and_kept
    unlike = {n: seen.values[n] for n, v in values.items() if n in seen.values and seen.values[n] != v}
    return replace(
        fresh,
        res_id=seen.res_id,
        state=APPLIED,
        created=old.created if old else False,
        adopted=old.adopted if old else False,
        before=_before(old, seen, stood, kept),
        seq=old.seq if old else fresh.seq,
        sent=(sent := {**_only({**(stood.values if stood else {}), **(old.sent if old else {})}, kept), **values}),
        stored={
            **watched_values(fresh.model, seen.values, sent),
            **(watched_values(fresh.model, old.stored, sent) if old and not anew else {}),
            **_only(old.stored if old else {}, kept),
            **unlike,
        },
    )


def _only(values: Values, names: frozenset[str]) -> dict[str, Canon]:
    return {name: value for name, value in values.items() if name in names}


def _before(old: Entry | None, seen: Seen, stood: Seen | None, kept: frozenset[str]) -> Values:
    """What rollback gives back: of a record that stood before us also what Odoo moved when it saw what we wrote."""
    if old is None or old.created or stood is None:
        return old.before if old else {}
    ours = (n for n in stood.values if n not in kept)
    written = [n for n in ours if n in old.sent or n not in WATCHED.get(seen.model, ())]
    moved = {n: stood.values[n] for n in written if n in seen.values and seen.values[n] != stood.values[n]}
    return {**moved, **old.before}


def put_to_sleep(old: Entry, values: Values, seen: Mapping[str, Seen]) -> Entry:
    """Nothing of such a line is ours any more: it stands as Odoo computes it, until it is wanted again."""
    lines = (line for record in seen.values() for some in record.lines.values() if (line := some.get(old.xid)))
    standing = next(lines, None)
    stands = standing.values if standing else {}
    sent = {name: stands.get(name, value) for name, value in {**old.sent, **values}.items()}
    return replace(old, state=ZEROED, sent=sent, stored={})


def _dump(values: Values) -> str:
    return json.dumps(dict(values), ensure_ascii=False)


def _load(text: str) -> dict[str, Canon]:
    if text == "{}":  # most often; a ledger has many rows
        return {}
    values: dict[str, Canon | list[str]] = json.loads(text)
    return {name: canon_from_json(value) for name, value in values.items()}
