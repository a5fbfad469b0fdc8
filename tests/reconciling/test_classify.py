"""A cause is named only when recomputing under it gives the difference to the cent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from reconcile.billed import BilledInvoice, BilledLine, Refusal
from reconcile.causes.case import Candidate, Case, Proposal
from reconcile.causes.changes import (
    AddLine,
    DropCoupon,
    DropLine,
    DropTax,
    Edit,
    RepeatLine,
    RoundAmounts,
    RoundTax,
    SetLine,
    SetTaxes,
    TaxLines,
)
from reconcile.causes.knowledge import (
    Grounds,
    Knowledge,
    LagoOddities,
    LateUsage,
    LineKnowledge,
    OdooTaxes,
    OrderKnowledge,
    TaxRecord,
    grounds_of,
)
from reconcile.causes.observed import Place, Suspect
from reconcile.causes.proving import classify, second_best
from reconcile.causes.rules import CAUSES
from reconcile.compare.positions import HeaderKey, Key, compare_invoice
from reconcile.rating.header import HeaderTerms
from reconcile.rating.rules import LATEST
from reconcile.rating.tax_terms import TaxTerms
from reconcile.rating.taxes import Rounding
from reconcile.rerate.suppositions import OtherRecords
from reconcile.sides.held_terms import EarlyDiscount, HeldSettings
from reports.data import ODOO, RERATE, Evidence, Finding
from tests.causes_by_name import NAMES
from tests.reconciling.build import GST_QST, coupon, invoice, key, line, tax, terms, totals, under

LINES = (line(1003, "a", units="10", events=10), line(251, "b"), line(77, "c"))
RULES = terms(LINES)
TRUTH = invoice(*LINES)
TAX = HeaderKey("tax", "hst")


def found(
    lago: BilledInvoice,
    odoo: BilledInvoice | None,
    rerate: BilledInvoice | None = TRUTH,
    rules: HeaderTerms = RULES,
    known: Knowledge | None = None,
    tolerance: int = 0,
) -> dict[Key, tuple[Finding, ...]]:
    sides = {"lago": lago, "odoo": odoo, "rerate": rerate}
    compared = compare_invoice({n: s for n, s in sides.items() if s is not None}, tolerance_cents=tolerance)
    grounds = grounds_of(compared, rules, known or Knowledge())
    findings = classify(compared, CAUSES, grounds)
    for position in compared.positions:
        assert sum(f.delta_cents for f in findings.get(position.key, ())) == position.delta_cents
    return findings


def named(findings: Mapping[Key, tuple[Finding, ...]]) -> dict[Key, tuple[tuple[str, str, int], ...]]:
    return {key: tuple((f.cause, f.side, f.delta_cents) for f in own) for key, own in findings.items()}


def changed(*edits: Edit, rules: HeaderTerms = RULES, base: BilledInvoice = TRUTH) -> BilledInvoice:
    made = under(rules, base, edits)
    assert made.totals is not None
    return made


def test_nothing_to_explain() -> None:
    assert found(TRUTH, TRUTH) == {}


def test_missing_line_with_its_tax() -> None:
    odoo = changed(DropLine(key("b")))
    assert named(found(TRUTH, odoo)) == {
        key("b"): (("missing_line", "odoo", -251),),
        TAX: (("missing_line", "odoo", -33),),
    }


def test_the_wrong_side_may_be_lago() -> None:
    lago = changed(DropLine(key("b")))
    assert named(found(lago, TRUTH))[key("b")] == (("missing_line", "lago", 251),)


def test_duplicate_line() -> None:
    odoo = changed(RepeatLine(key("b"), 2))
    assert named(found(TRUTH, odoo))[key("b")] == (("duplicate_line", "odoo", 502),)


def test_extra_line() -> None:
    odoo = changed(AddLine(line(40, "new")))
    findings = named(found(TRUTH, odoo))
    assert findings[key("new")] == (("extra_line", "odoo", 40),)
    assert findings[TAX] == (("extra_line", "odoo", 5),)


def test_two_lines_share_the_header_to_the_cent() -> None:
    odoo = changed(DropLine(key("b")), DropLine(key("c")))
    parts = named(found(TRUTH, odoo))[TAX]
    assert [part[:2] for part in parts] == [("missing_line", "odoo")] * 2
    assert sum(cents for _, _, cents in parts) == -43


def test_tax_of_another_cause_stays_unexplained() -> None:
    """The line is missing for sure, but the tax is one cent off what that would give."""
    odoo = changed(DropLine(key("b")))
    assert odoo.totals is not None
    off = replace(odoo.totals, tax_cents=odoo.totals.tax_cents - 1, gross_cents=odoo.totals.gross_cents - 1)
    off = replace(off, taxes={"hst": off.tax_cents})
    findings = named(found(TRUTH, replace(odoo, totals=off)))
    assert findings[key("b")] == (("missing_line", "odoo", -251),)
    assert findings[TAX] == (("unexplained", "unknown", -34),)


def test_tax_rounded_per_line() -> None:
    lines = tuple(line(4, item) for item in "abc")
    rules, truth = terms(lines), invoice(*lines)
    odoo = changed(RoundTax(Rounding.LINE), rules=rules, base=truth)
    assert named(found(truth, odoo, truth, rules)) == {TAX: (("tax_rounding", "odoo", 1),)}


def test_each_tax_rounded_on_its_own_is_odoos_way() -> None:
    """5 % and 9.975 % of 10.10: 0.505 and 1.007475 make 1.51 together, but 0.51 and 1.01 one by one."""
    lines = (line(1010),)
    rules = terms(lines, taxes=GST_QST)
    truth = invoice(*lines, rules=rules)
    odoo = changed(RoundTax(Rounding.TAX), rules=rules, base=truth)
    findings = found(truth, odoo, truth, rules)
    assert named(findings) == {HeaderKey("tax_rounding"): (("tax_rounding", "odoo", 1),)}
    assert findings[HeaderKey("tax_rounding")][0].evidence[0].name == "tax_per_tax"


def test_several_coupons_missing_and_odoos_rounding_are_a_pair() -> None:
    """Neither alone gives this header. The rounding moves nothing on the whole, so only the coupons are found."""
    lines = (line(1010),)
    rules = terms(lines, [coupon("a", 100), coupon("b", 101)], taxes=GST_QST)
    truth = invoice(*lines, rules=rules)
    drops = [DropCoupon(code) for code in "ab"]
    odoo = changed(*drops, RoundTax(Rounding.TAX), rules=rules, base=truth)
    findings = found(truth, odoo, truth, rules)
    assert named(findings)[HeaderKey("coupons")] == (("coupon_missing", "odoo", 201),)
    assert {f.cause for own in findings.values() for f in own} == {"coupon_missing"}


def test_tax_missing_and_wrong() -> None:
    none = changed(DropTax("hst"))
    assert named(found(TRUTH, none)) == {TAX: (("tax_missing", "odoo", -173),)}
    other = (tax("gst", "5"),)
    wrong = changed(SetTaxes(other))
    known = Knowledge(tax_sets={"Alberta": other})
    assert named(found(TRUTH, wrong, known=known)) == {
        HeaderKey("tax", "gst"): (("tax_wrong", "odoo", 67),),
        TAX: (("tax_wrong", "odoo", -173),),
    }
    assert {f[0] for own in named(found(TRUTH, wrong)).values() for f in own} == {"unexplained"}


def test_coupon_missing_moves_the_tax_with_it() -> None:
    rules = terms(LINES, [coupon("spring", 100)])
    truth = invoice(*LINES, rules=rules)
    odoo = changed(DropCoupon("spring"), rules=rules, base=truth)
    findings = found(truth, odoo, truth, rules)
    assert named(findings) == {
        HeaderKey("coupons"): (("coupon_missing", "odoo", 100),),
        TAX: (("coupon_missing", "odoo", 13),),
    }
    assert findings[TAX][0].evidence[0].values["coupon"] == "spring"


def test_two_header_causes_together() -> None:
    lines = tuple(line(4, item) for item in "abcdefg")
    rules = terms(lines, [coupon("spring", 9)])
    truth = invoice(*lines, rules=rules)
    two: tuple[Edit, ...] = (DropCoupon("spring"), RoundTax(Rounding.LINE))
    odoo = changed(*two, rules=rules, base=truth)
    findings = named(found(truth, odoo, truth, rules))
    assert [f[0] for f in findings[TAX]] == ["coupon_missing", "tax_rounding"]


def test_records_that_differ_are_taken_together_however_many() -> None:
    """Two coupons that an order lacks, and the way Odoo rounds: no pair of them gives this header."""
    lines = tuple(line(4, item) for item in "abcdefg")
    rules = terms(lines, [coupon("spring", 9), coupon("winter", 8)])
    truth = invoice(*lines, rules=rules)
    edits: tuple[Edit, ...] = (DropCoupon("spring"), DropCoupon("winter"), RoundTax(Rounding.LINE))
    odoo = changed(*edits, rules=rules, base=truth)
    compared = compare_invoice({"lago": truth, "odoo": odoo, "rerate": truth})
    grounds = grounds_of(compared, rules, Knowledge())
    case = Case(
        invoice=compared,
        baseline_side=RERATE,
        subject_side=ODOO,
        deviation=compared.deviation(ODOO),
        grounds=grounds,
    )
    heads = [Candidate(f"cause {n}", Proposal(changes=(edit,), observed=True)) for n, edit in enumerate(edits)]
    assert second_best(case, [], heads, ()) == heads
    guessed = [*heads[:2], Candidate("cause 2", replace(heads[2].proposal, observed=False))]
    assert second_best(case, [], guessed, ()) != guessed


def test_a_header_cause_next_to_something_unexplained() -> None:
    """The coupon explains its own part; an adjustment that nobody can recompute stays open."""
    rules = terms(LINES, [coupon("spring", 100)])
    truth = invoice(*LINES, rules=rules)
    odoo = changed(DropCoupon("spring"), rules=rules, base=truth)
    assert odoo.totals is not None
    off = replace(odoo.totals, net_cents=odoo.totals.net_cents + 2, gross_cents=odoo.totals.gross_cents + 2)
    findings = named(found(truth, replace(odoo, totals=off), truth, rules))
    assert findings[HeaderKey("coupons")] == (("coupon_missing", "odoo", 100),)
    assert findings[HeaderKey("adjustment")] == (("unexplained", "unknown", 2),)


def test_settlement_not_applied() -> None:
    truth = invoice(*LINES, header=replace(totals(LINES), prepaid_cents=500, total_cents=1004))
    odoo = invoice(*LINES)
    assert named(found(truth, odoo, truth)) == {HeaderKey("prepaid"): (("settlement_missing", "odoo", 500),)}


def test_whole_subscription_is_one_cause() -> None:
    odoo = changed(*(DropLine(key(item)) for item in "abc"))
    findings = found(TRUTH, odoo)
    assert {f.cause for own in findings.values() for f in own} == {"subscription_state"}


def test_subscription_billed_on_one_side_only() -> None:
    extra = [line(10, "x", subscription="s9"), line(20, "y", subscription="s9")]
    odoo = changed(*(AddLine(one) for one in extra))
    causes = {f.cause for own in found(TRUTH, odoo).values() for f in own}
    assert causes == {"subscription_state"}


def test_invoice_that_odoo_does_not_make_at_all() -> None:
    findings = found(TRUTH, None)
    assert findings[key("a")][0].cause == "subscription_state"


def test_what_the_migration_left_out_comes_before_a_missing_line() -> None:
    odoo = changed(DropLine(key("b")))
    findings = found(TRUTH, odoo, known=Knowledge(lines={key("b"): LineKnowledge(unmapped="custom_aggregation")}))
    assert findings[key("b")][0].cause == "mapping_gap"
    assert findings[TAX][0].cause == "mapping_gap"


def test_a_line_that_is_there_was_not_left_out_by_the_migration() -> None:
    """Even one that bills nothing, which moves the invoice by just as much."""
    odoo = under_same(replace(line(251, "b"), amount_cents=0, precise_cents=None))
    findings = found(TRUTH, odoo, known=Knowledge(lines={key("b"): LineKnowledge(unmapped="custom_aggregation")}))
    assert "mapping_gap" not in {f.cause for own in findings.values() for f in own}


def test_a_discount_is_that_of_one_line() -> None:
    """Of two that share a key nobody knows which was rated: no half of the price, although it fits to the cent."""
    halves = [replace(line(cents, "b"), discount=Decimal(50), precise_cents=None) for cents in (63, 63)]
    findings = found(TRUTH, under_same(*halves))
    assert "discount" not in {f.cause for own in findings.values() for f in own}
    (one,) = found(TRUTH, under_same(replace(halves[0], amount_cents=126)))[key("b")]
    assert (one.cause, one.proven) == ("discount", True), "on a single line it is"


def under_same(*lines: BilledLine) -> BilledInvoice:
    """Odoo's invoice, with these in the place of line b."""
    return changed(base=invoice(LINES[0], *lines, LINES[2]))


