"""Lago's and Odoo's sides as the same record: nothing lost, nothing guessed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappings.explain import Step, StepKind
from mappings.headers import header_contradictions, open_contradictions
from mappings.records import Snapshot
from migrate.errors import OdooError
from migrate.odoo.door import Door, Patience
from migrate.odoo.errors import AccessDenied, OdooUnreachable, OutcomeUnknown, Unauthorized
from reconcile.billed import BilledInvoice, LineKey
from reconcile.compare.positions import compare
from reconcile.rating.header import reproduces
from reconcile.sides import lago, odoo_answers
from reconcile.sides.odoo_answers import OdooFactsError, odoo_invoice, odoo_key
from reconcile.sides.odoo_rerun import Shadow, odoo_invoices
from tests.reconciling.build import terms_by_invoice
from tests.reconciling.fake_odoo import Answer, FakeOdoo, odoo_line

TAX_NAMES = {"hst_on": "13% HST", "gst": "5% GST", "qst": "9.975% QST", "hst_nb": "15% HST", "hst_ns": "14% HST"}
TAX_NAMES |= {"pst_bc": "7% PST", "zero_export": "0% Int"}
TAX_CODES = {name: code for code, name in TAX_NAMES.items()}


@pytest.fixture(scope="module")
def july(snapshot: Snapshot) -> tuple[BilledInvoice, ...]:
    return lago.lago_invoices(snapshot, "2026-07")


@pytest.fixture(scope="module")
def everything(snapshot: Snapshot) -> tuple[BilledInvoice, ...]:
    return lago.lago_invoices(snapshot)


# --- Lago ------------------------------------------------------------------------------------------------------------


def test_control_totals_of_the_recording(everything: tuple[BilledInvoice, ...]) -> None:
    """The recording's own control totals, by month and currency (finalized invoices)."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for i in everything:
        assert i.totals is not None
        if i.state == "finalized":
            own = sums[i.issued_on.strftime("%Y-%m"), i.currency]
            for n, value in enumerate((1, i.totals.fees_cents, i.totals.tax_cents, i.totals.total_cents)):
                own[n] += value
    assert sums["2026-07", "CAD"] == [75, 909431, 115226, 1005651]
    assert sums["2026-07", "JPY"] == [2, 6992, 0, 6992]
    assert sums["2026-02", "CAD"] == [26, 2846513, 392223, 3238736]
    assert sum(own[0] for own in sums.values()) == 476
    assert len(everything) == 479


def test_every_fee_is_a_line(snapshot: Snapshot, everything: tuple[BilledInvoice, ...]) -> None:
    assert sum(len(i.lines) for i in everything) == sum(len(i.fees) for i in snapshot.invoices)
    for i in everything:
        assert i.totals is not None
        assert sum(line.amount_cents for line in i.lines) == i.totals.fees_cents
        subscribed = [line.key for line in i.lines if line.key.subscription]
        assert len(set(subscribed)) == len(subscribed)


def test_every_header_follows_from_its_lines(snapshot: Snapshot, everything: tuple[BilledInvoice, ...]) -> None:
    """Lago's tax and coupon arithmetic, redone: the ground on which causes are proven."""
    terms = terms_by_invoice(snapshot)
    assert [i.number for i in everything if not reproduces(terms[i.lago_id], i)] == []


def test_a_month_is_that_of_the_issuing_date(july: tuple[BilledInvoice, ...]) -> None:
    assert {i.issued_on.strftime("%Y-%m") for i in july} == {"2026-07"}
    assert {"draft", "finalized", "voided"} >= {i.state for i in july}


def test_a_cohort_takes_its_customers_only(snapshot: Snapshot) -> None:
    own = lago.lago_invoices(snapshot, "2026-07", frozenset({"NX-1001"}))
    assert own
    assert {i.customer for i in own} == {"NX-1001"}


def test_keys_tell_fees_apart(everything: tuple[BilledInvoice, ...]) -> None:
    kinds = {line.key.kind for i in everything for line in i.lines}
    assert kinds == {"subscription", "charge", "true_up", "fixed_charge", "add_on", "credit"}
    advance = [line.key for i in everything for line in i.lines if line.key.event]
    assert len(advance) == len(set(advance)) == 79
    grouped = {line.key.group for i in everything for line in i.lines if line.key.group}
    assert any(pairs[0][0] == "project" for pairs in grouped)


