"""Reports for others, and reports for CI: what leaves the house names nobody, and what CI reads needs no secret."""

from __future__ import annotations

import json
import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from gzip import decompress
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest

from mappings.records import Snapshot
from migrate.lago.snapshot import load_snapshot
from migrate.state.store import Store
from reports import json as report_json
from reports.data import OPEN
from tests.cli.conftest import Project, Result

ROOT = Path(__file__).parents[2]


def snapshot(folder: Path) -> Snapshot:
    with Store.open(f"sqlite:///{folder / '.lago2odoo' / 'state.db'}") as store:
        return load_snapshot(store)


def identifying(found: Snapshot) -> set[str]:
    """Whoever and whatever is a customer's, read off the records here and not by the code under test."""
    names = {found.organization.name}
    for c in found.customers:
        names |= {c.lago_id, c.external_id, c.name or "", c.legal_name or "", c.email or "", c.phone or ""}
    for s in found.subscriptions:
        names |= {s.lago_id, s.external_id, s.name or ""}
    for i in found.invoices:
        names |= {i.lago_id, i.number}
    for f in found.fees:
        names |= {f.lago_id, f.event_transaction_id or ""}
    return {name for name in names if len(name) > 2}


def contents(path: Path) -> Iterator[str]:
    """Everything a file says, also inside its archive or its compressed data."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            yield from (book.read(name).decode() for name in book.namelist())
        return
    text = path.read_text("utf-8")
    yield text
    packed = re.findall(r"H4sI[\w+/=]{80,}", text)
    yield from (decompress(b64decode(part)).decode() for part in packed)


@pytest.fixture
def differing(project: Project) -> Project:
    """Odoo has no usage of past months, so that July differs; nothing is reported yet."""
    project.replace("usage_since = 2025-01-01\n", "")
    assert project.run("extract").code == 0
    assert project.run("apply").code == 0
    return project


def test_a_reconciliation_for_others_names_nobody_anywhere(differing: Project, tmp_path: Path) -> None:
    out, key = tmp_path / "out", tmp_path / "keys" / "report.key"
    key.parent.mkdir()
    options = ("--period", "2026-07", "--out", str(out))
    real = differing.run("reconcile", *options, "--ci")
    names = identifying(snapshot(tmp_path))
    told = json.loads((out / "2026-07.json").read_text("utf-8"))
    used = [p["usage"] for i in told["invoices"] for p in i["positions"] if "usage" in p]
    names |= {event["transaction_id"] for usage in used for event in usage["events"]}
    assert sum(name in (out / "2026-07.json").read_text("utf-8") for name in names) > 20  # the search finds them
    for old in sorted(out.rglob("*"), reverse=True):
        old.rmdir() if old.is_dir() else old.unlink()

    kinds = ((), ("--ci",), ("--format", "json"), ("--control",))
    said = [differing.run("reconcile", *options, "--pseudonymise", str(key), *kind) for kind in kinds]
    assert [s.code for s in said] == [real.code] * 3 + [0], [s.err for s in said]
    written = differing.run("report", "--out", str(out / "shared"), "--period", "2026-07")
    assert written.code == 0, written.err
    files = sorted(path for path in out.rglob("*") if path.is_file())
    suffixes = (
        ".json",
        ".xml",
        ".html",
        ".csv",
        ".md",
        ".xlsx",
        ".control.json",
        ".registers.csv",
        ".lapses.csv",
        ".receivables.csv",
    )
    assert {f.name for f in files} == {f"2026-07{suffix}" for suffix in suffixes}
    shown = {"stdout": [s.out + s.err for s in (*said, written)], **{str(f): list(contents(f)) for f in files}}
    leaks = {(where, name) for where, texts in shown.items() for name in names for text in texts if name in text}
    assert not leaks, sorted(leaks)[:10]
    assert key.parent not in [f.parent for f in files]


def test_what_differs_by_usage_carries_its_events(differing: Project, tmp_path: Path) -> None:
    assert differing.run("reconcile", "--period", "2026-07").code == 2
    document = json.loads((tmp_path / "report" / "2026-07.json").read_text("utf-8"))
    jsonschema.validate(document, report_json.schema())
    positions = [p for i in document["invoices"] for p in i["positions"]]
    missing = [p for p in positions if p["kind"] == "charge" and causes(p) == {"missing_usage"}]
    assert missing
    for position in missing:
        usage = position["usage"]
        assert len(usage["events"]) == min(usage["total"], 50) > 0
        assert not all(event["in_odoo"] for event in usage["events"]), "those that Odoo lacks are marked"
    assert not [p for p in positions if p["status"] == "equal" and "usage" in p]


def causes(position: dict[str, Any]) -> set[str]:
    return {finding["cause"] for finding in position.get("findings", ())}


def test_pseudonyms_of_a_reconciliation_are_those_of_the_report(differing: Project, tmp_path: Path) -> None:
    key, july = str(tmp_path / "report.key"), ("--period", "2026-07")
    assert differing.run("reconcile", *july).code == 2
    assert differing.run("report", *july, "--pseudonymise", key).code == 0
    by_report = json.loads((tmp_path / "report" / "shared" / "2026-07.json").read_text("utf-8"))
    assert differing.run("reconcile", *july, "--pseudonymise", key).code == 2
    by_reconcile = json.loads((tmp_path / "report" / "shared" / "2026-07.json").read_text("utf-8"))
    assert by_report["run"].pop("compared_at") != by_reconcile["run"].pop("compared_at")
    for document in (by_report, by_reconcile):
        for position in (p for i in document["invoices"] for p in i["positions"]):
            position.get("age", {}).pop("runs", None)
    assert by_report == by_reconcile


def test_a_key_file_that_is_none_is_refused_before_anything_is_read(project: Project, tmp_path: Path) -> None:
    (tmp_path / "report.key").write_text("x")
    refused = project.run("reconcile", "--period", "2026-07", "--pseudonymise", str(tmp_path / "report.key"))
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert "chmod 600" in refused.err


# --- CI -------------------------------------------------------------------------------------------------------------


def junit_cases(path: Path) -> Iterator[junitparser.TestCase]:
    yield from (case for suite in junitparser.JUnitXml.fromfile(str(path)) for case in suite)


@pytest.fixture
def dry(tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A configuration that names a recording and nothing else; no secret is set."""
    for name in ("LAGO_API_KEY", "ODOO_KEY"):
        monkeypatch.delenv(name)
    project = Project(tmp_path)
    project.config.write_text(f"[lago]\nrecording = {json.dumps(str(recording))}\n", encoding="utf-8")
    return project


