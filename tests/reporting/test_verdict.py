"""One predicate: headline, table of states, exit code, JUnit and the gate of signing cannot contradict each other."""

from __future__ import annotations

from csv import reader
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings

from reconcile.compare import waivers
from reconcile.compare.waivers import UNTIED, Waiver
from reports import csv, glance, html, json, junit, markdown, summary, text, xlsx
from reports.data import COMPARED, OPEN, Evidence, LapseView, ReceivableView, RefusalView, ReportData
from reports.errors import NotSigned
from reports.evidence.signing import Signing, _check_open
from reports.tallies import TieOutBroken, check_ties
from reports.texts import TEXTS, Texts
from reports.verdict import NOTHING_TO_MEND, RunOutcome, State, control_exit_code, judge
from tests.reporting.random_reports import reports
from tests.reporting.sample import RUN, doubt, equal, finding, invoice, position, sample

EXIT_OF = {"equal": 0, "waived": 3, "immaterial": 2, "to_act": 2}
SIGNING = Signing(period="2026-07", preparer="Ana", reviewer="Bo", at=datetime(2026, 8, 21, tzinfo=UTC))
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def is_signed(data: ReportData) -> bool:
    try:
        _check_open(data, SIGNING)
    except NotSigned:
        return False
    return True


def expected_signature(data: ReportData) -> bool:
    """Whether everything that no waiver covers is proven."""
    covered = [r.waiver for i in data.invoices for r in i.refusals] + [lapse.waiver for lapse in data.lapses]
    rows = [p for _, p in data.rows() if p.status in OPEN]
    if any(not tied(view) and not view.waiver for view in data.receivables):
        return False
    if any(cents >= data.run.materiality_cents for cents in doubted(data).values()):
        return False
    return all(covered) and all(p.findings and all(f.proven or f.waiver for f in p.findings) for p in rows)


def doubted(data: ReportData) -> dict[str, int]:
    """Currency -> what both sides bill alike and the re-rate does not, of what no waiver covers."""
    sums: dict[str, int] = {}
    for i, p in data.rows():
        covered = any(f.cause == "rerate_differs" and f.waiver for f in p.findings)
        if p.verdict == "model" and not covered:
            sums[i.currency] = sums.get(i.currency, 0) + abs(p.sides["rerate"].cents - p.sides["lago"].cents)
    return sums


def tied(view: ReceivableView) -> bool:
    """Whether the accounts hold what the documents say."""
    return view.account_cents == view.posted_cents + view.other_cents


def expected_state(data: ReportData) -> str:
    """The rules once more, in other words, over everything at once."""
    differing = [(i, p) for i, p in data.rows() if p.status in OPEN]
    counting = [(i, p, [f for f in p.findings if not f.waiver]) for i, p in differing]
    counting = [(i, p, left) for i, p, left in counting if left or not p.findings]
    if not expected_signature(data):
        return "to_act"
    to_mend = doubted(data)
    for i, _, left in counting:
        for f in left:
            if not f.remedy or f.remedy.name not in ("waive_rounding", "accept_rule", "price_passed", "bill_by_date"):
                to_mend[i.currency] = to_mend.get(i.currency, 0) + abs(f.delta_cents)
    if any(cents and cents >= data.run.materiality_cents for cents in to_mend.values()):
        return "to_act"
    if counting or doubted(data):
        return "immaterial"
    others = any(i.refusals for i in data.invoices) or data.lapses or any(p.verdict == "model" for _, p in data.rows())
    return "waived" if differing or others else "equal"


