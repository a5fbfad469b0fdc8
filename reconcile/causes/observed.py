"""A record of Odoo's that differs from Lago's: where, what each side has there, and what to suppose if it is the cause.

It claims nothing by itself: the invoice is re-rated under the supposition, and the cause is believed only if that gives
the deviation to the cent. Words for people are made here, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mappings.phrases import Phrase, Said, Told
from mappings.records import Tax
from mappings.text import json_text
from reconcile.causes.cause_of import RecordFault
from reconcile.rerate.counterfactual import ABSENT
from reconcile.rerate.suppositions import Supposition
from reports.data import Evidence, EvidenceValue

USAGE, CHARGE, LINE = "fusion.billing.usage", "fusion.billing.charge", "sale.order.line"
ANOTHER = "external_subscription_id"  # a field of usage: to whom it is written
NONE = Phrase(Told.NONE)
NOT_THERE, IN_EXCESS = Phrase(Told.NOT_THERE), Phrase(Told.IN_EXCESS)  # what is wrong with usage, besides its fields
SUBSCRIPTION = "subscription"  # of Lago's: nothing of Odoo's alone
NAME = "fusion_lago_id"  # what lines are matched by
UNIQUE = ("fusion_external_id", "code")  # what Odoo lets one record have at a time
OWN = "order_id"  # of a charge that belongs to an order alone
UNITS = ("units", "unit_changes")  # of a fixed charge, and how they changed since an order started


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a record of Odoo's (of several: of the usage of a subscription).

    ``record`` is its name, code or order; ``number`` its id in Odoo, where the name alone does not tell which it is.
    """

    model: str
    record: str
    field: Said
    number: str = ""

    @property
    def label(self) -> Said:
        """How people find it. Usage is somebody's, or nobody's (``record`` is empty)."""
        if self.model == USAGE:
            return Phrase(Told.USAGE_OF, (self.record,)) if self.record else Phrase(Told.USAGE_OF_NOBODY)
        if self.model == SUBSCRIPTION:
            return Phrase(Told.SUBSCRIPTION, (self.record,))
        return f"{self.model} {self.record}" + (f" ({self.number})" if self.number else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """``lago`` and ``odoo``: what each side has at the place, for people. ``header``: moves coupons and taxes only.

    ``other_names``: how lines of Odoo's name a charge that bears another id there. ``subscription``: whose order it is
    (Lago id), where that is needed. ``remedy``: where the field is not simply to be set to Lago's value.
    """

    cause: str
    place: Place
    lago: Said
    odoo: Said
    suppose: Supposition
    header: bool = False
    other_names: tuple[str, ...] = ()
    subscription: str = ""
    remedy: Evidence | None = None

    @property
    def told(self) -> Mapping[str, EvidenceValue]:
        """Where it is, and what each side has there, as values of evidence."""
        return {"where": self.place.label, "what": self.place.field, "lago": self.lago, "odoo": self.odoo}


def remedy_at(name: str, place: Place, lago: Said) -> Evidence:
    """A remedy at a place. ``lago``: what Lago has there."""
    return Evidence(name=name, values={"where": place.label, "what": place.field, "lago": lago})


def suspect_of(fault: RecordFault, place: Place, told: tuple[Said, Said], suppose: Supposition) -> Suspect:
    """A fault as something to suppose. ``told``: what Lago has at the place, and what Odoo."""
    lago, odoo = told
    return Suspect(cause=fault.cause, place=place, lago=lago, odoo=odoo, suppose=suppose, header=fault.row.header)


def tax_names(sets: Iterable[Iterable[Tax]]) -> list[str]:
    """``gst 5 % + qst 9.975 %``; of several sets each, once. Without a tax it is empty."""
    ordered = (sorted(taxes, key=lambda tax: tax.code) for taxes in sets)
    return list(dict.fromkeys(" + ".join(f"{t.code} {t.rate.normalize():f} %" for t in taxes) for taxes in ordered))


def listed(texts: Iterable[str]) -> Said:
    """Several texts as one; an empty one is none, which is said last."""
    each = list(texts)
    named = ", ".join(text for text in each if text)
    if all(each):
        return named
    return Phrase(Told.OR_NONE, (named,)) if named else NONE


def shown(value: object) -> Said:
    """A value for a person."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str):
        return value
    if value is None or value is ABSENT:
        return NONE
    if isinstance(value, list | tuple):
        return shown(value[0]) if len(value) == 1 else json_text([None if v is ABSENT else v for v in value])
    return json_text(value)