def test_ci_from_a_recording_needs_no_server_and_no_secret(dry: Project, tmp_path: Path) -> None:
    assert dry.run("extract").code == 0
    done: Result = dry.run("reconcile", "--ci", "--period", "2026-07")
    assert done.code == 0, done.err
    assert "names no Odoo: Lago is held against the re-rate alone" in done.err
    assert done.out.startswith("## Reconciliation July 2026\n\n✅ **Lago and Re-rate agree to the cent")
    assert len(done.out.splitlines()) < 50
    document = json.loads((tmp_path / "report" / "2026-07.control.json").read_text("utf-8"))
    jsonschema.validate(document, report_json.schema())
    assert document["run"]["pair"] == ["lago", "rerate"]
    cases = list(junit_cases(tmp_path / "report" / "2026-07.control.xml"))
    wanted = {(f"reconcile.{i['month']}", i["customer"]) for i in document["invoices"]}
    assert {(c.classname, c.name) for c in cases} == wanted
    assert all(c.is_passed or c.is_skipped for c in cases)


def test_without_ci_an_odoo_that_is_not_named_is_an_error(dry: Project) -> None:
    assert dry.run("extract").code == 0
    refused = dry.run("reconcile", "--period", "2026-07")
    assert (refused.code, "odoo.url is missing" in refused.err) == (1, True)


def test_ci_fails_where_odoo_differs(differing: Project, tmp_path: Path) -> None:
    done = differing.run("reconcile", "--ci", "--period", "2026-07")
    assert done.code == 2
    document = json.loads((tmp_path / "report" / "2026-07.json").read_text("utf-8"))
    cases = list(junit_cases(tmp_path / "report" / "2026-07.xml"))
    failed = {c.name for c in cases if any(isinstance(result, junitparser.Failure) for result in c.result)}
    assert failed == {i["customer"] for i in document["invoices"] if any(p["status"] in OPEN for p in i["positions"])}
    assert 0 < len(failed) < len(cases)
