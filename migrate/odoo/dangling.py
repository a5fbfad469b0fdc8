"""References that lead nowhere: a customer's record that has one is left out by name, with what needs it.

Who stops for it is only that customer: a country, a state or a price list that Odoo does not have says nothing about
others. What finance's tables name (taxes, accounts, journals) is everybody's, and still refused before the first write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mappings.target import Desired, Find, Mapped, Skipped
from migrate.change_set.changes import each_line
from migrate.odoo.door import Door
from migrate.odoo.resolve import OdooReader, references
from migrate.progress import quiet

REASON = "reference_missing"
_OWN = ("lago.", "base.")  # external ids that a record's own values lead to
_OWN_MODELS = ("res.country.state",)


def without_dangling(odoo: Door, mapped: Sequence[Mapped]) -> tuple[Mapped, ...]:
    """The same, with a ``Skipped`` in place of each customer's record that needs what is not there. Reads only."""
    lost = _lost(odoo, [item for item in mapped if isinstance(item, Desired)])
    if not lost:
        return tuple(mapped)
    left_out = (lost.get(item.xid) if isinstance(item, Desired) else None for item in mapped)
    pairs = zip(mapped, left_out, strict=True)
    return tuple(_skipped(item, why) if why and isinstance(item, Desired) else item for item, why in pairs)


def _lost(odoo: Door, desired: Sequence[Desired]) -> dict[str, str]:
    """External id of each record that cannot be, and why."""
    theirs = [item for item in desired if item.customer is not None]
    coming = {item.xid for item in desired} | {line.xid for item in desired for _, line in each_line(item)}
    refs, finds = references(theirs)
    missing = _missing(odoo, [xid for xid in refs if xid not in coming and xid.startswith(_OWN)], finds)
    lost: dict[str, str] = {}
    while missing:
        without = {item.xid: why for item in theirs if item.xid not in lost and (why := next(_why(item, missing), ""))}
        lost |= without
        lines = {line.xid for item in theirs if item.xid in without for _, line in each_line(item)}
        missing = dict.fromkeys([*without, *lines], "which is left out")
    return lost


def _missing(odoo: Door, outside: Sequence[str], finds: Mapping[Find, None]) -> dict[str | Find, str]:
    """What is not in Odoo, and what to do about it."""
    reader = OdooReader(odoo, quiet)
    reader.learn_xids(outside)
    missing: dict[str | Find, str] = {xid: "which is not in Odoo" for xid in outside if xid not in reader.ids}
    for find in finds:
        if find.model in _OWN_MODELS and (problems := reader.find([find])):
            missing[find] = problems[0]
    return missing


def _why(item: Desired, missing: Mapping[str | Find, str]) -> Iterator[str]:
    refs, finds = references([item])
    yield from (f"needs {xid}, {missing[xid]}" for xid in refs if xid in missing)
    yield from (missing[find] for find in finds if find in missing)


def _skipped(item: Desired, why: str) -> Skipped:
    return Skipped(
        phase=item.phase,
        source=item.source,
        reason=REASON,
        detail=f"{why}: correct it in Lago, or add it in Odoo",
        customer=item.customer,
        because=item.source.lago_id or item.xid,
    )
