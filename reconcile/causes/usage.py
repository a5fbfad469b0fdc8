"""Odoo's usage of a subscription against Lago's: events that one side lacks, or has with other times or values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mappings import fields, read_back
from mappings.fields import Row
from mappings.period import Window
from mappings.phrases import Phrase, Said, Told
from mappings.usage import EventIds, UsageRow
from reconcile.causes.cause_of import Around, RecordFault, faults
from reconcile.causes.differences import differences, same_exactly
from reconcile.causes.observed import ANOTHER, IN_EXCESS, NOT_THERE, USAGE, Place, Suspect, suspect_of
from reconcile.rerate.counterfactual import ABSENT
from reconcile.rerate.suppositions import Events

Usage = Mapping[str, UsageRow]  # by transaction

ASKED = 1000  # of the events that an order lacks, or has in excess, so many are looked for: more are no slip of hands


def of_usage(external_id: str, lago: Usage, rows: Iterable[Row], window: Window | None) -> Iterator[Suspect]:
    """``rows``: Odoo's. ``window``: the period that is billed, which people are told of first."""
    odoo = read_back.usage(lago, rows)
    for fault in faults(differences(lago, odoo, ("usage",), same_exactly), Around(lago=lago)):
        names = list(dict.fromkeys(str(difference.path[1]) for difference in fault.differences))
        inside = [name for name in names if any(_is_in(side.get(name), window) for side in (lago, odoo))]
        examples = ", ".join((inside or names)[:3])
        counts = [sum(name in side for name in inside) for side in (lago, odoo)]
        place, told = Place(USAGE, external_id, _field(fault)), (f"{counts[0]} ({examples})", f"{counts[1]}")
        yield suspect_of(fault, place, told, _events(external_id, fault))


def _field(fault: RecordFault) -> Said:
    path, odoo = fault.differences[0].path, fault.differences[0].odoo
    if len(path) == 2:
        return NOT_THERE if odoo is ABSENT else IN_EXCESS
    names = {str(difference.path[2]) for difference in fault.differences}
    return ", ".join(row.odoo for row in fields.USAGE if row.lago in names)


def lacking(lago: Usage, rows: Iterable[Row]) -> list[str]:
    """External ids of Lago's events that are not among Odoo's ``rows``: as many as are looked for elsewhere."""
    there = {str(row["transaction_id"]) for row in rows}
    return sorted(_external_ids(lago, lago.keys() - there))[:ASKED]


def surplus(lago: Usage, rows: Iterable[Row]) -> dict[int, str]:
    """Odoo's ``rows`` of events that Lago does not have there, and their transactions: as many as are asked for."""
    named = {row["id"]: str(row["transaction_id"]) for row in rows}
    return dict(sorted((n, name) for n, name in named.items() if isinstance(n, int) and name not in lago)[:ASKED])


def _external_ids(lago: Usage, transactions: Collection[str]) -> dict[str, str]:
    """External id -> transaction, of these. All events are told, as what an event is called follows from the others."""
    ids = EventIds()
    return {ids.take(event)[1]: name for name, event in lago.items() if name in transactions}


def placed(suspects: Iterable[Suspect], lago: Usage, elsewhere: Mapping[str, Row]) -> Iterator[Suspect]:
    """Events that are not there, with the subscription of Odoo's that they are written to, where there is one.

    ``elsewhere``: what Odoo has of them under another subscription, by external id.
    """
    for suspect in suspects:
        missing = suspect.suppose
        if suspect.place.field != NOT_THERE or not isinstance(missing, Events):
            yield suspect
            continue
        owners = _owners(missing, lago, elsewhere)
        for owner, names in owners.items():
            yield _written_to(owner, sorted(names), missing.external_id)
        lost = missing.gone - set().union(*owners.values())
        if lost:
            yield suspect if not owners else _without(suspect, Events(external_id=missing.external_id, gone=lost))


