"""Rules of the header, one by one: open balances, Lago's own taxes, and which of several causes is the one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappings.phrases import Phrase
from mappings.records import Tax
from reconcile.billed import BilledInvoice, LineKey, OpenLine
from reconcile.causes.case import Candidate, Case, Cause, Proposal
from reconcile.causes.changes import (
    AddLine,
    Change,
    DropCoupon,
    DropLine,
    DropProgressive,
    DropTax,
    KeepHeader,
    RoundTax,
    SetLine,
    SetTaxes,
    TaxLines,
)
from reconcile.causes.knowledge import (
    Knowledge,
    LagoOddities,
    LineKnowledge,
    OdooTaxes,
    OrderKnowledge,
    TaxGroup,
    TaxRecord,
    grounds_of,
)
from reconcile.causes.proving import explain, header_causes
from reconcile.compare.positions import HeaderKey, compare_invoice
from reconcile.rating.header import HeaderTerms
from reconcile.rating.progressive import ProgressiveCredit
from reconcile.rating.rules import LATEST
from reconcile.rating.tax_terms import TaxTerms
from reconcile.rating.taxes import Rounding
from reconcile.sides.held_terms import EarlyDiscount
from reports.data import ODOO, RERATE, Evidence, Finding
from tests.reconciling.build import coupon, invoice, key, line, tax, terms, totals
from tests.reconciling.test_classify import LINES, RULES, TAX, TRUTH, changed, found

# --- what is open in Odoo -------------------------------------------------------------------------------------------

SEATS = (line(1000),)
OWED = 680  # 11.30 less 2.00 of prepaid credits, 1.00 of a credit note and 1.50 that was paid
HEADER = replace(totals(SEATS), prepaid_cents=200, credit_notes_cents=100, total_cents=830)
LAGO_OWES = invoice(*SEATS, header=HEADER, settled_cents=OWED - 1130, open_cents=OWED)
AS_MADE = OpenLine(quantity=Decimal(1), price=Decimal("6.80"), discount=Decimal(0), taxed=False)


def plain(evidence: Evidence | None) -> Evidence | None:
    """With words of ours as texts."""
    if evidence is None:
        return None
    values = {name: str(value) if isinstance(value, Phrase) else value for name, value in evidence.values.items()}
    return replace(evidence, values=values)


def of_balance(open_cents: int, line: OpenLine | None = None, truth: BilledInvoice = LAGO_OWES) -> Finding:
    """What is found where so much is open in Odoo."""
    assert truth.totals is not None
    left = {"settled_cents": open_cents - truth.totals.gross_cents, "open_cents": open_cents}
    odoo = replace(truth, **left, open_line=line)
    (finding,) = found(truth, odoo, truth, terms(SEATS))[HeaderKey("settled")]
    return finding


@pytest.mark.parametrize(
    ("more", "part"),
    [(200, "prepaid"), (100, "credit_notes"), (300, "prepaid, credit_notes"), (150, "payments")],
)
def test_an_open_balance_that_is_too_high_by_what_was_settled_names_it(more: int, part: str) -> None:
    finding = of_balance(OWED + more)
    assert (finding.cause, finding.proven, finding.delta_cents) == ("settlement_missing", True, more)
    assert [plain(each) for each in finding.evidence] == [
        Evidence(name="not_settled", values={"part": part, "cents": more})
    ]
    where = {"where": "account.move.line lago.invoice_i1_open", "what": "price_unit", "lago": "6.80"}
    assert finding.remedy == Evidence(name="mend_field", values=where)


@pytest.mark.parametrize("more", [17, -200, 350])
def test_an_open_balance_that_nothing_settled_explains_is_wrong(more: int) -> None:
    finding = of_balance(OWED + more)
    assert (finding.cause, finding.proven) == ("balance_wrong", True)
    assert finding.evidence == (Evidence(name="other_open", values={"lago_cents": OWED, "odoo_cents": OWED + more}),)


def test_nothing_open_of_what_lago_is_owed_is_a_missing_balance() -> None:
    finding = of_balance(0)
    assert (finding.cause, finding.proven, finding.delta_cents) == ("balance_missing", True, -OWED)
    assert finding.evidence == (Evidence(name="not_open", values={"cents": OWED}),)
    assert finding.remedy == Evidence(name="carry_balance", values={"part": "balance"})


def test_what_is_open_where_lago_is_owed_nothing_is_a_wrong_balance() -> None:
    """As long as nothing that was settled makes the amount."""
    paid = replace(LAGO_OWES, settled_cents=-1130, open_cents=0)
    drop = Evidence(name="drop_balance", values={"where": "account.move lago.invoice_i1"})
    for cents in (17, 630):
        finding = of_balance(cents, truth=paid)
        assert (finding.cause, finding.proven, finding.delta_cents) == ("balance_wrong", True, cents)
        assert finding.evidence == (Evidence(name="open_no_more", values={"cents": cents}),)
        assert finding.remedy == drop
    unpaid = of_balance(830, truth=paid)
    assert (unpaid.cause, unpaid.remedy) == ("settlement_missing", drop), "11.30 less 3.00 was paid"


def test_nothing_is_written_to_a_balance_that_is_posted() -> None:
    posted = of_balance(OWED + 17, replace(AS_MADE, posted=True))
    told = {"where": "account.move lago.invoice_i1", "lago": "6.80 CAD"}
    assert posted.remedy == Evidence(name="settle_posted", values=told)


@pytest.mark.parametrize(
    ("line", "what", "lago"),
    [
        (replace(AS_MADE, quantity=Decimal(2)), "quantity", "1"),
        (replace(AS_MADE, price=Decimal("6.97")), "price_unit", "6.80"),
        (replace(AS_MADE, discount=Decimal(10)), "discount", "0"),
        (replace(AS_MADE, taxed=True), "tax_ids", "none"),
        (replace(AS_MADE, quantity=Decimal(2), taxed=True), "quantity, tax_ids", "1, none"),
    ],
)
def test_the_field_of_the_open_line_that_is_not_as_it_was_made_is_to_be_set_back(
    line: OpenLine, what: str, lago: str
) -> None:
    where = {"where": "account.move.line lago.invoice_i1_open", "what": what, "lago": lago}
    assert plain(of_balance(OWED + 17, line).remedy) == Evidence(name="mend_field", values=where)


def test_an_open_line_as_it_was_made_is_not_the_place() -> None:
    remedy = Evidence(name="mend_balance", values={"where": "account.move lago.invoice_i1"})
    assert of_balance(OWED + 17, AS_MADE).remedy == remedy


@pytest.mark.parametrize("edited_cents", [700, -300])
def test_what_lago_is_owed_is_lagos_word_also_where_it_should_have_billed_another_amount(edited_cents: int) -> None:
    """Its total is not the re-rate's: that says what was to be billed, and nothing of what is open."""
    shown = (line(1000 + edited_cents),)
    owed = 1000 + edited_cents + round((1000 + edited_cents) * 0.13) - 450
    lago = invoice(*shown, settled_cents=-450, open_cents=owed)
    rerate = invoice(*SEATS, settled_cents=-450)

    def told(open_cents: int, line: OpenLine | None = None) -> Finding:
        odoo = invoice(*SEATS, settled_cents=open_cents - owed - 450, open_cents=open_cents, open_line=line)
        (finding,) = found(lago, odoo, rerate, terms(SEATS))[HeaderKey("settled")]
        return finding

    gone, other = told(0), told(OWED, AS_MADE)
    assert (gone.cause, gone.delta_cents) == ("balance_missing", -owed)
    assert gone.evidence == (Evidence(name="not_open", values={"cents": owed}),)
    assert (other.cause, other.delta_cents) == ("balance_wrong", OWED - owed)
    assert other.evidence == (Evidence(name="other_open", values={"lago_cents": owed, "odoo_cents": OWED}),)
    assert other.remedy
    assert (other.remedy.values["what"], other.remedy.values["lago"]) == ("price_unit", f"{Decimal(owed) / 100:.2f}")


