"""A pack fails closed: what of it is held against nothing, lacks or does not belong there is a flaw with its name."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reports.errors import NotSigned
from reports.evidence import packs as evidence
from reports.evidence.checking import check
from reports.evidence.packs import MANIFEST, PAGE, REPORT, archive, canonical, sha256
from reports.evidence.report_facts import said_by
from reports.people import is_plain, plain
from tests.reporting.sample import equal
from tests.reporting.test_evidence import AT, Project, command, members
from tests.reporting.test_signatures import BO, key_file

Files = dict[str, bytes]
Facts = dict[str, evidence.Fact]
Change = Callable[[Files, Facts], object]
FACT = f"{MANIFEST}: fact"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A pack far from its project, without keys."""
    path = tmp_path / "apart" / "2026-07-001.zip"
    path.parent.mkdir()
    path.write_bytes(Project(tmp_path).pack().read_bytes())
    return path


def forge(pack: Path, change: Change) -> evidence.Pack:
    """Changed by somebody who computes every hash again."""
    data = pack.read_bytes()
    files, facts = members(data), dict(evidence.verify(data).facts)
    del files[MANIFEST]
    change(files, facts)
    forged = evidence.build(facts, files)
    pack.write_bytes(forged.data)
    return forged


def named(pack: Path, now: datetime | None = None) -> list[str]:
    return [str(flaw) for flaw in check([pack], now=now).packs[0][1].flaws]


def edit(files: Files) -> None:
    """The page for people says more."""
    files[PAGE] = files[PAGE].replace(b"1.00", b"9.00") + b"<!-- more -->"


def settings(files: Files, facts: Facts, change: Callable[[dict[str, Any]], object]) -> None:
    read = json.loads(files["settings.json"])
    change(read)
    files["settings.json"] = json.dumps(read).encode()
    facts["input settings.json"] = sha256(files["settings.json"])


def without_settings(files: Files, facts: Facts) -> None:
    edit(files)
    del files["settings.json"], facts["input settings.json"]


def without_language(files: Files, facts: Facts) -> None:
    edit(files)
    settings(files, facts, lambda read: read["report"].clear())


def report(files: Files, facts: Facts, change: Callable[[dict[str, Any]], object]) -> None:
    edit(files)
    read = json.loads(gzip.decompress(files[REPORT]))
    change(read)
    files[REPORT] = evidence.packed(json.dumps(read).encode())
    facts |= said_by(files[REPORT]) or {}


def other_schema(files: Files, facts: Facts) -> None:
    report(files, facts, lambda read: read.update(schema="9"))


def other_schema_and_version(files: Files, facts: Facts) -> None:
    report(files, facts, lambda read: (read.update(schema="9"), read["run"].update(tool_version="0.0.1")))


def without_totals(files: Files, facts: Facts) -> None:
    for name in [name for name in facts if name.startswith("total ")]:
        del facts[name]


UNREADABLE = "altered: report.html (cannot be held against its data: "


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without_settings, "missing: settings.json"),
        (without_language, f"{UNREADABLE}settings.json does not say in which language it is)"),
        (other_schema, f"{UNREADABLE}report.json.gz: not a report of version 1.1)"),
        (other_schema_and_version, f"{UNREADABLE}report.json.gz: not a report of version 1.1)"),
        (lambda files, facts: files.pop(PAGE), f"missing: {PAGE}"),
        (lambda files, facts: files.update({"report-final.html": b"9"}), "added: report-final.html"),
        (lambda files, facts: files.pop("mapping/own.toml"), "missing: mapping/own.toml"),
        (lambda files, facts: facts.pop("input waivers.toml"), f"missing: {FACT} input waivers.toml"),
        (without_totals, f"missing: {FACT} total CAD lago"),
        (lambda files, facts: facts.pop("unexplained"), f"missing: {FACT} unexplained"),
        (lambda files, facts: facts.pop("tool_version"), f"missing: {FACT} tool_version"),
        (lambda files, facts: facts.update({"total  CAD lago": 9}), f"added: {FACT} total  CAD lago"),
        (lambda files, facts: facts.update(number=0), f"altered: {FACT} number (packs are numbered from 1)"),
        (lambda files, facts: facts.update(number=-5), f"altered: {FACT} number (packs are numbered from 1)"),
        (lambda files, facts: facts.update(number=True), f"altered: {FACT} number (packs are numbered from 1)"),
        (lambda files, facts: facts.update(signed_at="today"), f"altered: {FACT} signed_at (it is no point in time)"),
        (
            lambda files, facts: facts.update(signed_at="2020-01-01T00:00:00+00:00"),
            f"altered: {FACT} signed_at (it is before the month was reconciled)",
        ),
        (
            lambda files, facts: facts.update(signed_at="2999-01-01T00:00:00+00:00"),
            f"altered: {FACT} signed_at (it is in the future)",
        ),
    ],
)  # fmt: skip
def test_what_is_held_against_nothing_is_a_flaw_and_is_not_countersigned(
    made: Path, tmp_path: Path, change: Change, says: str
) -> None:
    assert named(made) == []
    seal = forge(made, change).seal
    assert any(flaw.startswith(says) for flaw in named(made))
    assert command("report", "verify", str(made), "--seal", seal)[0] == 1
    bo = str(key_file(tmp_path, "bo"))
    code, _, err = command("report", "countersign", str(made), "--as", "reviewer", "--key", bo)
    assert (code, "is not as it was signed" in err) == (1, True)


