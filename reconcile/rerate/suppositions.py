"""What may be supposed of one customer's part of a snapshot, as values: a closed set, applied by ``hypothesis``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mappings.period import Window
from mappings.records import Subscription
from mappings.usage import UsageRow
from reconcile.rating.rules import Rules
from reconcile.rerate.counterfactual import At
from reconcile.rerate.event_stores import EventStore


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRecords:
    """Records of Lago's are others. ``calendar``: the boundaries of its invoices follow, instead of the stored ones."""

    changes: tuple[At, ...]
    calendar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceThen:
    """A subscription had another price for a full period when it was billed."""

    subscription: str
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledIn:
    """A subscription is billed in another time zone than its customer's, and the boundaries of its invoices follow."""

    subscription: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """One subscription on one invoice has other boundaries. ``ends``: family (charges, ...) -> start and end."""

    invoice: str
    subscription: str
    ends: Mapping[str, tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Other usage of a subscription: transactions that are not there, fields of others, events more."""

    external_id: str
    gone: frozenset[str] = frozenset()
    changed: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    more: tuple[UsageRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoesOnFrom:
    """A subscription goes on from another one than Lago says (None: from none).

    ``since``: the first start of all that it goes on from, its own among them: a trial does not begin again.
    """

    subscription: str
    replaced: Subscription | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedBy:
    """A subscription that ended is replaced by another one than Lago says (None: by none)."""

    subscription: str
    following: Subscription | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledBefore:
    """Usage of a subscription was billed in these stretches of time, oldest first, by another of its external id."""

    subscription: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCalendar:
    """The invoice has the boundaries of Lago's calendar, not those it stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAs:
    """Repeated events count as in that store of Lago's."""

    store: EventStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRules:
    """Lago computed by the rules of another version."""

    rules: Rules


Supposition = (
    OtherRecords
    | PriceThen
    | BilledIn
    | Windows
    | Events
    | GoesOnFrom
    | FollowedBy
    | BilledBefore
    | ByCalendar
    | CountedAs
    | ByRules
)