@pytest.mark.parametrize("part", ["credit_notes", "prepaid"])
def test_what_was_not_settled_is_told_with_its_part(part: str) -> None:
    header = replace(totals(SEATS), **{f"{part}_cents": 130}, total_cents=1000)
    truth = invoice(*SEATS, header=header)
    (finding,) = found(truth, invoice(*SEATS), truth, terms(SEATS))[HeaderKey(part)]
    assert (finding.cause, finding.proven, finding.delta_cents) == ("settlement_missing", False, 130)
    assert plain(finding.evidence[0]) == Evidence(name="not_settled", values={"part": part, "cents": 130})
    assert plain(finding.remedy) == Evidence(name="carry_balance", values={"part": part})


# --- taxes that Lago itself did not charge --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "proven"),
    [
        ({}, False),
        ({key("a"): RULES.taxes[key("a")]}, False),
        ({key("a"): (*RULES.taxes[key("a")], tax("zero", "0"))}, False),  # a tax of 0 % charges nothing
        ({key("a"): (tax("hst", "13.0"),)}, False),
        ({key("a"): (tax("hst", "15"),)}, True),
        ({key("a"): RULES.taxes[key("a")], key("b"): ()}, True),
        ({key("new"): RULES.taxes[key("a")]}, True),
    ],
)
def test_lagos_missing_tax_is_proven_where_it_assigns_others_than_its_fees_bear(
    today: dict[LineKey, tuple[Tax, ...]], proven: bool
) -> None:
    known = Knowledge(orders=OrderKnowledge(rules=LATEST, lago=LagoOddities(todays_taxes=today)))
    (finding,) = found(changed(DropTax("hst")), TRUTH, known=known)[TAX]
    assert (finding.cause, finding.side, finding.proven) == ("tax_missing", "lago", proven)
    assert finding.remedy == Evidence(name="check_lagos_taxes")


