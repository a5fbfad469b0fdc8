"""One arithmetic for headers: a re-rated invoice and a what-if follow the same, and Odoo's roundings are told by it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from mappings.records import Tax
from reconcile.billed import BilledInvoice, LineKey
from reconcile.rating.bill import FeeLine, bill
from reconcile.rating.coupons import HeldCoupon
from reconcile.rating.header import HeaderTerms, totals
from reconcile.rating.taxes import Rounding, whole_cents
from reconcile.rerate.invoices import billed_line
from tests.reconciling.build import under

INVOICES = int(os.environ.get("LAGO2ODOO_RANDOM_HEADERS", "5000"))
TAXES = tuple(
    Tax(lago_id=code, code=code, name=code, rate=Decimal(rate))
    for code, rate in (("gst", "5"), ("qst", "9.975"), ("hst", "13"), ("pst", "7"), ("vat", "8.1"), ("eco", "0.333"))
)
PLANS, METRICS = ("free", "pro"), ("calls", "storage", "seats")


def random_lines(chance: Random) -> tuple[FeeLine, ...]:
    sets = [tuple(chance.sample(TAXES, chance.randint(1, 3))) for _ in range(chance.randint(1, 2))]
    return tuple(_line(number, chance, chance.choice(sets)) for number in range(chance.randint(1, 6)))


def _line(number: int, chance: Random, taxes: tuple[Tax, ...]) -> FeeLine:
    kind = chance.choice(("subscription", "charge", "charge", "true_up", "fixed_charge"))
    metric = chance.choice(METRICS) if kind in ("charge", "true_up") else None
    plan = chance.choice(PLANS)
    cents = chance.choice((0, chance.randint(1, 99), chance.randint(100, 99_999), chance.randint(1, 9_999_999)))
    return FeeLine(
        key=LineKey(plan, kind, f"{metric}-{number}"),
        plan_code=plan,
        metric_code=metric,
        amount_cents=cents,
        precise_cents=Decimal(cents),
        taxes=taxes,
    )


def random_coupons(chance: Random) -> tuple[HeldCoupon, ...]:
    return tuple(_coupon(f"c{number}", chance) for number in range(chance.choice((0, 1, 1, 2, 3))))


def _coupon(code: str, chance: Random) -> HeldCoupon:
    limit = chance.choice(("none", "none", "plan", "metric"))
    percent = chance.random() < 0.6
    return HeldCoupon(
        code=code,
        coupon_type="percentage" if percent else "fixed_amount",
        frequency=chance.choice(("once", "forever", "recurring")),
        rate=Decimal(chance.choice(("10", "20", "33.33", "7.5", "12.345", "99.9"))) if percent else None,
        amount_cents=None if percent else chance.choice((1, chance.randint(1, 999), chance.randint(1, 999_999))),
        currency=None if percent else chance.choice(("CAD", "CAD", "CAD", "USD")),
        remaining_periods=3,
        used_cents=0 if percent else chance.choice((0, 0, 1)),
        plan_codes=(chance.choice(PLANS),) if limit == "plan" else None,
        metric_codes=tuple(chance.sample(METRICS, 2)) if limit == "metric" else None,
    )


def random_invoices(number: int) -> Iterator[tuple[tuple[FeeLine, ...], tuple[HeldCoupon, ...]]]:
    chance = Random(20260701)
    return ((random_lines(chance), random_coupons(chance)) for _ in range(number))


def rerated(lines: tuple[FeeLine, ...], coupons: tuple[HeldCoupon, ...]) -> BilledInvoice:
    """The invoice as the re-rate makes it."""
    made = bill(lines, "CAD", coupons=coupons)
    return BilledInvoice(
        lago_id="i",
        number="i",
        customer="c",
        currency="CAD",
        issued_on=date(2026, 7, 1),
        lines=tuple(billed_line(fee.line, fee.taxed.amount_cents) for fee in made.fees),
        totals=totals(made, credit_notes_cents=1, prepaid_cents=2),
    )


def terms_of(lines: tuple[FeeLine, ...], coupons: tuple[HeldCoupon, ...]) -> HeaderTerms:
    return HeaderTerms(
        taxes={line.key: line.taxes for line in lines},
        coupons=coupons,
        plan_codes={line.key.subscription: line.plan_code for line in lines},
        metric_codes={line.key.item: line.metric_code for line in lines if line.metric_code},
    )


def test_a_what_if_without_a_change_gives_every_re_rated_header_again() -> None:
    differing = [
        (invoice, again)
        for lines, coupons in random_invoices(INVOICES)
        if (again := under(terms_of(lines, coupons), invoice := rerated(lines, coupons), ())) != invoice
    ]
    assert differing == []


# --- Odoo's roundings: the same bases, made whole cents elsewhere ---


def taxed(cents: int, item: str, *taxes: tuple[str, str]) -> FeeLine:
    own = tuple(Tax(lago_id=code, code=code, name=code, rate=Decimal(rate)) for code, rate in taxes)
    return FeeLine(
        key=LineKey("s", "charge", item),
        plan_code="p",
        metric_code=item,
        amount_cents=cents,
        precise_cents=Decimal(cents),
        taxes=own,
    )


def off(cents: int, *items: str) -> HeldCoupon:
    return HeldCoupon(
        code="off",
        coupon_type="fixed_amount",
        frequency="forever",
        amount_cents=cents,
        currency="CAD",
        metric_codes=items or None,
    )


ONTARIO, QUEBEC = (("hst", "13"),), (("gst", "5"), ("qst", "9.975"))


@pytest.mark.parametrize(
    ("rounding", "taxes", "total"),
    [
        (Rounding.INVOICE, {"hst": 122, "gst": 23, "qst": 47}, 192),  # 121.73 + 23.43 + 46.75
        (Rounding.TAX, {"hst": 122, "gst": 23, "qst": 47}, 192),  # 936 x 13 %, 469 x 5 %, 469 x 9.975 %
        (Rounding.LINE, {"hst": 121, "gst": 23, "qst": 47}, 191),  # 130 - 9, 25 - 2, 50 - 3
    ],
)
def test_a_coupon_is_a_line_of_whole_cents_for_each_kind_of_taxation(
    rounding: Rounding, taxes: dict[str, int], total: int
) -> None:
    """100 cents off 1003 and 502: shares of 66.64452 and 33.35548, in Odoo lines of 67 and 33."""
    made = bill([taxed(1003, "a", *ONTARIO), taxed(502, "b", *QUEBEC)], "CAD", coupons=[off(100)], rounding=rounding)
    assert {tax.code: tax.amount_cents for tax in made.taxed.taxes} == taxes
    assert (made.taxed.amount_cents, made.gross_cents, made.total_cents) == (total, 1405 + total, 1405 + total)


def test_each_tax_is_rounded_and_then_added() -> None:
    """5 % and 9.975 % of 10.10 are 0.505 and 1.007475: 1.51 together, 0.51 and 1.01 one by one."""
    line = taxed(1010, "a", *QUEBEC)
    sums = [bill([line], "CAD", rounding=rounding).taxed.amount_cents for rounding in Rounding]
    assert dict(zip(Rounding, sums, strict=True)) == {Rounding.INVOICE: 151, Rounding.TAX: 152, Rounding.LINE: 152}


def test_half_a_cent_is_rounded_away_from_zero_on_coupon_lines_too() -> None:
    """1.5 becomes 2, and 0.5 off becomes 1 off."""
    made = bill([taxed(150, "a", ("t", "1"))], "CAD", coupons=[off(50)], rounding=Rounding.LINE)
    assert made.taxed.amount_cents == 1


def test_lines_of_one_taxation_share_one_coupon_line() -> None:
    """30 off two lines of 100 is one line of 30 at 15 %: 4.5 becomes 5, not twice 2.25."""
    lines = [taxed(100, item, ("t", "15")) for item in "ab"]
    assert bill(lines, "CAD", coupons=[off(30)], rounding=Rounding.LINE).taxed.amount_cents == 15 + 15 - 5


def test_each_coupon_has_lines_of_its_own() -> None:
    """Twice 15 off at 15 %: 2.25 each, twice 2."""
    coupons = [off(15), off(15)]
    made = bill([taxed(200, "a", ("t", "15"))], "CAD", coupons=coupons, rounding=Rounding.LINE)
    assert made.taxed.amount_cents == 30 - 2 - 2


def test_what_a_coupon_does_not_reduce_gets_no_cent_of_it() -> None:
    """3 cents off the second and third line only; their halves of a cent go to the first of them."""
    lines = [taxed(100, "a", ("t", "100")), taxed(50, "b", ("u", "100")), taxed(50, "c", ("v", "100"))]
    made = bill(lines, "CAD", coupons=[off(3, "b", "c")], rounding=Rounding.TAX)
    assert [tax.amount_cents for tax in made.taxed.taxes] == [100, 48, 49]
    assert [tax.fees_cents for tax in made.taxed.taxes] == [100, 48, 48]


def test_the_rounding_moves_neither_bases_nor_the_average_rate() -> None:
    lines = [taxed(1003, "a", *ONTARIO), taxed(502, "b", *QUEBEC)]
    lagos, odoos = (bill(lines, "CAD", rounding=each).taxed for each in (Rounding.INVOICE, Rounding.LINE))
    assert (lagos.rate, lagos.precise_cents) == (odoos.rate, odoos.precise_cents)
    assert [tax.fees_cents for tax in lagos.taxes] == [tax.fees_cents for tax in odoos.taxes] == [1003, 502, 502]


def test_parts_are_made_whole_by_the_largest_rests() -> None:
    assert whole_cents([Decimal("1.2"), Decimal("3.7"), Decimal("0.6")], 6) == [1, 4, 1]
    assert whole_cents([Decimal("1.5"), Decimal("1.5")], 3) == [2, 1]
    assert whole_cents([Decimal("1.5"), Decimal("1.5")], 2) == [1, 1]
    assert whole_cents([], 0) == []


def test_a_coupon_says_what_it_took_off_each_fee() -> None:
    lines = [taxed(200, "a"), taxed(100, "b")]
    first, second = bill(lines, "CAD", coupons=[off(30, "a"), off(27)]).coupons.credits
    assert (first.cents, first.shares) == (30, (Decimal(30), Decimal(0)))
    assert (second.cents, second.shares) == (27, (Decimal(17), Decimal(10)))


def test_the_taxes_of_a_fee_are_rounded_once() -> None:
    """5 % and 9.975 % of 1.05 are 5.25 and 10.47375: 15.72 together; the fee's own column says 16."""
    (fee,) = bill([taxed(105, "a", *QUEBEC)], "CAD").fees
    assert (fee.taxed.amount_cents, fee.taxed.precise_cents) == (16, Decimal("15.72375"))
    assert [tax.amount_cents for tax in fee.taxed.taxes] == [5, 10]
    assert fee.taxed.rate == Decimal("14.975")


def test_each_tax_of_a_fee_is_rounded() -> None:
    """5 % and 9.975 % of 1.10 are 5.5 and 10.9725."""
    (fee,) = bill([taxed(110, "a", *QUEBEC)], "CAD").fees
    assert [tax.amount_cents for tax in fee.taxed.taxes] == [6, 11]


def test_the_sum_that_bears_a_tax_is_cut_to_whole_cents() -> None:
    """A third of 1.00 is off each fee: 66.66667 cents bear the tax, and the header says 66."""
    lines = [taxed(100, "a", ("t", "10")), taxed(100, "b"), taxed(100, "c")]
    (tax,) = bill(lines, "CAD", coupons=[off(100)]).taxed.taxes
    assert (tax.fees_cents, tax.amount_cents, tax.precise_cents) == (66, 7, Decimal("6.666667"))