def reprice(units: Decimal) -> int | None:
    """10 units cost 1003; each unit less takes 100 off."""
    return int(1003 - (10 - units) * 100)


@pytest.mark.parametrize(("units", "cents", "cause"), [("9", 903, "missing_usage"), ("12", 1203, "extra_usage")])
def test_usage(units: str, cents: int, cause: str) -> None:
    odoo = invoice(line(cents, "a", units=units), *LINES[1:])
    findings = found(TRUTH, odoo, known=Knowledge(lines={key("a"): LineKnowledge(reprice=reprice)}))
    assert named(findings)[key("a")] == ((cause, "odoo", cents - 1003),)
    assert findings[key("a")][0].evidence[0].values["theirs"] == Decimal(units)


def test_usage_that_the_price_does_not_confirm_is_not_named() -> None:
    odoo = invoice(line(902, "a", units="9"), *LINES[1:])
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=reprice)})
    assert named(found(TRUTH, odoo, known=known))[key("a")][0][0] == "unexplained"


def test_usage_needs_a_price_that_confirms_the_right_side_too() -> None:
    odoo = invoice(line(903, "a", units="9"), *LINES[1:])
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: 903)})
    assert named(found(TRUTH, odoo, known=known))[key("a")][0][0] == "unexplained"


def test_a_line_that_is_not_there_is_no_proof_of_missing_usage() -> None:
    """Nothing says why: its usage may be missing, or its charge."""
    odoo = changed(DropLine(key("a")))
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: 1003 if units else 0)})
    assert named(found(TRUTH, odoo, known=known))[key("a")] == (("missing_line", "odoo", -1003),)