def test_taxes_of_another_place_are_mended_in_the_mapping_for_odoo_and_checked_for_lago() -> None:
    other = (tax("gst", "5"),)
    known = Knowledge(tax_sets={"Alberta": other, "nowhere": ()})
    wrong = changed(SetTaxes(other))
    assert found(TRUTH, wrong, known=known)[TAX][0].remedy == Evidence(name="mend_tax", values={"tax": "Alberta"})
    assert found(wrong, TRUTH, known=known)[TAX][0].remedy == Evidence(name="check_lagos_taxes")


def test_a_coupon_that_lago_holds_and_did_not_credit_is_a_record() -> None:
    rules = terms(LINES, [coupon("spring", 100)])
    truth = invoice(*LINES, rules=rules)
    lago = changed(DropCoupon("spring"), rules=rules, base=truth)
    (finding,) = found(lago, truth, truth, rules)[HeaderKey("coupons")]
    assert (finding.cause, finding.side, finding.proven) == ("coupon_missing", "lago", True)
    assert finding.evidence[0] == Evidence(name="coupon", values={"coupon": "spring", "cents": 100})
    assert finding.remedy == Evidence(name="credit_in_lago")
    credited = found(lago, truth, truth, rules, Knowledge(credited={"spring": (100,)}))
    assert not credited[HeaderKey("coupons")][0].proven
    read = Knowledge(orders=OrderKnowledge(rules=LATEST, read=frozenset({"s1"})))
    assert not found(truth, lago, truth, rules)[HeaderKey("coupons")][0].proven
    (left,) = found(truth, lago, truth, rules, read)[HeaderKey("coupons")]
    assert left.cause == "unexplained", "Odoo's order was read, and holds it"


# --- which of several ------------------------------------------------------------------------------------------------


def case_of(odoo: BilledInvoice, truth: BilledInvoice = TRUTH, rules: HeaderTerms = RULES) -> Case:
    compared = compare_invoice({"lago": truth, "odoo": odoo, "rerate": truth})
    return Case(
        invoice=compared,
        baseline_side=RERATE,
        subject_side=ODOO,
        deviation=compared.deviation(ODOO),
        grounds=grounds_of(compared, rules, Knowledge()),
    )


def cause(name: str, *changes: Change, observed: bool = False, last: bool = False) -> Cause:
    proposal = Proposal(changes=changes, observed=observed)
    return Cause(name=name, propose=lambda case: [proposal], header=True, last=last)


def chosen(case: Case, causes: Sequence[Cause], lines: Iterable[Candidate] = ()) -> list[tuple[str, tuple[str, ...]]]:
    """The causes that are named, each with those that give the very same."""
    return [(head.cause, head.proposal.others) for head in header_causes(case, list(lines), causes)]


def test_a_record_goes_before_amounts_and_has_no_rivals() -> None:
    case = case_of(changed(DropTax("hst")))
    guess, record = cause("guess", DropTax("hst")), cause("record", SetTaxes(()), observed=True)
    assert chosen(case, [guess, record]) == [("record", ())]
    assert chosen(case, [guess]) == [("guess", ())]


def test_amounts_that_fit_alike_are_near_ties_under_their_names() -> None:
    case = case_of(changed(DropTax("hst")))
    again = [cause("one", DropTax("hst")), cause("two", SetTaxes(())), cause("one", SetTaxes(())), cause("zero")]
    assert chosen(case, again) == [("one", ("two",))]