@MANY
@given(reports())
def test_everything_follows_from_one_verdict(data: ReportData) -> None:
    judged, texts = judge(data), Texts()
    state = judged.state.value
    assert state == expected_state(data)
    assert judged.exit_code == EXIT_OF[state]
    document = json.document(data)
    assert (document["state"], document["outcome"]) == (state, judged.outcome.value)
    assert (document["exit_code"] == 0) == (state == "equal")
    assert is_signed(data) == expected_signature(data)
    stated = {d["currency"]: d["gross_cents"] for d in document.get("doubts", ())}
    assert set(doubted(data)) <= stated.keys()
    _check_headline(data, state)
    _check_junit(data, judged.outcome)
    assert [box.good for box in glance.glance(data, texts)] == [state != "to_act"] * 4 or state == "to_act"


def _check_headline(data: ReportData, state: str) -> None:
    """The first sentence names the state; that of the proof stands where signing needs no reason, and only there."""
    name, compared = summary.headline(data), any(p.status in COMPARED for _, p in data.rows())
    differing = any(p.status in OPEN for _, p in data.rows())
    assert name in ({f"verdict.{state}", "verdict.rest"} if compared else {"verdict.none"})
    assert (name == "verdict.equal") == (state == "equal" and compared)
    remarks = " ".join(summary.remarks(data, Texts()))
    said = "Every difference has a proven cause" in remarks
    assert said == (differing and is_signed(data))
    if "Every difference has a proven cause." in remarks:
        assert all(p.findings and all(f.proven for f in p.findings) for _, p in data.rows() if p.status in OPEN)


def _check_junit(data: ReportData, outcome: RunOutcome) -> None:
    suite = ET.fromstring(junit.render(data)).find("testsuite")
    assert suite is not None
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    assert (failed > 0) == (outcome is RunOutcome.DIFFERENT)
    waived = [case for case in suite.iter("skipped") if case.attrib["message"] != "outside the scope"]
    assert failed or bool(waived) == (outcome is RunOutcome.WAIVED)


def rounding(number: int, cents: int) -> object:
    remedy = Evidence(name="waive_rounding")
    return position(number, 100, 100 + cents, 100, findings=(finding(cents, "tax_rounding", remedy=remedy),))


def test_a_control_run_ends_by_what_differs_within_fees_too() -> None:
    waived = replace(equal(), invoices=(invoice(1, position(1, 5, 6, 5, findings=(finding(1, waiver="w"),))),))
    ends = [control_exit_code(data, all_agree=agree) for data in (equal(), waived) for agree in (True, False)]
    assert ends == [0, 2, 3, 3]


def test_three_cents_with_nothing_to_mend_are_no_red_box() -> None:
    data = replace(equal(), invoices=(invoice(1, *(rounding(n, 1) for n in (1, 2, 3))),))  # type: ignore[arg-type]
    assert (judge(data).state, judge(data).exit_code) == (State.IMMATERIAL, 2)
    page = html.render(data)
    assert '<section class="verdict immaterial"' in page
    assert "Explained and immaterial" in page
    assert page.count('class="stake good"') == page.count('class="todo good"') == 1
    assert "explained, and nothing to act on" in text.render(data)
    assert markdown.render(data).splitlines()[2].startswith("🟡")


@pytest.mark.parametrize(("materiality", "state"), [(0, "to_act"), (5, "to_act"), (6, "immaterial")])
def test_what_is_below_the_declared_materiality_is_immaterial(materiality: int, state: str) -> None:
    """The sum counts, in absolute values: +3 and -2 are 5, and a sum that reaches the limit is material."""
    rows = (position(1, 10, 13, 10), position(2, 10, 8, 10))
    data = ReportData(run=replace(RUN, materiality_cents=materiality), invoices=(invoice(1, *rows),))
    assert judge(data).state.value == state


def test_opposite_causes_of_one_position_make_nothing_immaterial() -> None:
    both = position(1, 10, 11, 10, findings=(finding(3), finding(-2)))
    data = ReportData(run=replace(RUN, materiality_cents=5), invoices=(invoice(1, both),))
    assert judge(data).state is State.TO_ACT


