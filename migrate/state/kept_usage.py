"""Usage in Odoo that the mappers want no more, and that is no correction of Lago's for all that.

    its event is still in the extract      only its period is over: Odoo billed it, or will be asked to bill it again
    older than every event of the extract  Lago keeps events for a while only; that one has forgotten them says nothing

Anything else vanished within what was extracted: Lago took it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mappings.usage import EventIds, UsageRow
from migrate.change_set.changes import Known
from migrate.state import events


def find_kept_usage(folder: Path, vanished: Mapping[str, Known]) -> frozenset[str]:
    """Of the usage records that nobody wants any more those that stay as they are, by external id."""
    if not vanished:
        return frozenset()
    first, still, ids = "", set[str](), EventIds()
    for row in events.rows(folder):
        moment = row["timestamp"].isoformat(sep=" ", timespec="seconds")
        first = min(first, moment) if first else moment
        _, xid = ids.take(UsageRow(**{**row, "external_subscription_id": row["external_subscription_id"] or ""}))
        if xid in vanished:
            still.add(xid)
    return frozenset(still | {xid for xid, known in vanished.items() if _is_older(known, first)})


def _is_older(known: Known, first: str) -> bool:
    """``first``: when the extract begins, as Odoo writes moments; nothing was extracted without."""
    moment = known.sent.get("timestamp")
    return isinstance(moment, str) and (not first or moment < first)
