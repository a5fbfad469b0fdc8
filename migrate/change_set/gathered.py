"""Fields of Odoo's that are put together from other lists of Lago's than their record's own. Pure.

    fusion_coupons          from the list of applied coupons, and of invoices: what each took off
    fusion_advance_until    from the list of fees: until when Lago billed single events

Such a list that came empty, or short, takes from them what Lago did not end: that is held for consent like records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from mappings.target import Desired
from migrate.change_set.changes import Action, Change, Known
from migrate.values import Canon

Missing = Callable[[Canon, Canon, frozenset[str]], int]  # before, after, ids that Lago shows -> parts that are missing


def missing_parts(change: Change) -> Iterator[tuple[str, int]]:
    """What would leave a record's fields although Lago did not end it: field, number of parts."""
    if change.desired is None or change.action is not Action.UPDATE:
        return
    for diff in change.diffs:
        counts = GATHERED.get(diff.field)
        if counts is not None and diff.verdict is Action.UPDATE:
            number = counts(diff.before, diff.after, _shown(change.desired, diff.field))
            if number:
                yield named(change.model, diff.field), number


def known_parts(known: Known) -> Iterator[tuple[str, int]]:
    """How many parts the ledger knows of a record's fields."""
    for field, counts in GATHERED.items():
        number = counts(known.sent.get(field), None, frozenset())
        if number:
            yield named(known.model, field), number


def named(model: str, field: str) -> str:
    """How parts of a field are called among the removals."""
    return f"{model}: {field}"


def _shown(desired: Desired, field: str) -> frozenset[str]:
    return desired.shown.get(field, frozenset())


def _coupons(before: Canon, after: Canon, shown: frozenset[str]) -> int:
    """Coupons that Lago does not show any more, and what invoices took off the others that none of them takes now."""
    was, now = _credits_by_coupon(before), _credits_by_coupon(after)
    gone = [coupon for coupon in was if coupon not in now and coupon not in shown]
    return len(gone) + sum(len(was[coupon] - now[coupon]) for coupon in was if coupon in now)


def _credits_by_coupon(text: Canon) -> dict[str, frozenset[str]]:
    """Lago id of an applied coupon -> the moments of the invoices that it reduced. Nothing of a text of somebody's."""
    try:
        entries = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return {}
    listed = [e for e in entries if isinstance(e, Mapping)] if isinstance(entries, list) else []
    return {str(entry.get("lago_id")): frozenset(_moments(entry.get("credits"))) for entry in listed}


def _moments(credits: object) -> Iterator[str]:
    for credit in credits if isinstance(credits, list) else ():
        if isinstance(credit, Mapping):
            yield str(credit.get("at"))


def _earlier(before: Canon, after: Canon, shown: frozenset[str]) -> int:
    """One, where Lago is said to have billed less than before; moments as Odoo writes them, which sort as texts."""
    return int(isinstance(before, str) and bool(before) and (not isinstance(after, str) or after < before))


GATHERED: Mapping[str, Missing] = {"fusion_coupons": _coupons, "fusion_advance_until": _earlier}