def test_currencies_are_material_each_by_itself() -> None:
    rows = [invoice(n, position(n, 10, 13, 10), currency=c) for n, c in ((1, "CAD"), (2, "EUR"))]
    data = ReportData(run=replace(RUN, materiality_cents=4), invoices=tuple(rows))
    assert judge(data).state is State.IMMATERIAL


def test_without_proof_nothing_is_immaterial() -> None:
    doubt = position(1, 10, 11, 10, findings=(finding(1, proven=False),))
    data = ReportData(run=replace(RUN, materiality_cents=10**6), invoices=(invoice(1, doubt),))
    assert judge(data).state is State.TO_ACT
    assert "Every difference has a proven cause" not in text.render(data)
    assert "Differences without a proven cause: 1." in text.render(data)


def test_refused_invoices_take_the_sentence_away() -> None:
    refusal = RefusalView(side="odoo", reason="invoice_refused", detail="No journal could be found")
    data = replace(equal(), invoices=(invoice(1, position(1, 5, 6, 5)), invoice(2, refusals=(refusal,))))
    assert "Every difference has a proven cause" not in text.render(data)
    assert judge(data).state is State.TO_ACT


def test_nothing_is_green_where_nothing_was_compared() -> None:
    data = replace(sample(), invoices=(sample().invoices[-1],))
    assert judge(data).state is State.EQUAL
    assert '<section class="verdict nothing"' in html.render(data)


def test_remedies_without_mending_are_those_that_say_so() -> None:
    said = {name for name, (english, _) in TEXTS.items() if "othing to mend" in english and name.startswith("remedy.")}
    assert said == {f"remedy.{name}" for name in NOTHING_TO_MEND}


LAPSE = LapseView(
    kind="usage_billed_twice",
    customer="NX-1",
    customer_name="Maple",
    subscription="sub-1",
    begins=datetime(2026, 6, 1, tzinfo=UTC),
    ends=datetime(2026, 7, 1, tzinfo=UTC),
    day=date(2026, 7, 1),
    currency="CAD",
    cents=12345,
    events=77,
    invoices=("NEX-1", "NEX-2"),
)


OWED = ReceivableView(
    currency="CAD", lago_cents=900, missing_cents=0, draft_cents=400, posted_cents=500, other_cents=7, account_cents=507
)


@pytest.mark.parametrize(
    ("view", "exit_code"),
    [
        (OWED, 0),
        (replace(OWED, posted_cents=200, paid_cents=300, account_cents=207), 0),  # paid in Odoo since
        (replace(OWED, draft_cents=399), 0),  # a difference of its document, in that one's month
        (replace(OWED, posted_cents=200, lago_cents=600, paid_cents=300, account_cents=207), 0),  # paid on both sides
        (replace(OWED, account_cents=508), 2),
        (replace(OWED, astray_cents=291), 2),  # posted in another currency
        (replace(OWED, astray_cents=-291), 2),  # another currency's
        (replace(OWED, account_cents=508, astray_cents=1), 2),
    ],
)
def test_receivables_that_do_not_tie_move_exit_code_headline_junit_and_signature(
    view: ReceivableView, exit_code: int
) -> None:
    data = replace(equal(), receivables=(view,))
    assert (judge(data).exit_code, is_signed(data)) == (exit_code, not exit_code)
    assert summary.headline(data) == ("verdict.rest" if exit_code else "verdict.equal")
    assert ("receivable accounts do not add up" in text.render(data)) == bool(exit_code)
    assert (b'classname="receivables"' in junit.render(data)) == bool(exit_code)


