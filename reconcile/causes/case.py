"""One invoice in which one side deviates, and what may explain it: the records that the rules and the proof pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconcile.billed import BilledInvoice, BilledLine, LineKey
from reconcile.causes.changes import Change
from reconcile.causes.knowledge import Grounds, Knowledge, OdooTaxes
from reconcile.causes.observed import Suspect
from reconcile.compare.positions import ComparedInvoice, HeaderKey, Key, plain
from reconcile.rating.header import HeaderTerms
from reconcile.sides.held_terms import HeldSettings
from reports.data import LAGO, ODOO, RERATE, UNKNOWN, Evidence, SideName

Deviation = Mapping[Key, int]  # position -> cents by which a side exceeds the baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A cause that may explain something: what to change in the baseline, and what a person should know."""

    changes: tuple[Change, ...]
    evidence: tuple[Evidence, ...] = ()
    remedy: Evidence | None = None
    side: str = ""  # the wrong side, where it is not the one that deviates from the baseline
    observed: bool = False  # a record or a setting says so; otherwise only the amounts do, which is no proof
    others: tuple[str, ...] = ()  # causes that give the very same amounts: then none is proven

    @property
    def proven(self) -> bool:
        return self.observed and not self.others

    @property
    def doubts(self) -> tuple[Evidence, ...]:
        """Why it is no proof: other causes give the same amounts, or only the amounts speak for it."""
        if self.others:
            return (Evidence(name="near_tie", values={"causes": ", ".join(self.others)}),)
        return () if self.observed else (Evidence(name="amounts_only"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One invoice in which one side deviates from the baseline (``ComparedInvoice.baseline``)."""

    invoice: ComparedInvoice
    baseline_side: SideName
    subject_side: SideName  # the one that deviates
    deviation: Deviation  # what is to be explained
    grounds: Grounds = field(default_factory=Grounds)

    @property
    def blamed(self) -> str:
        """The side to blame. Without a third vote nobody can tell which of the two it is."""
        return UNKNOWN if self.baseline_side in self.invoice.pair else self.subject_side

    @property
    def baseline(self) -> BilledInvoice:
        return self.invoice.sides[self.baseline_side]

    @property
    def subject(self) -> BilledInvoice:
        """The deviating side's invoice; one without lines if it has none."""
        return self.invoice.sides.get(self.subject_side) or replace(self.baseline, lines=(), totals=None)

    @property
    def header_deviation(self) -> dict[HeaderKey, int]:
        return {key: cents for key, cents in self.deviation.items() if isinstance(key, HeaderKey)}

    @property
    def terms(self) -> HeaderTerms:
        return self.grounds.terms

    @property
    def known(self) -> Knowledge:
        return self.grounds.known

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """Records of Odoo's that differ. Only a third vote can be asked under one."""
        orders = self.known.orders if self.is_odoo_against_rerate else None
        return orders.suspects if orders else ()

    @property
    def is_of_odoo(self) -> bool:
        return self.subject_side == ODOO

    @property
    def is_of_lago(self) -> bool:
        return self.subject_side == LAGO

    @property
    def is_odoo_against_rerate(self) -> bool:
        return self.is_of_odoo and self.baseline_side == RERATE

    @property
    def odoo_taxes(self) -> OdooTaxes:
        """The taxes on Odoo's lines; none where nothing is known of them."""
        return self.known.orders.taxes if self.known.orders else OdooTaxes()

    @property
    def odoo_settings(self) -> HeldSettings | None:
        return self.known.orders.settings if self.known.orders else None

    @property
    def position_of(self) -> Mapping[Key, Key]:
        """Key of a line -> key of the position it belongs to (coarser, where a side groups lines)."""
        positions = self.invoice.positions
        return {plain(line.key): p.key for p in positions for lines in p.lines.values() for line in lines}

    def pairs(self) -> Iterator[tuple[LineKey, tuple[BilledLine, ...], tuple[BilledLine, ...]]]:
        """Deviating lines: key of the position, lines of the baseline, lines of the deviating side."""
        for position in self.invoice.positions:
            if isinstance(position.key, LineKey) and position.key in self.deviation:
                yield (
                    position.key,
                    position.lines.get(self.baseline_side, ()),
                    position.lines.get(self.subject_side, ()),
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A named rule. ``header`` causes explain parts of the header and are tried after those of lines.

    Besides what ``propose`` gives, every cause has the suspects of its name (``cause_of``): records that differ.
    """

    name: str
    propose: Callable[[Case], Iterable[Proposal]] = field(default=lambda case: ())
    header: bool = False
    describes: bool = False  # says what is there and not why: it is no rival of a cause that says why
    record: bool = False  # what it proposes is a record of Odoo's itself: tried together with those that differ
    last: bool = False  # dear to try: only for what is still open


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a cause proposes, under its name."""

    cause: str
    proposal: Proposal