def _owners(missing: Events, lago: Usage, elsewhere: Mapping[str, Row]) -> Mapping[str, set[str]]:
    """Another subscription -> the transactions that are written to it."""
    transactions = _external_ids(lago, missing.gone) if elsewhere else {}
    owners: dict[str, set[str]] = defaultdict(set)
    for external_id, row in elsewhere.items():
        owner = str(row[ANOTHER] or "")
        if owner != missing.external_id and external_id in transactions:
            owners[owner].add(transactions[external_id])
    return owners


def owned(suspects: Iterable[Suspect], foreign: Mapping[str, str]) -> Iterator[Suspect]:
    """Events in excess, with the subscription whose they are in Lago, where there is one.

    ``foreign``: transaction -> that subscription. Whose they are is where they go back to: nobody deletes them.
    """
    for suspect in suspects:
        extra = suspect.suppose
        if suspect.place.field != IN_EXCESS or not isinstance(extra, Events):
            yield suspect
            continue
        owners: dict[str, list[UsageRow]] = defaultdict(list)
        for event in extra.more:
            owners[foreign.get(event.transaction_id, extra.external_id)].append(event)
        rest = replace(extra, more=tuple(owners.pop(extra.external_id, ())))
        for owner, events in owners.items():
            yield _written_here(owner, events, extra.external_id)
        if rest.more or rest.gone:
            yield _left(suspect, rest) if owners else suspect


def _written_here(owner: str, events: Sequence[UsageRow], external_id: str) -> Suspect:
    names = sorted(event.transaction_id for event in events)
    return Suspect(
        cause="extra_usage",
        place=Place(USAGE, external_id, ANOTHER),
        lago=owner,
        odoo=f"{external_id}: {len(names)} ({', '.join(names[:3])})",
        suppose=Events(external_id=external_id, more=tuple(events)),
    )


def _left(suspect: Suspect, rest: Events) -> Suspect:
    """The same of those events only that Lago has nowhere. What they stood in the place of is missing, without them."""
    if not rest.more:
        missing = replace(suspect, cause="missing_usage", place=replace(suspect.place, field=NOT_THERE), odoo="0")
        return _without(missing, rest)
    names = sorted({event.transaction_id for event in rest.more} | rest.gone)
    told = f"{len(rest.gone)} ({', '.join(names[:3])})"
    return replace(suspect, lago=told, odoo=f"{len(rest.more)}", suppose=rest)


def _written_to(owner: str, names: Sequence[str], external_id: str) -> Suspect:
    told = str(len(names)), ", ".join(names[:3])
    return Suspect(
        cause="missing_usage",
        place=Place(USAGE, owner, ANOTHER),
        lago=external_id,
        odoo=f"{owner}: {told[0]} ({told[1]})" if owner else Phrase(Told.WRITTEN_TO_NOBODY, told),
        suppose=Events(external_id=external_id, gone=frozenset(names)),
    )


def _without(suspect: Suspect, lost: Events) -> Suspect:
    """The same of those events only that are nowhere."""
    return replace(suspect, lago=f"{len(lost.gone)} ({', '.join(sorted(lost.gone)[:3])})", suppose=lost)


def _is_in(event: UsageRow | None, window: Window | None) -> bool:
    return event is not None and window is not None and window.start <= event.timestamp <= window.end


def _events(external_id: str, fault: RecordFault) -> Events:
    """Lago's usage with what Odoo has of the events in question."""
    gone, more, changed = set[str](), list[UsageRow](), defaultdict[str, dict[str, object]](dict)
    for difference in fault.differences:
        _, name, *inside = (str(step) for step in difference.path)
        if inside:
            changed[name][inside[0]] = difference.odoo
        elif isinstance(difference.odoo, UsageRow):
            more.append(difference.odoo)
        else:
            gone.add(name)
    return Events(external_id=external_id, gone=frozenset(gone), changed=dict(changed), more=tuple(more))