def test_receivables_that_do_not_tie_are_waived_by_their_own_name() -> None:
    """As a whole, up to an amount; a waiver covers nothing where they tie."""
    waiver = Waiver(rule=UNTIED, reason="posted twice, reversed in August", author="a", approver="b", expires=date.max)
    data = replace(equal(), receivables=(replace(OWED, account_cents=508),))
    waived = waivers.apply(data, [waiver], date(2026, 8, 21))
    assert (judge(waived).state, judge(waived).exit_code, is_signed(waived)) == (State.WAIVED, 3, True)
    assert [view.used for view in waived.waivers] == [1]
    assert "receivable accounts do not add up" not in text.render(waived)
    assert b"skipped" in junit.render(waived)
    assert json.document(waived)["receivables"][0]["waiver"] == UNTIED
    jsonschema.validate(json.document(waived), json.schema())
    too_small = waivers.apply(data, [replace(waiver, max_cents=0)], date(2026, 8, 21))
    assert judge(too_small).exit_code == 2
    tying = waivers.apply(replace(data, receivables=(OWED,)), [waiver], date(2026, 8, 21))
    assert ([view.used for view in tying.waivers], judge(tying).exit_code) == ([0], 0)


def test_a_lapse_is_in_every_output_with_what_to_do(tmp_path: Path) -> None:
    data = replace(equal(), lapses=(LAPSE,))
    remedy = Texts()("what_to_do.usage_billed_twice")
    for render in (text.render, markdown.render, html.render):
        shown = render(data).replace("\xa0", " ").replace("\\", "")
        assert "Usage billed twice" in shown
        assert "123.45 CAD" in shown
        assert remedy in shown
    csv.write_lapses(data, tmp_path / "l.csv")
    assert '2026-06-01,2026-07-01,2026-07-01,CAD,77,123.45,"NEX-1, NEX-2"' in (tmp_path / "l.csv").read_text(
        "utf-8-sig"
    )
    xlsx.write(data, tmp_path / "r.xlsx")
    assert openpyxl.load_workbook(tmp_path / "r.xlsx")["Billed twice or never"]["A2"].value == "Usage billed twice"
    boxes = {box.name: box for box in glance.glance(data, Texts())}
    assert (boxes["wrong"].value, boxes["todo"].value) == ("Lago", remedy)
    assert boxes["stake"].value.replace("\xa0", " ") == "123.45 CAD"


def test_a_lapse_is_signed_only_with_a_reason_or_a_waiver() -> None:
    lapsed = replace(equal(), lapses=(LAPSE,))
    with pytest.raises(NotSigned, match="1 stretches were billed twice or never"):
        _check_open(lapsed, SIGNING)
    _check_open(lapsed, replace(SIGNING, accept_open="credited in August"))
    covered = replace(equal(), lapses=(replace(LAPSE, waiver="usage_billed_twice"),))
    assert is_signed(covered)
    assert judge(covered).state is State.WAIVED
    assert "waived: usage_billed_twice" in html.render(covered)


def shared(cents: int = -1000, currency: str = "CAD", **more: object) -> ReportData:
    """Lago and Odoo bill 50.00 alike, and the re-rate something else."""
    of_both = position(1, 50_00, 50_00, 50_00 + cents, verdict="model", findings=(doubt(cents, **more),))
    return replace(equal(), invoices=(invoice(1, of_both, currency=currency),))


def test_what_both_bill_alike_and_the_rerate_does_not_is_to_act_on() -> None:
    """No position differs, and nobody may call the month equal, or sign it without a reason."""
    data = shared()
    judged = judge(data)
    assert (judged.state, judged.exit_code, judged.differing, judged.doubted) == (State.TO_ACT, 2, 0, 1)
    assert summary.headline(data) == "verdict.rest"
    with pytest.raises(NotSigned, match="the re-rate doubts 1 positions on which both sides agree"):
        _check_open(data, SIGNING)
    _check_open(data, replace(SIGNING, accept_open="agreed with the customer"))


@pytest.mark.parametrize(("materiality", "state", "signed"), [(1000, "to_act", False), (1001, "immaterial", True)])
def test_a_doubt_below_the_declared_materiality_is_immaterial_and_no_equality(
    materiality: int, state: str, signed: bool
) -> None:
    data = replace(shared(), run=replace(RUN, materiality_cents=materiality))
    assert (judge(data).state.value, judge(data).exit_code, is_signed(data)) == (state, 2, signed)


