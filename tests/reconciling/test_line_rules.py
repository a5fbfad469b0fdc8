"""Rules of lines, one by one: by which facts each speaks, and beside which it keeps silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappings.money import round_half_up
from mappings.records import Customer, Subscription
from reconcile.billed import BilledInvoice, BilledLine, ForeignSum, Idle
from reconcile.causes.changes import DropLine, SetLine
from reconcile.causes.knowledge import Knowledge, LineKnowledge, OrderKnowledge, OwnLine
from reconcile.causes.observed import Place, Suspect
from reconcile.rating.rules import LATEST
from reconcile.rerate.counterfactual import At
from reconcile.rerate.suppositions import OtherRecords
from reconcile.sides.held_terms import HeldSettings
from reports.data import Evidence, Finding
from tests.reconciling.build import invoice, key, line, terms
from tests.reconciling.test_classify import LINES, TRUTH, changed, found

NOTHING_BILLED = changed(*(DropLine(key(item)) for item in "abc"))


def orders(**more: Any) -> Knowledge:
    return Knowledge(orders=OrderKnowledge(rules=LATEST, **more))


def of_all(odoo: BilledInvoice, known: Knowledge | None = None, truth: BilledInvoice = TRUTH) -> list[Finding]:
    findings = found(truth, odoo, truth, terms(truth.lines), known)
    return [finding for own in findings.values() for finding in own]


def told(findings: list[Finding]) -> list[tuple[str, bool, tuple[Evidence, ...], Evidence | None]]:
    """Each cause once, with whether it is proven, by what, and what is to be done."""
    every = [(f.cause, f.proven, f.evidence, f.remedy) for f in findings]
    return [one for number, one in enumerate(every) if one not in every[:number]]


def of_line(odoo: BilledLine, ours: BilledLine, known: Knowledge | None = None) -> Finding:
    """The one finding about a line of an invoice that has no other."""
    truth = invoice(ours)
    (finding,) = found(truth, invoice(odoo), truth, terms(truth.lines), known)[ours.key]
    return finding


def exactly(cents: int, precise: str, item: str = "a") -> BilledLine:
    return replace(line(cents, item), precise_cents=Decimal(precise))


# --- what a side bills nothing of -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "evidence", "remedy"),
    [
        (
            "mapping_gap",
            Evidence(name="unmapped", values={"kind": "subscription", "item": "s1", "reason": "no plan"}),
            Evidence(name="mend_mapping", values={"reason": "no plan"}),
        ),
        (
            "subscription_state",
            Evidence(name="idle", values={"subscription": "s1", "state": "no plan"}),
            Evidence(name="check_state", values={"subscription": "s1", "state": "no plan"}),
        ),
    ],
)
def test_a_subscription_that_odoo_bills_nothing_of_says_why_itself(
    cause: str, evidence: Evidence, remedy: Evidence
) -> None:
    idle = Idle(subscription="s1", cause=cause, reason="no plan")
    findings = of_all(replace(NOTHING_BILLED, idle=(idle,)))
    assert told(findings) == [(cause, True, (evidence,), remedy)]


def test_an_idle_subscription_says_nothing_of_the_lines_of_another() -> None:
    idle = Idle(subscription="s2", cause="mapping_gap", reason="no plan")
    assert {f.cause for f in of_all(replace(NOTHING_BILLED, idle=(idle,)))} == {"subscription_state"}
    other = Idle(subscription="s1", cause="another", reason="no plan")
    assert {(f.cause, f.proven) for f in of_all(replace(NOTHING_BILLED, idle=(other,)))} == {
        ("subscription_state", False)
    }


def test_an_invoice_in_another_currency_is_one_cause_with_its_sums() -> None:
    sums = (ForeignSum(amount=Decimal("12.04"), currency="USD"), ForeignSum(amount=Decimal(3), currency="EUR"))
    findings = of_all(replace(NOTHING_BILLED, foreign=sums))
    evidence = (Evidence(name="other_currency", values={"amount": "12.04 USD, 3 EUR"}),)
    order = {"where": "sale.order s1", "what": "pricelist_id", "lago": "lago.pricelist_CAD"}
    remedy = Evidence(name="mend_pricelist", values={**order, "currency": "CAD"})
    assert told(findings) == [("currency", True, evidence, remedy)]


# --- lines that only Odoo has ---------------------------------------------------------------------------------------

BY_HAND = replace(line(500, "42", kind="other"), label="Setup\nonce")


def test_a_line_of_the_migrations_own_that_is_no_charge_any_more_is_billed_by_itself() -> None:
    odoo = invoice(*LINES, BY_HAND)
    own = orders(own_lines={"42": OwnLine("S1: Seats", "c9", "S1")})
    evidence = (Evidence(name="own_line", values={"where": "S1: Seats", "cents": 500}),)
    remedy = Evidence(name="mend_own_line", values={"where": "S1: Seats"})
    assert told(of_all(odoo, own)) == [("extra_line", True, evidence, remedy)]


def test_a_line_that_somebody_added_is_named_by_its_label_in_one_line() -> None:
    findings = of_all(invoice(*LINES, BY_HAND), orders(own_lines={"43": OwnLine("S1: Seats", "c9", "S1")}))
    evidence = (Evidence(name="order_line", values={"line": "Setup once", "cents": 500}),)
    remedy = Evidence(name="end_order_line", values={"where": "sale.order s1", "line": "Setup once"})
    assert told(findings) == [("order_line_added", True, evidence, remedy)]


def test_a_charge_that_only_odoo_has_is_proven_where_it_stands() -> None:
    odoo = invoice(*LINES, line(40, "new"))
    seen = Evidence(name="only_line", values={"kind": "charge", "item": "new", "cents": 40})
    there = Evidence(name="only_there", values={"where": "sale.order S1"})
    remedy = Evidence(name="remove_charge", values={"where": "sale.order S1"})
    known = orders(only_odoo={"new": "sale.order S1"})
    assert told(of_all(odoo, known)) == [("extra_line", True, (seen, there), remedy)]
    unknown = told(of_all(odoo, orders(only_odoo={"another": "sale.order S1"})))
    assert unknown == [("extra_line", False, (seen, Evidence(name="amounts_only")), Evidence(name="check_line"))]


# --- usage ----------------------------------------------------------------------------------------------------------


def test_units_that_nobody_can_price_name_nothing() -> None:
    """A model that prices event by event, or a side that does not say its units."""
    odoo = line(903, "a", units="9")
    assert of_line(odoo, line(1003, "a", units="10")).cause == "unexplained"
    priced = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: 903 if units == 9 else 1003)})
    assert of_line(odoo, line(1003, "a", units="10"), priced).cause == "missing_usage"
    assert of_line(replace(odoo, units=None), line(1003, "a", units="10"), priced).cause == "unexplained"
    assert of_line(odoo, line(1003, "a"), priced).cause == "unexplained"


def test_missing_usage_tells_units_and_events_of_both_sides() -> None:
    priced = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: 903 if units == 9 else 1003)})
    finding = of_line(line(903, "a", units="9", events=7), line(1003, "a", units="10", events=8), priced)
    values = {"theirs": Decimal(9), "ours": Decimal(10), "their_events": 7, "our_events": 8}
    assert finding.evidence[0] == Evidence(name="units", values={"kind": "charge", "item": "a", **values})


# --- prices and dates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "cause", "name"),
    [
        (LineKnowledge(prices={"plan pro": 900, "plan basic": 800}), "price", "price_of"),
        (LineKnowledge(other_days={"2026-07-03": 900}), "plan_change_date", "dates_of"),
    ],
)
def test_another_price_or_date_is_named_by_its_amount_unless_the_records_were_read(
    one: LineKnowledge, cause: str, name: str
) -> None:
    known = Knowledge(lines={key("a"): one})
    finding = of_line(line(900, "a"), line(1003, "a"), known)
    assert (finding.cause, finding.proven, finding.evidence[0].name) == (cause, False, name)
    assert finding.remedy is None, "nothing says which record it is"
    at = {"where": "sale.order lago.subscription_s1", "what": "fusion_plan_amount", "lago": "10.03"}
    placed = replace(known, lines={key("a"): replace(one, price_at=at, dates_at=at)})
    assert of_line(line(900, "a"), line(1003, "a"), placed).remedy == Evidence(name="mend_field", values=at)
    read = replace(known, orders=OrderKnowledge(rules=LATEST, read=frozenset({"s1"})))
    assert of_line(line(900, "a"), line(1003, "a"), read).cause == "unexplained", "a record would have shown it"
    assert of_line(line(901, "a"), line(1003, "a"), known).cause == "unexplained"
    truth = invoice(line(1003, "b"))
    extra = found(truth, invoice(line(1003, "b"), line(900, "a")), truth, terms(truth.lines), known)
    assert extra[key("a")][0].cause == "extra_line", "a line that nobody else has is at no other price"


# --- digits ---------------------------------------------------------------------------------------------------------


def by_units(cents_of_one: int) -> Callable[[Decimal], int]:
    return lambda units: int(round_half_up(units * cents_of_one))


@pytest.mark.parametrize(
    ("cents", "fewer"),
    [
        (1130, "1.13"),  # half up
        (1120, "1.12"),  # cut
        (1100, "1.1"),
        (1000, "1"),
    ],
)
def test_units_with_fewer_digits(cents: int, fewer: str) -> None:
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=by_units(1000))})
    finding = of_line(line(cents, "a"), line(1126, "a", units="1.126"), known)
    assert (finding.cause, finding.proven) == ("quantity_precision", False)
    digits = {"where": "decimal.precision Product Unit", "what": "digits", "lago": "3"}
    assert finding.remedy == Evidence(name="raise_digits", values=digits)
    cut = {"kind": "charge", "item": "a", "theirs": Decimal(fewer), "ours": Decimal("1.126")}
    assert finding.evidence[0] == Evidence(name="cut_units", values=cut)


def test_units_are_cut_for_nobody_where_the_price_or_the_records_say_otherwise() -> None:
    known = Knowledge(lines={key("a"): LineKnowledge(reprice=by_units(1000))})
    ours = line(1126, "a", units="1.126")
    assert of_line(line(1140, "a"), ours, known).cause == "unexplained", "no number of digits gives it"
    assert of_line(line(1120, "a"), ours).cause == "unexplained", "nobody can price it"
    wrong = Knowledge(lines={key("a"): LineKnowledge(reprice=lambda units: 1120)})
    assert of_line(line(1120, "a"), ours, wrong).cause == "unexplained", "a price that does not give ours"
    whole = Knowledge(lines={key("a"): LineKnowledge(reprice=by_units(3))})
    assert of_line(line(3300, "a"), line(3330, "a", units="1110"), whole).cause == "unexplained", "1,110 has no digits"
    read = replace(known, orders=OrderKnowledge(rules=LATEST, read=frozenset({"s1"})))
    assert of_line(line(1120, "a"), ours, read).cause == "unexplained", "the metric was read, and rounds alike"


@pytest.mark.parametrize(("cents", "digits"), [(1460, 1), (1500, 0), (1000, None)])
def test_a_price_with_fewer_digits_than_what_was_rated(cents: int, digits: int | None) -> None:
    """14.63 to ten cents, to whole units; to tens of them no setting cuts, but what was not read may be anything."""
    odoo = exactly(cents, "1463.4")
    finding = of_line(odoo, line(1463, "a"))
    cents_kept = {"where": "decimal.precision Product Price", "what": "digits", "lago": "2"}
    remedy = Evidence(name="raise_digits", values=cents_kept)
    assert (finding.cause, finding.proven, finding.remedy) == ("price_precision", False, remedy)
    for kept in (0, 1, 2):
        known = orders(settings=HeldSettings(price_digits=kept))
        assert of_line(odoo, line(1463, "a"), known).proven is (kept == digits), "Odoo's own setting says so"


def test_a_price_is_cut_only_if_the_right_amount_was_rated_and_its_digits_end_in_zeros() -> None:
    assert of_line(exactly(1470, "1463.4"), line(1463, "a")).cause == "unexplained", "that is up, not to the nearest"
    assert of_line(exactly(1460, "1463.5"), line(1463, "a")).cause == "unexplained", "14.64 was rated, and not 14.63"
    assert of_line(line(1460, "a"), line(1463, "a")).cause == "unexplained", "what was rated is not known"


@pytest.mark.parametrize(
    ("ours", "precise", "theirs"),
    [
        (1003, "1002.5", 1002),  # down; half to even gives the same
        (1003, "1002.9", 1002),
        (1002, "1002.1", 1003),  # up
    ],
)
def test_an_amount_that_is_rounded_another_way(ours: int, precise: str, theirs: int) -> None:
    finding = of_line(line(theirs, "a"), exactly(ours, precise))
    values = {"kind": "charge", "item": "a", "exact": Decimal(precise), "cents": theirs}
    assert finding.evidence[0] == Evidence(name="rounded", values=values)
    assert (finding.cause, finding.proven, finding.remedy) == (
        "line_rounding",
        False,
        Evidence(name="check_rounding"),
    )


def test_no_rounding_gives_an_amount_that_is_not_beside_the_exact_one() -> None:
    assert of_line(line(1001, "a"), exactly(1003, "1002.5")).cause == "unexplained"
    assert of_line(line(1000, "a"), exactly(1003, "1000")).cause == "unexplained", "a whole amount is never rounded"
    assert of_line(line(1002, "a"), line(1003, "a")).cause == "unexplained", "nobody knows the exact amount"


# --- an order that has ended ----------------------------------------------------------------------------------------


def ended(lago_id: str = "s1", path: tuple[str, ...] = ("terminated_at",), record: type = Subscription) -> Knowledge:
    place = Place("sale.order", "S1", "end_date")
    suppose = OtherRecords(changes=(At(record=record, lago_id=lago_id, path=path, value=None),))
    return orders(suspects=(Suspect(cause="plan_change_date", place=place, lago="none", odoo="then", suppose=suppose),))


def test_an_end_that_only_odoo_knows_explains_the_lines_that_are_not_there() -> None:
    """Most of them: the last one it billed may be of another length."""
    odoo = changed(DropLine(key("a")), DropLine(key("b")), SetLine(key("c"), 70))
    where = {"where": "sale.order S1", "what": "end_date", "lago": "none"}
    evidence, remedy = (
        Evidence(name="ended", values={**where, "odoo": "then"}),
        Evidence(name="mend_field", values=where),
    )
    assert told(of_all(odoo, ended())) == [("plan_change_date", True, (evidence,), remedy)]


@pytest.mark.parametrize(
    "known",
    [
        ended("s2"),  # another subscription
        ended(path=("started_at",)),  # not its end
        ended(record=Customer),
    ],
)
def test_any_other_difference_is_no_end(known: Knowledge) -> None:
    odoo = changed(DropLine(key("a")), DropLine(key("b")), SetLine(key("c"), 70))
    assert not [f for f in of_all(odoo, known) if f.proven]


def test_an_order_that_bills_most_of_its_lines_has_not_ended() -> None:
    odoo = changed(DropLine(key("a")), SetLine(key("b"), 250), SetLine(key("c"), 70))
    assert not [f for f in of_all(odoo, ended()) if f.proven]
