"""``report`` writes what the run of its name wrote: not another month's data, and not what somebody edited since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.broken import Broken, opened
from tests.cli.conftest import Project


@pytest.fixture
def company(tmp_path: Path, recording: Path) -> Iterator[Broken]:
    with opened(tmp_path, recording) as whole:
        yield whole


def require_refused(project: Project, said: str, *arguments: str) -> None:
    told = project.run("report", *arguments)
    assert (told.code, said in told.err, len(told.err.strip().splitlines())) == (1, True, 1), told.err


def test_a_report_is_written_of_what_was_reconciled_under_its_name(company: Broken) -> None:
    project, folder = company.project, company.project.folder / "report"
    assert project.run("extract").code == 0
    assert project.run("reconcile", "--control", "--period", "2026-07").code in (0, 2)
    file = folder / "2026-07.control.json"
    written = file.read_bytes()
    assert project.run("report").code == 0

    file.rename(folder / "2026-06.json")
    require_refused(project, "2026-06.json: is a report of 2026-07 under the name of 2026-06")
    require_refused(project, "is a report of 2026-07", "--period", "2026-06")
    assert not (folder / "2026-06.html").exists()

    (folder / "2026-06.json").rename(file)
    edited = json.loads(written)
    edited["run"]["lago_version"] = "1.0"
    file.write_text(json.dumps(edited), "utf-8")
    require_refused(project, "2026-07.control.json: was changed since it was reconciled")
    file.write_bytes(written)
    assert project.run("report").code == 0
