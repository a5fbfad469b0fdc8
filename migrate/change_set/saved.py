"""A change set as the JSON of a saved preview, and back; one that was edited or cut is refused. Pure."""

from __future__ import annotations

import json
from typing import NotRequired, TypedDict

from mappings.target import Phase
from migrate.change_set.changes import (
    Action,
    Change,
    ChangeScope,
    ChangeSet,
    FieldDiff,
    LineChange,
    Removal,
    diff_to_json,
    each_line,
)
from migrate.change_set.wire import (
    DesiredJson,
    SkippedJson,
    desired_from_json,
    desired_to_json,
    skipped_from_json,
    skipped_to_json,
)
from migrate.errors import ConfigError
from migrate.values import Canon, canon_from_json

FORMAT = 2

DiffJson = list[Canon]  # field, before, after, verdict
LineJson = tuple[str, str, str, str, int | None, list[DiffJson]]  # field, model, external id, action, id, diffs


class ChangeJson(TypedDict):
    """A change, as ``Change`` names its parts."""

    action: str
    phase: str
    model: str
    xid: str
    source: str
    customer: str | None
    res_id: int | None
    after: list[str]
    fresh: bool
    note: str
    desired: DesiredJson | None
    skipped: SkippedJson | None
    diffs: list[DiffJson]
    lines: list[LineJson]


class ScopeJson(TypedDict):
    """A scope: values of phases, and the cohort's name."""

    phases: list[str]
    cohort: str


class RemovalJson(TypedDict):
    """Removals of one kind, as ``Removal`` names its parts."""

    model: str
    number: int
    known: int
    needs_consent: bool


class Document(TypedDict):
    """The whole file."""

    format: int
    snapshot: str
    scope: ScopeJson
    digest: str
    removals: NotRequired[list[RemovalJson]]  # not in the files of release 0.1
    kept_usage: NotRequired[int]
    changes: list[ChangeJson]


def to_document(changes: ChangeSet) -> Document:
    """As plain JSON values."""
    return {
        "format": FORMAT,
        "snapshot": changes.snapshot_digest,
        "scope": {"phases": [p.value for p in changes.scope.phases], "cohort": changes.scope.cohort},
        "digest": changes.digest,
        "removals": [removal_to_json(removal) for removal in changes.removals],
        "kept_usage": changes.kept_usage,
        "changes": [_change_to_json(c) for c in changes.changes],
    }


def to_json(changes: ChangeSet) -> str:
    """For a file; ``from_json`` reads it back."""
    return json.dumps(to_document(changes), ensure_ascii=False, indent=1)


def from_json(text: str, place: str = "changes file") -> ChangeSet:
    """Read a saved preview; one that was edited or cut is refused with a ConfigError."""
    try:
        raw: Document = json.loads(text)
        if raw["format"] != FORMAT:
            raise ConfigError(f"{place}: written by another version; preview again")
        scope = ChangeScope(tuple(Phase(p) for p in raw["scope"]["phases"]), raw["scope"]["cohort"])
        removals = tuple(Removal(**removal) for removal in raw.get("removals", ()))
        every = tuple(_change_from_json(c) for c in raw["changes"])
        changes = ChangeSet(every, raw["snapshot"], scope, removals, raw.get("kept_usage", 0))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{place}: not a saved preview ({type(error).__name__}: {error}); preview again") from None
    if changes.digest != raw["digest"]:
        raise ConfigError(f"{place}: was changed after it was saved; preview again")
    return changes


def removal_to_json(removal: Removal) -> RemovalJson:
    """As plain JSON values."""
    return {
        "model": removal.model,
        "number": removal.number,
        "known": removal.known,
        "needs_consent": removal.needs_consent,
    }


def _change_to_json(change: Change) -> ChangeJson:
    return {
        "action": change.action.value,
        "phase": change.phase.value,
        "model": change.model,
        "xid": change.xid,
        "source": change.source,
        "customer": change.customer,
        "res_id": change.res_id,
        "after": list(change.after),
        "fresh": change.fresh,
        "note": change.note,
        "desired": desired_to_json(change.desired) if change.desired else None,
        "skipped": skipped_to_json(change.skipped) if change.skipped else None,
        "diffs": [diff_to_json(d) for d in change.diffs],
        "lines": [
            (x.field, x.model, x.xid, x.action.value, x.res_id, [diff_to_json(d) for d in x.diffs])
            for x in change.lines
        ],
    }


def _change_from_json(raw: ChangeJson) -> Change:
    desired = desired_from_json(raw["desired"]) if raw["desired"] else None
    lines = {line.xid: line for _, line in each_line(desired)} if desired else {}
    return Change(
        action=Action(raw["action"]),
        phase=Phase(raw["phase"]),
        model=raw["model"],
        xid=raw["xid"],
        source=raw["source"],
        customer=raw["customer"],
        desired=desired,
        skipped=skipped_from_json(raw["skipped"]) if raw["skipped"] else None,
        res_id=raw["res_id"],
        diffs=tuple(_diff_from_json(d) for d in raw["diffs"]),
        lines=tuple(
            LineChange(f, m, x, Action(a), lines.get(x), i, tuple(_diff_from_json(d) for d in ds))
            for f, m, x, a, i, ds in raw["lines"]
        ),
        after=tuple(raw["after"]),
        fresh=raw["fresh"],
        note=raw["note"],
    )


def _diff_from_json(raw: DiffJson) -> FieldDiff:
    field, before, after, verdict = raw
    return FieldDiff(str(field), canon_from_json(before), canon_from_json(after), Action(str(verdict)))
