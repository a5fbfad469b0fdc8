"""Odoo's usage of a subscription against Lago's: events that one side lacks, or has with other times or values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from mappings import fields, read_back
from mappings.fields import Row
from mappings.period import Window
from mappings.usage import UsageRow
from reconcile.causes.cause_of import Fault, faults
from reconcile.causes.differences import differences, same_exactly
from reconcile.causes.observed import USAGE, Place, Suspect, suspect_of
from reconcile.rerate.counterfactual import ABSENT
from reconcile.rerate.suppositions import Events

Usage = Mapping[str, UsageRow]  # by transaction


def of_usage(external_id: str, lago: Usage, rows: Iterable[Row], window: Window | None) -> Iterator[Suspect]:
    """``rows``: Odoo's. ``window``: the period that is billed, which people are told of first."""
    odoo = read_back.usage(lago, rows)
    for fault in faults(differences(lago, odoo, ("usage",), same_exactly), lago):
        names = list(dict.fromkeys(str(difference.path[1]) for difference in fault.differences))
        inside = [name for name in names if any(_is_in(side.get(name), window) for side in (lago, odoo))]
        examples = ", ".join((inside or names)[:3])
        counts = [sum(name in side for name in inside) for side in (lago, odoo)]
        place, told = Place(USAGE, external_id, _field(fault)), (f"{counts[0]} ({examples})", f"{counts[1]}")
        yield suspect_of(fault, place, told, _events(external_id, fault))


def _field(fault: Fault) -> str:
    path, odoo = fault.differences[0].path, fault.differences[0].odoo
    if len(path) == 2:
        return "not there" if odoo is ABSENT else "in excess"
    name = {"precise_total_amount_cents": "properties"}.get(str(path[2]), path[2])
    return next(row.odoo for row in fields.USAGE if row.lago == name)


def _is_in(event: UsageRow | None, window: Window | None) -> bool:
    return event is not None and window is not None and window.start <= event.timestamp <= window.end


def _events(external_id: str, fault: Fault) -> Events:
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
