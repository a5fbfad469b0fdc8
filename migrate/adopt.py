"""Records of ours in Odoo that the ledger knows nothing of: they are taken up by their external ids.

    adopt(odoo, ledger, mapped) -> Adoption              all of them, after the state was lost
    adopt_met(door, ledger, changes, observed) -> Adoption    those that an apply meets

Whose work a record is, Odoo says (``migrate.odoo.origin``). What was sent, and what a field held before, nobody knows
any more: an apply learns again what is wanted, and what stood before us is left as it stands, by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mappings.books.documents import BOOKS
from mappings.target import Desired, Mapped, Phase, is_ours
from migrate.change_set.changes import WITHHELD, ChangeSet, Observed, each_line
from migrate.change_set.verdicts import MODEL as VERDICT
from migrate.odoo.discover import identity
from migrate.odoo.door import Door
from migrate.odoo.known_places import KnownPlaces, Place, misnamed, shared
from migrate.odoo.origin import NamedRecord, StandingRecords, is_made_by_us, named_among, named_records, what_stands
from migrate.odoo.resolve import line_fields
from migrate.progress import Progress, quiet
from migrate.state.entries import APPLIED, Entry
from migrate.state.ledger import Ledger

# The phase of a record that no mapper wants (any more); what is not named here is undone last, like a product.
PHASES: Mapping[str, Phase] = {
    "res.partner": Phase.CUSTOMERS,
    "res.partner.bank": Phase.CUSTOMERS,
    "fusion.billing.account.link": Phase.CUSTOMERS,
    "sale.order": Phase.SUBSCRIPTIONS,
    "sale.subscription": Phase.SUBSCRIPTIONS,
    "fusion.billing.usage": Phase.USAGE,
    "account.move": Phase.BALANCES,
    "loyalty.card": Phase.BALANCES,
    "loyalty.program": Phase.BALANCES,
    "payment.token": Phase.TOKENS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """``made``: model -> records that Odoo says we made; ``older``: records that stood before they bore our id.

    ``gone``: external ids of ours whose record is not there any more. Lines count with their record.
    ``withheld``: records that Odoo does not show to this user, and lines of them; nothing is known of them.
    """

    made: Mapping[str, int]
    older: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    known: int = 0  # records that the ledger knew already

    @property
    def total(self) -> int:
        """How many records the ledger knows now that it did not know before."""
        return sum(self.made.values()) + len(self.older)


NOTHING = Adoption(made={})


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a mapper says of a record."""

    phase: Phase
    customer: str | None
    source: str
    parent: str = ""


def adopt(odoo: Door, ledger: Ledger, mapped: Sequence[Mapped] = (), progress: Progress = quiet) -> Adoption:
    """Take up everything in Odoo that bears an external id of ours. Hold ``ledger.store.lock()``.

    ``mapped``: what the mappers want, where there is a snapshot: it says whose customer a record is, and which phase.
    """
    ledger.begin("adopt", target=identity(odoo))
    records = [record for record in named_records(odoo) if record.model != VERDICT]
    progress("external ids of ours", len(records), len(records))
    desired = [item for item in mapped if isinstance(item, Desired)]
    origins = {xid: origin for item in desired for xid, origin in _origins(item)}
    known = ledger.knows([record.xid for record in records])
    parents = {xid: origin.parent for xid, origin in origins.items() if origin.parent}
    parents |= _parents(odoo, records, desired)
    fresh = [record for record in records if record.xid not in known]
    there = what_stands(odoo, fresh)
    hidden = _hidden(fresh, there, parents, desired, _astray(records, KnownPlaces.of(desired, {})))
    shown = [r for r in fresh if (r.model, r.res_id) in there.moments and r.xid not in hidden]
    entries = [_entry(r, there.moments, origins.get(r.xid), parents) for r in shown]
    ledger.take_up(entries)
    taken = {*hidden, *(entry.xid for entry in entries)}
    gone = tuple(record.xid for record in fresh if record.xid not in taken)
    adoption = _adoption(entries, gone, sum(not parents.get(xid) for xid in known), tuple(hidden.values()))
    ledger.end({"adopt": {"made": sum(adoption.made.values()), "older": len(adoption.older)}})
    return adoption


def _astray(records: Sequence[NamedRecord], places: KnownPlaces) -> dict[str, str]:
    """External ids that name what they cannot, or one record several times: which of them it is nobody knows -> why."""
    named: dict[Place, list[str]] = {}
    for record in records:
        named.setdefault((record.model, record.res_id), []).append(record.xid)
    astray = {
        xid: shared(xid, place, other) for place, xids in named.items() for xid, other in places.sharing(place, xids)
    }
    wrong = (record for record in records if not places.may_name(record.xid, record.model))
    return astray | {r.xid: misnamed(r.xid, (r.model, r.res_id), places.models[r.xid]) for r in wrong}


def _hidden(
    records: Sequence[NamedRecord],
    there: StandingRecords,
    parents: Mapping[str, str],
    desired: Sequence[Desired],
    astray: Mapping[str, str],
) -> dict[str, str]:
    """External id -> name, of records that Odoo does not show, and of lines of such records: they wait for them.

    So do those whose external ids lead astray (``astray``: with why), if they stand.
    """
    denied = [r for r in records if (r.model, r.res_id) in there.kept]
    denied += [r for r in records if r.xid in astray and (r.model, r.res_id) in there.moments]
    models = {record.model for record in denied}
    # whose line it is, a record that is not shown does not tell
    orphaned = {line_model for model, line_model in line_fields(desired) if model in models}
    hidden = {record.xid for record in denied}
    hidden |= {parents[xid] for xid in hidden if xid in parents}  # without a line a record would look cut
    whys = {r.xid: why for r in records if (why := there.kept.get((r.model, r.res_id), WITHHELD)) != WITHHELD} | dict(
        astray
    )
    return {
        record.xid: ": ".join(filter(None, (f"{record.model} {record.xid}", whys.get(record.xid, ""))))
        for record in records
        if record.xid in hidden
        or parents.get(record.xid) in hidden
        or (record.model in orphaned and record.xid not in parents)
    }


