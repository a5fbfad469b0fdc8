"""What is known of an invoice that differs, so that causes can be proposed: other prices, late events, Odoo's records.

It claims nothing: a cause built on it is accepted only if the invoice computed again under it hits the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from mappings.phrases import Said
from mappings.records import Tax
from reconcile.billed import BilledInvoice, LineKey
from reconcile.causes.observed import Suspect
from reconcile.compare.positions import ComparedInvoice
from reconcile.rating.header import HeaderTerms, basis
from reconcile.rating.rules import Rules
from reconcile.rating.tax_terms import TaxTerms
from reconcile.rerate.supposed import Hypothesis, Rerated
from reconcile.sides.held_terms import EarlyDiscount, HeldSettings
from reports.data import EvidenceValue

Reprice = Callable[[Decimal], int | None]  # units -> cents at the line's own price; None where units do not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class LateUsage:
    """A line as it would be with the events that came too late: ``events`` more than it has."""

    cents: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineKnowledge:
    """Of one line. ``prices``: name of another price -> cents under it; ``other_days``: the same for other dates.

    ``price_at``, ``dates_at``: the field of Odoo's that holds the price, or the dates, and what the mapping wants.
    ``own_price``: cents of the plan's price that Lago stored with its base fee itself.
    """

    unmapped: str = ""  # why the migration left its charge or subscription out
    late: LateUsage | None = None
    reprice: Reprice | None = None
    prices: Mapping[str, int] = field(default_factory=dict)
    other_days: Mapping[str, int] = field(default_factory=dict)
    price_at: Mapping[str, EvidenceValue] = field(default_factory=dict)
    dates_at: Mapping[str, EvidenceValue] = field(default_factory=dict)
    own_price: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRecord:
    """A tax of Odoo's on the lines of an invoice: its name for people, and how it is computed."""

    label: str
    terms: TaxTerms
    share: Decimal = Decimal(100)  # percent of the tax that its repartition lines put on an invoice


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """The group of taxes to which finance's table leads for these codes of Lago's."""

    label: str
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line of an order that the migration made: for people, of which charge (Lago id), and on which order (name)."""

    label: str
    charge: str
    order: str


@dataclass(frozen=True, slots=True)
class OtherOrdersLine:
    """A line that the migration made for another order: for people, and the name of that order."""

    label: str
    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OdooTaxes:
    """The taxes on an invoice's lines in Odoo, and where they come from.

    ``away``: fiscal positions that are for another place than the customer's address; ``mapped``: Lago's code and the
    rate of the tax that finance's table leads to; ``places``: which record gives a line its taxes; ``groups``: on lines
    that bear the group to which the table leads.
    """

    on_lines: Mapping[LineKey, tuple[Tax, ...]] = field(default_factory=dict)
    records: Mapping[str, TaxRecord] = field(default_factory=dict)  # by code
    mapped: frozenset[tuple[str, Decimal]] = frozenset()
    places: Mapping[LineKey, str] = field(default_factory=dict)
    away: tuple[str, ...] = ()
    groups: Mapping[LineKey, TaxGroup] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LagoOddities:
    """What is odd in Lago's own records of an invoice, or is no longer as it was when Lago billed.

    ``calendar``: boundaries that its calendar does not give; ``repeated``: events that are there twice;
    ``todays_taxes``: what Lago assigns today.
    """

    calendar: tuple[str, ...] = ()
    repeated: int = 0
    todays_taxes: Mapping[LineKey, tuple[Tax, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKnowledge:
    """Of the whole invoice, from Odoo's records and the re-rate of its customer.

    ``read``: subscriptions whose orders were read; ``settings``: what Odoo computes amounts by; ``only_odoo``: charges
    that Lago has not, as lines name them, and where they stand; ``names``: of the orders, by subscription;
    ``own_lines``: the migration's, as Odoo's invoice names them, ``strangers``: those it made for other orders;
    ``moved_here``: of ``only_odoo``, by where they stand: a field, and its value where they belong;
    ``early``: the early discount that all orders give; ``givers``: of the suspects, by subscription, those of its
    own order that give just the periods that Odoo bills.
    """

    rules: Rules
    suspects: tuple[Suspect, ...] = ()
    givers: Mapping[str, tuple[Suspect, ...]] = field(default_factory=dict)
    read: frozenset[str] = frozenset()
    settings: HeldSettings | None = None
    only_odoo: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    own_lines: Mapping[str, OwnLine] = field(default_factory=dict)
    strangers: Mapping[str, OtherOrdersLine] = field(default_factory=dict)
    moved_here: Mapping[str, tuple[Said, Said]] = field(default_factory=dict)
    early: tuple[EarlyDiscount, ...] = ()
    taxes: OdooTaxes = field(default_factory=OdooTaxes)
    lago: LagoOddities = field(default_factory=LagoOddities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """All of it. ``tax_sets``: the sets of taxes that this seller charges, by name.

    ``credited``: code of a coupon -> cents of each credit of it on Lago's invoice; ``held``: codes of the coupons that
    the customer holds, or held, so that their terms are known.
    """

    lines: Mapping[LineKey, LineKnowledge] = field(default_factory=dict)
    tax_sets: Mapping[str, tuple[Tax, ...]] = field(default_factory=dict)
    credited: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    orders: OrderKnowledge | None = None

    def of_line(self, key: LineKey) -> LineKnowledge:
        return self.lines.get(key, _NOTHING)


_NOTHING = LineKnowledge()


# (baseline, hypotheses) -> the invoice re-rated under all of them, or None if the re-rate cannot tell
Rerate = Callable[[BilledInvoice, tuple[Hypothesis, ...]], Rerated | None]


def cannot_rerate(_baseline: BilledInvoice, _hypotheses: object) -> None:
    """For an invoice whose usage nobody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What an invoice is explained on: its baseline, what is known, and a way to re-rate it.

    ``terms``: what Lago's header follows from. Without a ``baseline`` (Lago does not have the invoice) nothing of it
    can be computed again.
    """

    terms: HeaderTerms = field(default_factory=HeaderTerms)
    baseline: Rerated | None = None
    known: Knowledge = field(default_factory=Knowledge)
    rerate: Rerate = cannot_rerate


def grounds_of(
    invoice: ComparedInvoice, terms: HeaderTerms, known: Knowledge, rerate: Rerate = cannot_rerate
) -> Grounds:
    """The grounds of an invoice that Lago has. ``terms``: what Lago's header follows from."""
    side = invoice.sides.get(invoice.baseline)
    baseline = Rerated(invoice=side, terms=basis(terms, side)) if side else None
    return Grounds(terms=terms, baseline=baseline, known=known, rerate=rerate)
