"""A page that Lago never gives, through the command line: named, waivable, and nothing leaves Odoo for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.errors import LagoUnreachable
from migrate.lago.recorded import API, RecordingSource
from migrate.lago.source import Answer, Query
from tests.cli.broken import opened
from tests.cli.conftest import WAIVED
from tests.cli.test_journey import everything

LOST = "NX-1009"


def test_a_customer_that_no_page_shows_stays_in_odoo(
    tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = RecordingSource.get

    def fails(source: RecordingSource, path: str, query: Query = ()) -> Answer:
        answer = answers(source, path, query)
        if path == f"{API}/customers" and f'"{LOST}"' in answer["customers"].text:
            raise LagoUnreachable(f"GET {path}: status 500, 7 times; check that Lago runs")
        return answer

    with opened(tmp_path, recording) as company:
        project = company.project
        assert project.run("extract").code == 0
        assert project.run("apply").code == 0
        before = everything(tmp_path / "odoo.db")
        monkeypatch.setattr(RecordingSource, "get", fails)
        extracted = project.run("extract")
        assert extracted.code == 1
        assert "left out: customers/record " in extracted.out
        assert "everything else is read" in extracted.err
        assert "[waive] skipped = ['page_unreadable']" in extracted.err
        applied = project.run("apply")
        assert (applied.code, "nothing to do" in applied.out) == (1, True)
        assert everything(tmp_path / "odoo.db") == before
        assert project.run("status").code == 1
        assert "incomplete: customers, customers/record " in project.run("reconcile", "--period", "2026-08").err
        company.waive(*WAIVED, "page_unreadable")
        assert [project.run(command).code for command in ("extract", "apply", "status")] == [0, 0, 0]
