"""The header arithmetic: Lago's own headers again, and invoices under one change."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from reconcile.billed import BilledInvoice, LineKey, Totals
from reconcile.causes.case import Candidate, Case, Proposal
from reconcile.causes.changes import (
    AddLine,
    DropCoupon,
    DropLine,
    DropSettlement,
    DropTax,
    Edit,
    KeepHeader,
    RepeatLine,
    RoundAmounts,
    RoundTax,
    SetLine,
    SetTaxes,
    Settle,
    Suppose,
    TakeOff,
    TaxByTerms,
    TaxLines,
)
from reconcile.causes.knowledge import Grounds, Knowledge, grounds_of
from reconcile.causes.recompute import movement
from reconcile.compare.positions import Key, compare_invoice
from reconcile.rating.header import (
    HeaderTerms,
    basis,
    coupon_credits,
    header_of,
    relatives_taxes,
    reproduces,
    with_relatives,
)
from reconcile.rating.rules import LATEST
from reconcile.rating.tax_terms import TaxTerms
from reconcile.rating.taxes import Rounding
from reconcile.rerate.supposed import Hypothesis, Rerated
from reconcile.rerate.suppositions import ByRules
from reports.data import ODOO, RERATE
from tests.reconciling.build import GST_QST, HST, coupon, invoice, key, line, tax, terms, totals, under


def test_tax_is_rounded_once_over_the_invoice() -> None:
    """Facts §6.3: 3 lines of 0.04 at 13 % are 0.0156 together: 2 cents, not 3 times 1."""
    lines = [line(4), line(4, "c2"), line(4, "c3")]
    assert totals(lines).tax_cents == 2
    per_line = under(terms(lines), invoice(*lines), [RoundTax(Rounding.LINE)])
    assert per_line.totals is not None
    assert per_line.totals.tax_cents == 3


def test_sum_of_taxes_is_rounded_apart_from_each() -> None:
    """Lago's invoice tax is the rounded sum of unrounded taxes, not the sum of the rounded ones."""
    lines = [line(1010)]
    found = header_of(lines, terms(lines, taxes=GST_QST), "CAD")
    assert found is not None
    assert dict(found.taxes) == {"gst": 51, "qst": 101}
    assert found.tax_cents == 151


def test_coupon_shares_follow_the_facts() -> None:
    """Facts §6.3: fees 10000, 5000, 3000 + 2000, coupon 1000: taxes 1900, total 20 900."""
    lines = [line(10000, "a"), line(5000, "b"), line(3000, "c"), line(2000, "d")]
    rates = {"a": "10", "b": "0", "c": "20", "d": "20"}
    taxes = {one.key: (tax("t" + one.key.item, rates[one.key.item]),) for one in lines}
    found = header_of(lines, HeaderTerms(taxes=taxes, coupons=(coupon("x", 1000),)), "CAD")
    assert found is not None
    assert (found.coupons_cents, found.tax_cents, found.gross_cents) == (1000, 1900, 20900)


def test_coupon_shares_keep_five_decimals() -> None:
    """A third of 100 off the taxed line leaves 66.66667: half of it is 33.33, not half of 67."""
    lines = [line(100, "a"), line(100, "b"), line(100, "c")]
    taxes = {one.key: (tax("half", "50"),) if one.key.item == "a" else () for one in lines}
    found = header_of(lines, HeaderTerms(taxes=taxes, coupons=(coupon("x", 100),)), "CAD")
    assert found is not None
    assert found.tax_cents == 33


def test_percentage_coupon_follows_its_base() -> None:
    lines = [line(200), line(100, "c2")]
    use = coupon("x", percent=20)
    smaller = under(terms(lines, [use]), invoice(*lines, rules=terms(lines, [use])), [_drop("c2")])
    assert smaller.totals is not None
    assert smaller.totals.coupons_cents == 40


