"""Edges of an invoice that the usual cases leave open: true-ups as charges, progressive credit, drafts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from mappings.records import Tax
from reconcile.billed import LineKey
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.bill import FeeLine, bill, take_from
from reconcile.rating.charge_models import rate
from reconcile.rating.coupons import HeldCoupon
from reconcile.rating.progressive import ProgressiveCredit
from reconcile.rating.taxes import Taxable, fee_taxes
from reconcile.rating.wallets import PrepaidWallet

HALF = HeldCoupon(code="half", coupon_type="percentage", frequency="forever", rate=Decimal(50))
TEN = Tax(lago_id="t", code="t", name="t", rate=Decimal(10))
WALLET = PrepaidWallet(code="w", currency="CAD", rate_amount=Decimal(1), balance_cents=10_000)


def line(cents: int, kind: str, metric: str | None = None, *taxes: Tax) -> FeeLine:
    return FeeLine(
        key=LineKey("sub", kind, ""),
        plan_code="plan",
        metric_code=metric,
        amount_cents=cents,
        precise_cents=Decimal(cents),
        taxes=taxes,
    )


@pytest.mark.parametrize(
    ("kind", "fee_type"),
    [("true_up", "charge"), ("charge", "charge"), ("subscription", "subscription"), ("commitment", "commitment")],
)
def test_only_a_true_up_changes_its_name(kind: str, fee_type: str) -> None:
    assert line(1, kind).fee_type == fee_type


def test_a_true_up_is_reduced_by_coupons_of_its_metric() -> None:
    made = bill([line(100, "true_up", "m"), line(100, "subscription", "m")], "CAD", coupons=[limited("m")])
    assert [fee.coupons_cents for fee in made.fees] == [50, 0]


def limited(metric: str) -> HeldCoupon:
    return replace(HALF, metric_codes=(metric,))


def test_a_true_up_is_paid_by_wallets_for_charges() -> None:
    for wallet in (replace(WALLET, fee_types=("charge",)), replace(WALLET, metric_codes=("m",))):
        made = bill([line(70, "true_up", "m"), line(30, "commitment")], "CAD", wallets=[wallet])
        assert (made.prepaid.total_cents, made.total_cents) == (70, 30)


def before(cents: int) -> ProgressiveCredit:
    return ProgressiveCredit(cents=cents)


def test_progressive_credit_lowers_the_invoice_and_what_coupons_count_from() -> None:
    made = bill([line(1000, "charge", "m")], "CAD", progressive=before(400), coupons=[HALF])
    assert (made.fees_cents, made.progressive_cents, made.coupons.total_cents) == (1000, 400, 300)
    assert (made.net_cents, made.gross_cents, made.total_cents) == (300, 300, 300)


def test_a_draft_has_progressive_credit_but_no_coupon_note_or_wallet() -> None:
    used = {"progressive": before(400), "coupons": [HALF], "credit_notes": [50, 7], "wallets": [WALLET]}
    draft = bill([line(1000, "charge", "m")], "CAD", draft=True, **used)  # type: ignore[arg-type]
    assert (draft.net_cents, draft.gross_cents, draft.total_cents) == (600, 600, 600)
    assert (draft.coupons.credits, draft.credit_notes, draft.prepaid.draws) == ((), (0, 0), ())
    final = bill([line(1000, "charge", "m")], "CAD", **used)  # type: ignore[arg-type]
    assert (final.net_cents, final.credit_notes, final.prepaid.total_cents, final.total_cents) == (300, (50, 7), 243, 0)


def test_an_invoice_below_zero_uses_no_credit_note() -> None:
    made = bill([line(100, "charge", "m")], "CAD", progressive=before(130), credit_notes=[20], wallets=[WALLET])
    assert (made.net_cents, made.credit_notes, made.prepaid.draws, made.total_cents) == (-30, (0,), (), -30)
    assert take_from([5, 5], -3) == (0, 0)


def test_credit_notes_pay_taxes_too() -> None:
    made = bill([line(1000, "charge", "m", TEN)], "CAD", credit_notes=[1050, 90])
    assert (made.gross_cents, made.credit_notes, made.total_cents) == (1100, (1050, 50), 0)


def test_the_average_rate_is_of_the_amount_after_coupons() -> None:
    lines = [line(1000, "charge", "m", TEN), line(1000, "subscription")]
    made = bill(lines, "CAD", coupons=[limited("m")])
    assert (made.net_cents, made.taxed.amount_cents) == (1500, 50)
    assert made.taxed.rate == Decimal("3.33333"), "500 of 1500 cents bear 10 %"


def test_the_tax_of_one_fee_has_no_sum_of_fees() -> None:
    fee = Taxable(amount_cents=100, precise_cents=Decimal(100), coupons_cents=Decimal(0), taxes=(TEN,))
    assert [(one.amount_cents, one.fees_cents) for one in fee_taxes(fee).taxes] == [(10, 0)]


def test_what_a_wallet_may_pay_of_a_fee_is_after_its_coupon_its_tax_and_its_share_of_credit_notes() -> None:
    lines = [line(1000, "charge", "m", TEN), line(1000, "subscription")]
    wallet = replace(WALLET, fee_types=("charge",))
    made = bill(lines, "CAD", coupons=[limited("m")], credit_notes=[155], wallets=[wallet])
    assert (made.net_cents, made.gross_cents) == (1500, 1550)
    assert (made.prepaid.total_cents, made.total_cents) == (495, 900)


def test_wallets_pay_unrounded_taxes_of_fees() -> None:
    lines = [line(104, "charge", "m", TEN), line(104, "charge", "m", TEN), line(500, "subscription")]
    made = bill(lines, "CAD", wallets=[replace(WALLET, fee_types=("charge",))])
    assert [fee.taxed.amount_cents for fee in made.fees] == [10, 10, 0]
    assert made.prepaid.total_cents == 229  # 2 x (104 + 10.4)


def test_precise_taxes_are_of_the_unrounded_amount() -> None:
    made = bill([replace(line(104, "charge", "m", TEN), precise_cents=Decimal("103.6"))], "CAD")
    assert (made.fees[0].taxed.precise_cents, made.fees[0].taxed.amount_cents) == (Decimal("10.36"), 10)


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        ({"free_units_per_events": 1}, "0.1"),  # the second event only
        ({"free_units_per_total_aggregation": "0.5"}, "0.07"),  # what is left of it after 0.5
    ],
)
def test_the_last_free_event_and_less_than_a_free_unit(free: dict[str, object], expected: str) -> None:
    events = (Decimal("0.2"), Decimal(1))
    usage = Aggregation(
        units=Decimal("1.2"), events_count=2, events=events, running_total=(Decimal("0.2"), Decimal("1.2"))
    )
    properties = {"rate": "10", "per_transaction_max_amount": "100", **free}
    assert rate("percentage", properties, usage, currency="CAD").amount == Decimal(expected)


def test_coupons_and_wallets_of_the_invoice_s_currency_and_plan() -> None:
    ten = HeldCoupon(code="ten", coupon_type="fixed_amount", frequency="forever", amount_cents=10, currency="USD")
    held = [
        replace(ten, plan_codes=("plan",)),
        replace(ten, currency="CAD", amount_cents=20),
        replace(ten, plan_codes=("other",)),
    ]
    made = bill([line(100, "charge", "m")], "USD", coupons=held, wallets=[replace(WALLET, currency="USD"), WALLET])
    assert (made.coupons.total_cents, made.prepaid.total_cents, made.total_cents) == (10, 90, 0)
    assert bill([line(100, "charge", "m")], "USD", wallets=[WALLET]).total_cents == 100
