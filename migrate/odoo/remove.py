"""Taking records back out of Odoo: deleted where Odoo allows it, else archived or cancelled, and said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate.change_set.changes import WITHHELD
from migrate.odoo.door import Row, chunks
from migrate.odoo.errors import AccessDenied, OdooError, OdooRefused, RecordMissing
from migrate.odoo.known_places import Place
from migrate.odoo.methods import write_arguments
from migrate.odoo.resolve import MODULE, OdooReader
from migrate.odoo.withheld import is_of_all, standing

# What must happen before Odoo lets go of a record, where its state is not one it can be deleted in.
RELEASE: Mapping[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "sale.order": (("state", ("sale", "sent"), "action_cancel"),),
    "account.move": (("state", ("posted", "cancel"), "button_draft"),),
}

# No group of Odoo's may delete these, so that no key can: they are archived, and cost nobody else.
NEVER_DELETED = frozenset({"loyalty.card"})

TOLD = 4  # times to say that a record goes, before it counts as refused


@dataclass(slots=True)
class Undone:
    """External ids by what became of them: deleted, gone before, archived instead (why), refused (why)."""

    deleted: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    archived: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def add(self, other: Undone) -> None:
        """Take over what another part did."""
        self.deleted += other.deleted
        self.gone += other.gone
        self.archived |= other.archived
        self.refused |= other.refused


def remove(reader: OdooReader, model: str, records: Mapping[str, int]) -> Undone:
    """Delete ``records`` (external id -> id) of one model: in one call if Odoo agrees, else halved."""
    result = Undone()
    shown, kept = standing(reader.door, model, list(records.values()))
    result.refused |= {xid: WITHHELD for xid, res_id in records.items() if res_id in kept}
    result.gone += [xid for xid, res_id in records.items() if res_id not in shown | kept]
    _delete(reader, model, {xid: res_id for xid, res_id in records.items() if res_id in shown}, result)
    return result


def drop_lines(reader: OdooReader, written: Mapping[str, Place]) -> None:
    """Lines of records that are gone.

    Most went along: PostgreSQL cascades, Odoo does not hear of it, and their external ids stay. Some outlive their
    record, attached to nothing (``sale.subscription.line``): deleted here. Raises OdooRefused, before anything is
    written, for one that stands and that Odoo does not show: without its external id nobody would find it again.

    ``written``: external id -> what we wrote (id 0: not known). One that names anything else now is left alone.
    """
    for some in chunks(list(written)):
        domain = [["module", "=", MODULE], ["name", "in", [xid.partition(".")[2] for xid in some]]]
        named = reader.door.search_read("ir.model.data", domain, ["name", "model", "res_id"])
        rows = [row for row in named if _is_written(row, written[f"{MODULE}.{row['name']}"])]
        by_model: dict[str, list[int]] = {}
        for row in rows:
            by_model.setdefault(row["model"], []).append(row["res_id"])
        alive = {model: _require_shown(reader, model, ids) for model, ids in by_model.items()}
        for model, orphans in alive.items():
            if orphans:
                reader.write(model, "unlink", sorted(orphans))
        dangling = [row["id"] for row in rows if row["res_id"] not in alive[row["model"]]]
        if dangling:
            reader.write("ir.model.data", "unlink", dangling)


def _is_written(row: Row, place: Place) -> bool:
    model, number = place
    return row["model"] == model and number in (0, row["res_id"])


def _require_shown(reader: OdooReader, model: str, ids: Sequence[int]) -> frozenset[int]:
    """Those that are there."""
    shown, kept = standing(reader.door, model, ids)
    if kept:
        raise OdooRefused(f"{model} {min(kept)}: {WITHHELD}")
    return shown


def _present(reader: OdooReader, model: str, records: Mapping[str, int]) -> dict[str, int]:
    existing = reader.door.existing(model, list(records.values()))
    return {xid: res_id for xid, res_id in records.items() if res_id in existing}


def _delete(reader: OdooReader, model: str, records: Mapping[str, int], result: Undone) -> None:
    if not records:
        return
    try:
        _release(reader, model, list(records.values()))
        archived = _unlink(reader, model, records)
    except OdooError as error:
        if isinstance(error, AccessDenied) and model in NEVER_DELETED:
            for record in records.items():
                _archive(reader, model, record, "no group may delete it", result)
            return
        if is_of_all(error, reader.door, model, "unlink"):
            raise
        if len(records) == 1:
            _archive(reader, model, next(iter(records.items())), str(error), result)
            return
        items = list(records.items())
        middle = len(items) // 2
        _delete(reader, model, dict(items[:middle]), result)
        _delete(reader, model, dict(items[middle:]), result)
        return
    result.deleted += [xid for xid in records if xid not in archived]
    # A product that is in use archives itself when it is told to go.
    result.archived |= dict.fromkeys(sorted(archived), "is in use and was archived by Odoo")


def _release(reader: OdooReader, model: str, ids: list[int]) -> None:
    for name, values, method in RELEASE.get(model, ()):
        rows = reader.door.read(model, ids, [name])
        releasable = [row["id"] for row in rows if row[name] in values]
        if releasable:
            reader.write(model, method, releasable)


def _unlink(reader: OdooReader, model: str, records: Mapping[str, int]) -> frozenset[str]:
    """Those that Odoo archived instead. Refused if any stands as before: what came may not have been Odoo's answer."""
    archived: set[str] = set()
    for _ in range(TOLD):
        try:
            reader.write(model, "unlink", list(records.values()))
        except RecordMissing:
            if len(records) > 1:
                raise
        still = _present(reader, model, records)
        records = _active(reader, model, still)
        archived |= still.keys() - records.keys()
        if not records:
            return frozenset(archived)
    raise OdooRefused(f"{model}: {len(records)} records stand after they were deleted {TOLD} times")


def _active(reader: OdooReader, model: str, records: Mapping[str, int]) -> dict[str, int]:
    """Those that are not archived."""
    active = reader.fields.get(model, {}).get("active")
    if not records or active is None or active.type != "boolean":
        return dict(records)
    rows = reader.door.read(model, list(records.values()), ["active"])
    archived = {row["id"] for row in rows if not row["active"]}
    return {xid: res_id for xid, res_id in records.items() if res_id not in archived}


def _archive(reader: OdooReader, model: str, record: tuple[str, int], reason: str, result: Undone) -> None:
    xid, res_id = record
    active = reader.fields.get(model, {}).get("active")
    if active is None or active.type != "boolean":
        result.refused[xid] = reason
        return
    try:
        reader.write(model, "write", [res_id], **write_arguments(model, {"active": False}))
    except (OdooRefused, AccessDenied) as error:
        result.refused[xid] = str(error)
        return
    if _active(reader, model, {xid: res_id}):
        result.refused[xid] = f"it stands after it was archived; Odoo does not let it go: {reason}"
    else:
        result.archived[xid] = f"archived, because Odoo does not let it go: {reason}"