def test_steps_tell_how_lago_got_there(everything: tuple[BilledInvoice, ...]) -> None:
    steps = [step for i in everything for line in i.lines for step in line.steps]
    assert StepKind.PLAN_AMOUNT in {step.kind for step in steps}
    first = {"place": 1, "lower": 0}
    assert any(s.kind is StepKind.GRADUATED_RANGE and s.values.items() >= first.items() for s in steps)


def test_text_in_details_is_kept_as_text() -> None:
    details = {
        "model": "flat",
        "gone": None,
        "ok": "NaN",
        "more": {"rate": "2", "units": "3"},
        "tiers": [{"from_value": 1, "to_value": None, "total_with_flat_amount": "2"}],
    }
    kept = [*lago._details(details, "", "CAD")]
    assert {s.kind for s in kept} == {StepKind.AS_WRITTEN}
    texts = [s.values["text"] for s in kept]
    assert texts == ["model: flat", "ok: NaN", "more.rate: 2", "more.units", "tiers 1: 1 to ∞"]
    assert [s.units or s.amount for s in kept] == [None, None, None, 3, 2]


@pytest.mark.parametrize("written", ["1E+999999999", "1e-999999999", "9" * 5000, "٣٫٥", "zz", "", True])
def test_a_detail_that_is_no_number_of_anything_billed_is_shown_as_it_is_written(written: object) -> None:
    details = {"plan_amount_cents": written, "tiers": [{"units": written, "total_with_flat_amount": written}]}
    shown = list(lago._details(details, "", "CAD"))
    assert shown[0] == Step(kind=StepKind.AS_WRITTEN, values={"text": f"plan_amount_cents: {written}"})
    assert (shown[1].units, shown[1].amount) == (None, None)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"plan_amount_cents": 4290}, Step(kind=StepKind.PLAN_AMOUNT, amount=Decimal("42.9"))),
        ({"free_units": "5.0"}, Step(kind=StepKind.FREE_UNITS, units=Decimal(5))),
        ({"per_package_unit_amount": "2.0"}, Step(kind=StepKind.PER_PACKAGE_UNIT_AMOUNT, unit_price=Decimal(2))),
        ({"fixed_fee_total_amount": "6.0"}, Step(kind=StepKind.FIXED_FEE_TOTAL_AMOUNT, amount=Decimal(6))),
        ({"rate": "1.5"}, Step(kind=StepKind.RATE, values={"rate": Decimal("1.5")})),
        (
            {
                "graduated_percentage_ranges": [
                    {"from_value": 0, "to_value": None, "units": "3", "flat_unit_amount": "1", "rate": "2",
                     "total_with_flat_amount": "1.06"}
                ]
            },
            Step(kind=StepKind.GRADUATED_PERCENTAGE_RANGE,
                 values={"place": Decimal(1), "lower": Decimal(0), "rate": Decimal(2)},
                 units=Decimal(3), flat=Decimal(1), amount=Decimal("1.06")),
        ),
    ],
)  # fmt: skip
def test_lagos_numbers_stand_under_their_heading(details: dict[str, object], expected: Step) -> None:
    assert list(lago._details(details, "", "CAD")) == [expected]


def test_coupons_of_a_bill(snapshot: Snapshot, everything: tuple[BilledInvoice, ...]) -> None:
    terms = terms_by_invoice(snapshot)
    coupons = [coupon for own in terms.values() for coupon in own.coupons]
    credited = {(i.lago_id, c.item.code) for i in snapshot.invoices for c in i.credits if c.item.type == "coupon"}
    assert credited <= {(lago_id, coupon.code) for lago_id, own in terms.items() for coupon in own.coupons}
    assert any(coupon.plan_codes or coupon.metric_codes for coupon in coupons)
    assert any(coupon.rate is not None for coupon in coupons)


def test_a_coupon_used_in_part_has_what_was_left(snapshot: Snapshot, everything: tuple[BilledInvoice, ...]) -> None:
    """300.00 once, over four invoices: each bill knows what the ones before had left of it."""
    own = [i.lago_id for i in everything if i.customer == "ac275a4a-9846-e743-50ab-ad9ae06e5ee3"]
    terms = terms_by_invoice(snapshot)
    held = [coupon for i in own for coupon in terms[i].coupons if coupon.code == "big_once"]
    left = [(coupon.amount_cents or 0) - coupon.used_cents for coupon in held]
    assert left == [30000, 21330, 12355, 1730]


