"""The header arithmetic: Lago's own headers again, and invoices under one change."""

from dataclasses import replace
from decimal import Decimal

import pytest

from reconcile.whatif import Bill, Change, CouponUse, LineTax, header_of, recompute, reproduces
from tests.reconciling.build import HST, bill, invoice, key, line, totals

GST_QST = (LineTax("gst", Decimal(5)), LineTax("qst", Decimal("9.975")))


def test_tax_is_rounded_once_over_the_invoice() -> None:
    """Facts §6.3: 3 lines of 0.04 at 13 % are 0.0156 together: 2 cents, not 3 times 1."""
    lines = [line(4), line(4, "c2"), line(4, "c3")]
    assert totals(lines).tax_cents == 2
    per_line = recompute(bill(lines), invoice(*lines), [Change(name="round_tax", values={"per": "line"})])
    assert per_line is not None
    assert per_line.totals is not None
    assert per_line.totals.tax_cents == 3


def test_sum_of_taxes_is_rounded_apart_from_each() -> None:
    """Lago's invoice tax is the rounded sum of unrounded taxes, not the sum of the rounded ones."""
    lines = [line(1010)]
    found = header_of(lines, bill(lines, taxes=GST_QST))
    assert found is not None
    assert dict(found.taxes) == {"gst": 51, "qst": 101}
    assert found.tax_cents == 151


def test_coupon_shares_follow_the_facts() -> None:
    """Facts §6.3: fees 10000, 5000, 3000 + 2000, coupon 1000: taxes 1900, total 20 900."""
    lines = [line(10000, "a"), line(5000, "b"), line(3000, "c"), line(2000, "d")]
    rates = {"a": "10", "b": "0", "c": "20", "d": "20"}
    taxes = {one.key: (LineTax("t" + one.key.item, Decimal(rates[one.key.item])),) for one in lines}
    found = header_of(lines, Bill(taxes=taxes, coupons=(CouponUse(code="x", cents=1000),)))
    assert found is not None
    assert (found.coupons_cents, found.tax_cents, found.gross_cents) == (1000, 1900, 20900)


def test_coupon_shares_keep_five_decimals() -> None:
    """A third of 100 off the taxed line leaves 66.66667: half of it is 33.33, not half of 67."""
    lines = [line(100, "a"), line(100, "b"), line(100, "c")]
    taxes = {one.key: (LineTax("half", Decimal(50)),) if one.key.item == "a" else () for one in lines}
    found = header_of(lines, Bill(taxes=taxes, coupons=(CouponUse(code="x", cents=100),)))
    assert found is not None
    assert found.tax_cents == 33


def test_percentage_coupon_follows_its_base() -> None:
    lines = [line(200), line(100, "c2")]
    use = CouponUse(code="x", cents=60, rate=Decimal(20))
    smaller = recompute(bill(lines, [use]), invoice(*lines, rules=bill(lines, [use])), [_drop("c2")])
    assert smaller is not None
    assert smaller.totals is not None
    assert smaller.totals.coupons_cents == 40


def test_fixed_coupon_is_cut_to_what_is_left() -> None:
    lines = [line(200), line(100, "c2")]
    use = CouponUse(code="x", cents=150)
    smaller = recompute(bill(lines, [use]), invoice(*lines, rules=bill(lines, [use])), [_drop("c1")])
    assert smaller is not None
    assert smaller.totals is not None
    assert smaller.totals.coupons_cents == 100


def test_a_coupon_used_up_says_nothing_about_a_larger_invoice() -> None:
    lines = [line(200)]
    rules = bill(lines, [CouponUse(code="x", cents=200, capped=True)])
    more = recompute(rules, invoice(*lines, rules=rules), [Change(name="repeat_line", key=key(), values={"times": 1})])
    assert more is not None
    assert more.totals is None


