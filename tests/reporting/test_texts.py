"""Both languages are complete, say the same, and write numbers their own way."""

import ast
import json
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

import reconcile.causes
import reconcile.sides
from mappings.phrases import Phrase, Said, Told
from reconcile.causes.extras import EVIDENCE as EVIDENCE_OF_EXTRAS
from reconcile.compare.verdict import Verdict
from reports import charts, html
from reports.data import STATUSES, Evidence, RefusalView
from reports.json import document, schema
from reports.stored import read
from reports.tallies import LEVELS
from reports.texts import LOCALES, TEXTS, Texts, cause_name, side_name
from reports.texts.causes import CAUSES
from reports.texts.page import PAGE
from reports.texts.refusals import DETAILS
from reports.texts.remedies import REMEDIES
from reports.texts.signatures import SIGNATURES
from reports.texts.states import STATES
from reports.texts.tables import TABLES
from reports.verdict import State
from tests.causes_by_name import NAMES
from tests.reporting.sample import equal, finding, invoice, position


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", TEXTS)
def test_both_languages_fill_the_same_values(name: str) -> None:
    english, french = TEXTS[name]
    assert english.strip()
    assert french.strip()
    assert fields(english) == fields(french)


def test_no_file_says_what_another_says() -> None:
    files = (PAGE, TABLES, STATES, CAUSES, REMEDIES, SIGNATURES, DETAILS)
    assert sum(map(len, files)) == len(TEXTS)


def test_everything_that_can_be_named_has_a_text() -> None:
    wanted = [f"cause.{name}" for name in NAMES] + [f"reading.{v.value}" for v in Verdict]
    wanted += [f"status.{s}" for s in STATUSES] + [f"level.{name}" for name in LEVELS]
    wanted += [f"state_of_run.{s.value}" for s in State]
    assert [name for name in wanted if name not in TEXTS] == []


def test_every_evidence_and_remedy_of_the_causes_has_a_text() -> None:
    folder = Path(str(reconcile.causes.__file__)).parent
    source = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.py")))
    evidence = set(re.findall(r'evidence_of\(key, "(\w+)"', source))
    evidence |= set(re.findall(r'\(Evidence\(name="(\w+)"', source))
    evidence |= {"tax_per_tax", "tax_per_line", "not_billed", "still_billed"}
    remedies = set(re.findall(r'remedy=Evidence\(name="(\w+)"', source)) | {"waive_rounding", "round_globally"}
    assert evidence >= {"units", "no_line", "coupon"}
    at_a_place = set(re.findall(r'remedy_at\(\s*"(\w+)"', source))
    remedies |= at_a_place
    every = set(re.findall(r'Evidence\(\s*name="(\w+)"', source)) | at_a_place
    assert remedies >= {"load_usage", "mend_mapping"}
    assert every >= {"mend_tax", "mend_line_taxes", "mend_product"}
    assert [n for n in every if f"evidence.{n}" not in TEXTS and f"remedy.{n}" not in TEXTS] == []
    assert [n for n in evidence if f"evidence.{n}" not in TEXTS] == []
    assert [n for n in remedies if f"remedy.{n}" not in TEXTS] == []


def test_what_only_odoo_has_is_told_at_length_in_both_languages() -> None:
    assert [kind for kind, name in EVIDENCE_OF_EXTRAS.items() if f"evidence.{name}" not in TEXTS] == []
    folder = Path(str(reconcile.sides.__file__)).parent
    source = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.py")))
    source += (folder.parent / "rerate" / "usage_in_excess.py").read_text("utf-8")
    only = {Told[name] for name in re.findall(r"Told\.((?:ONLY|MORE|LESS|BILLED_BY|BILLS_IN|ORDER)_\w+)", source)}
    without_amount = {Told.ONLY_CHARGE, Told.ONLY_COUPON, Told.ORDER_OF_LOST, Told.ORDER_OF_LOST_WORTH}
    assert only - without_amount == EVIDENCE_OF_EXTRAS.keys()


def said(evidence: Evidence, locale: str) -> str:
    return Texts(locale).evidence("evidence", evidence, "CAD")


@pytest.mark.parametrize("kind", Told)
def test_every_word_among_the_values_of_evidence_is_said_in_both_languages(kind: Told) -> None:
    english, french = TEXTS[f"told.{kind}"]
    assert fields(english) == fields(french) == fields(kind.value)
    assert english != french
    values = tuple(f"zz{number}" for number in range(len(fields(kind.value))))
    told = {"where": "x", "what": Phrase(kind, values), "lago": "1", "odoo": "2"}
    shown = said(Evidence(name="held", values=told), "fr_CA")
    assert french.format(*values) in shown
    assert english.format(*values) not in shown


