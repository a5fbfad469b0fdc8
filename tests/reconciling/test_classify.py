"""A cause is named only when recomputing under it gives the difference to the cent."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from reconcile.causes import CAUSES, NAMES
from reconcile.classify import classify
from reconcile.compare import HeaderKey, Key, compare_invoice
from reconcile.lines import BilledInvoice, LineKey, Refusal
from reconcile.whatif import Bill, Change, CouponUse, LineTax, recompute
from reports.data import Finding
from tests.reconciling.build import bill, invoice, key, line, totals

LINES = (line(1003, "a", units="10", events=10), line(251, "b"), line(77, "c"))
RULES = bill(LINES)
TRUTH = invoice(*LINES)
TAX = HeaderKey("tax", "hst")


def found(
    lago: BilledInvoice,
    odoo: BilledInvoice | None,
    rerate: BilledInvoice | None = TRUTH,
    rules: Bill = RULES,
    hints: Mapping[LineKey, Mapping[str, object]] | None = None,
    tolerance: int = 0,
) -> dict[Key, tuple[Finding, ...]]:
    sides = {"lago": lago, "odoo": odoo, "rerate": rerate}
    compared = compare_invoice({n: s for n, s in sides.items() if s is not None}, tolerance_cents=tolerance)
    findings = classify(
        compared, CAUSES, lambda base, changes: recompute(rules, base, changes), bill=rules, hints=hints
    )
    for position in compared.positions:
        assert sum(f.delta_cents for f in findings.get(position.key, ())) == position.delta_cents
    return findings


def named(findings: Mapping[Key, tuple[Finding, ...]]) -> dict[Key, tuple[tuple[str, str, int], ...]]:
    return {key: tuple((f.cause, f.side, f.delta_cents) for f in own) for key, own in findings.items()}


def changed(*changes: Change, rules: Bill = RULES, base: BilledInvoice = TRUTH) -> BilledInvoice:
    made = recompute(rules, base, changes)
    assert made is not None
    assert made.totals is not None
    return made


def test_nothing_to_explain() -> None:
    assert found(TRUTH, TRUTH) == {}


def test_missing_line_with_its_tax() -> None:
    odoo = changed(Change(name="drop_line", key=key("b")))
    assert named(found(TRUTH, odoo)) == {
        key("b"): (("missing_line", "odoo", -251),),
        TAX: (("missing_line", "odoo", -33),),
    }


def test_the_wrong_side_may_be_lago() -> None:
    lago = changed(Change(name="drop_line", key=key("b")))
    assert named(found(lago, TRUTH))[key("b")] == (("missing_line", "lago", 251),)


def test_duplicate_line() -> None:
    odoo = changed(Change(name="repeat_line", key=key("b"), values={"times": 2}))
    assert named(found(TRUTH, odoo))[key("b")] == (("duplicate_line", "odoo", 502),)


def test_extra_line() -> None:
    odoo = changed(Change(name="add_line", values={"line": line(40, "new")}))
    findings = named(found(TRUTH, odoo))
    assert findings[key("new")] == (("extra_line", "odoo", 40),)
    assert findings[TAX] == (("extra_line", "odoo", 5),)


def test_two_lines_share_the_header_to_the_cent() -> None:
    odoo = changed(Change(name="drop_line", key=key("b")), Change(name="drop_line", key=key("c")))
    parts = named(found(TRUTH, odoo))[TAX]
    assert [part[:2] for part in parts] == [("missing_line", "odoo")] * 2
    assert sum(cents for _, _, cents in parts) == -43


def test_tax_of_another_cause_stays_unexplained() -> None:
    """The line is missing for sure, but the tax is one cent off what that would give."""
    odoo = changed(Change(name="drop_line", key=key("b")))
    assert odoo.totals is not None
    off = replace(odoo.totals, tax_cents=odoo.totals.tax_cents - 1, gross_cents=odoo.totals.gross_cents - 1)
    off = replace(off, taxes={"hst": off.tax_cents})
    findings = named(found(TRUTH, replace(odoo, totals=off)))
    assert findings[key("b")] == (("missing_line", "odoo", -251),)
    assert findings[TAX] == (("unexplained", "unknown", -34),)


def test_tax_rounded_per_line() -> None:
    lines = tuple(line(4, item) for item in "abc")
    rules, truth = bill(lines), invoice(*lines)
    odoo = changed(Change(name="round_tax", values={"per": "line"}), rules=rules, base=truth)
    assert named(found(truth, odoo, truth, rules)) == {TAX: (("tax_rounding", "odoo", 1),)}


def test_each_tax_rounded_on_its_own_is_odoos_way() -> None:
    """5 % and 9.975 % of 10.10: 0.505 and 1.007475 make 1.51 together, but 0.51 and 1.01 one by one."""
    two = (LineTax("gst", Decimal(5)), LineTax("qst", Decimal("9.975")))
    lines = (line(1010),)
    rules = bill(lines, taxes=two)
    truth = invoice(*lines, rules=rules)
    odoo = changed(Change(name="round_tax", values={"per": "tax"}), rules=rules, base=truth)
    findings = found(truth, odoo, truth, rules)
    assert named(findings) == {HeaderKey("tax_rounding"): (("tax_rounding", "odoo", 1),)}
    assert findings[HeaderKey("tax_rounding")][0].evidence[0].name == "tax_per_tax"


def test_several_coupons_missing_and_odoos_rounding_are_a_pair() -> None:
    """Neither alone gives this header. The rounding moves nothing on the whole, so only the coupons are found."""
    two = (LineTax("gst", Decimal(5)), LineTax("qst", Decimal("9.975")))
    lines = (line(1010),)
    rules = bill(lines, [CouponUse(code="a", cents=100), CouponUse(code="b", cents=101)], taxes=two)
    truth = invoice(*lines, rules=rules)
    drops = [Change(name="drop_coupon", values={"code": code}) for code in "ab"]
    odoo = changed(*drops, Change(name="round_tax", values={"per": "tax"}), rules=rules, base=truth)
    findings = found(truth, odoo, truth, rules)
    assert named(findings)[HeaderKey("coupons")] == (("coupon_missing", "odoo", 201),)
    assert {f.cause for own in findings.values() for f in own} == {"coupon_missing"}


def test_tax_missing_and_wrong() -> None:
    none = changed(Change(name="drop_tax", values={"code": "hst"}))
    assert named(found(TRUTH, none)) == {TAX: (("tax_missing", "odoo", -173),)}
    other = (LineTax("gst", Decimal(5)),)
    wrong = changed(Change(name="set_taxes", values={"taxes": other}))
    hints = {LineKey("", "tax", ""): {"Alberta": other}}
    assert named(found(TRUTH, wrong, hints=hints)) == {
        HeaderKey("tax", "gst"): (("tax_wrong", "odoo", 67),),
        TAX: (("tax_wrong", "odoo", -173),),
    }
    assert {f[0] for own in named(found(TRUTH, wrong)).values() for f in own} == {"unexplained"}


def test_coupon_missing_moves_the_tax_with_it() -> None:
    rules = bill(LINES, [CouponUse(code="spring", cents=100)])
    truth = invoice(*LINES, rules=rules)
    odoo = changed(Change(name="drop_coupon", values={"code": "spring"}), rules=rules, base=truth)
    findings = found(truth, odoo, truth, rules)
    assert named(findings) == {
        HeaderKey("coupons"): (("coupon_missing", "odoo", 100),),
        TAX: (("coupon_missing", "odoo", 13),),
    }
    assert findings[TAX][0].evidence[0].values["coupon"] == "spring"


def test_two_header_causes_together() -> None:
    lines = tuple(line(4, item) for item in "abcdefg")
    rules = bill(lines, [CouponUse(code="spring", cents=9)])
    truth = invoice(*lines, rules=rules)
    two = (Change(name="drop_coupon", values={"code": "spring"}), Change(name="round_tax", values={"per": "line"}))
    odoo = changed(*two, rules=rules, base=truth)
    findings = named(found(truth, odoo, truth, rules))
    assert [f[0] for f in findings[TAX]] == ["coupon_missing", "tax_rounding"]


def test_a_header_cause_next_to_something_unexplained() -> None:
    """The coupon explains its own part; an adjustment that nobody can recompute stays open."""
    rules = bill(LINES, [CouponUse(code="spring", cents=100)])
    truth = invoice(*LINES, rules=rules)
    odoo = changed(Change(name="drop_coupon", values={"code": "spring"}), rules=rules, base=truth)
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
    odoo = changed(*(Change(name="drop_line", key=key(item)) for item in "abc"))
    findings = found(TRUTH, odoo)
    assert {f.cause for own in findings.values() for f in own} == {"subscription_state"}


def test_subscription_billed_on_one_side_only() -> None:
    extra = [line(10, "x", subscription="s9"), line(20, "y", subscription="s9")]
    odoo = changed(*(Change(name="add_line", values={"line": one}) for one in extra))
    causes = {f.cause for own in found(TRUTH, odoo).values() for f in own}
    assert causes == {"subscription_state"}


def test_invoice_that_odoo_does_not_make_at_all() -> None:
    findings = found(TRUTH, None)
    assert findings[key("a")][0].cause == "subscription_state"


def test_what_the_migration_left_out_comes_before_a_missing_line() -> None:
    odoo = changed(Change(name="drop_line", key=key("b")))
    findings = found(TRUTH, odoo, hints={key("b"): {"unmapped": "custom-aggregation"}})
    assert findings[key("b")][0].cause == "mapping_gap"
    assert findings[TAX][0].cause == "mapping_gap"


def reprice(units: Decimal) -> int | None:
    """10 units cost 1003; each unit less takes 100 off."""
    return int(1003 - (10 - units) * 100)


@pytest.mark.parametrize(("units", "cents", "cause"), [("9", 903, "missing_usage"), ("12", 1203, "extra_usage")])
def test_usage(units: str, cents: int, cause: str) -> None:
    odoo = invoice(line(cents, "a", units=units), *LINES[1:])
    findings = found(TRUTH, odoo, hints={key("a"): {"reprice": reprice}})
    assert named(findings)[key("a")] == ((cause, "odoo", cents - 1003),)
    assert findings[key("a")][0].evidence[0].values["theirs"] == Decimal(units)


def test_usage_that_the_price_does_not_confirm_is_not_named() -> None:
    odoo = invoice(line(902, "a", units="9"), *LINES[1:])
    assert named(found(TRUTH, odoo, hints={key("a"): {"reprice": reprice}}))[key("a")][0][0] == "unexplained"


def test_usage_needs_a_price_that_confirms_the_right_side_too() -> None:
    odoo = invoice(line(903, "a", units="9"), *LINES[1:])
    hints = {key("a"): {"reprice": lambda units: 903}}
    assert named(found(TRUTH, odoo, hints=hints))[key("a")][0][0] == "unexplained"


def test_a_line_that_is_not_there_is_no_proof_of_missing_usage() -> None:
    """Nothing says why: its usage may be missing, or its charge."""
    odoo = changed(Change(name="drop_line", key=key("a")))
    hints = {key("a"): {"reprice": lambda units: 1003 if units else 0}}
    assert named(found(TRUTH, odoo, hints=hints))[key("a")] == (("missing_line", "odoo", -1003),)


def test_price_dates_and_late_events() -> None:
    odoo = invoice(line(1103, "a", units="10"), line(240, "b"), line(70, "c"))
    hints = {
        key("a"): {"prices": {"plan pro": 1103}},
        key("b"): {"plan_change": {"2026-07-03": 240}},
        key("c"): {"late_cents": 70, "late_events": 2},
    }
    findings = found(TRUTH, odoo, hints=hints)
    assert [findings[key(item)][0].cause for item in "abc"] == ["price", "plan_change_date", "late_events"]


def test_hints_that_miss_by_a_cent_name_nothing() -> None:
    odoo = invoice(line(1104, "a", units="10"), *LINES[1:])
    assert named(found(TRUTH, odoo, hints={key("a"): {"prices": {"plan pro": 1103}}}))[key("a")][0][0] == "unexplained"


def test_all_three_differ_and_each_side_has_its_own_cause() -> None:
    lago = changed(Change(name="drop_line", key=key("b")))
    odoo = changed(Change(name="repeat_line", key=key("b"), values={"times": 1}))
    assert named(found(lago, odoo))[key("b")] == (("missing_line", "lago", 251), ("duplicate_line", "odoo", 251))


def test_both_sides_off_alike_is_a_matter_of_the_model() -> None:
    both = changed(Change(name="drop_line", key=key("b")))
    assert found(both, both) == {}


def test_without_a_re_rate_the_wrong_side_is_not_known() -> None:
    odoo = changed(Change(name="drop_line", key=key("b")))
    assert named(found(TRUTH, odoo, rerate=None))[key("b")] == (("missing_line", "unknown", -251),)


def test_a_re_rate_that_refuses_does_not_vote() -> None:
    refusing = replace(TRUTH, totals=None, refusals=(Refusal(reason="adjusted-fee", detail="x"),))
    odoo = changed(Change(name="drop_line", key=key("b")))
    assert named(found(TRUTH, odoo, rerate=refusing))[key("b")][0][1] == "unknown"


def test_within_the_tolerance_is_said() -> None:
    odoo = invoice(line(1004, "a", units="10"), *LINES[1:])
    findings = named(found(TRUTH, odoo, tolerance=1))
    assert findings[key("a")] == (("tolerated", "unknown", 1),)


def test_grouped_lines_are_repriced_as_one() -> None:
    lines = (line(60, "a", group=(("z", "1"),), units="6"), line(40, "a", group=(("z", "2"),), units="4"))
    rules, truth = bill(lines), invoice(*lines)
    odoo = invoice(line(90, "a", units="9"))
    hints = {key("a"): {"reprice": lambda units: int(units * 10)}}
    assert named(found(truth, odoo, truth, rules, hints))[key("a")] == (("missing_usage", "odoo", -10),)


def test_an_unknown_change_proves_nothing() -> None:
    compared = compare_invoice(
        {"lago": TRUTH, "odoo": changed(Change(name="drop_line", key=key("b"))), "rerate": TRUTH}
    )
    findings = classify(compared, CAUSES, lambda base, changes: None)
    assert {f.cause for own in findings.values() for f in own} == {"unexplained"}


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


MINIMUM = (line(300, "a", units="3"), line(700, "a", kind="true_up"), line(77, "c"))


def test_a_charge_minimum_follows_its_charge() -> None:
    """3 units cost 300 and the minimum tops up to 1000: with 2 units missing the top-up grows by as much."""
    rules, truth = bill(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(100, "a", units="1"), line(900, "a", kind="true_up"), line(77, "c"))
    hints = {key("a"): {"reprice": lambda units: int(units * 100)}}
    findings = named(found(truth, odoo, truth, rules, hints))
    assert findings == {
        key("a"): (("missing_usage", "odoo", -200),),
        key("a", kind="true_up"): (("missing_usage", "odoo", 200),),
    }


def test_a_charge_minimum_that_is_passed_ends() -> None:
    rules, truth = bill(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(1200, "a", units="12"), line(77, "c"))
    hints = {key("a"): {"reprice": lambda units: int(units * 100)}}
    findings = named(found(truth, odoo, truth, rules, hints))
    assert findings[key("a", kind="true_up")] == (("extra_usage", "odoo", -700),)


def test_a_charge_minimum_that_does_not_follow_is_a_difference_of_its_own() -> None:
    rules, truth = bill(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(100, "a", units="1"), line(700, "a", kind="true_up"), line(77, "c"))
    hints = {key("a"): {"reprice": lambda units: int(units * 100)}}
    assert named(found(truth, odoo, truth, rules, hints))[key("a")] == (("missing_usage", "odoo", -200),)


def test_a_missing_charge_leaves_its_minimum_to_pay() -> None:
    rules, truth = bill(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(line(1000, "a", kind="true_up"), line(77, "c"))
    findings = named(found(truth, odoo, truth, rules))
    assert findings[key("a", kind="true_up")] == (("missing_line", "odoo", 300),)


def test_an_extra_line_of_a_charge_is_topped_up_less() -> None:
    rules, truth = bill(MINIMUM), invoice(*MINIMUM)
    odoo = invoice(*MINIMUM[::2], line(50, "a", filter="f"), line(650, "a", kind="true_up"))
    findings = named(found(truth, odoo, truth, rules))
    assert findings[key("a", filter="f")] == (("extra_line", "odoo", 50),)
    assert findings[key("a", kind="true_up")] == (("extra_line", "odoo", -50),)


def test_late_usage_of_a_line_that_would_not_exist_otherwise() -> None:
    odoo = changed(Change(name="add_line", values={"line": line(40, "new")}))
    hints = {key("new"): {"late_cents": 40, "late_events": 1}}
    assert named(found(TRUTH, odoo, hints=hints))[key("new")] == (("late_events", "odoo", 40),)
    other = {key("new"): {"late_cents": 41, "late_events": 1}}
    assert named(found(TRUTH, odoo, hints=other))[key("new")] == (("extra_line", "odoo", 40),)


def test_late_usage_that_leaves_nothing_to_bill() -> None:
    odoo = changed(Change(name="drop_line", key=key("b")))
    hints = {key("b"): {"late_cents": 0, "late_events": 1}}
    assert named(found(TRUTH, odoo, hints=hints))[key("b")] == (("late_events", "odoo", -251),)


def test_all_taxes_gone_are_missing_and_not_swapped_for_zero() -> None:
    two = (LineTax("gst", Decimal(5)), LineTax("qst", Decimal("9.975")))
    rules = bill(LINES, taxes=two)
    truth = invoice(*LINES, rules=rules)
    odoo = changed(Change(name="set_taxes", values={"taxes": ()}), rules=rules, base=truth)
    hints = {LineKey("", "tax", ""): {"zero": (LineTax("zero", Decimal(0)),)}}
    findings = found(truth, odoo, truth, rules, hints)
    assert {f.cause for own in findings.values() for f in own} == {"tax_missing"}
    assert {f.evidence[0].values["tax"] for own in findings.values() for f in own} == {"gst, qst"}