def test_a_coarser_step_rounds_the_sum_of_the_exact_lines() -> None:
    """As a real Odoo does: 0.24, 65.33 and 0.48 are 0.20 + 65.30 + 0.50 on the lines, and 66.10 in the header."""
    lines = [line(24), line(6533, "c2"), line(48, "c3")]
    rules = terms(lines, taxes=GST_QST)
    truth = invoice(*lines, rules=rules)

    def rounded(per_line: bool) -> tuple[tuple[int, ...], int, int]:
        made = under(rules, truth, [RoundAmounts(10, per_line=per_line)])
        assert made.totals
        return tuple(one.amount_cents for one in made.lines), made.totals.net_cents, made.totals.tax_cents

    assert rounded(per_line=False) == ((20, 6530, 50), 6610, 330 + 660)
    assert rounded(per_line=True) == ((20, 6530, 50), 6600, 330 + 660)


def test_taxes_within_the_price_leave_what_was_taken_off_after_them() -> None:
    """11.30 with 13 % in it, less 1.13: 9.00 and 1.17; of 10.17 credit notes paid 0.03 and prepaid credits 0.17."""
    lines = [line(1130)]
    rules = terms(lines, [coupon("x", 113)])
    stated = replace(totals(lines, rules), prepaid_cents=17, credit_notes_cents=3)
    included = TaxByTerms({"hst": TaxTerms(included=True)})
    made = under(rules, replace(invoice(*lines, rules=rules), totals=stated), [included])
    assert [each.amount_cents for each in made.lines] == [1000]
    assert made.totals == Totals(
        fees_cents=1000,
        coupons_cents=100,
        net_cents=900,
        tax_cents=117,
        gross_cents=1017,
        credit_notes_cents=3,
        prepaid_cents=17,
        total_cents=997,
        taxes={"hst": 117},
    )


def test_a_coarser_header_leaves_what_was_taken_off_after_tax() -> None:
    lines = [line(1003)]
    made = header_of(lines, terms(lines), "CAD", step=5, credit_notes_cents=3, prepaid_cents=17)
    assert made is not None
    assert (made.net_cents, made.tax_cents, made.gross_cents, made.total_cents) == (1005, 130, 1135, 1115)


def test_fixed_coupon_is_cut_to_what_is_left() -> None:
    lines = [line(200), line(100, "c2")]
    use = coupon("x", 150)
    smaller = under(terms(lines, [use]), invoice(*lines, rules=terms(lines, [use])), [_drop("c1")])
    assert smaller.totals is not None
    assert smaller.totals.coupons_cents == 100


def test_limited_coupon_reduces_only_its_lines() -> None:
    lines = [line(200), line(100, "c2")]
    use = coupon("x", 500, items=["c2"])
    found = header_of(lines, terms(lines, [use]), "CAD")
    assert found is not None
    assert (found.coupons_cents, found.tax_cents) == (100, 26)


def test_a_coupon_without_anything_to_reduce_is_zero() -> None:
    lines = [line(0)]
    found = header_of(lines, terms(lines, [coupon("x", 500)]), "CAD")
    assert found is not None
    assert found.coupons_cents == 0


@pytest.mark.parametrize(
    ("edit", "fees", "taxes"),
    [
        (TakeOff(key("c1"), Decimal(50)), 600, 61),  # 500 - 90.91 at 13 %, 100 - 9.09 at 9 %
        (AddLine(replace(line(500), key=LineKey("s1", "other", "9"))), 1600, 171),  # 45 more than 118.18 + 8.18
        (AddLine(line(600, "new")), 1700, 182),  # rated as every charge is: the coupon counts it too
    ],
)
def test_coupons_count_what_was_rated(edit: Edit, fees: int, taxes: int) -> None:
    """Odoo takes discounts off, and adds the order's own lines, after the coupons: their shares stay as they are."""
    lines = [line(1000), line(100, "c2")]
    nine = (tax("nine", "9"),)
    added = {edit.line.key: nine} if isinstance(edit, AddLine) else {}
    rules = replace(terms(lines, [coupon("x", 100)]), taxes={lines[0].key: HST, lines[1].key: nine, **added})
    changed = under(rules, invoice(*lines, rules=rules), [edit])
    assert changed.totals is not None
    assert (changed.totals.fees_cents, changed.totals.coupons_cents) == (fees, 100)
    assert changed.totals.tax_cents == taxes


def _drop(item: str) -> Edit:
    return DropLine(key(item))


