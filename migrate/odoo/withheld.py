"""Records that are there and that Odoo keeps from this user: each costs itself.

A record rule, or another company, hides single records: a search does not find them, and reading one among others
ends the whole call. A right on the whole model that lacks is another matter, and ends the command.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from migrate.change_set.changes import WITHHELD
from migrate.errors import OdooError
from migrate.odoo.door import Door, Row, chunks
from migrate.odoo.errors import (
    AccessDenied,
    DatabaseMissing,
    NoSuchMethod,
    NotOdoo,
    OdooUnreachable,
    Unauthorized,
)

# These are not about one record: halving the batch would only repeat them.
FATAL = (Unauthorized, AccessDenied, NoSuchMethod, DatabaseMissing, NotOdoo, OdooUnreachable)

# Reads of parts of one batch, to tell what no search shows: hidden, or gone.
MOST_READS = 64


def readable_rows(door: Door, model: str, ids: Sequence[int], names: Sequence[str]) -> tuple[list[Row], dict[int, str]]:
    """Rows of those of the records that are there and may be read, and the ids of those that may not, with why.

    Odoo may keep them, or answer of them what their fields cannot hold.
    Raises AccessDenied where it is no single record that is kept from us.
    """
    try:
        return door.read_apart(model, ids, names)
    except AccessDenied as error:
        if not may(door, model, "read"):
            raise
        shown = door.existing(model, ids)
        rows, denied = _apart(door, model, [n for n in ids if n in shown], names, most=2 * len(ids))
        back, kept = _apart(door, model, [n for n in ids if n not in shown], names, most=MOST_READS)
        if shown and not (rows or back):
            raise error from None  # all that a search finds is denied: that is no rule for single records
        return rows + back, kept | denied


def standing(door: Door, model: str, ids: Sequence[int]) -> tuple[frozenset[int], frozenset[int]]:
    """Those of the records that a search shows, and those that are there and are kept from us; the others are gone.

    Raises AccessDenied where it is no single record that is kept from us.
    """
    shown, kept = door.existing(model, ids), set[int]()
    for some in chunks([n for n in ids if n not in shown]):
        kept |= readable_rows(door, model, some, ["id"])[1].keys()
    return shown, frozenset(kept)


def _apart(
    door: Door, model: str, ids: Sequence[int], names: Sequence[str], *, most: int
) -> tuple[list[Row], dict[int, str]]:
    """By halves, until those that may not be read stand alone; those that are gone are neither.

    A read of several says only that one at least is kept. After ``most`` reads what is left counts as kept: that takes
    nothing for gone that may be there, and where many are kept, a read for each of them would say the same.
    """
    rows, kept, parts, reads = list[Row](), dict[int, str](), deque([ids] if ids else []), 0
    while parts:
        part = parts.popleft()
        try:
            if reads < most:
                readable, flawed = door.read_apart(model, part, names)
                rows += readable
                kept |= flawed
                reads += 1
                continue
        except AccessDenied:
            reads += 1
            if len(part) > 1:
                middle = len(part) // 2
                parts += [part[:middle], part[middle:]]
                continue
        kept |= dict.fromkeys(part, WITHHELD)
    return rows, kept


def is_of_all(error: OdooError, door: Door, model: str, *rights: str) -> bool:
    """Whether an error is about more than single records: telling them apart would only repeat it.

    ``rights``: what the call needed of the whole model (``write``, ``unlink``).
    """
    if isinstance(error, AccessDenied):
        return not all(may(door, model, right) for right in rights)
    return isinstance(error, FATAL)


def may(door: Door, model: str, right: str) -> bool:
    """Whether this user may do that to any record of the model; not where Odoo does not have the model."""
    try:
        return bool(door.ask(model, "has_access", (), active_test=True, operation=right))
    except NoSuchMethod:
        return False
