"""Where Lago is the wrong side, what is to be done is done in Lago: nobody is sent to change what is right in Odoo."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconcile.billed import BilledInvoice
from reconcile.causes.changes import AddLine, DropCoupon, DropLine, DropTax, RepeatLine, RoundTax, SetLine
from reconcile.causes.knowledge import Knowledge, LineKnowledge
from reconcile.causes.remedies import CORRECTIONS, LAGOS_REMEDIES
from reconcile.rating.header import HeaderTerms
from reconcile.rating.taxes import Rounding
from reports.texts.remedies import REMEDIES
from tests.reconciling.build import GST_QST, coupon, invoice, key, line, terms, under
from tests.reconciling.test_classify import LINES, RULES, TAX, TRUTH, changed, found

COUPON = coupon("ten", 1000)
WITH_COUPON, TWO_TAXES = terms(LINES, [COUPON]), terms(LINES, taxes=GST_QST)
FEWER = invoice(line(200, "a", units="2", events=2), *LINES[1:])
MORE = invoice(line(2000, "a", units="20", events=20), *LINES[1:])
REPRICED = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: int(units * Decimal(100)))})
STILL_BILLED = changed(AddLine(line(40, "x", subscription="s2")), AddLine(line(50, "y", subscription="s2")))
TRULY = invoice(line(1000, "a", units="10", events=10), *LINES[1:])


@pytest.mark.parametrize(
    ("lago", "truth", "rules", "known", "cause", "remedy"),
    [
        (changed(DropLine(key("b"))), TRUTH, RULES, None, "missing_line", "bill_in_lago"),
        (changed(AddLine(line(40, "new"))), TRUTH, RULES, None, "extra_line", "credit_in_lago"),
        (changed(RepeatLine(key("b"), 1)), TRUTH, RULES, None, "duplicate_line", "credit_in_lago"),
        (FEWER, TRULY, RULES, REPRICED, "missing_usage", "bill_in_lago"),
        (MORE, TRULY, RULES, REPRICED, "extra_usage", "credit_in_lago"),
        (STILL_BILLED, TRUTH, RULES, None, "subscription_state", "credit_in_lago"),
        (
            under(WITH_COUPON, invoice(*LINES, rules=WITH_COUPON), (DropCoupon("ten"),)),
            invoice(*LINES, rules=WITH_COUPON),
            WITH_COUPON,
            None,
            "coupon_missing",
            "credit_in_lago",
        ),
        (changed(DropTax("hst")), TRUTH, RULES, None, "tax_missing", "check_lagos_taxes"),
        (
            under(TWO_TAXES, invoice(*LINES, rules=TWO_TAXES), (RoundTax(Rounding.LINE),)),
            invoice(*LINES, rules=TWO_TAXES),
            TWO_TAXES,
            None,
            "tax_rounding",
            "credit_in_lago",
        ),
    ],
)
def test_what_lago_billed_wrong_is_corrected_in_lago(
    lago: BilledInvoice, truth: BilledInvoice, rules: HeaderTerms, known: Knowledge | None, cause: str, remedy: str
) -> None:
    findings = [f for own in found(lago, truth, truth, rules, known).values() for f in own]
    assert {(f.cause, f.side) for f in findings} == {(cause, "lago")}
    assert {f.remedy.name for f in findings if f.remedy} == {remedy}


def test_the_corrections_are_lagos_and_both_have_words() -> None:
    assert {told.name for told in CORRECTIONS.values()} < LAGOS_REMEDIES
    assert {f"remedy.{name}" for name in LAGOS_REMEDIES} <= REMEDIES.keys()


@pytest.mark.parametrize("name", sorted(LAGOS_REMEDIES))
def test_the_words_of_lagos_remedies_ask_for_nothing_in_odoo(name: str) -> None:
    """In both languages; those that name Odoo say that it is right, or what comes after."""
    english, french = REMEDIES[f"remedy.{name}"]
    for text in (english, french):
        assert not text.startswith(("In Odoo", "Dans Odoo"))
        is_bystander = any(
            said in text
            for said in (
                "Change nothing in Odoo",
                "Ne rien changer dans Odoo",
                "Nothing to mend in Odoo",
                "Rien à corriger dans Odoo",
                "before any balance is carried to Odoo",
                "avant de reporter un solde dans Odoo",
            )
        )
        assert is_bystander or "Odoo" not in text


def test_a_consistent_fee_that_lagos_plan_does_not_give_is_lagos_and_no_proof() -> None:
    """Line, taxes and total fit each other: Odoo and the re-rate are two votes, and no record says why."""
    off = changed(SetLine(key("b"), 351))
    findings = found(off, TRUTH)
    told = {(k, f.cause, f.side, f.delta_cents, f.proven) for k, own in findings.items() for f in own}
    assert told == {(key("b"), "off_plan", "lago", -100, False), (TAX, "off_plan", "lago", -13, False)}
    assert {f.remedy and f.remedy.name for own in findings.values() for f in own} == {"check_edit"}


def test_the_price_that_lago_stored_with_its_fee_proves_it() -> None:
    base = key("", "subscription")
    rules = terms((line(2900, "", kind="subscription"),))
    truth = invoice(line(2900, "", kind="subscription"), rules=rules)
    off = under(rules, truth, (SetLine(base, 3900),))
    known = Knowledge(lines={base: LineKnowledge(own_price=2900)})
    findings = [f for own in found(off, truth, truth, rules, known).values() for f in own]
    assert {(f.cause, f.side, f.proven) for f in findings} == {("off_plan", "lago", True)}
    assert {e.name for f in findings for e in f.evidence} == {"off_own_price"}


def test_where_odoo_bills_something_else_too_lagos_plan_is_no_reason() -> None:
    off, other = changed(SetLine(key("b"), 351)), changed(SetLine(key("b"), 451))
    assert "off_plan" not in {f.cause for own in found(off, other).values() for f in own}
