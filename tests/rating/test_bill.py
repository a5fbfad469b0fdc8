"""Amounts -> invoice: base fee, coupons, taxes, commitment, fixed charges, credit notes, wallets, and their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.explain import StepKind
from mappings.period import Contract, Window, boundaries, day_end, local_date
from mappings.records import FixedCharge, Tax
from reconcile.billed import LineKey
from reconcile.rating.bill import FeeLine, bill, take_from
from reconcile.rating.commitment import commitment_fee
from reconcile.rating.coupons import CouponCredit, HeldCoupon, Reducible, apply_coupons, coupon_amount
from reconcile.rating.fixed_charges import UnitsChange, advance_fee, fixed_fee, units_in, weighted_units, without_paid
from reconcile.rating.float_column import stored
from reconcile.rating.rules import LATEST
from reconcile.rating.subscription_fee import FeeHistory, PlanPrice, subscription_fee
from reconcile.rating.taxes import Taxable, applicable, fee_taxes, invoice_taxes
from reconcile.rating.termination_credit import PaidFee, termination_credit
from reconcile.rating.wallets import PrepaidWallet, TopUp
from reconcile.rerate.occasions import Occasion, has_base_fee, has_charges

CENTS = st.integers(0, 10_000_000)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def tax(rate: str, code: str = "") -> Tax:
    return Tax(lago_id=code or rate, code=code or rate, name=rate, rate=Decimal(rate))


def line(
    cents: int, kind: str = "charge", *taxes: Tax, plan: str = "plan", metric: str = "m", item: str = ""
) -> FeeLine:
    return FeeLine(
        key=LineKey("sub", kind, item),
        plan_code=plan,
        metric_code=metric if kind == "charge" else None,
        amount_cents=cents,
        precise_cents=Decimal(cents),
        taxes=taxes,
    )


def fixed(cents: int, **changes: object) -> HeldCoupon:
    plain = HeldCoupon(code="c", coupon_type="fixed_amount", frequency="once", amount_cents=cents, currency="CAD")
    return replace(plain, **changes)  # type: ignore[arg-type]


def percent(rate: str, **changes: object) -> HeldCoupon:
    plain = HeldCoupon(code="p", coupon_type="percentage", frequency="forever", rate=Decimal(rate))
    return replace(plain, **changes)  # type: ignore[arg-type]


# --- base fee ---


def contract(start: str, **changes: object) -> Contract:
    plain = Contract(
        interval="monthly",
        anniversary=False,
        pay_in_advance=False,
        timezone="UTC",
        subscription_at=at(start),
        started_at=at(start),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def base_fee(mine: Contract, cents: int, billing_at: str, *, trial: str = "0", **history: object) -> int:
    known = FeeHistory(created_at=mine.started_at, initial_started_at=mine.started_at, **history)  # type: ignore[arg-type]
    window = boundaries(mine, at(billing_at)).subscription
    price = PlanPrice(amount_cents=cents, trial_days=Decimal(trial))
    return subscription_fee(mine, price, window, at(billing_at), known).amount_cents


def test_a_first_period_is_paid_by_days() -> None:
    mine = contract("2023-01-08T00:00Z", pay_in_advance=True)
    assert base_fee(mine, 5000, "2023-01-08T00:00Z") == 3871  # 24 of 31 days


def test_later_periods_are_paid_in_full() -> None:
    assert base_fee(contract("2023-01-08T00:00Z"), 5000, "2023-03-01T00:10Z", has_earlier_fee=True) == 5000
    assert base_fee(contract("2023-01-08T00:00Z"), 5000, "2023-02-01T00:10Z") == 3871


def test_an_anniversary_in_advance_is_never_cut() -> None:
    mine = contract("2023-01-08T15:00Z", pay_in_advance=True, anniversary=True)
    assert base_fee(mine, 5000, "2023-01-08T15:00Z") == 5000


@pytest.mark.parametrize(
    ("trial", "expected"),
    [("3", 90), ("0", 100), ("45", 0), ("31", 0), ("30", 3), ("100000000", 0)],
)
def test_days_of_a_trial_are_free(trial: str, expected: int) -> None:
    mine = contract("2022-03-01T00:00Z")
    assert base_fee(mine, 100, "2022-04-01T00:10Z", trial=trial) == expected


def test_a_trial_ending_within_a_full_period_ends_to_the_second() -> None:
    mine = contract("2024-03-05T12:12Z", pay_in_advance=True)
    window = Window(at("2024-03-01T00:00Z"), day_end(at("2024-03-31T00:00Z").date(), "UTC"))
    known = FeeHistory(created_at=mine.started_at, initial_started_at=mine.started_at, has_earlier_fee=True)
    price = PlanPrice(amount_cents=5_000_000, trial_days=Decimal(10))
    assert subscription_fee(mine, price, window, at("2024-03-15T13:00Z"), known).amount_cents == 2_741_935  # 17 of 31


def test_the_last_period_is_paid_by_days_less_the_day_of_an_upgrade() -> None:
    ended = contract("2024-01-01T00:00Z", terminated_at=at("2024-06-10T12:00Z"))
    assert base_fee(ended, 3000, "2024-06-10T12:00Z", has_earlier_fee=True) == 1000
    upgraded = replace(ended, yearly_cents=36_000, next_yearly_cents=60_000)
    assert base_fee(upgraded, 3000, "2024-06-10T12:00Z", has_earlier_fee=True) == 900
    downgraded = replace(ended, yearly_cents=36_000, next_yearly_cents=10)
    assert base_fee(downgraded, 3000, "2024-06-10T12:00Z", has_earlier_fee=True) == 3000
    first_day = replace(upgraded, started_at=at("2024-06-10T08:00Z"))
    assert base_fee(first_day, 3000, "2024-06-10T12:00Z") == 0, "never below 0"


def test_a_subscription_started_by_an_upgrade_pays_its_days() -> None:
    mine = contract(
        "2023-06-29T05:00Z",
        interval="yearly",
        anniversary=True,
        pay_in_advance=True,
        started_at=at("2023-09-28T05:00Z"),
    )
    known = {"has_previous": True, "previous_upgraded": True}
    assert base_fee(mine, 12_000, "2023-09-28T05:00:01Z", **known) == 9016  # 275 of 366 days
    assert base_fee(mine, 12_000, "2024-06-29T05:00Z", is_first_invoice=False, has_earlier_fee=True, **known) == 12_000
    entered_later = FeeHistory(created_at=at("2023-10-05T00:00Z"), initial_started_at=mine.started_at, **known)
    window = boundaries(mine, at("2023-10-05T00:00Z")).subscription
    fee = subscription_fee(mine, PlanPrice(amount_cents=12_000), window, at("2023-10-05T00:00Z"), entered_later)
    assert (fee.formula, fee.amount_cents) == ("upgraded", 9016), "it comes before the one of a start in the past"


def test_older_versions_divide_by_the_cut_period() -> None:
    mine = contract(
        "2024-04-15T00:00Z",
        interval="quarterly",
        anniversary=True,
        started_at=at("2024-05-20T00:00Z"),
        terminated_at=at("2024-06-20T12:00Z"),
    )
    window = Window(at("2024-05-20T00:00Z"), at("2024-06-20T12:00Z"))
    known = FeeHistory(created_at=mine.started_at, initial_started_at=mine.started_at)
    price, billing_at = PlanPrice(amount_cents=91_000), at("2024-06-20T12:00Z")
    assert subscription_fee(mine, price, window, billing_at, known).amount_cents == 32_000
    old = replace(LATEST, whole_period_day_price=False)
    assert subscription_fee(mine, price, window, billing_at, known, old).amount_cents == 33_471


def test_backdated_in_arrears_bills_full_periods_once_it_started_before_the_last_one() -> None:
    mine = contract("2023-12-10T00:00Z")
    late_entry = {"created_at": at("2024-03-15T00:00Z"), "initial_started_at": mine.started_at}
    window = boundaries(mine, at("2024-04-01T00:10Z")).subscription
    price = PlanPrice(amount_cents=3100)
    assert subscription_fee(mine, price, window, at("2024-04-01T00:10Z"), FeeHistory(**late_entry)).amount_cents == 3100  # type: ignore[arg-type]
    started = replace(mine, started_at=at("2024-03-10T00:00Z"))
    window = boundaries(started, at("2024-04-01T00:10Z")).subscription
    assert (
        subscription_fee(started, price, window, at("2024-04-01T00:10Z"), FeeHistory(**late_entry)).amount_cents == 2200
    )  # type: ignore[arg-type]


def test_steps_say_the_days() -> None:
    mine = contract("2023-01-08T00:00Z")
    window = boundaries(mine, at("2023-02-01T00:00Z")).subscription
    known = FeeHistory(created_at=mine.started_at, initial_started_at=mine.started_at)
    fee = subscription_fee(mine, PlanPrice(amount_cents=5000), window, at("2023-02-01T00:00Z"), known)
    assert [(s.kind, s.values) for s in fee.steps("CAD")] == [(StepKind.FIRST_DAYS, {"days": 24, "whole": 31})]


@given(value=st.floats(0.001, 1e12, allow_nan=False))
def test_doubles_keep_sixteen_digits(value: float) -> None:
    kept = stored(value)
    assert len(kept.as_tuple().digits) <= 16
    assert 0 <= Decimal(repr(value)) - kept < Decimal(1).scaleb(kept.adjusted() - 15)


# --- which parts ---


def occasion(mine: Contract, billing_at: str, **changes: object) -> Occasion:
    plain = Occasion(
        contract=mine,
        boundaries=boundaries(mine, at(billing_at)),
        billing_at=at(billing_at),
        invoice_created_at=at(billing_at),
        created_at=mine.started_at,
        initial_started_at=mine.started_at,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_no_base_fee_while_the_trial_runs_but_on_the_day_it_ends() -> None:
    mine = contract("2024-03-05T12:00Z", pay_in_advance=True)
    trial = {"trial_days": Decimal(10)}
    assert not has_base_fee(occasion(mine, "2024-03-14T23:59Z", **trial))
    assert has_base_fee(occasion(mine, "2024-03-15T00:10Z", **trial))
    assert has_base_fee(occasion(mine, "2024-03-16T00:10Z", **trial))


def test_one_base_fee_a_day_in_advance() -> None:
    mine = contract("2024-03-05T12:00Z", pay_in_advance=True)
    assert not has_base_fee(occasion(mine, "2024-03-05T13:00Z", base_fee_moments=(at("2024-03-05T12:00Z"),)))
    assert has_base_fee(occasion(mine, "2024-04-01T00:10Z", base_fee_moments=(at("2024-03-05T12:00Z"),)))
    arrears = replace(mine, pay_in_advance=False)
    assert has_base_fee(occasion(arrears, "2024-03-05T13:00Z", base_fee_moments=(at("2024-03-05T12:00Z"),)))


def test_in_advance_a_terminated_subscription_pays_no_more() -> None:
    mine = contract("2024-01-01T00:00Z", pay_in_advance=True, terminated_at=at("2024-03-10T00:00Z"))
    assert not has_base_fee(occasion(mine, "2024-03-10T00:00Z"))
    assert has_base_fee(occasion(mine, "2024-03-11T00:00Z", invoice_created_at=at("2024-03-09T23:59:59Z"))), "a draft"
    assert has_base_fee(occasion(replace(mine, pay_in_advance=False), "2024-03-10T00:00Z"))


def test_long_plans_pay_in_the_first_month() -> None:
    yearly = contract("2024-03-05T00:00Z", interval="yearly", charges_monthly=True)
    assert not has_base_fee(occasion(yearly, "2024-06-01T00:10Z"))
    assert has_base_fee(occasion(yearly, "2025-01-01T00:10Z"))
    ended = replace(yearly, terminated_at=at("2024-06-10T00:00Z"))
    assert has_base_fee(occasion(ended, "2024-06-10T00:00Z"))
    advance = replace(yearly, pay_in_advance=True)
    assert has_base_fee(occasion(advance, "2024-03-05T00:00Z")), "at once"
    entered_late = {"created_at": at("2024-05-01T00:00Z")}
    assert not has_base_fee(occasion(advance, "2024-05-01T00:00Z", **entered_late))
    assert has_base_fee(occasion(advance, "2025-01-01T00:10Z", **entered_late))


def test_a_start_only_for_fixed_charges_bills_nothing_else() -> None:
    mine = contract("2024-03-05T12:00Z")
    assert not has_base_fee(occasion(mine, "2024-04-01T00:10Z", starts=True))
    assert not has_charges(occasion(mine, "2024-04-01T00:10Z", starts=True))
    assert has_charges(occasion(mine, "2024-04-01T00:10Z"))
    assert not has_charges(occasion(replace(mine, pay_in_advance=True), "2024-03-05T12:00Z")), "no usage window yet"


# --- coupons ---


def fees(*cents: int) -> list[Reducible]:
    return [Reducible(amount_cents=one, kind="charge", plan_code="plan", metric_code="m") for one in cents]


def test_shares_follow_the_amounts() -> None:
    result = apply_coupons(fees(200, 100), [fixed(12)], "CAD")
    own = CouponCredit(code="c", cents=12, shares=(Decimal(8), Decimal(4)))
    assert (result.credits, result.shares) == ((own,), own.shares)
    assert apply_coupons(fees(200, 100), [percent("20")], "CAD").shares == (Decimal(40), Decimal(20))


@given(amounts=st.lists(CENTS, min_size=1, max_size=6), coupon=CENTS, rate=st.integers(0, 150))
def test_coupons_never_take_more_than_there_is(amounts: list[int], coupon: int, rate: int) -> None:
    result = apply_coupons(fees(*amounts), [fixed(coupon), percent(str(rate))], "CAD")
    assert 0 <= result.total_cents <= sum(amounts)
    assert all(0 <= share <= amount for share, amount in zip(result.shares, amounts, strict=True))
    assert abs(sum(result.shares) - result.total_cents) <= len(amounts)


def test_order_limits_and_life() -> None:
    both = [
        fixed(10, code="all"),
        fixed(10, code="plan", plan_codes=("plan",)),
        fixed(10, code="metric", metric_codes=("m",)),
        fixed(10, code="other", metric_codes=("x",)),
    ]
    result = apply_coupons(fees(100), both, "CAD")
    assert [credit.code for credit in result.credits] == ["metric", "plan", "all"]
    assert [held.ended for held in result.held] == [True, True, True, False]


def test_a_fixed_coupon_used_once_lasts_until_it_is_used_up() -> None:
    result = apply_coupons(fees(60), [fixed(100)], "CAD")
    (held,) = result.held
    assert (result.total_cents, held.used_cents, held.ended) == (60, 60, False)
    again = apply_coupons(fees(60), result.held, "CAD")
    assert (again.total_cents, again.held[0].ended) == (40, True)
    assert apply_coupons(fees(60), again.held, "CAD").credits == ()


def test_a_recurring_coupon_gives_its_full_amount_for_its_periods() -> None:
    held = (fixed(10, frequency="recurring", remaining_periods=2),)
    first = apply_coupons(fees(60), held, "CAD")
    second = apply_coupons(fees(60), first.held, "CAD")
    assert [first.total_cents, second.total_cents] == [10, 10]
    assert [one.held[0].ended for one in (first, second)] == [False, True]
    forever = apply_coupons(fees(60), (fixed(10, frequency="forever"),), "CAD").held
    assert not forever[0].ended
    assert forever[0].remaining_periods is None


def test_a_percentage_used_once_ends() -> None:
    assert apply_coupons(fees(60), [percent("1", frequency="once")], "CAD").held[0].ended


def test_foreign_money_and_empty_invoices_use_no_coupon() -> None:
    assert apply_coupons(fees(60), [fixed(10, currency="USD")], "CAD").credits == ()
    assert apply_coupons(fees(0), [fixed(10)], "CAD").credits == ()
    assert apply_coupons(fees(60), [fixed(10)], "CAD", already_off_cents=60).credits == ()
    assert apply_coupons(fees(60), [fixed(10)], "CAD", already_off_cents=55).total_cents == 5


@pytest.mark.parametrize(
    ("base", "rate", "cents"), [("50", "1", 1), ("49", "1", 0), ("99", "150", 99), ("150", "1", 2)]
)
def test_percentages_round_half_up(base: str, rate: str, cents: int) -> None:
    assert coupon_amount(percent(rate), Decimal(base)) == cents


# --- taxes ---


def test_the_first_set_wins_and_sets_never_merge() -> None:
    assert applicable((), [tax("1")], [tax("2")]) == (tax("1"),)
    assert applicable((), ()) == ()


def test_taxes_are_on_the_amount_after_coupons() -> None:
    """Fees 100.00 at 10 %, 50.00 at 0 %, 30.00 + 20.00 at 20 %; coupon 10.00."""
    ten, zero, twenty = tax("10"), tax("0"), tax("20")
    lines = [line(10000, "charge", ten), line(5000, "charge", zero), line(3000, "charge", twenty)]
    made = bill([*lines, line(2000, "true_up", twenty)], "CAD", coupons=[fixed(1000)])
    assert [fee.coupons_cents for fee in made.fees] == [500, 250, 150, 100]
    assert [fee.taxed.amount_cents for fee in made.fees] == [950, 0, 570, 380]
    assert (made.taxed.amount_cents, made.total_cents) == (1900, 20_900)


def test_header_taxes_are_rounded_on_their_own() -> None:
    one = Taxable(
        amount_cents=10,
        precise_cents=Decimal(10),
        coupons_cents=Decimal(0),
        taxes=(tax("5", "gst"), tax("9.975", "qst")),
    )
    taxed = invoice_taxes([one] * 3, 30)
    assert taxed.amount_cents == 4  # 4.4925
    assert [(t.code, t.amount_cents, t.fees_cents) for t in taxed.taxes] == [("gst", 2, 30), ("qst", 3, 30)]
    assert fee_taxes(one).amount_cents == 1  # 1.4975
    assert taxed.rate == Decimal("14.975")


def test_the_average_rate_counts_fees_where_the_invoice_is_zero() -> None:
    free = Taxable(amount_cents=0, precise_cents=Decimal(0), coupons_cents=Decimal(0), taxes=(tax("10"),))
    assert invoice_taxes([free, replace(free, taxes=())], 0).rate == 5


@given(amounts=st.lists(CENTS, min_size=1, max_size=8), rate=st.decimals(0, 30, places=3))
def test_header_tax_is_within_a_cent_of_the_exact_one(amounts: list[int], rate: Decimal) -> None:
    made = bill([line(cents, "charge", tax(str(rate))) for cents in amounts], "CAD")
    exact = sum(amounts) * rate / 100
    assert abs(made.taxed.amount_cents - exact) <= Decimal("0.5000001")
    assert made.gross_cents == made.net_cents + made.taxed.amount_cents


# --- the whole ---


def test_order_of_an_invoice() -> None:
    wallet = PrepaidWallet(
        code="w",
        currency="CAD",
        rate_amount=Decimal("0.5"),
        balance_cents=500,
        credits_balance=Decimal(10),
        top_ups=(TopUp(source="granted", remaining_cents=200), TopUp(source="purchased", remaining_cents=300)),
    )
    lines = [line(10_000, "charge", tax("13"))]
    made = bill(lines, "CAD", coupons=[fixed(1000)], credit_notes=[400, 0], wallets=[wallet])
    assert (made.fees_cents, made.net_cents, made.gross_cents) == (10_000, 9000, 10_170)
    assert made.credit_notes == (400, 0)
    assert (made.prepaid.total_cents, made.total_cents) == (500, 9270)
    (draw,) = made.prepaid.draws
    assert (draw.credits, draw.consumed) == (Decimal(10), (("granted", 200), ("purchased", 300)))
    assert made.prepaid.wallets[0].credits_balance == 0
    draft = bill(lines, "CAD", coupons=[fixed(1000)], credit_notes=[400], wallets=[wallet], draft=True)
    assert (draft.net_cents, draft.total_cents, draft.prepaid.draws) == (10_000, 11_300, ())
    assert draft.coupons.held == (fixed(1000),)


def test_rounding_of_the_header_goes_to_what_is_largest() -> None:
    """56.50 and 33.90 of gross amounts are 90.40 cents, the header says 91: a wallet for the larger pays 57.1."""
    lines = [line(50, "charge", tax("13")), line(30, "subscription", tax("13"))]
    charges = PrepaidWallet(code="w", currency="CAD", rate_amount=Decimal(1), balance_cents=1000, fee_types=("charge",))
    drawn = bill(lines, "CAD", wallets=[charges])
    assert (drawn.gross_cents, drawn.prepaid.total_cents) == (90, 57)
    more = [line(50, "charge", tax("12.6")), line(30, "subscription", tax("14.4"))]  # 56.30 and 34.32: 90.62, so 91
    drawn = bill(more, "CAD", wallets=[charges])
    assert (drawn.gross_cents, drawn.prepaid.total_cents) == (91, 57), "56.30 and the 0.38 of rounding"


def test_wallets_pay_by_priority_and_within_their_limits() -> None:
    def wallet(code: str, **changes: object) -> PrepaidWallet:
        plain = PrepaidWallet(code=code, currency="CAD", rate_amount=Decimal(1), balance_cents=100)
        return replace(plain, **changes)  # type: ignore[arg-type]

    lines = [line(150, "charge", metric="m"), line(70, "subscription")]
    wallets = [
        wallet("late"),
        wallet("first", priority=1, fee_types=("subscription",)),
        wallet("metric", priority=2, metric_codes=("m",)),
        wallet("foreign", priority=1, currency="USD"),
        wallet("empty", priority=1, balance_cents=0),
    ]
    made = bill(lines, "CAD", wallets=wallets)
    assert {one.wallet: one.amount_cents for one in made.prepaid.draws} == {"first": 70, "metric": 100, "late": 50}
    assert made.total_cents == 0


@given(balances=st.lists(CENTS, max_size=5), amount=CENTS)
def test_balances_are_taken_in_order(balances: list[int], amount: int) -> None:
    taken = take_from(balances, amount)
    assert sum(taken) == min(sum(balances), amount)
    assert all(part <= balance for part, balance in zip(taken, balances, strict=True))
    used_up = [part == balance for part, balance in zip(taken, balances, strict=True)]
    assert used_up == sorted(used_up, reverse=True) or 0 in balances


# --- commitment ---


@pytest.mark.parametrize(
    ("days", "duration", "used", "due"),
    [(5, 7, 71_429, 642_857), (25, 28, 89_286, 803_571), (56, 90, 62_222, 560_000), (7, 7, 100_000, 900_000)],
)
def test_the_commitment_is_due_for_the_days(days: int, duration: int, used: int, due: int) -> None:
    found = commitment_fee(1_000_000, days, duration, used, Decimal(used))
    assert found is not None
    assert found.amount_cents == due
    step = found.steps("CAD")[0]
    assert (step.kind, step.values) == (StepKind.COMMITMENT, {"days": days, "whole": duration})


def test_no_commitment_once_it_is_reached() -> None:
    assert commitment_fee(1000, 30, 30, 1000, Decimal(1000)) is None
    missing = commitment_fee(1000, 30, 30, 999, Decimal("998.5"))
    assert missing is not None
    assert (missing.amount_cents, missing.precise_cents) == (1, Decimal("1.5"))


# --- fixed charges ---

JUNE = Window(at("2024-06-01T00:00Z"), day_end(at("2024-06-30T00:00Z").date(), "UTC"))


def charge(**changes: object) -> FixedCharge:
    plain = FixedCharge(
        lago_id="f",
        lago_add_on_id="a",
        add_on_code="a",
        charge_model="standard",
        units=Decimal(10),
        properties={"amount": "10"},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def units(count: str, effective: str, created: str | None = None) -> UnitsChange:
    return UnitsChange(units=Decimal(count), effective_at=at(effective), created_at=at(created or effective))


def test_the_last_change_made_counts() -> None:
    changes = [units("10", "2024-05-01T00:00Z"), units("4", "2024-06-01T00:00Z", "2024-05-02T00:00Z")]
    assert units_in(changes, JUNE) == 4
    assert units_in([*changes, units("7", "2024-05-20T00:00Z")], JUNE) == 7, "made later, effective earlier"
    assert units_in([units("5", "2024-07-01T00:00Z")], JUNE) == 0
    assert fixed_fee(charge(), changes, JUNE, 30, "UTC", "CAD").money.amount_cents == 4000


def test_prorated_units_are_weighted_by_days() -> None:
    changes = [units("10", "2024-05-01T00:00Z"), units("25", "2024-06-21T15:00Z")]
    assert weighted_units(changes, JUNE, 30, "UTC") == Decimal("6.666667") + Decimal("8.333333")
    fee = fixed_fee(charge(prorated=True), changes, JUNE, 30, "UTC", "CAD")
    assert (fee.units, fee.money.amount_cents) == (25, 15_000)
    overtaken = [*changes, units("1", "2024-06-11T00:00Z", "2024-06-22T00:00Z")]
    assert weighted_units(overtaken, JUNE, 30, "UTC") == 4, "10 for ten days, 1 for twenty: it was made after the 25"
    earlier = [units("99", "2024-04-01T00:00Z"), units("98", "2024-05-01T00:00Z"), units("3", "2024-05-31T00:00Z")]
    assert weighted_units(earlier, JUNE, 30, "UTC") == 3
    assert weighted_units([*earlier, units("6", "2024-06-01T00:00Z")], JUNE, 30, "UTC") == 6
    to_come = [*changes, units("99", "2024-07-02T00:00Z")]
    assert weighted_units(to_come, JUNE, 30, "UTC") == 15


@pytest.mark.parametrize(
    ("begin", "end", "zone", "days"),
    [
        ("2024-02-10T05:00Z", "2024-03-10T04:59:59Z", "America/New_York", 30),  # forward on 10 March
        ("2024-02-10T00:00Z", "2024-03-09T23:59:59Z", "UTC", 29),
        ("2025-10-02T04:00Z", "2025-11-02T03:59:59Z", "America/New_York", 31),  # back on 2 November
        ("2024-03-01T05:00Z", "2024-04-01T03:59:59Z", "America/New_York", 31),  # forward within
    ],
)
def test_the_last_stretch_has_a_day_more_where_clocks_go_forward_after_it(
    begin: str, end: str, zone: str, days: int
) -> None:
    """Lago adds 24 hours to the end before it asks for the day (vector fixed_charges-change-0015)."""
    assert weighted_units([units("1", begin)], Window(at(begin), at(end)), 100, zone) == Decimal(days) / 100


def test_an_increase_in_advance_pays_for_the_days_left() -> None:
    more = advance_fee(charge(prorated=True), Decimal(10), Decimal(15), at("2024-06-16T10:00Z"), JUNE, 30, "CAD")
    assert (more.units, more.money.amount_cents) == (5, 2500)
    less = advance_fee(charge(), Decimal(10), Decimal(9), at("2024-06-16T10:00Z"), JUNE, 30, "CAD")
    assert (less.units, less.money.amount_cents, less.is_stored) == (0, 0, False)
    whole = advance_fee(charge(), Decimal(10), Decimal(15), at("2024-06-16T10:00Z"), JUNE, 30, "CAD")
    assert whole.money.amount_cents == 5000
    tiers = {"graduated_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}]}
    tiered = charge(charge_model="graduated", properties=tiers)
    for units_now, cents in (("15", 1000), ("10", 0), ("9", 0)):
        fee = advance_fee(tiered, Decimal(10), Decimal(units_now), at("2024-06-16T10:00Z"), JUNE, 30, "CAD")
        assert fee.money.amount_cents == cents, "a flat fee comes with units, and never with fewer"


def test_after_an_upgrade_what_was_paid_is_deducted() -> None:
    fee = fixed_fee(charge(), [units("10", "2024-06-01T00:00Z")], JUNE, 30, "UTC", "CAD")
    assert without_paid(fee, 3000, 10, 30).money.amount_cents == 9000
    assert without_paid(fee, 90_000, 30, 30).money.amount_cents == 0


# --- credit note on termination ---


def paid(cents: int, *taxes: Tax, coupons: str = "0", plan: int | None = None, paid_cents: int = 0) -> PaidFee:
    total = round(cents * (1 + sum(float(t.rate) for t in taxes) / 100))
    return PaidFee(
        amount_cents=cents,
        plan_amount_cents=plan or cents,
        from_datetime=at("2023-02-01T00:00Z"),
        coupons_cents=Decimal(coupons),
        taxes=taxes,
        invoice_total_cents=total,
        invoice_paid_cents=paid_cents,
    )


FEBRUARY = contract("2023-01-08T00:00Z", pay_in_advance=True)
ENDED = at("2023-02-25T10:00Z")


def test_unused_days_are_given_back_with_their_tax() -> None:
    credit = termination_credit(FEBRUARY, paid(5000, tax("20")), ENDED)
    assert credit is not None
    assert credit.item_precise == Decimal("535.71428")
    assert (credit.net_cents, credit.taxes_cents, credit.total_cents) == (536, 107, 643)
    assert (credit.credit_cents, credit.refund_cents, credit.offset_cents) == (643, 0, 0)


def test_the_day_of_an_upgrade_is_given_back_too() -> None:
    upgrade = termination_credit(FEBRUARY, paid(5600), ENDED, upgrade=True)
    plain = termination_credit(FEBRUARY, paid(5600), ENDED)
    assert upgrade is not None
    assert plain is not None
    assert (upgrade.total_cents, plain.total_cents) == (800, 600)


def test_nothing_is_given_back_on_the_last_day_or_twice() -> None:
    assert termination_credit(FEBRUARY, paid(5600), at("2023-02-28T10:00Z")) is None
    twice = replace(paid(5600), credited_cents=Decimal(600))
    assert termination_credit(FEBRUARY, twice, ENDED) is None
    assert termination_credit(FEBRUARY, replace(twice, credited_cents=Decimal(500)), ENDED).total_cents == 100  # type: ignore[union-attr]


def test_a_refund_is_no_more_than_what_was_paid_beyond_the_days_used() -> None:
    """20 of 28 days of 5600 used are 5000 of 200 a day; nothing paid, nothing refunded, and the rest is a credit."""
    parts = {}
    for paid_cents in (0, 5000, 5001, 5600):
        credit = termination_credit(FEBRUARY, paid(5600, paid_cents=paid_cents), ENDED, mode="refund")
        assert credit is not None
        parts[paid_cents] = (credit.refund_cents, credit.credit_cents)
    assert parts == {0: (0, 600), 5000: (0, 600), 5001: (1, 599), 5600: (600, 0)}


def test_coupons_and_trials_lower_what_is_given_back() -> None:
    half = termination_credit(FEBRUARY, paid(5600, coupons="2800"), ENDED)
    assert half is not None
    assert (half.coupons_cents, half.total_cents) == (300, 300)
    trial = termination_credit(FEBRUARY, paid(5600), ENDED, trial_ends_at=at("2023-02-27T00:00Z"))
    assert trial is not None
    assert trial.total_cents == 400
    assert termination_credit(FEBRUARY, paid(5600), ENDED, trial_ends_at=at("2023-03-02T00:00Z")) is None


def test_never_more_than_was_billed() -> None:
    capped = termination_credit(FEBRUARY, paid(100, plan=5600), at("2023-02-10T10:00Z"))
    assert capped is not None
    assert capped.total_cents == 100


def test_refund_and_offset_split_what_was_paid() -> None:
    refund = termination_credit(FEBRUARY, paid(5600, paid_cents=4000), at("2023-02-14T10:00Z"), mode="refund")
    assert refund is not None
    assert (refund.total_cents, refund.refund_cents, refund.credit_cents) == (2800, 1200, 1600)
    unpaid = termination_credit(FEBRUARY, paid(5600), at("2023-02-14T10:00Z"), mode="refund")
    assert unpaid is not None
    assert (unpaid.refund_cents, unpaid.credit_cents) == (0, 2800)
    offset = termination_credit(FEBRUARY, paid(5600, paid_cents=4000), at("2023-02-14T10:00Z"), mode="offset")
    assert offset is not None
    assert (offset.offset_cents, offset.refund_cents, offset.credit_cents) == (1600, 1200, 0)


def test_local_date_is_what_the_customer_sees() -> None:
    assert local_date(at("2024-01-01T02:00Z"), "America/New_York").isoformat() == "2023-12-31"


# --- edges of the base fee and of the credit note ---


def test_in_advance_a_start_in_the_past_pays_in_full() -> None:
    entered_late = contract("2024-03-10T00:00Z", pay_in_advance=True)
    window = boundaries(entered_late, at("2024-03-15T00:00Z")).subscription
    known = FeeHistory(created_at=at("2024-03-15T00:00Z"), initial_started_at=entered_late.started_at)
    price = PlanPrice(amount_cents=3100)
    assert subscription_fee(entered_late, price, window, at("2024-03-15T00:00Z"), known).amount_cents == 3100


def test_an_anniversary_in_advance_pays_in_full_even_when_it_starts_later() -> None:
    mine = contract("2023-01-08T00:00Z", pay_in_advance=True, anniversary=True, started_at=at("2023-01-20T00:00Z"))
    assert base_fee(mine, 3100, "2023-01-20T00:00Z") == 3100
    assert base_fee(mine, 3100, "2023-01-20T00:00Z", has_previous=True) == 1900  # 19 of 31 days


def test_half_days_of_a_trial() -> None:
    """In a full period they count; otherwise the trial's whole days do."""
    mine = contract("2024-03-05T12:12Z", pay_in_advance=True)
    window = Window(at("2024-03-01T00:00Z"), day_end(at("2024-03-31T00:00Z").date(), "UTC"))
    known = FeeHistory(created_at=mine.started_at, initial_started_at=mine.started_at, has_earlier_fee=True)
    price = PlanPrice(amount_cents=3100, trial_days=Decimal("10.5"))
    assert subscription_fee(mine, price, window, at("2024-03-16T13:00Z"), known).amount_cents == 1600
    late = contract("2024-03-05T23:44Z")
    assert base_fee(late, 3100, "2024-04-01T00:10Z", trial="0.5") == 2700


