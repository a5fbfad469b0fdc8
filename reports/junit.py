"""JUnit for CI: one case per customer and month. Differences fail it, refusals are errors, waived ones skip it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from reports.data import OPEN, OUTSIDE, REFUSED, InvoiceView, Position, RefusalView, ReportData
from reports.register_cells import receivable_line
from reports.summary import lapse_cells, position_name
from reports.texts import Texts
from reports.verdict import RunOutcome, judge, untied

# What XML 1.0 cannot carry, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write the JUnit XML to ``path``."""
    path.write_bytes(render(data, locale))


def render(data: ReportData, locale: str = "en_CA") -> bytes:
    """The JUnit XML (UTF-8)."""
    texts = Texts(locale)
    suite = ET.Element("testsuite", name=_clean(texts.title(data.run.period)))
    for (customer, month), invoices in _cases(data).items():
        case = ET.SubElement(suite, "testcase", classname=f"reconcile.{month}", name=_clean(customer))
        _tell_outcome(case, replace(data, invoices=tuple(invoices), lapses=(), receivables=()), texts)
    for lapse in data.lapses:
        name = f"{lapse.customer} {lapse.subscription} {lapse.begins:%Y-%m-%d}"
        case = ET.SubElement(suite, "testcase", classname=f"coverage.{lapse.kind}", name=_clean(name))
        _add_child(case, "skipped" if lapse.waiver else "failure", " · ".join(lapse_cells(lapse, texts)), ())
    for view in untied(data):
        case = ET.SubElement(suite, "testcase", classname="receivables", name=view.currency)
        _add_child(case, "skipped" if view.waiver else "failure", receivable_line(view, texts), ())
    kinds = {
        "tests": "testcase",
        "failures": "testcase/failure",
        "errors": "testcase/error",
        "skipped": "testcase/skipped",
    }
    for attribute, path in kinds.items():
        suite.set(attribute, str(len(suite.findall(path))))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _cases(data: ReportData) -> dict[tuple[str, str], list[InvoiceView]]:
    cases: dict[tuple[str, str], list[InvoiceView]] = defaultdict(list)
    for invoice in data.invoices:
        cases[invoice.customer, invoice.month].append(invoice)
    return dict(sorted(cases.items()))


def _tell_outcome(case: ET.Element, data: ReportData, texts: Texts) -> None:
    """What the verdict on the invoices of a case makes of it."""
    judged = judge(data)
    rows = list(data.rows())
    refusals = [(i, r) for i in data.invoices for r in i.refusals]
    if judged.differing or judged.doubted:
        failed = ((i, p) for i, p in rows if p.status != REFUSED and p.open)
        _add_child(case, "failure", texts("difference"), (_line(i, p, texts) for i, p in failed))
    elif judged.outcome is RunOutcome.DIFFERENT:
        _add_child(case, "error", texts("refusals"), (_refused(i, r, texts) for i, r in refusals))
    elif judged.outcome is RunOutcome.WAIVED:
        waived = ((i, p) for i, p in rows if p.status in OPEN or p.doubt)
        _add_child(case, "skipped", texts("state_of_run.waived"), (_line(i, p, texts) for i, p in waived))
    elif rows and all(p.status == OUTSIDE for _, p in rows):
        _add_child(case, "skipped", texts("status.outside"), ())


def _refused(invoice: InvoiceView, refusal: RefusalView, texts: Texts) -> str:
    reason, detail = texts.named("refusal", refusal.reason), texts.said(refusal.detail)
    return f"{invoice.number}: {reason}: {detail} [refused:{refusal.reason}]"


def _line(invoice: InvoiceView, position: Position, texts: Texts) -> str:
    causes = ", ".join(dict.fromkeys(texts.named("cause", f.cause) for f in position.findings))
    amount = texts.money(position.at_stake_cents, invoice.currency, sign=True)
    return f"{invoice.number} {position_name(position, texts)}: {amount} ({causes}) [{position.id}]"


def _add_child(case: ET.Element, kind: str, message: str, lines: Iterable[str]) -> None:
    ET.SubElement(case, kind, message=_clean(message)).text = _clean("\n".join(lines))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