def test_price_dates_and_late_events() -> None:
    odoo = invoice(line(1103, "a", units="10"), line(240, "b"), line(70, "c"))
    known = Knowledge(
        lines={
            key("a"): LineKnowledge(prices={"plan pro": 1103}),
            key("b"): LineKnowledge(other_days={"2026-07-03": 240}),
            key("c"): LineKnowledge(late=LateUsage(cents=70, events=2)),
        }
    )
    findings = found(TRUTH, odoo, known=known)
    assert [findings[key(item)][0].cause for item in "abc"] == ["price", "plan_change_date", "late_events"]


def test_hints_that_miss_by_a_cent_name_nothing() -> None:
    odoo = invoice(line(1104, "a", units="10"), *LINES[1:])
    known = Knowledge(lines={key("a"): LineKnowledge(prices={"plan pro": 1103})})
    assert named(found(TRUTH, odoo, known=known))[key("a")][0][0] == "unexplained"


def test_all_three_differ_and_each_side_has_its_own_cause() -> None:
    lago = changed(DropLine(key("b")))
    odoo = changed(RepeatLine(key("b"), 1))
    assert named(found(lago, odoo))[key("b")] == (("missing_line", "lago", 251), ("duplicate_line", "odoo", 251))


def test_both_sides_off_alike_is_a_matter_of_the_model() -> None:
    both = changed(DropLine(key("b")))
    assert found(both, both) == {}