def test_a_period_within_the_trial_costs_nothing_at_all() -> None:
    mine = contract("2022-03-01T00:00Z")
    window = boundaries(mine, at("2022-04-01T00:10Z")).subscription
    known = FeeHistory(created_at=mine.started_at, initial_started_at=mine.started_at)
    fee = subscription_fee(
        mine, PlanPrice(amount_cents=100, trial_days=Decimal(45)), window, at("2022-04-01T00:10Z"), known
    )
    assert (fee.amount_cents, fee.precise_cents, fee.days) == (0, 0, 0)


def test_steps_of_a_commitment_add_up() -> None:
    found = commitment_fee(1000, 30, 30, 400, Decimal("399.5"))
    assert found is not None
    assert [step.amount for step in found.steps("CAD")] == [10, Decimal("-3.995")]
    assert [step.amount for step in found.steps("JPY")] == [1000, Decimal("-399.5")]
    assert sum(step.amount for step in found.steps("JPY") if step.amount is not None) == found.precise_cents


@pytest.mark.parametrize(
    ("mode", "paid_cents", "parts"),
    [("refund", 0, (16, 0, 0)), ("refund", 475, (0, 16, 0)), ("offset", 0, (0, 16, 17)), ("credit", 0, (16, 0, 0))],
)
def test_a_cent_between_the_parts_and_the_total(mode: str, paid_cents: int, parts: tuple[int, int, int]) -> None:
    """16.96 unrounded, but 14 + 2 as stated: Lago settles it as it does, the last odd case included."""
    fee = paid(405, tax("17.25"), paid_cents=paid_cents)
    found = termination_credit(FEBRUARY, fee, at("2023-02-27T10:00Z"), mode=mode)
    assert found is not None
    assert (found.total_cents, found.whole_cents, found.taxes_rate) == (16, 17, Decimal("17.25"))
    assert (found.credit_cents, found.refund_cents, found.offset_cents) == parts


