"""How many functions a reader follows from ``compare`` to the finding of a header that differs: measured, not told.

What runs in ``reconcile/`` is recorded. Below, a room counts by its doors, and the comparison not at all: there the
chain begins. Properties are derived fields of the records. A rule stands for what it asks; one that proposes nothing is
a row that is passed over.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

import reconcile
from reconcile.causes.case import Cause
from reconcile.causes.changes import DropCoupon, DropProgressive, DropSettlement, DropTax, Edit, RoundTax, TaxLines
from reconcile.causes.knowledge import Knowledge, OdooTaxes, OrderKnowledge, grounds_of
from reconcile.causes.observed import Place, Suspect
from reconcile.causes.proving import classify
from reconcile.causes.rules import CAUSES
from reconcile.compare.positions import compare_invoice
from reconcile.rating.header import HeaderTerms
from reconcile.rating.progressive import ProgressiveCredit
from reconcile.rating.rules import LATEST
from reconcile.rating.taxes import Rounding
from reconcile.rerate.hypothesis import Worlds
from reconcile.rerate.supposed import Rerated
from reconcile.rerate.suppositions import OtherRecords
from tests.reconciling.build import GST_QST, HST, coupon, invoice, key, line, terms, totals, under

RECONCILE = Path(reconcile.__file__).parent
ROOMS_BELOW = {"compare", "rating", "rerate", "sides"}
RECORDS = "billed.py"  # below the rooms: what these ask of it stays behind their doors
CHAIN = {
    ("causes/proving.py", "classify"),
    ("causes/proving.py", "explain"),
    ("causes/proving.py", "header_causes"),
    ("causes/recompute.py", "movement"),
    ("causes/recompute.py", "edited"),
    ("causes/recompute.py", "edit_draft"),
    ("rating/header.py", "header_of"),
}
LINES = (line(1010),)
BEFORE = ProgressiveCredit(cents=110, shares={key(): 300})
ONE, TWO = terms(LINES), terms(LINES, taxes=GST_QST)
OTHERS = Knowledge(orders=OrderKnowledge(rules=LATEST, taxes=OdooTaxes(on_lines={key(): HST})))


def traced(call: Callable[[], object]) -> set[tuple[str, str]]:
    """(file, function) of what ran in ``reconcile/``; of rules, those that proposed something."""
    ran: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, given: object) -> None:
        proposes = event == "return" and given is not None
        if (proposes if is_rule(frame) else event == "call") and is_read(frame):
            ran.add((place(frame).as_posix(), frame.f_code.co_name))

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return ran


def place(frame: FrameType) -> Path:
    file = Path(frame.f_code.co_filename)
    return file.relative_to(RECONCILE) if file.is_relative_to(RECONCILE) else Path()


def room_of(frame: FrameType) -> str:
    return place(frame).parts[0] if place(frame).parts else ""


def is_rule(frame: FrameType) -> bool:
    return place(frame).name.endswith("_rules.py")


def is_read(frame: FrameType) -> bool:
    room, caller = room_of(frame), frame.f_back
    if room in ("", "compare") or frame.f_code.co_name.startswith("<") or is_property(frame):
        return False
    inside = caller is not None and (
        is_rule(caller) or (room in {*ROOMS_BELOW, RECORDS} and room_of(caller) in ROOMS_BELOW)
    )
    return not inside


def is_property(frame: FrameType) -> bool:
    owner = frame.f_locals.get("self")
    return isinstance(getattr(type(owner), frame.f_code.co_name, None), property)


@pytest.mark.parametrize(
    ("cause", "edit", "rules", "known", "rule"),
    [
        ("tax_rounding", RoundTax(Rounding.TAX), TWO, Knowledge(), "tax_rounding"),
        ("settlement_missing", DropSettlement("credit_notes"), ONE, Knowledge(), "settlement"),
        ("coupon_missing", DropCoupon("a"), terms(LINES, [coupon("a", 100)]), Knowledge(), "coupon_missing"),
        ("progressive_credit", DropProgressive(), replace(ONE, progressive=BEFORE), Knowledge(), "progressive_credit"),
        ("tax_missing", DropTax("gst"), TWO, Knowledge(), "tax_missing"),
        ("tax_wrong", TaxLines({key(): HST}), TWO, OTHERS, "propose"),
    ],
)
def test_a_header_is_explained_in_few_functions(
    cause: str, edit: Edit, rules: HeaderTerms, known: Knowledge, rule: str
) -> None:
    truth = invoice(*LINES, header=replace(totals(LINES, rules), credit_notes_cents=7))
    compared = compare_invoice({"lago": truth, "odoo": under(rules, truth, [edit]), "rerate": truth})
    grounds = grounds_of(compared, rules, known)
    named = []
    ran = traced(lambda: named.append(classify(compared, CAUSES, grounds)))
    assert {finding.cause for findings in named[0].values() for finding in findings} == {cause}
    proposing = {place for place in ran if place[0].endswith("_rules.py")}
    assert ran - proposing == CHAIN
    assert ("causes/header_rules.py", rule) in proposing
    followed = CHAIN | {("causes/header_rules.py", rule)}
    assert len(followed) <= 8
    assert len({file for file, _ in followed}) <= 4


def test_the_architecture_tells_the_chain() -> None:
    told = (RECONCILE.parent / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`[\w/.]*\b(\w+)`", told.split("How a differing header")[1]))
    assert {name for _, name in CHAIN | OF_RECORDS} <= named


RULES = terms(LINES, [coupon("a", 100)])
LEFT_OUT = Suspect(
    cause="coupon_missing",
    place=Place("sale.order", "S1", "fusion_coupons: a"),
    lago="a",
    odoo="none",
    suppose=OtherRecords(changes=()),
    header=True,
)


OF_RECORDS = {
    ("causes/proving.py", "classify"),
    ("causes/proving.py", "explain"),
    ("causes/proving.py", "header_causes"),
    ("causes/record_causes.py", "suspected_records"),
    ("causes/record_causes.py", "_supposing"),
    ("causes/record_causes.py", "_remedy_of"),
    ("causes/recompute.py", "movement"),
}
RERATE = ("rerate/hypothesis.py", Worlds.rerate.__name__)  # a room below: its door is one function


def test_a_record_that_differs_is_as_many_functions() -> None:
    """It comes from the records instead of a rule, and the header is the re-rate's under it: nothing is edited."""
    truth = invoice(*LINES, header=totals(LINES, RULES))
    odoo = under(RULES, truth, [DropCoupon("a")])
    compared = compare_invoice({"lago": truth, "odoo": odoo, "rerate": truth})
    known = Knowledge(orders=OrderKnowledge(rules=LATEST, suspects=(LEFT_OUT,)))
    supposed = Rerated(invoice=odoo, terms=None)
    grounds = grounds_of(compared, RULES, known, lambda _baseline, _hypotheses: supposed)
    named = []
    ran = traced(lambda: named.append(classify(compared, [Cause(name="coupon_missing", header=True)], grounds)))
    findings = [finding for own in named[0].values() for finding in own]
    assert {(finding.cause, finding.proven) for finding in findings} == {("coupon_missing", True)}
    assert ran == OF_RECORDS
    followed = OF_RECORDS | {RERATE}
    assert len(followed) <= 8
    assert len({file for file, _ in followed}) <= 4