def adopt_met(door: Door, ledger: Ledger, changes: ChangeSet, observed: Observed) -> Adoption:
    """Take up the records of ours that stand in Odoo, are wanted, and are unknown to the ledger."""
    met = [c.desired for c in changes.changes if c.desired and c.res_id is not None and is_ours(c.xid)]
    origins = {xid: origin for item in met for xid, origin in _origins(item) if xid in _standing(observed, item)}
    known = ledger.knows(list(origins))
    if not (unknown := [xid for xid in origins if xid not in known]):
        return NOTHING
    records = {record.xid: record for record in named_among(door, unknown)}
    moments = what_stands(door, records.values()).moments
    parents = {xid: origin.parent for xid, origin in origins.items()}
    there = [r for xid in unknown if (r := records.get(xid)) and (r.model, r.res_id) in moments]
    entries = [_entry(record, moments, origins[record.xid], parents) for record in there]
    ledger.take_up(entries)
    return _adoption(entries)


def strangers(odoo: Door, ledger: Ledger) -> tuple[NamedRecord, ...]:
    """Records in Odoo that bear an external id of ours and that the ledger does not know.

    But for those that a rollback archived, as Odoo does not let them go, that are archived still, and their lines.
    """
    records = [record for record in named_records(odoo) if record.model != VERDICT]
    known = ledger.knows([record.xid for record in records])
    unknown = [record for record in records if record.xid not in known]
    stands = what_stands(odoo, unknown)
    there = stands.moments.keys() | stands.kept.keys()
    left = ledger.left_archived()
    ours = [record for record in unknown if left.get(record.xid) == record.res_id]
    archived = {
        (model, row["id"])
        for model, ids in _by_model(ours).items()
        for row in odoo.search_among(model, "id", ids, ["id"], domain=[["active", "=", False]])
    }
    asleep = {record.xid for record in unknown if (record.model, record.res_id) in archived}
    parents = _parents(odoo, unknown, ()) if asleep else {}
    asleep |= {line for line, parent in parents.items() if parent in asleep}
    return tuple(r for r in unknown if (r.model, r.res_id) in there and r.xid not in asleep)


def _by_model(records: Iterable[NamedRecord]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for record in records:
        ids.setdefault(record.model, []).append(record.res_id)
    return ids


def _origins(desired: Desired) -> Iterator[tuple[str, _Origin]]:
    """The record and its lines."""
    source = str(desired.source)
    yield desired.xid, _Origin(desired.phase, desired.customer, source)
    for _, line in each_line(desired):
        yield line.xid, _Origin(desired.phase, desired.customer, source, desired.xid)


def _standing(observed: Observed, desired: Desired) -> set[str]:
    seen = observed.records.get(desired.xid)
    return {desired.xid, *(xid for lines in (seen.lines if seen else {}).values() for xid in lines)}


def _parents(odoo: Door, records: Sequence[NamedRecord], desired: Sequence[Desired]) -> dict[str, str]:
    """External id of a line -> that of its record, of lines of ours that hang on a record of ours."""
    ids: dict[str, dict[int, str]] = {}
    for record in records:
        ids.setdefault(record.model, {})[record.res_id] = record.xid
    parents: dict[str, str] = {}
    for (model, line_model), field in line_fields(desired).items():
        if model in ids and line_model in ids:
            for row in odoo.read(model, sorted(odoo.existing(model, sorted(ids[model]))), [field]):
                lines = (ids[line_model].get(number) for number in row.get(field) or ())
                parents |= {line: ids[model][row["id"]] for line in lines if line}
    return parents


def phase_of(record: NamedRecord) -> Phase:
    """By its external id, or by its model, where no mapper says it: what is of the books is never ``apply``'s."""
    return Phase.BOOKS if record.xid.startswith(BOOKS) else PHASES.get(record.model, Phase.CATALOG)


def _entry(
    record: NamedRecord,
    moments: Mapping[tuple[str, int], str],
    origin: _Origin | None,
    parents: Mapping[str, str],
) -> Entry:
    parent = parents.get(record.xid, "")
    phase = origin.phase if origin else phase_of(record)
    made = is_made_by_us(record, moments[record.model, record.res_id])
    return Entry(
        record.xid,
        0,
        parent,
        record.model,
        record.res_id,
        phase.value,
        origin.customer if origin else None,
        origin.source if origin else record.xid,
        APPLIED,
        created=made,
        adopted=not made,
    )


def _adoption(
    entries: Sequence[Entry], gone: tuple[str, ...] = (), known: int = 0, withheld: tuple[str, ...] = ()
) -> Adoption:
    made = Counter(e.model for e in entries if e.created and not e.parent)
    older = tuple(f"{e.source} ({e.model} {e.xid})" for e in entries if not e.created and not e.parent)
    return Adoption(made=made, older=older, gone=gone, withheld=withheld, known=known)


def left_of_before(entry: Entry) -> str:
    """Why nothing more can be undone of it."""
    return (
        f"{entry.source} ({entry.model} {entry.xid}): adopted after the state was lost, and older than its external "
        "id: what it held before is not known; look at it, and delete its external id in Odoo if it still has one"
    )


def is_at_rest(entry: Entry) -> bool:
    """Whether a rollback has left it: a record of before, of which nothing is ours any more but its id."""
    return entry.adopted and not (entry.sent or entry.before)