def test_net_of_a_credit_note_is_rounded_after_coupons() -> None:
    found = termination_credit(FEBRUARY, paid(405, coupons="40.5"), at("2023-02-27T10:00Z"))
    assert found is not None
    assert (found.item_precise, found.coupons_precise) == (Decimal("14.46428"), Decimal("1.44643"))
    assert (found.coupons_cents, found.net_cents) == (1, 13)


def test_a_trial_ending_with_the_period_leaves_its_last_day() -> None:
    at_end = termination_credit(FEBRUARY, paid(5600), ENDED, trial_ends_at=at("2023-02-28T00:00Z"))
    assert at_end is not None
    assert at_end.total_cents == 200


# --- wallets and fixed charges, afterwards ---


def test_a_wallet_after_an_invoice() -> None:
    wallet = PrepaidWallet(
        code="w",
        currency="CAD",
        rate_amount=Decimal(2),
        balance_cents=500,
        credits_balance=Decimal("2.5"),
        consumed_cents=100,
        consumed_credits=Decimal("0.5"),
        top_ups=(TopUp(source="granted", remaining_cents=200), TopUp(source="purchased", remaining_cents=300)),
    )
    made = bill([line(150), line(100, metric="m")], "CAD", wallets=[wallet])
    assert [one.consumed for one in made.prepaid.draws] == [(("granted", 200), ("purchased", 50))]
    (after,) = made.prepaid.wallets
    assert (after.balance_cents, after.credits_balance) == (250, Decimal("1.25"))
    assert (after.consumed_cents, after.consumed_credits) == (350, Decimal("1.75"))
    assert [one.remaining_cents for one in after.top_ups] == [0, 250]
    little = bill([line(1)], "CAD", wallets=[wallet])
    assert [one.consumed for one in little.prepaid.draws] == [(("granted", 1),)]
    assert (little.prepaid.total_cents, little.total_cents) == (1, 0)


