"""A page that Lago never gives, through the command line: named, waivable, and nothing leaves Odoo for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.errors import LagoUnreachable
from migrate.lago.recorded import API, RecordingSource
from migrate.lago.source import Answer, Query
from tests.cli.broken import opened
from tests.cli.conftest import WAIVED, Project
from tests.cli.test_journey import everything

LOST = "NX-1061"


def failing(monkeypatch: pytest.MonkeyPatch, resource: str, part: str) -> None:
    """From now on no page of the list comes that holds this text."""
    answers = RecordingSource.get

    def fails(source: RecordingSource, path: str, query: Query = ()) -> Answer:
        answer = answers(source, path, query)
        if path == f"{API}/{resource}" and part in answer[resource].text:
            raise LagoUnreachable(f"GET {path}: status 500, 7 times", "check that Lago runs")
        return answer

    monkeypatch.setattr(RecordingSource, "get", fails)


def controlled(project: Project, period: str) -> tuple[int, str]:
    result = project.run("reconcile", "--control", "--period", period)
    return result.code, result.out


def test_a_gap_moves_the_exit_code_of_the_months_that_it_may_concern(
    tmp_path: Path, heavier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of usage it is known when it was; a coupon that nobody saw may belong to any month."""
    months = ("2026-04", "2026-08")
    with opened(tmp_path, heavier) as company:
        project = company.project
        assert project.run("extract").code == 0
        assert [controlled(project, month)[0] for month in months] == [0, 0]
        with monkeypatch.context() as patch:
            failing(patch, "events", '"timestamp":"2026-08-15')
            assert "events/2026-08-1" in project.run("extract").out
        code, out = controlled(project, "2026-08")
        assert (code, "page_unreadable" in out) == (2, True)
        assert "page_unreadable" not in controlled(project, "2026-04")[1]
        assert controlled(project, "2026-04")[0] == 0
        with monkeypatch.context() as patch:
            failing(patch, "coupons", "coupon")
            assert project.run("extract").code == 1
        assert [controlled(project, month)[0] for month in months] == [2, 2]
        with monkeypatch.context() as patch:
            failing(patch, "webhook_endpoints", "")
            project.run("extract")
        assert [controlled(project, month)[0] for month in months] == [0, 0]


def test_a_customer_that_no_page_shows_stays_in_odoo(
    tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = RecordingSource.get

    def fails(source: RecordingSource, path: str, query: Query = ()) -> Answer:
        answer = answers(source, path, query)
        if path == f"{API}/customers" and f'"{LOST}"' in answer["customers"].text:
            raise LagoUnreachable(f"GET {path}: status 500, 7 times", "check that Lago runs")
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
