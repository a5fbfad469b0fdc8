"""The taxes on Odoo's lines: a group is what it is made of, by Lago's codes, at the rates that its parts have."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from reconcile.causes.taxes_held import TaxesHeld
from reconcile.sides.held_terms import GROUP, Held, HeldTax
from tests.reconciling.build import GST_QST, invoice, line

GST = HeldTax(name="GST 5%", rate=Decimal(5))
QST = HeldTax(name="QST 9.975%", rate=Decimal("9.975"), included=True)
CODES = {"GST 5%": "gst", "QST 9.975%": "qst"}
BOTH = HeldTax(name="GST + QST", rate=Decimal("14.975"), parts=(2, 3), kind=GROUP)
LINE = replace(line(1000), tax_ids=(1,))


def held(**others: HeldTax) -> TaxesHeld:
    taxes = {1: BOTH, 2: GST, 3: QST, **{int(name.removeprefix("tax_")): tax for name, tax in others.items()}}
    return TaxesHeld(Held(taxes=taxes), CODES, {})


def test_a_line_with_a_group_bears_its_parts() -> None:
    taxes = held().of(invoice(LINE), ())
    assert [(tax.code, tax.rate) for tax in taxes.on_lines[LINE.key]] == [(tax.code, tax.rate) for tax in GST_QST]
    assert {code: (record.label, record.terms.included) for code, record in taxes.records.items()} == {
        "gst": ("GST 5% (2)", False),
        "qst": ("QST 9.975% (3)", True),
    }


def test_another_rate_of_a_part_is_that_of_the_line() -> None:
    taxes = held(tax_3=replace(QST, rate=Decimal(7))).of(invoice(LINE), ())
    assert [(tax.code, tax.rate) for tax in taxes.on_lines[LINE.key]] == [("gst", 5), ("qst", 7)]


def test_of_a_tax_that_was_not_read_nothing_is_said() -> None:
    unread = replace(line(1000), tax_ids=(9,))
    taxes = held().of(invoice(unread), ())
    assert (taxes.on_lines, taxes.records) == ({}, {})