def test_credit_notes_come_before_wallets_and_leave_the_rest_to_them() -> None:
    wallet = PrepaidWallet(code="w", currency="CAD", rate_amount=Decimal(1), balance_cents=1, fee_types=("charge",))
    made = bill([line(100), line(100, "subscription")], "CAD", credit_notes=[100], wallets=[wallet])
    assert (made.credit_notes, made.prepaid.total_cents, made.total_cents) == ((100,), 1, 99)
    rich = replace(wallet, balance_cents=1000)
    half = bill([line(100), line(100, "subscription")], "CAD", credit_notes=[100], wallets=[rich])
    assert half.prepaid.total_cents == 50, "credit notes pay every fee alike"


def test_stretches_of_days() -> None:
    """10 units for 10 days, 20 for the next 10, then none; a change on the first instant holds for the whole period."""
    changes = [units("10", "2024-05-01T00:00Z"), units("20", "2024-06-11T09:00Z"), units("0", "2024-06-21T09:00Z")]
    assert weighted_units(changes, JUNE, 30, "UTC") == Decimal("3.333333") + Decimal("6.666667")
    assert weighted_units([units("9", "2024-06-01T00:00Z")], JUNE, 30, "UTC") == 9
    assert weighted_units([units("1", "2024-05-01T00:00Z"), units("9", "2024-06-01T00:00Z")], JUNE, 30, "UTC") == 9