@pytest.mark.parametrize(
    ("edit", "fees", "tax"),
    [
        (_drop("c2"), 1000, 130),
        (RepeatLine(key("c2"), 2), 1300, 169),
        (SetLine(key("c2"), 0), 1000, 130),
        (SetLine(key("nowhere"), 7), 1100, 143),
        (AddLine(line(100, "new")), 1200, 156),
        (DropTax("hst"), 1100, 0),
        (SetTaxes(GST_QST), 1100, 165),
    ],
)
def test_one_change(edit: Edit, fees: int, tax: int) -> None:
    lines = [line(1000), line(100, "c2")]
    changed = under(terms(lines), invoice(*lines), [edit])
    assert changed.totals is not None
    assert (changed.totals.fees_cents, changed.totals.tax_cents) == (fees, tax)


def test_dropping_a_coupon_and_a_settlement() -> None:
    lines = [line(1000)]
    rules = terms(lines, [coupon("x", 100)])
    stated = replace(totals(lines, rules), prepaid_cents=17, credit_notes_cents=3, total_cents=997)
    edits: list[Edit] = [
        DropCoupon("x"),
        DropSettlement("prepaid"),
        DropSettlement("credit_notes"),
    ]
    changed = under(rules, invoice(*lines, header=stated), edits)
    assert changed.totals is not None
    assert changed.totals.total_cents == 1130


def test_a_line_of_unknown_kin_has_no_tax_to_guess() -> None:
    lines = [line(1000), line(100, "c2", subscription="s2")]
    mixed = HeaderTerms(taxes={lines[0].key: HST, lines[1].key: GST_QST})
    stranger = line(50, "new", subscription="s3")
    changed = under(mixed, invoice(*lines, rules=mixed), [AddLine(stranger)])
    assert changed.totals is not None
    assert changed.totals.tax_cents == header_tax(mixed, lines)


def header_tax(rules: HeaderTerms, lines: list) -> int:  # type: ignore[type-arg]
    return totals(lines, rules).tax_cents


def test_a_header_that_does_not_follow_proves_nothing() -> None:
    """Taxes given by a provider, say: the lines can be changed, the header cannot be told."""
    lines = [line(1000)]
    odd = replace(totals(lines), tax_cents=131, gross_cents=1131, taxes={"hst": 131})
    assert not reproduces(terms(lines), invoice(*lines, header=odd))
    changed = under(terms(lines), invoice(*lines, header=odd), [_drop("c1")])
    assert changed.lines == ()
    assert changed.totals is None


def test_without_the_taxes_of_a_line_there_is_no_header() -> None:
    assert header_of([line(1)], HeaderTerms(), "CAD") is None
    assert header_of([line(1), line(1, "c2")], terms([line(1)]), "CAD") is None
    assert not reproduces(HeaderTerms(), invoice(line(1)))
    assert not reproduces(terms([line(1)]), invoice(line(1), silent=True))


def test_a_hypothesis_is_left_to_the_re_rate_and_edits_go_on_top_of_what_it_gave() -> None:
    hypothesis = Hypothesis(ByRules(rules=LATEST))
    given = [line(90), line(10, "c2")]
    rerated = Rerated(invoice=invoice(*given), terms=terms(given))
    asked: list[tuple[Hypothesis, ...]] = []

    def rerate(baseline: BilledInvoice, hypotheses: tuple[Hypothesis, ...]) -> Rerated:
        asked.append(hypotheses)
        return rerated

    baseline = invoice(line(1))
    named = [
        Candidate("price", Proposal(changes=(Suppose(hypothesis),))),
        Candidate("missing_line", Proposal(changes=(DropLine(key("c2")),))),
    ]
    compared = compare_invoice({"lago": baseline, "odoo": baseline, "rerate": baseline})

    def moved(grounds: Grounds, *causes: Candidate) -> dict[Key, int] | None:
        return movement(
            Case(invoice=compared, baseline_side=RERATE, subject_side=ODOO, deviation={}, grounds=grounds),
            causes,
            LineKey,
        )

    known = grounds_of(compared, terms([line(1)]), Knowledge(), rerate)
    assert moved(known, named[0]) == {key("c1"): 89, key("c2"): 10}
    assert moved(known, *named) == {key("c1"): 89}
    assert asked == [(hypothesis,)] * 2
    assert moved(known) == {}
    assert moved(grounds_of(compared, terms([line(1)]), Knowledge()), *named) is None, "nobody to re-rate it"
    assert moved(Grounds(), named[1]) is None, "nothing is known of its header"
    assert moved(replace(known, rerate=lambda baseline, hypotheses: None), *named) is None


