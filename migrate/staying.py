"""What stays in Odoo because something else does: a rollback that takes half of it leaves what bills wrong. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from migrate.state.entries import Entry

# Parts that name what they belong to: without them it would be there, and bill less.
_CHARGE, _OWNER = "fusion.billing.charge", "order_id"
_PARTS = {_CHARGE: (_OWNER, "plan_id")}
_USAGE = "fusion.billing.usage"  # names its order by a text


def staying_with(
    entries: Sequence[Entry], lines: Mapping[str, Sequence[Entry]], stays: Collection[str]
) -> dict[str, str]:
    """External id -> that of the record in ``stays`` for whose sake it has to stay too.

    That is what it names, directly, by its lines or through others, and its parts.
    ``lines``: external id of a record -> its lines. What stood in Odoo before us is not among it: it is given back.
    """
    if not stays:
        return {}
    needs, standing = _needs(entries, lines), frozenset(stays)
    whose_sake: dict[str, str] = {}
    for first in stays:
        queue = [first]
        while queue:
            for other in needs.get(queue.pop(), ()):
                if other not in standing and other not in whose_sake:
                    whose_sake[other] = first
                    queue.append(other)
    return whose_sake


def parts_of_owners(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """External id of an order -> those of its charges and usage: it goes before them.

    Odoo lets go of an order with its charges, or of neither; and usage is nobody's once its order is gone.
    """
    usage = _usage_of(entries)
    parts: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.model == _CHARGE and entry.sent.get(_OWNER):
            parts[str(entry.sent[_OWNER])].append(entry.xid)
        if external_id := entry.sent.get("fusion_external_id"):
            parts[entry.xid] += usage.get(external_id, [])
    return {entry.xid: parts[entry.xid] for entry in entries if entry.created and parts.get(entry.xid)}


def _usage_of(entries: Iterable[Entry]) -> Mapping[object, list[str]]:
    """By the external id of what it was reported for."""
    usage: dict[object, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.model == _USAGE:
            usage[entry.sent.get("external_subscription_id")].append(entry.xid)
    return usage


def _needs(entries: Sequence[Entry], lines: Mapping[str, Sequence[Entry]]) -> Mapping[str, Sequence[str]]:
    """External id -> those of ours that it names, and of its parts."""
    ours = {entry.xid for entry in entries if entry.created}
    needs: dict[str, list[str]] = defaultdict(list)
    usage = _usage_of(entries)
    for entry in entries:
        needs[entry.xid] += [name for name in _names((entry, *lines.get(entry.xid, ()))) if name in ours]
        for owner in _PARTS.get(entry.model, ()):
            if entry.xid in ours and entry.sent.get(owner):
                needs[str(entry.sent[owner])].append(entry.xid)
    for entry in entries:
        if external_id := entry.sent.get("fusion_external_id"):
            needs[entry.xid] += usage.get(external_id, [])
    return needs


def _names(entries: Iterable[Entry]) -> Iterator[str]:
    """Whatever their values name: a record, or several."""
    for entry in entries:
        for value in entry.sent.values():
            yield from (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