def test_the_precise_amount_loses_what_was_paid_too() -> None:
    fee = fixed_fee(charge(), [units("10", "2024-06-01T00:00Z")], JUNE, 30, "UTC", "CAD")
    assert without_paid(fee, 3000, 10, 30).money.precise_amount_cents == 9000


def test_precise_taxes_of_a_fee_and_the_average_rate() -> None:
    fee = Taxable(
        amount_cents=333, precise_cents=Decimal("333.3333"), coupons_cents=Decimal("33"), taxes=(tax("9.975"),)
    )
    taxed = fee_taxes(fee)
    assert taxed.precise_cents == Decimal("29.958246675")
    assert taxed.taxes[0].precise_cents == Decimal("29.958246675")
    tiny = replace(fee, amount_cents=0, precise_cents=Decimal("1e-13"), coupons_cents=Decimal(0), taxes=(tax("5.5"),))
    assert fee_taxes(tiny).precise_cents == Decimal("6e-15"), "kept to 15 decimals"
    bare = replace(fee, coupons_cents=Decimal(0), taxes=())
    assert invoice_taxes([fee, bare], 633).rate == Decimal("4.72749"), "300 of 633 cents bear 9.975 %"
    assert invoice_taxes([replace(fee, amount_cents=34), bare], 1).rate == Decimal("9.975"), "1 cent bears it all"
