"""Odoo's side of the map: the records we want to exist, keyed by external id.

A mapper turns one Lago record into ``Desired`` records or a ``Skipped`` with its reason; nothing here knows a server.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from mappings.partners import Standing
from mappings.reasons import OF_THE_SERVER

OURS = "lago"  # the module of every external id that we give, and that nobody else gives


class Phase(StrEnum):
    """The phases in the order in which they must be applied."""

    CATALOG = "catalog"
    CUSTOMERS = "customers"
    SUBSCRIPTIONS = "subscriptions"
    USAGE = "usage"
    BALANCES = "balances"
    TOKENS = "tokens"
    BOOKS = "books"  # written by ``ledger`` alone


@dataclass(frozen=True, slots=True)
class Ref:
    """A record by external id: one of ours (``lago.customer_...``) or Odoo's own (``base.CAD``)."""

    xid: str


@dataclass(frozen=True, slots=True)
class Find:
    """A record that Odoo owns and that has no dependable external id: exactly one must match ``domain``."""

    model: str
    domain: tuple[tuple[str, str, str | int | bool], ...]
    hint: str  # what a person must do when none or several match


Scalar = str | int | Decimal | bool | date | datetime | None
Value = Scalar | Ref | Find | tuple["Ref | Find", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What something was made from: a Lago record, or what stands for it. ``str()`` is how people are told of it.

    ``resource``: customer, charge, order_charge... ``lago_id`` is empty where no single record of Lago's stands behind
    it: a service, an interval. A saved preview keeps the words alone, as ``label``: two that read the same are equal.
    """

    resource: str
    label: str  # what tells it apart for people: an external id, a code
    lago_id: str = ""

    def __str__(self) -> str:
        return f"{self.resource} {self.label}" if self.resource else self.label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One record as it should be in Odoo.

    ``values`` hold only the fields this project owns: datetimes in UTC, amounts as Decimal in currency units.
    ``children`` are one2many lines (field -> lines in order), each with an external id of its own.
    ``customer`` is the external id of the Lago customer it belongs to (None: shared by all), which cohorts select on.
    ``source`` names the Lago record; people read ``customer NX-1001``.
    ``once`` fields are written at creation only: Odoo moves them on by itself afterwards (next invoice date...).
    ``late`` fields are left out of the creation and written by a second call, after the ``after`` methods: creation or
    those methods would overwrite them.
    ``shown``: field that is put together from another list of Lago's -> ids of that list that Lago shows, whether they
    stand in the field or not: what leaves the field and is none of them was not ended, it was not seen.
    ``existing``: the database id of a record that stands in Odoo already, and that finance says is this one.
    """

    phase: Phase
    model: str
    xid: str
    values: Mapping[str, Value]
    source: Source
    customer: str | None = None
    children: Mapping[str, tuple[Desired, ...]] = field(default_factory=dict)
    once: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()  # methods to call once it exists, for example ("action_confirm",)
    late: frozenset[str] = frozenset()
    existing: int | None = None
    shown: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A Lago record (or a part of one) that the target cannot express. Counted, shown, and part of the exit code."""

    phase: Phase
    source: Source
    reason: str  # a stable name, for waivers: coupon_on_invoice, deleted_customer...
    detail: str  # one sentence for people
    customer: str | None = None
    count: int = 1  # records it stands for: usage events are counted, not listed
    because: str = ""  # id of the record in quarantine that it is, or that it depends on

    @property
    def names(self) -> frozenset[str]:
        """As what somebody may waive it: its reason, its own id (or what it is called), that of the quarantine.

        Also the external id of its customer, which stands for all that is left out of theirs.
        """
        own = {self.reason, self.source.lago_id or self.source.label, self.because, self.customer or ""}
        return frozenset(own) - {""}

    def is_waived(self, waived: Collection[str]) -> bool:
        """Whether somebody accepted it by one of its names."""
        return any(name in waived for name in self.names)

    @property
    def of_everybody(self) -> bool:
        """Whether the server lacks something, and no single record is in the way."""
        return self.reason in OF_THE_SERVER


Mapped = Desired | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the server at hand can express, found by discovery (facts/odoo19 §2f)."""

    subscriptions: str  # enterprise | oca
    addon: bool  # fusion_billing is installed
    company_id: int
    currencies: frozenset[str]  # active ones
    languages: frozenset[str]  # installed ones, en_US
    loyalty: bool  # sale_loyalty is installed
    stripe: bool  # payment_stripe is installed and its provider is enabled
    quantity_digits: int = 2
    all_currencies: frozenset[str] = frozenset()  # also those that are not active; empty: nobody looked
    models: Mapping[str, frozenset[str]] = field(default_factory=dict)  # model -> its fields
    standing: Standing = field(default_factory=Standing)  # partners that may be customers of Lago already


def is_ours(xid: str) -> bool:
    """Whether an external id is one that only this tool gives: what it names may be ours to delete."""
    return xid.startswith(f"{OURS}.")


def xid(kind: str, lago_id: str, *more: str) -> str:
    """The external id of a Lago record: ``lago.customer_46b70e88-...``; spaces are not allowed in one."""
    return f"{OURS}." + "_".join((kind, lago_id, *more)).replace(" ", "-").replace(".", "-")