def test_limited_coupon_reduces_only_its_lines() -> None:
    lines = [line(200), line(100, "c2")]
    use = CouponUse(code="x", cents=500, eligible=frozenset({key("c2")}))
    found = header_of(lines, bill(lines, [use]))
    assert found is not None
    assert (found.coupons_cents, found.tax_cents) == (100, 26)


def test_a_coupon_without_anything_to_reduce_is_zero() -> None:
    lines = [line(0)]
    found = header_of(lines, bill(lines, [CouponUse(code="x", cents=500)]))
    assert found is not None
    assert found.coupons_cents == 0


def _drop(item: str) -> Change:
    return Change(name="drop_line", key=key(item))


@pytest.mark.parametrize(
    ("change", "fees", "tax"),
    [
        (_drop("c2"), 1000, 130),
        (Change(name="repeat_line", key=key("c2"), values={"times": 2}), 1300, 169),
        (Change(name="set_line", key=key("c2"), values={"cents": 0}), 1000, 130),
        (Change(name="set_line", key=key("nowhere"), values={"cents": 7}), 1100, 143),
        (Change(name="add_line", values={"line": line(100, "new")}), 1200, 156),
        (Change(name="drop_tax", values={"code": "hst"}), 1100, 0),
        (Change(name="set_taxes", values={"taxes": GST_QST}), 1100, 165),
    ],
)
def test_one_change(change: Change, fees: int, tax: int) -> None:
    lines = [line(1000), line(100, "c2")]
    changed = recompute(bill(lines), invoice(*lines), [change])
    assert changed is not None
    assert changed.totals is not None
    assert (changed.totals.fees_cents, changed.totals.tax_cents) == (fees, tax)


def test_dropping_a_coupon_and_a_settlement() -> None:
    lines = [line(1000)]
    rules = bill(lines, [CouponUse(code="x", cents=100)])
    stated = replace(totals(lines, rules), prepaid_cents=17, credit_notes_cents=3, total_cents=997)
    changes = [
        Change(name="drop_coupon", values={"code": "x"}),
        Change(name="drop_settlement", values={"part": "prepaid"}),
        Change(name="drop_settlement", values={"part": "credit_notes"}),
    ]
    changed = recompute(rules, invoice(*lines, header=stated), changes)
    assert changed is not None
    assert changed.totals is not None
    assert changed.totals.total_cents == 1130


def test_a_line_of_unknown_kin_has_no_tax_to_guess() -> None:
    lines = [line(1000), line(100, "c2", subscription="s2")]
    mixed = Bill(taxes={lines[0].key: HST, lines[1].key: GST_QST})
    stranger = line(50, "new", subscription="s3")
    changed = recompute(mixed, invoice(*lines, rules=mixed), [Change(name="add_line", values={"line": stranger})])
    assert changed is not None
    assert changed.totals is not None
    assert changed.totals.tax_cents == header_tax(mixed, lines)


def header_tax(rules: Bill, lines: list) -> int:  # type: ignore[type-arg]
    return totals(lines, rules).tax_cents


def test_a_header_that_does_not_follow_proves_nothing() -> None:
    """Taxes given by a provider, say: the lines can be changed, the header cannot be told."""
    lines = [line(1000)]
    odd = replace(totals(lines), tax_cents=131, gross_cents=1131, taxes={"hst": 131})
    assert not reproduces(bill(lines), invoice(*lines, header=odd))
    changed = recompute(bill(lines), invoice(*lines, header=odd), [_drop("c1")])
    assert changed is not None
    assert changed.lines == ()
    assert changed.totals is None


def test_without_the_taxes_of_a_line_there_is_no_header() -> None:
    assert header_of([line(1)], Bill()) is None
    assert not reproduces(Bill(), invoice(line(1)))
    assert not reproduces(bill([line(1)]), invoice(line(1), silent=True))


def test_an_unknown_change_is_left_to_a_deeper_re_rate() -> None:
    assert recompute(bill([line(1)]), invoice(line(1)), [Change(name="all_events")]) is None
