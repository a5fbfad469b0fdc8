"""A company whose every identifying value is marked, reported under pseudonyms: no mark may be left in any output.

The marks hold what breaks texts apart: brackets, commas, equal signs, quotes, accents, blanks. A part of one is enough
to fail.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from tests.cases.conftest import Case
from tests.cli.conftest import Result

MARK = re.compile(r"(?i)zq\d+|canary\d+")
NAMES = {"name", "legal_name", "address_line1", "address_line2", "phone", "tax_identification_number", "slug", "value"}
IDS = {"external_id", "external_customer_id", "external_subscription_id", "transaction_id", "event_transaction_id"}
NAMED = {"customer", "customers", "organization", "metadata", "subscription", "subscriptions"}
MORE = {
    "legal_name": "Northwind Holdings",
    "email": "pay@northwind.example",
    "address_line1": "1 Pier",
    "address_line2": "Floor 2",
    "phone": "+1 555 0100",
    "tax_identification_number": "CA-1",
    "slug": "ACM-001",
    "metadata": [{"key": "crm", "value": "Opportunity 7", "display_in_invoice": True}],
}


def _kind(key: str, inside: str) -> str:
    """What a text is; empty if it identifies nobody."""
    if inside in ("grouped_by", "properties"):
        return "value" if key == "user" else ""
    if key in IDS:
        return "" if inside in ("plan", "plans") else "id"
    if key in NAMES:
        return "name" if inside in NAMED else ""
    return {"email": "mail", "number": "number"}.get(key, "")


class Marks:
    """The same mark for the same value, wherever it stands."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}

    def mark(self, kind: str, text: str) -> str:
        if text and text not in self.of:
            number = len(self.of) + 1
            self.of[text] = {
                "name": f"Canary{number}, (Zq{number}) = o'Canary{number} Été",
                "id": f"zq{number}(a),b=canary{number}",
                "mail": f"zq{number}.x@canary{number}.example",
                "number": f"ZQ{number}-001",
                "value": f"zq{number}, canary{number} (x)=y",
            }[kind]
        return self.of.get(text, text)

    def value(self, key: str, item: Any, inside: str) -> Any:
        """One member of an object that stands under ``inside``."""
        if isinstance(item, dict):
            return self.members(item, key)
        if isinstance(item, list):
            return [self.value(key, each, inside) for each in item]
        kind = _kind(key, inside) if isinstance(item, str) else ""
        return self.mark(kind, item) if kind else item

    def members(self, item: dict[str, Any], inside: str) -> dict[str, Any]:
        whole = {**item, **(MORE if "account_type" in item else {})}
        return {key: self.value(key, each, inside) for key, each in whole.items()}

    def line(self, text: str) -> str:
        call = json.loads(text)
        call["body"] = self.members(call["body"], "")
        parts = call["path"].split("/")
        call["path"] = "/".join(quote(self.of[part], safe="") if part in self.of else part for part in parts)
        query = [(name, self.of.get(value, value)) for name, value in parse_qsl(call["query"])]
        return json.dumps({**call, "query": urlencode(query)}, ensure_ascii=False)


def mark(recording: Path, target: Path) -> Marks:
    """The recording with all of its identifying values marked."""
    marks, target_files = Marks(), {}
    for _ in range(2):  # paths and queries know a mark only once the values are known
        for file in sorted(recording.glob("*.jsonl")):
            lines = [marks.line(line) for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
            target_files[file.name] = "\n".join(lines) + "\n"
    target.mkdir()
    for name, text in target_files.items():
        (target / name).write_text(text, encoding="utf-8")
    return marks


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Everything that can be read in a file: what is packed in it, too."""
    content = path.read_bytes()
    yield path.name, content.decode("utf-8", "replace")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                yield f"{path.name}/{name}", packed.read(name).decode("utf-8", "replace")
    for number, found in enumerate(re.findall(rb"H4sI[A-Za-z0-9+/=]+", content)):
        yield f"{path.name} packed {number}", gzip.decompress(base64.b64decode(found)).decode()


def marked(where: str, text: str) -> list[str]:
    return [f"{where}: …{text[max(0, m.start() - 40) : m.end() + 20]}…" for m in MARK.finditer(text)][:3]


def marked_in(result: Result, what: str) -> list[str]:
    """``result`` of a command; the file that the configuration names is no output."""
    return [*marked(f"{what} stdout", result.out), *marked(f"{what} stderr", result.err)]


@pytest.fixture
def company(case: Callable[..., Case], companies: Path, tmp_path: Path) -> Case:
    """Migrated; then a record of usage is lost in Odoo."""
    opened = case("25")
    (recording,) = companies.glob("25-*")
    marks = mark(recording, tmp_path / "marked")
    assert len(marks.of) > 15
    opened.project.replace(str(recording), str(tmp_path / "marked"))
    applied = opened.migrate(waived=("state_not_linked",))
    assert applied.code == 0, applied.err
    odoo = opened.door()
    usage = odoo.search("fusion.billing.usage", [])
    odoo.send("fusion.billing.usage", "unlink", usage[:1])
    return opened


def test_no_identifying_value_is_left_in_any_output(company: Case) -> None:
    key = str(company.project.folder / "key.txt")
    found: list[str] = []
    assert company.run("reconcile", "--period", "2026-08").code == 2  # with names: the report is made from it
    for language in ("en_CA", "fr_CA"):
        config = company.project.config
        config.write_text(f'{config.read_text("utf-8")}\n[report]\nlanguage = "{language}"\n', encoding="utf-8")
        for arguments in (
            ("reconcile", "--period", "2026-08"),
            ("reconcile", "--control", "--period", "all"),
            ("report", "--period", "2026-08"),
        ):
            result = company.run(*arguments, "--pseudonymise", key)
            assert result.code in (0, 2), result.err
            found += marked_in(result, " ".join(arguments))
        config.write_text(config.read_text("utf-8").rpartition("\n[report]")[0], encoding="utf-8")
        found += [leak for path in shared(company) for leak in marked(*path)]
    data = company.report("shared/2026-08")
    causes = [f["cause"] for i in data["invoices"] for p in i["positions"] for f in p.get("findings", ())]
    assert "missing_usage" in causes, "evidence about events is among what was searched"
    assert {path.suffix for path in folder(company).iterdir()} >= {".html", ".xlsx", ".csv", ".json", ".md", ".xml"}
    assert not found, "\n".join(found[:40])


def folder(company: Case) -> Path:
    return company.project.folder / "report" / "shared"


def shared(company: Case) -> Iterator[tuple[str, str]]:
    for path in sorted(folder(company).rglob("*")):
        if path.is_file():
            yield path.name, str(path.name)
            yield from texts_of(path)


def test_the_marks_are_found_where_nothing_is_hidden(company: Case) -> None:
    """The search itself works: the same report with names is full of them."""
    assert company.run("reconcile", "--period", "2026-08").code == 2
    assert company.run("report", "--period", "2026-08").code == 0
    for suffix in (".html", ".xlsx", ".json", ".md"):
        path = company.project.folder / "report" / f"2026-08{suffix}"
        assert [leak for text in texts_of(path) for leak in marked(*text)], suffix