def test_a_rule_of_lines_is_none_of_the_header() -> None:
    case = case_of(changed(DropTax("hst")))
    assert chosen(case, [replace(cause("line", DropTax("hst")), header=False)]) == []


def test_lines_that_make_the_header_right_need_no_cause_of_the_header() -> None:
    gone = Candidate("gone", Proposal(changes=(DropLine(key("b")),)))
    assert chosen(case_of(changed(DropLine(key("b")))), [cause("one", DropTax("hst"))], [gone]) == [("gone", ())]


def test_a_header_that_was_left_as_it_was_is_kept_with_the_lines() -> None:
    """Somebody took a line away, and the totals were not computed again."""
    odoo = invoice(LINES[0], LINES[2], header=TRUTH.totals)
    gone = Candidate("gone", Proposal(changes=(DropLine(key("b")),)))
    (kept,) = header_causes(case_of(odoo), [gone], [])
    assert kept.proposal.changes[1:] == (KeepHeader(totals(LINES)),)


def test_a_line_that_cancels_lagos_progressive_credit_has_its_own_amount() -> None:
    """What Odoo states was never lowered by the credit: such a header was not left as it was."""
    rules = replace(RULES, progressive=ProgressiveCredit(cents=110, shares={key("a"): 110}))
    truth, added = invoice(*LINES, rules=rules), replace(line(-110, "42", kind="other"), label="Credit")
    known = Knowledge(orders=OrderKnowledge(rules=LATEST, read=frozenset({"s1"})))
    odoo = changed(DropProgressive(), AddLine(added), rules=rules, base=truth)
    assert truth.totals is not None
    assert odoo.totals is not None
    assert odoo.totals.gross_cents == truth.totals.gross_cents
    named = found(truth, odoo, truth, rules, known)
    assert {key: [(f.cause, f.proven, f.delta_cents) for f in own] for key, own in named.items()} == {
        added.key: [("order_line_added", True, -110)],
        HeaderKey("adjustment"): [("progressive_credit", True, 110)],
    }
    left = found(truth, changed(DropProgressive(), rules=rules, base=truth), truth, rules, known)
    assert {f.cause for own in left.values() for f in own} == {"progressive_credit"}
    assert sum(f.delta_cents for f in left[HeaderKey("adjustment")]) == 110


FOURS = tuple(line(4, item) for item in "abcdefg")
SPRING = terms(FOURS, [coupon("spring", 9), coupon("winter", 8)])
OF_FOURS = invoice(*FOURS, rules=SPRING)


def test_two_causes_together_and_one_of_the_last_only_where_no_pair_fits() -> None:
    drop, per_line = DropCoupon("spring"), RoundTax(Rounding.LINE)
    case = case_of(changed(drop, per_line, rules=SPRING, base=OF_FOURS), OF_FOURS, SPRING)
    pair = [cause("coupon", drop), cause("rounding", per_line)]
    assert [name for name, _ in chosen(case, pair)] == ["coupon", "rounding"]
    assert case.subject.totals is not None
    edited = cause("edited", KeepHeader(case.subject.totals), last=True)
    assert [name for name, _ in chosen(case, [*pair, edited])] == ["coupon", "rounding"], "the last one is not asked"
    assert [name for name, _ in chosen(case, [edited])] == ["edited"]
    assert [name for name, _ in chosen(case, [cause("coupon", drop), edited])] == ["edited"], "the coupon's tax is off"


def test_a_cause_that_makes_its_part_right_stays_beside_one_of_the_last() -> None:
    """The coupon explains its own part; two cents of the net amount are somebody's edit."""
    rules = terms(LINES, [coupon("spring", 100)])
    truth = invoice(*LINES, rules=rules)
    header = changed(DropCoupon("spring"), rules=rules, base=truth).totals
    assert header is not None
    off = replace(header, net_cents=header.net_cents + 2, gross_cents=header.gross_cents + 2)
    case = case_of(invoice(*LINES, header=replace(off, total_cents=off.gross_cents)), truth, rules)
    missing, edited = cause("coupon", DropCoupon("spring")), cause("edited", KeepHeader(off), last=True)
    assert [name for name, _ in chosen(case, [missing])] == ["coupon"]
    assert [name for name, _ in chosen(case, [missing, edited])] == ["coupon", "edited"]
    assert [name for name, _ in chosen(case, [cause("all", DropTax("hst")), edited])] == ["edited"]