def test_without_a_re_rate_the_wrong_side_is_not_known() -> None:
    odoo = changed(DropLine(key("b")))
    assert named(found(TRUTH, odoo, rerate=None))[key("b")] == (("missing_line", "unknown", -251),)


def test_a_re_rate_that_refuses_does_not_vote() -> None:
    refusing = replace(TRUTH, totals=None, refusals=(Refusal(reason="adjusted_fee", detail="x"),))
    odoo = changed(DropLine(key("b")))
    assert named(found(TRUTH, odoo, rerate=refusing))[key("b")][0][1] == "unknown"


def test_within_the_tolerance_is_said() -> None:
    odoo = invoice(line(1004, "a", units="10"), *LINES[1:])
    findings = named(found(TRUTH, odoo, tolerance=1))
    assert findings[key("a")] == (("tolerated", "unknown", 1),)


def test_grouped_lines_are_repriced_as_one() -> None:
    lines = (line(60, "a", group=(("z", "1"),), units="6"), line(40, "a", group=(("z", "2"),), units="4"))
    rules, truth = terms(lines), invoice(*lines)
    odoo = invoice(line(90, "a", units="9"))
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: int(units * 10))})
    assert named(found(truth, odoo, truth, rules, known))[key("a")] == (("missing_usage", "odoo", -10),)


