"""The taxes on Odoo's lines and what they follow from, of what was read of Odoo. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property

from mappings.records import Tax
from reconcile.billed import BilledInvoice, LineKey
from reconcile.causes.knowledge import OdooTaxes, TaxGroup, TaxRecord
from reconcile.rating.tax_terms import TaxTerms
from reconcile.sides.held_terms import GROUP, Held, HeldOrder, HeldTax


class TaxesHeld:
    """What Odoo holds of taxes, asked per invoice. ``tax_codes``: name of a tax in Odoo -> Lago's code.

    ``mapped_taxes``: tax of Odoo -> the codes of Lago's for which finance's table leads to it.
    """

    def __init__(self, held: Held, tax_codes: Mapping[str, str], mapped_taxes: Mapping[int, frozenset[str]]) -> None:
        self.held = held
        self.tax_codes = tax_codes
        self.mapped_taxes = mapped_taxes

    def of(self, odoo: BilledInvoice | None, orders: Iterable[HeldOrder]) -> OdooTaxes:
        """The taxes on Odoo's lines, if it bills the invoice, and what they follow from."""
        of_orders = OdooTaxes(
            mapped=self._mapped_rates,
            away=tuple(dict.fromkeys(order.away for order in orders if order.away)),
        )
        if odoo is None:
            return of_orders
        return replace(
            of_orders,
            on_lines=self._on_lines(odoo),
            records=self._records(odoo),
            groups=dict(self._groups(odoo)),
            places={line.key: self._place(line.key) for line in odoo.lines},
        )

    def _on_lines(self, odoo: BilledInvoice) -> dict[LineKey, tuple[Tax, ...]]:
        """The taxes on Odoo's lines, by Lago's codes where finance's table has them."""
        taxes = self.held.taxes
        found: dict[LineKey, tuple[Tax, ...]] = {}
        for line in odoo.lines:
            if all(number in taxes for number in line.tax_ids):
                parts = [part for number in line.tax_ids for part in taxes[number].parts or (number,)]
                found[line.key] = tuple(
                    named_tax(self.tax_codes.get(taxes[n].name, taxes[n].name), taxes[n].charged) for n in parts
                )
        return found

    def _records(self, odoo: BilledInvoice) -> dict[str, TaxRecord]:
        """The taxes on Odoo's lines, parts of groups by themselves."""
        taxes = self.held.taxes
        numbers = dict.fromkeys(number for line in odoo.lines for number in line.tax_ids if number in taxes)
        single = dict.fromkeys(part for number in numbers for part in taxes[number].parts or (number,) if part in taxes)
        return {
            self.tax_codes.get(taxes[number].name, taxes[number].name): _tax_record(number, taxes[number])
            for number in single
        }

    def _groups(self, odoo: BilledInvoice) -> Iterator[tuple[LineKey, TaxGroup]]:
        """Lines of Odoo's that bear the group to which finance's table leads, and for which of Lago's codes."""
        for line in odoo.lines:
            for number in line.tax_ids if len(line.tax_ids) == 1 else ():
                tax, codes = self.held.taxes.get(number), self.mapped_taxes.get(number)
                if tax and codes and tax.kind == GROUP:
                    yield line.key, TaxGroup(f"account.tax {tax.name} ({number})", codes)

    def _place(self, key: LineKey) -> str:
        """A charge's own taxes come before those of the plan's line on the order."""
        order = self.held.orders.get(key.subscription)
        taxed = (row for row in order.charges if row["tax_ids"] and row["fusion_lago_id"] == key.item) if order else ()
        charge = next(iter(taxed), None)
        if charge is not None:
            return f"fusion.billing.charge {charge['code']} ({charge['id']})"
        return f"sale.order {order.row['name']}" if order else ""

    @cached_property
    def _mapped_rates(self) -> frozenset[tuple[str, Decimal]]:
        """Lago's codes with the rates of the taxes that finance's table leads to."""
        coded = ((self.tax_codes.get(tax.name), tax.rate) for tax in self.held.taxes.values())
        return frozenset((code, rate.normalize()) for code, rate in coded if code)


def _tax_record(number: int, tax: HeldTax) -> TaxRecord:
    terms = TaxTerms(kind=tax.kind, included=tax.included, on_next=tax.on_next, affected=tax.affected, place=tax.place)
    return TaxRecord(label=f"{tax.name} ({number})", terms=terms, share=tax.share)


def named_tax(code: str, rate: Decimal) -> Tax:
    """A tax of which nothing but its code and its rate is known."""
    return Tax(lago_id="", code=code, name=code, rate=rate)