def test_services_are_finances_names(snapshot: Snapshot) -> None:
    found = lago.services(snapshot, {"nexacloud_pro": "NexaCloud"})
    by_plan = {s.lago_id: s.plan_code for s in snapshot.subscriptions}
    assert {found[s] for s, plan in by_plan.items() if plan == "nexacloud_pro"} == {"NexaCloud"}
    assert {found[s] for s, plan in by_plan.items() if plan == "nexadesk_team"} == {"nexadesk_team"}


# --- Odoo ------------------------------------------------------------------------------------------------------------


def ask(lago: tuple[BilledInvoice, ...], odoo: FakeOdoo, **more: Any) -> dict[str, BilledInvoice]:
    return odoo_invoices(Door(odoo), lago, **{"tax_codes": TAX_CODES, **more})


def test_an_odoo_that_bills_alike_compares_equal(everything: tuple[BilledInvoice, ...]) -> None:
    answers = ask(everything, FakeOdoo(everything, TAX_NAMES))
    lago = {i.lago_id: i for i in everything}
    compared = compare({"lago": lago, "odoo": answers})
    assert {p.status for i in compared for p in i.positions} == {"equal", "outside"}
    outside = {i.base.type for i in compared if answers[i.base.lago_id].outside}
    assert outside == {"one_off", "credit"}


def test_a_partner_occurs_once_per_call_and_calls_stay_few(july: tuple[BilledInvoice, ...]) -> None:
    odoo = FakeOdoo(july, TAX_NAMES)
    ask(july, odoo)
    reruns = [(ids, arguments) for _, method, ids, arguments in odoo.calls if method == "fusion_rerun"]
    for ids, arguments in reruns:
        assert list(ids) == [b["order"] for b in arguments["billings"]]
        assert arguments["keep"] is False
        moments = defaultdict(set)
        for b in arguments["billings"]:
            moments[odoo.partners[b["order"]]].add(b["at"])
        assert all(len(own) == 1 for own in moments.values())
    most = max(sum(1 for i in july if i.customer == c and i.billings) for c in {i.customer for i in july})
    assert len(reruns) == most


def test_a_charge_paid_in_advance_is_asked_for_by_its_event(july: tuple[BilledInvoice, ...]) -> None:
    odoo = FakeOdoo(july, TAX_NAMES)
    ask(july, odoo)
    asked = [b for _, method, _, given in odoo.calls if method == "fusion_rerun" for b in given["billings"]]
    advance = [b for b in asked if b["reason"] == "in_advance_charge"]
    assert advance
    assert all(b["event"] for b in advance)
    assert not [b for b in asked if "event" in b and b["reason"] != "in_advance_charge"]


def test_noise_of_a_printed_double_is_no_money(july: tuple[BilledInvoice, ...]) -> None:
    noisy = answered(july[0], untaxed="0.30000000000000004", tax="0.0", total="0.30000000000000004")
    totals = odoo_invoice(july[0], [noisy], TAX_CODES).totals
    assert totals is not None
    assert totals.net_cents == 30


def test_progress_reaches_the_end(july: tuple[BilledInvoice, ...]) -> None:
    seen: list[tuple[int, int | None]] = []
    ask(july, FakeOdoo(july, TAX_NAMES), progress=lambda what, done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]


def test_shadow_drafts_are_asked_for_one_by_one_with_lagos_number(july: tuple[BilledInvoice, ...]) -> None:
    odoo = FakeOdoo(july, TAX_NAMES)
    answers = ask(july, odoo, shadow=Shadow(journal_id=9))
    kept = [arguments for _, method, _, arguments in odoo.calls if method == "fusion_rerun"]
    numbers = [i.number for i in july if i.billings]
    assert sorted(a["ref"] for a in kept) == sorted(numbers)
    assert {(a["keep"], a["journal_id"]) for a in kept} == {(True, 9)}
    assert {a.drafts for a in answers.values() if not a.outside} == {(900,)}


def test_without_the_addon_every_invoice_is_refused(july: tuple[BilledInvoice, ...]) -> None:
    answers = ask(july, FakeOdoo(july, TAX_NAMES, installed=False))
    reasons = {r.reason for a in answers.values() for r in a.refusals}
    assert reasons == {"addon_missing"}
    assert len(answers) == len(july)


def test_a_missing_order_is_refused_by_its_external_id(july: tuple[BilledInvoice, ...]) -> None:
    gone = july[0].billings[0].subscription
    answers = ask(july, FakeOdoo(july, TAX_NAMES, without_orders=frozenset({gone})))
    refused = [a for a in answers.values() if a.refusals]
    assert refused
    assert all(f"lago.subscription_{gone}" in str(a.refusals[0].detail) for a in refused)


