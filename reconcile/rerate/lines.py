"""The lines of one re-rated invoice, as its parts make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from mappings.explain import Step
from mappings.phrases import Said, Told
from mappings.records import Invoice, Tax
from reconcile.billed import LineKey, Refusal
from reconcile.rating.bill import FeeLine
from reconcile.rating.refusal import RerateRefused, in_range
from reconcile.rating.taxes import applicable
from reconcile.rerate.billing import Billed
from reconcile.rerate.header_terms import stored_taxes
from reconcile.rerate.history import History


class FeeOfPeriod(Protocol):
    """A fee for a whole period, as ``rating`` gives it."""

    @property
    def amount_cents(self) -> int: ...

    @property
    def precise_cents(self) -> Decimal: ...

    def steps(self, currency: str) -> tuple[Step, ...]:
        """How it came about."""
        ...


@dataclass(slots=True, kw_only=True)
class InvoiceLines:
    """Lines and refusals made so far. ``stored_taxes``: what Lago stored with the invoice's fees."""

    history: History
    stored_taxes: Mapping[LineKey, tuple[Tax, ...]]
    lines: list[FeeLine] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def add_of_period(self, kind: str, billed: Billed, fee: FeeOfPeriod, item_taxes: Sequence[Tax] = ()) -> None:
        """Add the one line of a kind that a period has, whatever was used."""
        key = LineKey(subscription=billed.subscription.lago_id, kind=kind, item="")
        self.lines.append(
            FeeLine(
                key=key,
                plan_code=billed.plan.code,
                taxes=self.taxes(billed, key, item_taxes),
                amount_cents=fee.amount_cents,
                precise_cents=fee.precise_cents,
                units=Decimal(1),
                steps=fee.steps(billed.invoice.currency),
            )
        )

    def refuse(self, refused: RerateRefused, where: Said) -> None:
        self.refusals.append(refusal_of(refused, where))

    @contextmanager
    def refusing(self, where: Said) -> Iterator[None]:
        """A part that cannot be recomputed is a refusal of the invoice; its other parts go on."""
        try:
            with in_range():
                yield
        except RerateRefused as refused:
            self.refuse(refused, where)

    def taxes(self, billed: Billed, key: LineKey, item_taxes: Sequence[Tax] = ()) -> tuple[Tax, ...]:
        """The taxes Lago stored for a line: assignments have no history. Unknown to Lago: today's."""
        stored = self.stored_taxes.get(key)
        if stored is not None:
            return stored
        customer_taxes, entity_taxes = self.history.customer_taxes(billed.invoice)
        return applicable(item_taxes, billed.plan.taxes, customer_taxes, entity_taxes)


def refusal_of(refused: RerateRefused, where: Said) -> Refusal:
    """As a report shows it. ``where``: the invoice, or the part of it."""
    return Refusal(reason=refused.reason, detail=Told.OF_PLACE.of(where, refused.detail) if refused.detail else where)


def lines_of(history: History, invoice: Invoice) -> InvoiceLines:
    """No lines yet."""
    return InvoiceLines(history=history, stored_taxes=stored_taxes(history, invoice.fees))
