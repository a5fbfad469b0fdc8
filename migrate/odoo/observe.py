"""Everything of Odoo's that a comparison needs, read at once; external ids of ours that lead astray cost themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from mappings.target import Desired, is_ours
from migrate.change_set.changes import Known, Observed, Seen, each_line
from migrate.errors import Blocked
from migrate.odoo.known_places import KnownPlaces, Place, left_behind, misnamed, shared
from migrate.odoo.resolve import OdooReader, line_fields, references, wanted_known, wanted_of
from migrate.odoo.withheld import standing


def observe(
    reader: OdooReader,
    desired: Sequence[Desired],
    known: Mapping[str, Known],
    coming: frozenset[str] = frozenset(),
    base: Mapping[str, Known] = MappingProxyType({}),
) -> Observed:
    """Read everything that ``desired`` and ``known`` (records that may have to go) concern.

    ``coming``: external ids that will exist although they do not yet. ``base``: what the ledger knows of ``desired``.
    Raises Blocked with every reference that leads nowhere and its remedy.
    """
    reader.learn_fields(_needed_fields(desired, known))
    memory = {**base, **known}
    reader.places = KnownPlaces.of(desired, memory)
    reader.learn_ours()
    for record in desired:  # what finance says stands there already, and has no external id of ours yet
        if record.existing is not None:
            reader.take_for(record.xid, record.model, record.existing)
    refs, finds = references(desired)
    theirs = [*refs, *(d.xid for d in desired), *known]  # records of Odoo's own may be wanted too: a currency, active
    reader.learn_xids(x for x in theirs if x not in reader.ids and not is_ours(x))
    problems = reader.find(finds)
    reach = coming | {d.xid for d in desired} | {line.xid for d in desired for _, line in each_line(d)}
    problems += [_nowhere(xid, desired) for xid in refs if xid not in reader.ids and xid not in reach]
    problems += [_not_ours(d) for d in desired if not is_ours(d.xid) and d.xid not in reader.ids]
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise Blocked("; ".join(problems[:5]) + more)
    one2many = line_fields(desired)
    wishes = {d.xid: wanted_of(d) for d in desired}
    wishes |= {x: wanted_known(k, one2many) for x, k in known.items() if x not in wishes}
    lines = {d.xid: frozenset(line.xid for _, line in each_line(d)) for d in desired}
    seen = without_misplaced(reader, reader.look(wishes), wishes, memory, lines)
    return Observed(reader.fields, seen, reader.ids, reader.found, reader.names, reader.withheld(wishes))


def _nowhere(xid: str, desired: Sequence[Desired]) -> str:
    user = next(d for d in desired if xid in references([d])[0])
    advice = "apply the phase it belongs to first" if is_ours(xid) else "install or mend what provides it"
    return f"{user.source} needs {xid}, which is not in Odoo: {advice}"


def _not_ours(desired: Desired) -> str:
    return f"{desired.source} is to change {desired.xid}, which is not in Odoo: only what provides it may create it"


def _needed_fields(desired: Iterable[Desired], known: Mapping[str, Known]) -> dict[str, set[str]]:
    needed: dict[str, set[str]] = defaultdict(set)
    for record in desired:
        needed[record.model] |= record.values.keys() | record.children.keys()
        for _, line in each_line(record):
            needed[line.model] |= line.values.keys()
    for memory in known.values():
        for memory_part in (memory, *memory.lines.values()):
            needed[memory_part.model] |= {n for n in memory_part.sent if not n.endswith("()")}
    return needed


def look_known(reader: OdooReader, known: Mapping[str, Known]) -> dict[str, Seen]:
    """The records of the ledger as they stand in Odoo."""
    names = line_fields(())
    needed: dict[str, set[str]] = {}
    for memory in known.values():
        wish = wanted_known(memory, names)
        needed.setdefault(wish.model, set()).update(wish.fields, wish.lines)
        for model, fields in wish.lines.values():
            needed.setdefault(model, set()).update(fields)
    reader.learn_fields(needed)
    reader.places = KnownPlaces.of((), known)
    reader.learn_ours()
    reader.learn_xids(x for x in known if x not in reader.ids)
    wishes = {x: wanted_known(k, names) for x, k in known.items()}
    return without_misplaced(reader, reader.look(wishes), wishes, known)


def without_misplaced(
    reader: OdooReader,
    seen: Mapping[str, Seen],
    asked: Iterable[str],
    known: Mapping[str, Known],
    more_lines: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, Seen]:
    """What stands, without records whose external id, or a line's, is not that of what we wrote: ``reader.withheld``.

    ``more_lines``: record -> its lines (external ids) beside those that the ledger knows.
    """
    parts = {
        xid: frozenset((xid, *(known[xid].lines if xid in known else ()), *more_lines.get(xid, ())))
        for xid in asked
        if is_ours(xid)
    }
    wrong = _misplaced(reader, frozenset().union(*parts.values()))
    for xid, names in parts.items():
        if why := next(
            (wrong[name] for name in sorted(names, key=lambda name: (name != xid, name)) if name in wrong), ""
        ):
            reader.misplaced.setdefault(xid, why)
    return {xid: record for xid, record in seen.items() if xid not in reader.misplaced}


def _misplaced(reader: OdooReader, names: Collection[str]) -> dict[str, str]:
    """Those of these external ids that do not name what they should, with what they name."""
    places, wrong = reader.places, dict[str, str]()
    astray = {xid: left for xid in names if (left := places.left(xid, reader.ids.get(xid)))}
    stands = _standing(reader, astray.values())
    sharing: dict[Place, list[str]] = defaultdict(list)
    for xid in sorted(names):
        now = reader.ids.get(xid)
        if xid in astray and astray[xid] in stands:
            wrong[xid] = left_behind(xid, now, astray[xid])
        elif now and not places.may_name(xid, now[0]):
            wrong[xid] = misnamed(xid, now, places.models[xid])
        elif now:
            sharing[now].append(xid)
    for place, sharers in sharing.items():
        wrong |= {xid: shared(xid, place, other) for xid, other in places.sharing(place, sharers)}
    return wrong


def _standing(reader: OdooReader, places: Iterable[Place]) -> set[Place]:
    """Those that are there, shown to this user or not."""
    by_model: dict[str, set[int]] = defaultdict(set)
    for model, number in places:
        by_model[model].add(number)
    there = {model: standing(reader.door, model, sorted(ids)) for model, ids in by_model.items()}
    return {(model, number) for model, both in there.items() for numbers in both for number in numbers}