def test_an_unknown_change_proves_nothing() -> None:
    compared = compare_invoice({"lago": TRUTH, "odoo": changed(DropLine(key("b"))), "rerate": TRUTH})
    findings = classify(compared, CAUSES, Grounds())
    assert {f.cause for own in findings.values() for f in own} == {"unexplained"}


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


MINIMUM = (line(300, "a", units="3"), line(700, "a", kind="true_up"), line(77, "c"))


def test_a_charge_minimum_follows_its_charge() -> None:
    """3 units cost 300 and the minimum tops up to 1000: with 2 units missing the top-up grows by as much."""
    rules, truth = terms(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(100, "a", units="1"), line(900, "a", kind="true_up"), line(77, "c"))
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: int(units * 100))})
    findings = named(found(truth, odoo, truth, rules, known))
    assert findings == {
        key("a"): (("missing_usage", "odoo", -200),),
        key("a", kind="true_up"): (("missing_usage", "odoo", 200),),
    }


def test_a_charge_minimum_that_is_passed_ends() -> None:
    rules, truth = terms(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(1200, "a", units="12"), line(77, "c"))
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: int(units * 100))})
    findings = named(found(truth, odoo, truth, rules, known))
    assert findings[key("a", kind="true_up")] == (("extra_usage", "odoo", -700),)


def test_a_charge_minimum_that_does_not_follow_is_a_difference_of_its_own() -> None:
    rules, truth = terms(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(100, "a", units="1"), line(700, "a", kind="true_up"), line(77, "c"))
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: int(units * 100))})
    assert named(found(truth, odoo, truth, rules, known))[key("a")] == (("missing_usage", "odoo", -200),)


def test_a_missing_charge_leaves_its_minimum_to_pay() -> None:
    rules, truth = terms(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(1000, "a", kind="true_up"), line(77, "c"))
    findings = named(found(truth, odoo, truth, rules))
    assert findings[key("a", kind="true_up")] == (("missing_line", "odoo", 300),)