def test_an_order_deleted_by_hand_is_missing_too(july: tuple[BilledInvoice, ...]) -> None:
    odoo = FakeOdoo(july, TAX_NAMES)
    gone = july[0].billings[0].subscription
    del odoo.partners[odoo.orders[gone]]
    refused = {r.reason for a in ask(july, odoo).values() for r in a.refusals}
    assert refused == {"order_missing"}


def test_an_order_that_ends_the_call_is_refused_alone(july: tuple[BilledInvoice, ...]) -> None:
    """As a payment term of two thousand million days does: the others are billed all the same."""
    odd = next(invoice for invoice in july if invoice.type == "subscription")
    number = FakeOdoo(july, TAX_NAMES).orders[odd.billings[0].subscription]

    class Ending(FakeOdoo):
        def call(self, model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
            if method == "fusion_rerun" and number in ids:
                raise OdooError("sale.order.fusion_rerun: days=2147483647 [builtins.OverflowError]")
            return super().call(model, method, ids, **arguments)

    answers = ask(july, Ending(july, TAX_NAMES))
    refused = {i: [r.reason for r in a.refusals] for i, a in answers.items() if a.refusals}
    concerned = {i.lago_id for i in july if i.type == "subscription" and odd.billings[0].subscription in subs(i)}
    assert (refused.keys(), refused[odd.lago_id]) == (concerned, ["rerun_failed"])
    assert "OverflowError" in str(answers[odd.lago_id].refusals[0].detail)


@pytest.mark.parametrize("may", [True, False])
def test_an_order_kept_by_a_rule_costs_its_own_invoices_and_a_right_that_lacks_ends_it(
    july: tuple[BilledInvoice, ...], may: bool
) -> None:
    odd = next(invoice for invoice in july if invoice.type == "subscription")
    number = FakeOdoo(july, TAX_NAMES).orders[odd.billings[0].subscription]

    class Ruled(FakeOdoo):
        def call(self, model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
            if method == "has_access":
                return may
            if method == "fusion_rerun" and number in ids:
                raise AccessDenied("sale.order.fusion_rerun: a rule says no")
            return super().call(model, method, ids, **arguments)

    if not may:
        with pytest.raises(AccessDenied, match="a rule says no"):
            ask(july, Ruled(july, TAX_NAMES))
        return
    refused = {i: [r.reason for r in a.refusals] for i, a in ask(july, Ruled(july, TAX_NAMES)).items() if a.refusals}
    concerned = {i.lago_id for i in july if i.type == "subscription" and odd.billings[0].subscription in subs(i)}
    assert (refused.keys(), refused[odd.lago_id]) == (concerned, ["rerun_failed"])


@pytest.mark.parametrize("kind", [Unauthorized, OutcomeUnknown, OdooUnreachable])
def test_an_odoo_that_is_not_there_is_no_refusal(july: tuple[BilledInvoice, ...], kind: type[OdooError]) -> None:
    class Away(FakeOdoo):
        def call(self, model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
            if method == "fusion_rerun":
                raise kind("gone")
            return super().call(model, method, ids, **arguments)

    hasty = Patience(seconds=0, pause=0, sleep=lambda _: None)
    with pytest.raises((kind, OdooUnreachable)):
        odoo_invoices(Door(Away(july, TAX_NAMES), hasty), july, tax_codes=TAX_CODES)


def subs(invoice: BilledInvoice) -> set[str]:
    return {billing.subscription for billing in invoice.billings}


def test_nothing_to_ask_asks_nothing(july: tuple[BilledInvoice, ...]) -> None:
    odoo = FakeOdoo(july, TAX_NAMES)
    ask(tuple(i for i in july if i.type == "one_off"), odoo)
    assert odoo.calls == []


def test_an_order_that_odoo_does_not_bill_is_zero(july: tuple[BilledInvoice, ...]) -> None:
    mine = july[0]
    answer = odoo_invoice(mine, [], TAX_CODES)
    assert answer.lines == ()
    assert answer.totals is not None
    assert answer.totals.gross_cents == 0
    assert not answer.refusals


def answered(lago: BilledInvoice, **changes: Any) -> Answer:
    odoo = FakeOdoo((lago,), TAX_NAMES)
    return {**odoo._billed(lago, 500, keep=False), **changes}


def test_the_header_is_odoos_own_and_not_the_sum_of_lines(july: tuple[BilledInvoice, ...]) -> None:
    mine = next(i for i in july if i.totals and i.totals.tax_cents and not i.totals.coupons_cents)
    answer = answered(mine, untaxed="0.40", tax="0.05", total="0.45")
    totals = odoo_invoice(mine, [answer], TAX_CODES).totals
    assert totals is not None
    assert (totals.net_cents, totals.tax_cents, totals.gross_cents) == (40, 5, 45)


def test_every_invoice_of_the_company_adds_up(snapshot: Snapshot) -> None:
    """What Lago rounds once, it rounds nowhere else: no cent of tolerance is needed."""
    for stored in snapshot.invoices:
        assert list(header_contradictions(stored)) == [], stored.number
        if stored.status == "finalized":
            notes = (note for note in snapshot.credit_notes if note.lago_invoice_id == stored.lago_id)
            assert list(open_contradictions(stored, notes)) == [], stored.number


def test_a_header_that_does_not_add_up_is_refused(snapshot: Snapshot, july: tuple[BilledInvoice, ...]) -> None:
    """The lines still compare; nobody is told a total that its own parts contradict."""
    mine = next(i for i in july if i.totals and i.totals.tax_cents)
    odd = answered(mine, untaxed="10.00", tax="1.00", total="12.00")
    odoo = odoo_invoice(mine, [odd], TAX_CODES)
    stored = next(i for i in snapshot.invoices if i.lago_id == mine.lago_id)
    wrong = replace(stored, sub_total_including_taxes_amount_cents=stored.sub_total_including_taxes_amount_cents + 1)
    (other,) = lago.lago_invoices(replace(snapshot, invoices=(wrong,)))
    for side in (odoo, other):
        assert [r.reason for r in side.refusals] == ["header_does_not_add_up"]
        assert side.totals is None
        assert side.lines
    statuses = {p.status for i in compare({"lago": {"x": other}, "odoo": {"x": mine}}) for p in i.positions}
    assert statuses == {"equal", "refused"}


def test_coupon_lines_are_coupons_and_no_fees(everything: tuple[BilledInvoice, ...]) -> None:
    mine = next(i for i in everything if i.totals and i.totals.coupons_cents)
    answer = odoo_invoice(mine, [answered(mine)], TAX_CODES)
    assert answer.totals is not None
    assert mine.totals is not None
    assert answer.totals.coupons_cents == mine.totals.coupons_cents
    assert len(answer.lines) == len(mine.lines)


def test_two_invoices_for_one_are_added_up(july: tuple[BilledInvoice, ...]) -> None:
    mine = july[0]
    answer = odoo_invoice(mine, [answered(mine, move_id=1), answered(mine, move_id=2)], TAX_CODES)
    assert answer.totals is not None
    assert mine.totals is not None
    assert answer.totals.gross_cents == 2 * mine.totals.gross_cents
    assert answer.drafts == (1, 2)


def test_what_is_billed_in_another_currency_is_not_billed_in_lagos(july: tuple[BilledInvoice, ...]) -> None:
    mine = july[0]
    answer = odoo_invoice(mine, [answered(mine, currency="XTS")], TAX_CODES)
    assert (answer.lines, answer.refusals) == ((), ())
    assert answer.totals is not None
    assert answer.totals.gross_cents == 0
    assert [foreign.currency for foreign in answer.foreign] == ["XTS"]


def test_taxes_without_a_lago_code_are_named(july: tuple[BilledInvoice, ...]) -> None:
    mine = july[0]
    taxes = {"Mystery 3%": "1.00", "Nothing 0%": "0.00"}
    answer = odoo_invoice(mine, [answered(mine, taxes=taxes)], TAX_CODES)
    assert answer.unnamed_taxes == ("Mystery 3%",)


def test_refusals_of_the_addon_come_through(july: tuple[BilledInvoice, ...]) -> None:
    said = [{"reason": "usage-missing", "detail": "no usage before 2026-06-01"}]
    answer = odoo_invoice(july[0], [answered(july[0], refusals=said)], TAX_CODES)
    assert answer.refusals[0].reason == "usage_missing", "an addon of release 0.1 spells it with hyphens"


@pytest.mark.parametrize(
    ("broken", "reason", "told"),
    [
        ({"untaxed": None}, "answer_unreadable", "update the addon"),
        ({"untaxed": "abc"}, "answer_unreadable", "update the addon"),
        ({"untaxed": "Infinity"}, "answer_unreadable", "update the addon"),
        ({"lines": None}, "answer_unreadable", "update the addon"),
        ({"lines": ["a"]}, "answer_unreadable", "update the addon"),
        ({"taxes": ["13% HST"]}, "answer_unreadable", "update the addon"),
        ({"lines": [{"key": {}}]}, "answer_unreadable", "update the addon"),
        ({"partner_id": "zz"}, "rerun_failed", "names 'zz' as an invoice's partner"),
        ({"partner_id": []}, "rerun_failed", "names [] as an invoice's partner"),
        ({"untaxed": "1.005"}, "currency_finer", "Rounding Factor of CAD (res.currency, rounding) back to 0.01"),
        ({"total": 7.097}, "currency_finer", "7.097 has more than 2 decimals of CAD"),
    ],
)
def test_an_answer_that_is_no_invoice_costs_its_invoice(
    july: tuple[BilledInvoice, ...], broken: dict[str, Any], reason: str, told: str
) -> None:
    """Named with its way out; every other invoice is compared as if nothing were."""
    sound = ask(july, FakeOdoo(july, TAX_NAMES))
    fake = FakeOdoo(july, TAX_NAMES)
    chosen = next(invoice for invoice in july if invoice.type == "subscription" and invoice.currency == "CAD")
    partner = fake.partners[fake.orders[chosen.billings[0].subscription]]
    odoo = FakeOdoo(
        july, TAX_NAMES, distort=lambda answer: {**answer, **(broken if answer["partner_id"] == partner else {})}
    )
    answers = ask(july, odoo)
    hit = {i: a.refusals for i, a in answers.items() if a != sound[i]}
    assert hit
    assert len(hit) < len(answers) / 2
    assert {r.reason for refusals in hit.values() for r in refusals} == {reason}
    assert all(told in str(r.detail) for refusals in hit.values() for r in refusals)
    assert all(answers[i].totals is None and not answers[i].lines for i in hit)


@pytest.mark.parametrize("answer", [{"error": 1}, [3], [{"lines": []}]])
def test_an_answer_that_is_no_list_of_invoices_is_an_error(july: tuple[BilledInvoice, ...], answer: object) -> None:
    odoo = FakeOdoo(july, TAX_NAMES)
    odoo._sale_order_fusion_rerun = lambda ids, **more: answer  # type: ignore[assignment,method-assign]
    with pytest.raises(OdooFactsError, match="did not answer a list of invoices"):
        ask(july, odoo)


def test_a_line_of_odoo() -> None:
    raw = odoo_line(replace(facts_line(), units=Decimal("1.234567")), "CAD")
    raw |= {"events": ["t1", "t2"], "amount_cents": "1234.5"}
    line = odoo_answers.odoo_line(raw, "CAD")
    assert (line.amount_cents, line.units, line.events) == (1235, Decimal("1.234567"), 2)
    assert line.precise_cents == Decimal("1234.5")
    tier = {"lower": Decimal(0)}
    amounts = {"units": Decimal(2), "unit_price": Decimal("1.5"), "amount": Decimal("12.35")}
    assert line.steps == (
        Step(kind=StepKind.TIER, values=tier, **amounts),  # type: ignore[arg-type]
        Step(kind=StepKind.AS_WRITTEN, values={"text": "rounded"}),
    )


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"kind": "from_tomorrow", "values": {"x": "1"}, "amount": "2"}, "from_tomorrow"),
        ({"label": "tier 0-5"}, "tier 0-5"),
    ],
)
def test_a_step_of_another_version_of_the_addon_is_kept_as_written(step: dict[str, object], text: str) -> None:
    line = odoo_answers.odoo_line({**odoo_line(facts_line(), "CAD"), "steps": [step]}, "CAD")
    assert [(s.kind, s.values) for s in line.steps] == [(StepKind.AS_WRITTEN, {"text": text})]


def facts_line() -> Any:
    from tests.reconciling.build import line

    return line(1235, "c1", group=(("a", "b"),))


def test_keys_come_as_mapping_or_as_json_text() -> None:
    key = odoo_key('{"subscription": "s", "kind": "charge", "item": "c", "group": [["b", null], ["a", "x"]]}')
    assert key == LineKey("s", "charge", "c", group=(("a", "x"), ("b", "")))
    assert odoo_key({"subscription": "s", "kind": "subscription", "item": "plan"}).item == ""


def test_no_events_said_is_not_zero_events() -> None:
    raw = {**odoo_line(facts_line(), "CAD"), "events": False, "units": None, "steps": None}
    line = odoo_answers.odoo_line(raw, "CAD")
    assert (line.events, line.units, line.steps) == (None, None, ())