def test_taxes_of_some_lines() -> None:
    lines = [line(1000), line(100, "c2")]
    changed = under(terms(lines), invoice(*lines), [TaxLines({key("c2"): ()})])
    assert changed.totals is not None
    assert changed.totals.tax_cents == 130


def test_a_header_that_is_kept_states_what_it_did() -> None:
    lines = [line(1000), line(100, "c2")]
    stated = totals(lines)
    changed = under(terms(lines), invoice(*lines), [KeepHeader(stated), DropLine(key("c2"))])
    assert (changed.lines, changed.totals) == ((lines[0],), stated)


def test_what_was_settled_adds_up() -> None:
    mine = invoice(line(1000), settled_cents=-30)
    changed = under(terms([line(1000)]), mine, [Settle(-5), Settle(7)])
    assert (changed.settled_cents, changed.totals) == (-28, mine.totals)
    assert under(terms([line(1000)]), mine, []) == mine


def test_a_new_line_is_taxed_like_its_subscription_before_the_invoice() -> None:
    lines = [line(1000), line(100, "c2", subscription="s2"), line(100, "c3", subscription="s2")]
    mixed = HeaderTerms(taxes={lines[0].key: HST, lines[1].key: GST_QST, lines[2].key: GST_QST})
    assert relatives_taxes(mixed, key("new")) == HST
    assert relatives_taxes(mixed, key("new", subscription="s2")) == GST_QST
    assert relatives_taxes(mixed, key("new", subscription="s3")) == ()
    assert relatives_taxes(terms(lines), key("new", subscription="s3")) == HST
    two = HeaderTerms(taxes={lines[1].key: HST, lines[2].key: GST_QST})
    assert relatives_taxes(two, key("new", subscription="s2")) == ()


def test_a_line_that_lago_does_not_have_is_taxed_like_its_relatives() -> None:
    known, unknown = line(1000), line(100, "c2")
    assert with_relatives(terms([known]), [known, unknown]).taxes == {known.key: HST, unknown.key: HST}
    assert with_relatives(HeaderTerms(), [known]).taxes == {}
    again = basis(terms([known]), invoice(known, unknown))
    assert again is not None
    assert again.taxes == {known.key: HST, unknown.key: HST}


@pytest.mark.parametrize(
    ("stated", "same"),
    [
        ({}, True),
        ({"taxes": {}}, True),  # a side that does not name its taxes
        ({"taxes": {"hst": 130, "zero": 0}}, True),
        ({"taxes": {"gst": 130}}, False),
        ({"tax_cents": 131}, False),
        ({"net_cents": 1001}, False),
    ],
)
def test_a_header_is_reproduced_with_its_taxes(stated: dict[str, Any], same: bool) -> None:
    lines = [line(1000)]
    assert reproduces(terms(lines), invoice(*lines, header=replace(totals(lines), **stated))) is same


def test_nothing_is_settled_in_a_header_that_only_follows_from_its_lines() -> None:
    follows = totals([line(1000)])
    assert (follows.credit_notes_cents, follows.prepaid_cents, follows.total_cents) == (0, 0, 1130)


def test_a_coupon_held_twice_takes_off_twice() -> None:
    lines = [line(1000)]
    assert coupon_credits(lines, terms(lines, [coupon("a", 30), coupon("a", 20), coupon("b", 7)]), "CAD") == {
        "a": 50,
        "b": 7,
    }


def test_taxes_in_coarser_steps_move_the_sums_behind_them() -> None:
    lines = [line(1010)]
    follows = header_of(lines, terms(lines), "CAD", step=5, credit_notes_cents=30, prepaid_cents=7)
    assert follows is not None
    assert (follows.taxes, follows.tax_cents, follows.net_cents) == ({"hst": 130}, 130, 1010)
    assert (follows.gross_cents, follows.total_cents) == (1140, 1103)