def test_a_cause_of_the_header_that_makes_only_a_part_of_its_part_right_is_not_named() -> None:
    """Dropping one of two taxes explains nothing while the other is off too."""
    both = terms(LINES, taxes=(tax("gst", "5"), tax("qst", "9.975")))
    truth = invoice(*LINES, rules=both)
    assert truth.totals is not None
    header = replace(truth.totals, taxes={"gst": 0, "qst": 130}, tax_cents=130, gross_cents=1461, total_cents=1461)
    case = case_of(invoice(*LINES, header=header), truth, both)
    assert chosen(case, [cause("no gst", DropTax("gst"))]) == []


def test_each_cause_has_what_it_moves_on_top_of_those_before() -> None:
    """13 % of 13.31 is 1.73; of 10.80 without line b 1.40; with line c at 0.50 instead of 0.77 it is 1.37."""
    odoo = changed(DropLine(key("b")), SetLine(key("c"), 50))
    case = case_of(odoo)
    one = Cause(name="one", propose=lambda case: [Proposal(changes=(DropLine(key("b")),))])
    two = Cause(name="two", propose=lambda case: [Proposal(changes=(SetLine(key("c"), 50),), side="lago")])
    moved = {(place, f.cause, f.side, f.delta_cents) for place, f in explain(case, [one, two])}
    assert moved == {
        (key("b"), "one", "odoo", -251),
        (TAX, "one", "odoo", -33),
        (key("c"), "two", "lago", -27),
        (TAX, "two", "lago", -3),
    }


# --- what the records of Odoo's taxes say ----------------------------------------------------------------------------


def taxed_at(rate: str, **more: Any) -> Finding:
    """What is found where Odoo's lines bear the tax of Lago's code at another rate."""
    on_lines = {one.key: (tax("hst", rate),) for one in LINES}
    known = Knowledge(orders=OrderKnowledge(rules=LATEST, taxes=OdooTaxes(on_lines=on_lines, **more)))
    (finding,) = found(TRUTH, changed(TaxLines(on_lines)), known=known)[TAX]
    assert (finding.cause, finding.side, finding.proven) == ("tax_wrong", "odoo", True)
    return finding


def test_another_rate_is_mended_in_the_record_only_where_the_record_was_read() -> None:
    record = TaxRecord(label="HST (7)", terms=TaxTerms())
    assert taxed_at("14", records={"hst": record}).remedy == Evidence(
        name="mend_field", values={"where": "account.tax HST (7)", "what": "amount", "lago": "13"}
    )
    assert taxed_at("14", records={"other": record}).remedy == Evidence(name="mend_tax", values={"tax": "hst 13 %"})


@pytest.mark.parametrize(
    ("codes", "items", "remedy"),
    [
        ({"hst"}, "abc", "mend_group"),
        ({"hst", "gst"}, "abc", "mend_tax"),
        ({"gst"}, "abc", "mend_tax"),
        ({"hst"}, "ab", "mend_tax"),
    ],
)
def test_what_a_group_is_made_of_is_mended_where_all_lines_bear_the_one_that_is_mapped(
    codes: set[str], items: str, remedy: str
) -> None:
    group = TaxGroup("account.tax HST (3)", frozenset(codes))
    found_one = taxed_at("14", groups={key(item): group for item in items}).remedy
    assert found_one is not None
    assert found_one.name == remedy
    if remedy == "mend_group":
        assert found_one.values == {"where": "account.tax HST (3)", "tax": "hst 13 %", "odoo": "hst 14 %"}


def test_taxes_on_some_lines_only_leave_a_missing_one_open() -> None:
    """Where those of all lines are known and right, no missing tax is it; those of one say nothing of the others."""
    odoo = changed(DropTax("hst"))
    for lines, cause in ((LINES, "unexplained"), (LINES[:1], "tax_missing")):
        taxes = OdooTaxes(on_lines={one.key: RULES.taxes[one.key] for one in lines})
        known = Knowledge(orders=OrderKnowledge(rules=LATEST, taxes=taxes))
        assert [f.cause for f in found(TRUTH, odoo, known=known)[TAX]] == [cause]


@pytest.mark.parametrize(("code", "cause"), [("hst", "tax_wrong"), ("zero", "tax_missing")])
def test_the_right_tax_at_nothing_is_a_wrong_one_and_another_at_nothing_a_missing_one(code: str, cause: str) -> None:
    on_lines = {one.key: (tax(code, "0"),) for one in LINES}
    today = LagoOddities(todays_taxes={one.key: RULES.taxes[one.key] for one in LINES})
    known = Knowledge(orders=OrderKnowledge(rules=LATEST, taxes=OdooTaxes(on_lines=on_lines), lago=today))
    (finding,) = found(TRUTH, changed(TaxLines(on_lines)), known=known)[TAX]
    assert (finding.cause, finding.side, finding.proven) == (cause, "odoo", True)


