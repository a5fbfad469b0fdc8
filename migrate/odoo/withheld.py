"""Records that are there and that Odoo keeps from this user: each costs itself.

A record rule, or another company, hides single records: a search does not find them, and reading one among others
ends the whole call. A right on the whole model that lacks is another matter, and ends the command.
"""

from __future__ import annotations

from collections.abc import Sequence

from migrate.errors import OdooError
from migrate.odoo.door import Door, Row
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


def readable_rows(door: Door, model: str, ids: Sequence[int], names: Sequence[str]) -> tuple[list[Row], set[int]]:
    """Rows of those of the records that are there and may be read, and the ids of those that may not.

    Raises AccessDenied where it is no single record that is kept from us.
    """
    try:
        return door.read(model, ids, names), set()
    except AccessDenied as error:
        if not may(door, model, "read"):
            raise
        shown = door.existing(model, ids)
        parts = [[n for n in ids if n in shown], [n for n in ids if n not in shown]]
        answers = [_apart(door, model, part, names) for part in parts if part]
        rows, kept = [row for some, _ in answers for row in some], {n for _, some in answers for n in some}
        if not rows and shown:
            raise error from None  # all that a search finds is denied: that is no rule for single records
        return rows, kept


def _apart(door: Door, model: str, ids: Sequence[int], names: Sequence[str]) -> tuple[list[Row], set[int]]:
    """By halves, until those that may not be read stand alone; those that are gone are neither."""
    try:
        return door.read(model, ids, names), set()
    except AccessDenied:
        if len(ids) == 1:
            return [], {ids[0]}
    middle = len(ids) // 2
    halves = [_apart(door, model, half, names) for half in (ids[:middle], ids[middle:])]
    return [row for rows, _ in halves for row in rows], {n for _, kept in halves for n in kept}


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
