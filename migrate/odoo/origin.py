"""Which records Odoo says were made by us: those that are not older than the external id of ours that names them.

``load`` makes a record and its external id in one transaction, so that both bear the same moment. A record that is
older than its external id stood before us: somebody, or a run of ours, gave it the id later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mappings.target import OURS
from migrate.change_set.changes import WITHHELD
from migrate.odoo.door import Door, Row, chunks
from migrate.odoo.errors import NoSuchMethod
from migrate.odoo.known_places import REMEDY
from migrate.odoo.withheld import standing


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRecord:
    """A record that an external id of ours names. ``made``: when the id was made, in Odoo's text; empty if unknown.

    ``bound``: marked as an id that was given to a record of somebody else's.
    """

    xid: str
    model: str
    res_id: int
    made: str
    bound: bool = False


_FIELDS = ("name", "model", "res_id", "create_date", "noupdate")
_PAGE = 50_000
# Odoo keeps no moments of these (``_log_access`` is off); external ids of ours on them come from ``load`` alone.
UNDATED = frozenset({"fusion.billing.usage"})


def named_records(door: Door) -> list[NamedRecord]:
    """Everything in Odoo that bears an external id of ours, in the order in which the ids were made."""
    rows: list[Row] = []
    last = 0
    while True:
        domain = [["module", "=", OURS], ["id", ">", last]]
        page = door.search_read("ir.model.data", domain, _FIELDS, limit=_PAGE, order="id")
        rows += page
        if len(page) < _PAGE:
            return [_named(row) for row in rows]
        last = page[-1]["id"]


def named_among(door: Door, xids: Iterable[str]) -> list[NamedRecord]:
    """The same, of these external ids."""
    names = sorted(xid.partition(".")[2] for xid in xids)
    rows = door.search_among("ir.model.data", "name", names, _FIELDS, domain=[["module", "=", OURS]])
    return [_named(row) for row in rows]


def _named(row: Row) -> NamedRecord:
    made = row["create_date"]
    return NamedRecord(
        xid=f"{OURS}.{row['name']}",
        model=row["model"],
        res_id=row["res_id"],
        made=str(made) if made else "",
        bound=bool(row["noupdate"]),
    )


@dataclass(frozen=True, slots=True)
class StandingRecords:
    """What external ids name, by (model, id). ``moments``: when each was created; empty if Odoo does not say.

    ``kept``: those that are there, and that Odoo does not show to this user, or not readably, with why. What is in
    neither is gone.
    """

    moments: Mapping[tuple[str, int], str]
    kept: Mapping[tuple[str, int], str]


def what_stands(door: Door, records: Iterable[NamedRecord]) -> StandingRecords:
    """Those of the records that are there."""
    by_model: dict[str, set[int]] = {}
    for record in records:
        by_model.setdefault(record.model, set()).add(record.res_id)
    moments: dict[tuple[str, int], str] = {}
    kept: dict[tuple[str, int], str] = {}
    for model, ids in by_model.items():
        try:
            shown, hidden = standing(door, model, sorted(ids))
        except NoSuchMethod:
            kept |= {(model, number): f"Odoo has no model {model}: {REMEDY}" for number in ids}
            continue
        kept |= {(model, number): WITHHELD for number in hidden}
        for some in chunks(sorted(shown)):
            rows, unread = door.read_apart(model, some, ["id"] if model in UNDATED else ["create_date"])
            kept |= {(model, number): why for number, why in unread.items()}
            moments |= {(model, row["id"]): str(row.get("create_date") or "") for row in rows}
    return StandingRecords(moments, kept)


def is_made_by_us(record: NamedRecord, created: str) -> bool:
    """``created``: when the record was. In doubt it is not ours to delete."""
    if record.bound:
        return False
    return record.model in UNDATED or (bool(record.made and created) and created >= record.made)