def test_doubts_are_material_each_currency_by_itself_and_together_with_what_is_to_be_mended() -> None:
    invoices = (*shared(2).invoices, *shared(2, "EUR").invoices)
    data = replace(equal(), run=replace(RUN, materiality_cents=3), invoices=invoices)
    assert judge(data).state is State.IMMATERIAL
    mended = replace(data, invoices=(*invoices, invoice(2, position(2, 10, 12, 10))))
    assert judge(mended).state is State.TO_ACT


def test_a_doubt_is_waived_by_its_own_name_up_to_an_amount() -> None:
    waiver = Waiver(
        rule="rerate_differs", reason="agreed by letter", author="a", approver="b", expires=date.max, max_cents=1000
    )
    waived = waivers.apply(shared(), [waiver], date(2026, 8, 21))
    assert (judge(waived).state, judge(waived).exit_code, is_signed(waived)) == (State.WAIVED, 3, True)
    assert [view.used for view in waived.waivers] == [1]
    assert "and that is waived: 10.00 CAD" in text.render(waived).replace("\xa0", " ")
    assert b"skipped" in junit.render(waived)
    more = waivers.apply(shared(-1001), [waiver], date(2026, 8, 21))
    assert judge(more).exit_code == 2


def test_a_doubt_is_in_every_output_with_its_money_and_its_side(tmp_path: Path) -> None:
    data = replace(shared(), invoices=(*shared().invoices, *shared(25, "EUR").invoices))
    said = "on 2 positions: 10.00 CAD, 0.25 EUR in doubt"
    for render in (text.render, markdown.render, html.render):
        shown = render(data).replace("\xa0", " ").replace("\\", "")
        assert said in shown
        assert "Both agree, the re-rate does not" in shown
        assert Texts()("remedy.settle_doubt")[:40] in shown
    document = json.document(data)
    jsonschema.validate(document, json.schema())
    assert document["doubts"] == [
        {"currency": "CAD", "positions": 1, "waived": 0, "delta_cents": -1000, "gross_cents": 1000},
        {"currency": "EUR", "positions": 1, "waived": 0, "delta_cents": 25, "gross_cents": 25},
    ]
    of_causes = {(c["cause"], c["side"], c["currency"]): c["gross_cents"] for c in document["causes"]}
    assert of_causes == {("rerate_differs", "rerate", "CAD"): 1000, ("rerate_differs", "rerate", "EUR"): 25}
    csv.write(data, tmp_path / "r.csv")
    heads, first, *_ = list(reader((tmp_path / "r.csv").read_text("utf-8-sig").splitlines()))
    row = dict(zip(heads, first, strict=True))
    assert (row["difference"], row["doubted"], row["rerate"]) == ("0.00", "-10.00", "40.00")
    assert (row["wrong_side"], row["proven"]) == ("Re-rate", "not proven")
    xlsx.write(data, tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert [cell.value for cell in book["Causes"][2]][:4] == ["Both agree, the re-rate does not", "Re-rate", "CAD", 1]
    assert any(said in str(row[0].value).replace("\xa0", " ") for row in book["Summary"].iter_rows())
    assert b'failures="1"' in junit.render(data)
    assert "-10.00" in junit.render(data).decode().replace("\u2212", "-")
    boxes = {box.name: box for box in glance.glance(data, Texts())}
    assert (boxes["stake"].value.replace("\xa0", " "), boxes["wrong"].value) == ("10.00 CAD · 0.25 EUR", "Re-rate")


def test_a_report_whose_doubt_is_not_what_its_sides_say_contradicts_itself() -> None:
    data = shared(-1000)
    (own,) = data.invoices
    (p,) = own.positions
    told = replace(p, findings=(doubt(-999),))
    with pytest.raises(TieOutBroken, match="the doubt is of -999, not -1000"):
        check_ties(replace(data, invoices=(replace(own, positions=(told,)),)))