@pytest.mark.parametrize(
    ("todays", "side"),
    [
        ({}, "odoo"),  # nobody knows what Lago would charge today
        ({key("a"): (), key("b"): ()}, "odoo"),  # nor on one of the lines
        ({key("a"): (), key("b"): (), key("c"): ()}, "lago"),
    ],
)
def test_lago_changed_its_taxes_only_where_it_is_known_what_it_would_charge_today(
    todays: dict[LineKey, tuple[Tax, ...]], side: str
) -> None:
    on_lines: dict[LineKey, tuple[Tax, ...]] = {one.key: () for one in LINES}
    lago = LagoOddities(todays_taxes=todays)
    known = Knowledge(orders=OrderKnowledge(rules=LATEST, taxes=OdooTaxes(on_lines=on_lines), lago=lago))
    (finding,) = found(TRUTH, changed(TaxLines(on_lines)), known=known)[TAX]
    assert (finding.side, finding.proven) == (side, True)
    assert finding.remedy is not None
    assert (finding.remedy.name == "check_lagos_taxes") is (side == "lago")


def test_right_taxes_of_the_mapping_are_mended_on_the_line_and_wrong_ones_in_the_mapping() -> None:
    places = {key(item): place for item, place in (("a", "order line 2"), ("b", "order line 1"), ("c", "order line 1"))}
    mapped = frozenset({("hst", Decimal(13))})
    where = {"where": "order line 1, order line 2", "tax": "hst 13 %"}
    on_the_line = taxed_at("14", places=places, mapped=mapped)
    assert on_the_line.remedy == Evidence(name="mend_line_taxes", values=where)
    assert on_the_line.evidence == (Evidence(name="line_taxes", values={"lago": "hst 13 %", "odoo": "hst 14 %"}),)
    wrong = taxed_at("14", places=places, mapped=frozenset({("hst", Decimal(12))}))
    assert wrong.remedy == Evidence(name="mend_tax", values={"tax": "hst 13 %"})


def test_a_set_of_taxes_is_tried_if_any_of_them_charges_something() -> None:
    """Taxes of 0 % beside it are part of it; without any other they are no tax at all, which has its own name."""
    mixed = (tax("gst", "5"), tax("zero", "0"))
    known = Knowledge(tax_sets={"Alberta": mixed, "nowhere": (tax("zero", "0"),)})
    findings = found(TRUTH, changed(SetTaxes(mixed)), known=known)
    assert {f.cause for own in findings.values() for f in own} == {"tax_wrong"}
    none = found(TRUTH, changed(SetTaxes(())), known=known)
    assert {f.cause for own in none.values() for f in own} == {"tax_missing"}


def test_an_early_discount_is_none_of_lagos() -> None:
    """The order's term gives it: an invoice of Lago's that is too low by just that has another cause."""
    early = OrderKnowledge(rules=LATEST, early=(EarlyDiscount("10/10", Decimal(10)),), names={"s1": "S1"})
    less = {one.key: (tax("hst", "11.7"),) for one in LINES}
    low = changed(TaxLines(less))
    of_odoo = found(TRUTH, low, known=Knowledge(orders=early))[TAX]
    assert [(f.cause, f.proven) for f in of_odoo] == [("early_discount", True)]
    of_lago = found(low, TRUTH, known=Knowledge(orders=early))[TAX]
    assert "early_discount" not in {f.cause for f in of_lago}


# --- both sides -----------------------------------------------------------------------------------------------------


def test_what_cancels_out_by_two_causes_is_told_and_what_both_have_alike_is_not() -> None:
    """Lago's line was edited to what Odoo bills at another price: their sum is nothing, and each is a fault."""
    edited = replace(LINES[1], amount_cents=200, precise_cents=Decimal(251))
    lago, odoo = (invoice(LINES[0], one, LINES[2]) for one in (edited, line(200, "b")))
    known = Knowledge(lines={key("b"): LineKnowledge(prices={"plan pro": 200})})
    findings = found(lago, odoo, known=known)[key("b")]
    assert [(f.cause, f.side, f.delta_cents) for f in findings] == [
        ("edited_amount", "lago", 51),
        ("price", "odoo", -51),
    ]
    both = found(odoo, odoo, known=known)
    assert key("b") not in both, "the same cause on both sides: the re-rate is off"
