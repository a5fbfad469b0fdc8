"""Nothing is removed because it was not seen: what would go is counted by kind, and above a bound a person must agree.

A list that Lago answered empty once, or a file that was lost, looks like records that were deleted. Usage is what
Odoo bills: not one record of it goes unseen, and no coupon or moment within a record that Lago did not end
(``migrate.change_set.gathered``). Of any other kind up to 5 % go as ordinary corrections. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from mappings.usage import MODEL as USAGE
from migrate.change_set.changes import Action, Change, ChangeSet, Known, Removal
from migrate.change_set.gathered import known_parts, missing_parts
from migrate.errors import Blocked

BOUND_PERCENT = 5


def count_removals(changes: Iterable[Change], base: Mapping[str, Known]) -> tuple[Removal, ...]:
    """By Odoo's model, lines too; ``base``: what the ledger knows within the scope.

    What is gone in Odoo anyway is not removed by us.
    """
    removed, known = Counter(_removed(changes)), Counter(_models(base))
    return tuple(
        Removal(
            model=model, number=number, known=known[model], needs_consent=_needs_consent(model, number, known[model])
        )
        for model, number in removed.items()
    )


def require_consent(changes: ChangeSet, allowed: int) -> None:
    """Raise Blocked, before anything is written, if a person must agree and did not."""
    total = changes.removed
    if total <= allowed or not any(removal.needs_consent for removal in changes.removals):
        return
    kinds = ", ".join(f"{r.number:,} of {r.known:,} {r.model}" for r in changes.removals)
    given = f", and --allow-removals {allowed} is not enough" if allowed else ""
    raise Blocked(
        f"{total} records would be removed or archived in Odoo because Lago shows them no more ({kinds}){given}; "
        "nothing was written: run 'lago2odoo extract' again, and if it still says so and that is right, "
        f"'lago2odoo apply --allow-removals {total}'"
    )


def _needs_consent(model: str, number: int, known: int) -> bool:
    return model == USAGE or ": " in model or number * 100 > known * BOUND_PERCENT


def _removed(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        if change.action is Action.REMOVE and change.res_id is not None:
            yield change.model
        elif change.action is Action.UPDATE:
            if any(d.field == "active" and d.after is False for d in change.diffs if d.verdict is Action.UPDATE):
                yield change.model  # archived: so goes a customer that Lago lists no more, but its invoices name
            yield from (line.model for line in change.lines if line.action is Action.REMOVE)
            for name, number in missing_parts(change):
                yield from [name] * number


def _models(base: Mapping[str, Known]) -> Iterator[str]:
    for known in base.values():
        yield known.model
        yield from (line.model for line in known.lines.values())
        for name, number in known_parts(known):
            yield from [name] * number