@pytest.mark.parametrize("kind", Told)
def test_what_a_customer_calls_so_is_not_translated(kind: Told) -> None:
    told = {"where": "x", "what": "y", "lago": kind.value, "odoo": "2"}
    assert kind.value in said(Evidence(name="held", values=told), "fr_CA")


def test_words_among_the_values_come_back_from_the_json(tmp_path: Path) -> None:
    what, odoo = Phrase(Told.CHARGE, ("none",)), Phrase(Told.NONE)
    evidence = Evidence(name="held", values={"where": "x", "what": what, "lago": "none", "odoo": odoo})
    changed = position(1, 5, 6, 5, findings=(finding(1, "missing_line", evidence=(evidence,)),))
    data = replace(equal(), invoices=(invoice(1, changed),))
    written = document(data)
    jsonschema.validate(written, schema())
    [plainly] = written["invoices"][0]["positions"][0]["findings"][0]["evidence"]
    assert plainly["values"] == {"where": "x", "what": "charge none", "lago": "none", "odoo": "none"}
    assert plainly["words"] == {"what": {"kind": "charge {0}", "values": ["none"]}, "odoo": {"kind": "none"}}
    path = tmp_path / "r.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    assert read(path).invoices[0].positions[0].findings[0].evidence == (evidence,)


def test_details_of_refusals_come_back_from_the_json(tmp_path: Path) -> None:
    """Words of ours as such, in every language; another's text, and the text of a report of before, as it is."""
    ours = Told.OF_PLACE.of(Told.FEE.of("fee-1"), Told.NO_PERIOD.of())
    before = Told.SELF_IN_QUARANTINE.of("code", "is null")  # what is wrong was text once: it stays as it was written
    now = Told.SELF_IN_QUARANTINE.of("code", Told.IS_NULL.of())
    details: tuple[Said, ...] = (ours, "No journal", "fee fee-1: Lago stored no period with it", before, now)
    refusals = tuple(RefusalView(side="odoo", reason="order_missing", detail=detail) for detail in details)
    data = replace(equal(), invoices=(replace(invoice(1), refusals=refusals),))
    written = document(data)
    jsonschema.validate(written, schema())
    plainly = written["invoices"][0]["refusals"]
    assert [refusal["detail"] for refusal in plainly] == [str(detail) for detail in details]
    assert [refusal.get("words") for refusal in plainly] == [
        {
            "detail": {
                "kind": "{0}: {1}",
                "values": [{"kind": "fee {0}", "values": ["fee-1"]}, {"kind": "Lago stored no period with it"}],
            }
        },
        None,
        None,
        {"detail": {"kind": str(before.kind.value), "values": ["code", "is null"]}},
        {"detail": {"kind": str(now.kind.value), "values": ["code", {"kind": "is null"}]}},
    ]
    path = tmp_path / "r.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    assert read(path).invoices[0].refusals == refusals
    assert [Texts("fr_CA").said(detail) for detail in details] == [
        "frais fee-1 : Lago n’a enregistré aucune période avec lui",
        *details[1:3],
        "en quarantaine : champ code is null ; à corriger dans Lago, puis extraire de nouveau",
        "en quarantaine : champ code est nul (null) ; à corriger dans Lago, puis extraire de nouveau",
    ]


@pytest.mark.parametrize("kind", [kind for kind in Told if f"told.{kind}" in DETAILS])
def test_the_english_of_a_detail_is_what_the_json_has(kind: Told) -> None:
    detail = kind.of(*(f"zz{number}" for number in range(len(fields(kind.value)))))
    assert Texts("en_CA").said(detail) == str(detail)


MAKERS = {"Refusal", "Extra", "RerateRefused", "unknown_before"}


def plain_texts(tree: ast.AST) -> Iterator[int]:
    """Lines where a detail is made of a text that stands in the code, there or in a name of the same function."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Module)):
        nodes = list(ast.walk(function))
        assigned = [node for node in nodes if isinstance(node, ast.Assign)]
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            if getattr(call.func, "id", "") in MAKERS:
                given = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "detail")]
                names = {node.id for node in given if isinstance(node, ast.Name)}
                given += [a.value for a in assigned if any(getattr(t, "id", "") in names for t in a.targets)]
                if any(isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp) for node in given):
                    yield call.lineno


def test_details_are_no_sentences_of_their_own() -> None:
    """What refuses says so by a ``Phrase``, which is said in both languages, or hands on another's text."""
    code = (
        "def f():\n    told = f'no {x}'\n    return Refusal(reason='a', detail=told)\nRerateRefused('a', 'no order')\n"
    )
    assert set(plain_texts(ast.parse(code))) == {3, 4}
    folder = Path(str(reconcile.causes.__file__)).parents[1]
    wrong = {str(p): set(plain_texts(ast.parse(p.read_text("utf-8")))) for p in sorted(folder.rglob("*.py"))}
    assert {path: lines for path, lines in wrong.items() if lines} == {}