def test_a_clock_a_little_behind_blames_nobody(made: Path) -> None:
    assert named(made, AT - timedelta(minutes=4)) == []
    assert named(made, AT - timedelta(minutes=6)) == [f"altered: {FACT} signed_at (it is in the future)"]


def test_a_fact_that_stands_there_twice_is_named(made: Path) -> None:
    data = made.read_bytes()
    rows = [{key: row[key] for key in row.keys() - {"number", "previous", "hash"}}
            for row in json.loads(members(data)[MANIFEST])["entries"]]  # fmt: skip
    entries = evidence._chained([{"fact": "reviewer", "value": "Eve"}, *rows])
    manifest = canonical({"format": evidence.FORMAT, "entries": entries, "seal": entries[-1]["hash"]})
    made.write_bytes(archive({**members(data), MANIFEST: manifest}))
    assert named(made) == [f"added: {FACT} reviewer (a second time)"]


def test_a_page_of_another_version_is_noted_when_countersigning_too(tmp_path: Path) -> None:
    data = equal()
    project = Project(tmp_path, replace(data, run=replace(data.run, tool_version="0.0.1")))
    pack = project.pack(reviewer=BO)
    elsewhere = tmp_path / "pack.zip"
    elsewhere.write_bytes(pack.read_bytes())
    forge(elsewhere, lambda files, facts: edit(files))
    bo = str(key_file(tmp_path, "bo"))
    code, out, _ = command("report", "countersign", str(elsewhere), "--as", "reviewer", "--key", bo)
    assert (code, "note: report.html is not what" in out) == (0, True)


def test_data_of_a_former_version_by_a_former_release_are_noted(made: Path) -> None:
    def former(files: Files, facts: Facts) -> None:
        report(files, facts, lambda read: (read.update(schema="1.0"), read["run"].update(tool_version="0.0.1")))

    forge(made, former)
    assert named(made) == []
    (note,) = check([made]).packs[0][1].notes
    assert note.endswith("not a report of version 1.1; by 0.0.1")


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[2J", "\x00", "\u2028", "\u202e", "\x85"])
def test_a_name_that_moves_what_is_printed_is_refused_and_shown_plainly(project: Project, sign: str) -> None:
    name = f"Bo{sign}result: all fine"
    for people in ({"reviewer": name}, {"preparer": name}):
        with pytest.raises(NotSigned, match="write the name plainly"):
            project.sign(**people)
    pack = project.folder / "pack.zip"
    pack.write_bytes(project.pack().read_bytes())
    forge(pack, lambda files, facts: facts.update(reviewer=name))
    out = command("report", "verify", str(pack))[1]
    assert (
        sign[0] in out.replace("\n", "") or any(line.startswith("result: all") for line in out.splitlines())
    ) is False
    assert (is_plain(name), is_plain("Zoë O'Neil <z@x.com>"), plain(f"a{sign[0]}b")) == (False, True, "a b")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
