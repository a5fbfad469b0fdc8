"""A record of Odoo's that differs from Lago's: where, what each side has there, and what to suppose if it is the cause.

It claims nothing by itself: the invoice is re-rated under the supposition, and the cause is believed only if that gives
the deviation to the cent. Words for people are made here, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from mappings.records import Tax
from mappings.text import json_text
from reconcile.causes.cause_of import RecordFault
from reconcile.rerate.counterfactual import ABSENT
from reconcile.rerate.suppositions import Supposition

USAGE = "fusion.billing.usage"
NOT_THERE, IN_EXCESS, ANOTHER = "not there", "in excess", "external_subscription_id"  # what is wrong with usage
NAME = "fusion_lago_id"  # what lines are matched by
OWN = "order_id"  # of a charge that belongs to an order alone
UNITS = ("units", "unit_changes")  # of a fixed charge, and how they changed since an order started


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a record of Odoo's (of several: of the usage of a subscription).

    ``record`` is its name, code or order; ``number`` its id in Odoo, where the name alone does not tell which it is.
    """

    model: str
    record: str
    field: str
    number: str = ""

    @property
    def label(self) -> str:
        """How people find it."""
        if self.model == USAGE:
            return f"{self.model} of {self.record}"
        return f"{self.model} {self.record}" + (f" ({self.number})" if self.number else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """``lago`` and ``odoo``: what each side has at the place. ``header``: moves coupons and taxes only, no line."""

    cause: str
    place: Place
    lago: str
    odoo: str
    suppose: Supposition
    header: bool = False


def suspect_of(fault: RecordFault, place: Place, told: tuple[str, str], suppose: Supposition) -> Suspect:
    """A fault as something to suppose. ``told``: what Lago has at the place, and what Odoo."""
    lago, odoo = told
    return Suspect(cause=fault.cause, place=place, lago=lago, odoo=odoo, suppose=suppose, header=fault.row.header)


def named_taxes(sets: Iterable[Iterable[Tax]]) -> str:
    """``gst 5 % + qst 9.975 %``; of several sets each, once."""
    ordered = (sorted(taxes, key=lambda tax: tax.code) for taxes in sets)
    names = dict.fromkeys(
        " + ".join(f"{t.code} {t.rate.normalize():f} %" for t in taxes) or "none" for taxes in ordered
    )
    return ", ".join(names)


def shown(value: object) -> str:
    """A value for a person."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str):
        return value
    if value is None or value is ABSENT:
        return "none"
    if isinstance(value, list | tuple):
        return shown(value[0]) if len(value) == 1 else json_text([None if v is ABSENT else v for v in value])
    return json_text(value)