def test_an_extra_line_of_a_charge_is_topped_up_less() -> None:
    rules, truth = terms(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(*MINIMUM[::2], line(50, "a", filter="f"), line(650, "a", kind="true_up"))
    findings = named(found(truth, odoo, truth, rules))
    assert findings[key("a", filter="f")] == (("extra_line", "odoo", 50),)
    assert findings[key("a", kind="true_up")] == (("extra_line", "odoo", -50),)


def test_late_usage_of_a_line_that_would_not_exist_otherwise() -> None:
    odoo = changed(AddLine(line(40, "new")))
    known = Knowledge(lines={key("new"): LineKnowledge(late=LateUsage(cents=40, events=1))})
    assert named(found(TRUTH, odoo, known=known))[key("new")] == (("late_events", "odoo", 40),)
    known = Knowledge(lines={key("new"): LineKnowledge(late=LateUsage(cents=41, events=1))})
    assert named(found(TRUTH, odoo, known=known))[key("new")] == (("extra_line", "odoo", 40),)


def test_late_usage_that_leaves_nothing_to_bill() -> None:
    odoo = changed(DropLine(key("b")))
    known = Knowledge(lines={key("b"): LineKnowledge(late=LateUsage(cents=0, events=1))})
    assert named(found(TRUTH, odoo, known=known))[key("b")] == (("late_events", "odoo", -251),)


@pytest.mark.parametrize(("events", "proven"), [(2, True), (0, False)])
def test_late_usage_is_proven_by_an_event_that_came_late(events: int, proven: bool) -> None:
    """An amount that fits without one is no proof: Lago's events say when they arrived."""
    odoo = invoice(*LINES[:2], line(70, "c"))
    known = Knowledge(lines={key("c"): LineKnowledge(late=LateUsage(cents=70, events=events))})
    (finding,) = found(TRUTH, odoo, known=known)[key("c")]
    assert (finding.cause, finding.proven) == ("late_events", proven)


def test_all_taxes_gone_are_missing_and_not_swapped_for_zero() -> None:
    rules = terms(LINES, taxes=GST_QST)
    truth = invoice(*LINES, rules=rules)
    odoo = changed(SetTaxes(()), rules=rules, base=truth)
    known = Knowledge(tax_sets={"zero": (tax("zero", "0"),)})
    findings = found(truth, odoo, truth, rules, known)
    assert {f.cause for own in findings.values() for f in own} == {"tax_missing"}
    assert {f.evidence[0].values["tax"] for own in findings.values() for f in own} == {"gst, qst"}


# --- a proof needs a record or a setting -------------------------------------------------------------------------

SETTINGS = HeldSettings(per_line=False, rounding={"CAD": Decimal("0.01")}, price_digits=2)
ON_LINES = {one.key: RULES.taxes[one.key] for one in LINES}


def orders(**more: Any) -> Knowledge:
    return Knowledge(orders=OrderKnowledge(rules=LATEST, settings=SETTINGS, **more))


def test_amounts_alone_are_a_candidate() -> None:
    odoo = changed(DropTax("hst"))
    (finding,) = found(TRUTH, odoo)[TAX]
    assert (finding.cause, finding.proven) == ("tax_missing", False)
    assert [e.name for e in finding.evidence] == ["no_tax", "amounts_only"]


def test_what_the_records_contradict_is_never_named() -> None:
    """The tax stands on all of Odoo's lines: whatever took the cents off, it is not a missing tax."""
    odoo = changed(DropTax("hst"))
    findings = found(TRUTH, odoo, known=orders(taxes=OdooTaxes(on_lines=ON_LINES)))
    assert {f.cause for own in findings.values() for f in own} == {"unexplained"}


def test_the_rounding_of_taxes_is_proven_by_the_setting() -> None:
    lines = tuple(line(50, item) for item in "abc")  # 13 % of each is 6.5 cents
    rules, truth = terms(lines), invoice(*lines)
    per_line = changed(RoundTax(Rounding.LINE), rules=rules, base=truth)
    setting = OrderKnowledge(rules=LATEST, settings=replace(SETTINGS, per_line=True))
    known = Knowledge(orders=setting)
    findings = [f for own in found(truth, per_line, truth, rules, known).values() for f in own]
    assert {(f.cause, f.proven) for f in findings} == {("tax_rounding", True)}
    otherwise = [f for own in found(truth, per_line, truth, rules, orders()).values() for f in own]
    assert {f.cause for f in otherwise} == {"unexplained"}


def suspect(cause: str, field: str) -> Suspect:
    """A field of Odoo's order that is not Lago's, under which nothing can be re-rated here."""
    place = Place("sale.order", "S1", field)
    return Suspect(cause=cause, place=place, lago="14", odoo="none", suppose=OtherRecords(changes=()))


def test_the_one_record_that_differs_is_a_candidate_for_what_is_left() -> None:
    """Its amounts do not come out, so that it is no proof; with two of them nobody can tell."""
    odoo = changed(SetLine(key("b"), 300))
    trial = suspect("trial", "fusion_trial_days")
    findings = found(TRUTH, odoo, known=orders(suspects=(trial,), read=frozenset({"s1"})))
    assert {(f.cause, f.side, f.proven) for own in findings.values() for f in own} == {("trial", "odoo", False)}
    (finding,) = findings[key("b")]
    assert finding.remedy == Evidence(
        name="mend_field", values={"where": "sale.order S1", "what": "fusion_trial_days", "lago": "14"}
    )
    coupon = replace(suspect("coupon_missing", "fusion_coupons"), header=True)
    beside = found(TRUTH, odoo, known=orders(suspects=(trial, coupon), read=frozenset({"s1"})))
    assert [f.cause for f in beside[key("b")]] == ["trial"], "a coupon moves no line"
    several = orders(suspects=(trial, suspect("price", "fusion_plan_amount")), read=frozenset({"s1"}))
    assert {f.cause for own in found(TRUTH, odoo, known=several).values() for f in own} == {"unexplained"}


TWO = terms(LINES, taxes=GST_QST)
TRUTH_OF_TWO = invoice(*LINES, rules=TWO)


def by_records(odoo: BilledInvoice, **records: TaxTerms) -> set[tuple[str, str, bool, str]]:
    """What is found where Odoo's lines bear GST and QST with these terms: cause, side, proven, where it is mended."""
    named_ones = {code: TaxRecord(label=f"{code} (7)", terms=terms) for code, terms in records.items()}
    known = orders(taxes=OdooTaxes(on_lines=TWO.taxes, records=named_ones))
    findings = found(TRUTH_OF_TWO, odoo, TRUTH_OF_TWO, TWO, known)
    return {
        (f.cause, f.side, f.proven, str(f.remedy.values.get("what", "")) if f.remedy else "")
        for own in findings.values()
        for f in own
    }


def of_odoo(net: Sequence[int], header: int, gst: int, qst: int) -> BilledInvoice:
    """Odoo's invoice with these amounts."""
    lines = tuple(replace(one, amount_cents=cents) for one, cents in zip(LINES, net, strict=True))
    taxes = {"gst": gst, "qst": qst}
    made = replace(totals(lines, TWO), fees_cents=header, net_cents=header, tax_cents=gst + qst, taxes=taxes)
    return invoice(*lines, header=replace(made, gross_cents=header + gst + qst, total_cents=header + gst + qst))


def test_a_part_of_a_group_that_is_included_in_the_price_is_proven_by_its_record() -> None:
    """1003 + 251 + 77, GST in the price: 955.24 + 239.05 + 73.33 is 1267.62 net; 63.38 GST, 126.45 QST."""
    odoo = of_odoo((955, 239, 73), 1268, 63, 126)
    said = by_records(odoo, gst=TaxTerms(included=True, place=(1, 1)), qst=TaxTerms(place=(2, 2)))
    assert said == {("tax_included", "odoo", True, "")}
    assert ("tax_included", "odoo", True, "") not in by_records(odoo, gst=TaxTerms(), qst=TaxTerms(place=(2, 2)))


def test_a_copy_of_a_tax_that_is_included_in_the_price_is_proven_by_its_record() -> None:
    """The copy stands for none of Lago's codes, so that the taxes are one position: the same amounts as above."""
    odoo = of_odoo((955, 239, 73), 1268, 63, 126)
    header = odoo.totals
    assert header
    odoo = replace(odoo, unnamed_taxes=("copy",), totals=replace(header, taxes={"copy": 63, "qst": 126}))
    copies = {key: (replace(gst, code="copy"), qst) for key, (gst, qst) in TWO.taxes.items()}

    def said(included: bool) -> set[tuple[str, bool]]:
        terms = {"copy": TaxTerms(included=included, place=(1, 1)), "qst": TaxTerms(place=(2, 2))}
        records = {code: TaxRecord(label=f"{code} (7)", terms=one) for code, one in terms.items()}
        known = orders(taxes=OdooTaxes(on_lines=copies, records=records))
        of_all = found(TRUTH_OF_TWO, odoo, TRUTH_OF_TWO, TWO, known).values()
        return {(f.cause, f.proven) for of_position in of_all for f in of_position}

    assert said(included=True) == {("tax_included", True)}
    assert ("tax_included", True) not in said(included=False)


def test_a_tax_on_the_tax_is_proven_by_its_record() -> None:
    """GST of 1331 is 66.55; QST is computed on 1397.55: 139.41."""
    odoo = of_odoo((1003, 251, 77), 1331, 67, 139)
    said = by_records(odoo, gst=TaxTerms(on_next=True, place=(1, 1)), qst=TaxTerms(place=(2, 2)))
    assert said == {("tax_wrong", "odoo", True, "include_base_amount")}
    assert not {proven for _, _, proven, _ in by_records(odoo, gst=TaxTerms(), qst=TaxTerms(place=(2, 2)))} & {True}


def test_a_tax_of_a_fixed_amount_is_proven_by_its_record() -> None:
    """5.00 on each of three lines."""
    odoo = of_odoo((1003, 251, 77), 1331, 1500, 133)
    said = by_records(odoo, gst=TaxTerms(kind="fixed", place=(1, 1)), qst=TaxTerms(place=(2, 2)))
    assert said == {("tax_wrong", "odoo", True, "amount_type")}


def test_another_rate_in_the_tax_record_is_mended_there_and_not_in_the_mapping() -> None:
    odoo = changed(TaxLines({one.key: (tax("hst", "14"),) for one in LINES}))
    on_lines = {one.key: (tax("hst", "14"),) for one in LINES}
    record = TaxRecord(label="13% HST (7)", terms=TaxTerms())
    (finding,) = found(TRUTH, odoo, known=orders(taxes=OdooTaxes(on_lines=on_lines, records={"hst": record})))[TAX]
    assert (finding.cause, finding.proven) == ("tax_wrong", True)
    assert finding.remedy == Evidence(
        name="mend_field", values={"where": "account.tax 13% HST (7)", "what": "amount", "lago": "13"}
    )


def test_lines_of_a_tax_that_cancel_out_are_mended_there_and_not_its_rate() -> None:
    on_lines = {one.key: (tax("hst", "0"),) for one in LINES}
    record = TaxRecord(label="13% HST (7)", terms=TaxTerms(), share=Decimal(0))
    held = OdooTaxes(on_lines=on_lines, records={"hst": record})
    known = orders(taxes=held, lago=LagoOddities(todays_taxes=RULES.taxes))
    (finding,) = found(TRUTH, changed(TaxLines(on_lines)), known=known)[TAX]
    assert (finding.cause, finding.proven) == ("tax_wrong", True)
    remedy = Evidence(name="mend_repartition", values={"where": "account.tax 13% HST (7)", "share": Decimal(0)})
    assert finding.remedy == remedy


def test_an_early_discount_lowers_the_taxes_by_the_term_that_gives_it() -> None:
    """As a real Odoo bills 103.10: GST 5.05 (of 101.04) and QST 10.08, where Lago has 5.16 and 10.28."""
    lines = tuple(line(cents, name) for cents, name in ((4900, "a"), (3500, "b"), (1910, "c")))
    rules = terms(lines, taxes=GST_QST)
    truth = invoice(*lines, rules=rules)
    header = truth.totals
    assert header
    assert header.taxes == {"gst": 516, "qst": 1028}
    less = replace(header, taxes={"gst": 505, "qst": 1008}, tax_cents=1513, gross_cents=11823, total_cents=11823)
    odoo = replace(truth, totals=less)

    def said(*early: EarlyDiscount) -> set[tuple[str, bool, str]]:
        known = orders(taxes=OdooTaxes(on_lines=rules.taxes), names={"s1": "S1"}, early=early)
        findings = [f for own in found(truth, odoo, truth, rules, known).values() for f in own]
        return {(f.cause, f.proven, str(f.remedy.values["where"]) if f.remedy else "") for f in findings}

    assert said(EarlyDiscount("2/10", Decimal(2))) == {("early_discount", True, "sale.order S1")}
    assert "early_discount" not in {cause for cause, _, _ in (*said(), *said(EarlyDiscount("3/10", Decimal(3))))}


def test_terms_that_move_nothing_are_no_cause() -> None:
    """The last tax has none after it: that the next ones would be computed on it says nothing of a rounding."""
    odoo = of_odoo((1003, 251, 77), 1331, 67, 134)
    said = by_records(odoo, gst=TaxTerms(place=(1, 1)), qst=TaxTerms(on_next=True, place=(2, 2)))
    assert "tax_wrong" not in {cause for cause, _, _, _ in said}


def test_a_currency_with_a_coarser_step_is_proven_by_its_setting() -> None:
    odoo = changed(RoundAmounts(5))
    coarse = OrderKnowledge(rules=LATEST, settings=replace(SETTINGS, rounding={"CAD": Decimal("0.05")}))
    findings = [f for own in found(TRUTH, odoo, known=Knowledge(orders=coarse)).values() for f in own]
    assert {(f.cause, f.proven) for f in findings} == {("currency_rounding", True)}
    fine = [f for own in found(TRUTH, odoo, known=orders()).values() for f in own]
    assert "currency_rounding" not in {f.cause for f in fine}
    assert not any(f.proven for f in fine if f.cause in ("line_rounding", "price_precision"))


@pytest.mark.parametrize(
    ("digits", "cents", "is_named"), [(1, 250, True), (0, 300, True), (0, 250, False), (2, 250, False), (3, 250, False)]
)
def test_digits_of_prices_are_those_of_odoos_setting(digits: int, cents: int, is_named: bool) -> None:
    """2.51 with prices of one digit is 2.50; a setting that keeps two cannot have cut it, whatever the amount."""
    odoo = changed(SetLine(key("b"), cents))
    cut = [replace(own, precise_cents=Decimal(251)) if own.key == key("b") else own for own in odoo.lines]
    known = Knowledge(orders=OrderKnowledge(rules=LATEST, settings=replace(SETTINGS, price_digits=digits)))
    findings = [f for own in found(TRUTH, replace(odoo, lines=tuple(cut)), known=known).values() for f in own]
    named = {(f.cause, f.proven) for f in findings if f.cause == "price_precision"}
    assert named == ({("price_precision", True)} if is_named else set())
