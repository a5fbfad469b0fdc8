"""One predicate: headline, table of states, exit code, JUnit and the gate of signing cannot contradict each other."""

from __future__ import annotations

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
from reports.texts import TEXTS, Texts
from reports.verdict import NOTHING_TO_MEND, RunOutcome, State, control_exit_code, judge
from tests.reporting.random_reports import reports
from tests.reporting.sample import RUN, equal, finding, invoice, position, sample

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
    return all(covered) and all(p.findings and all(f.proven or f.waiver for f in p.findings) for p in rows)


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
    to_mend: dict[str, int] = {}
    for i, _, left in counting:
        for f in left:
            if not f.remedy or f.remedy.name not in ("waive_rounding", "accept_rule", "price_passed"):
                to_mend[i.currency] = to_mend.get(i.currency, 0) + abs(f.delta_cents)
    if any(cents and cents >= data.run.materiality_cents for cents in to_mend.values()):
        return "to_act"
    if counting:
        return "immaterial"
    others = any(i.refusals for i in data.invoices) or data.lapses
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
    ends = [control_exit_code(data, fees_agree=agree) for data in (equal(), waived) for agree in (True, False)]
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