def test_causes_make_no_words_of_their_own() -> None:
    """A value that is words of ours is a ``Phrase``: no text of the causes reads like one of them."""
    folder = Path(str(reconcile.causes.__file__)).parent
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                text = node.value.strip(" :")
                assert text not in {"none", "not there", "in excess", "and properties", "no subscription"}, path
                assert not re.search(r"\bof \{|^(charge|period of) ", node.value), path


def test_every_text_the_page_asks_for_exists() -> None:
    script = html._asset("report.js")
    asked = set(re.findall(r'\bT\("([\w.]+)"', script))
    page = html._asset("report.html.j2")
    asked |= set(re.findall(r"""\bt\(['"]([\w.]+)['"]""", page))
    assert {"reset", "totals"} <= asked
    assert [name for name in asked if name not in TEXTS] == []


def test_numbers() -> None:
    english, french = (Texts(locale) for locale in LOCALES)
    assert english.money(-123456789, "CAD") == "-1,234,567.89\xa0CAD"
    assert french.money(-123456789, "CAD").replace("\u202f", "\xa0") == "-1\xa0234\xa0567,89\xa0CAD"
    assert english.money(1234, "JPY") == "1,234\xa0JPY"
    assert english.money(1234, "KWD") == "1.234\xa0KWD"
    assert english.money(5, "CAD", sign=True) == "+0.05\xa0CAD"
    assert english.money(0, "CAD", sign=True) == "0.00\xa0CAD"
    assert english.number(Decimal("0.000000000123")) == "0.000000000123"
    assert (english.title("2026-07"), french.title("2026-07")) == (
        "Reconciliation July 2026",
        "Rapprochement juillet 2026",
    )
    assert french.title("all") == "Rapprochement, toutes les périodes"
    assert english.period("all") == english.title("all")


@pytest.mark.parametrize(
    ("locale", "n", "shown"),
    [
        ("en_CA", 0, "0 units"),
        ("en_CA", 1, "1 unit"),
        ("en_CA", Decimal("1.5"), "1.5 units"),
        ("en_CA", 2, "2 units"),
        ("fr_CA", 0, "0 unité"),
        ("fr_CA", 1, "1 unité"),
        ("fr_CA", Decimal("1.5"), "1,5 unité"),
        ("fr_CA", 2, "2 unités"),
    ],
)
def test_one_and_several(locale: str, n: int | Decimal, shown: str) -> None:
    assert Texts(locale).counted("units", n) == shown


def test_evidence_counts_one_as_one() -> None:
    values = {"theirs": Decimal(1), "ours": Decimal(2), "their_events": 1, "our_events": 2}
    said = Texts().evidence("evidence", Evidence(name="units", values=values), "CAD")
    assert said.startswith("1 unit (1 event) instead of 2 units (2 events)")


def test_names_for_other_programs() -> None:
    assert cause_name("coupon_missing") == "Coupon not applied"
    assert cause_name("coupon_missing", "fr_CA") == "Coupon non appliqué"
    assert (side_name("rerate"), side_name("rerate", "fr_CA")) == ("Re-rate", "Recalcul")
    assert cause_name("solar_flare") == "solar_flare"


def test_missing_usage_names_the_setting() -> None:
    for locale in LOCALES:
        assert "[mapping] usage_since" in Texts(locale).evidence("remedy", Evidence(name="load_usage"), "CAD")


def test_an_unknown_language_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="'de_DE' is not one of en_CA, fr_CA"):
        Texts("de_DE")


def test_refusals_of_old_reports_have_their_words() -> None:
    assert Texts().named("refusal", "order-missing") == Texts().named("refusal", "order_missing") != "order-missing"


def test_causes_of_another_version_stay_readable() -> None:
    texts = Texts()
    assert texts.named("cause", "solar_flare") == "solar_flare"
    assert texts.evidence("evidence", Evidence(name="new", values={"n": 1}), "CAD") == "new {'n': '1'}"


def test_charts_show_nothing_for_nothing() -> None:
    from tests.reporting.sample import equal, nothing, sample

    assert charts.draw_causes(equal(), Texts()) == []
    assert charts.draw_trend(nothing(), Texts()) == []
    assert [currency for currency, _ in charts.draw_trend(sample(), Texts())] == ["CAD"]  # one bar in JPY
