"""The state is lost, and taken up again from Odoo: every command knows where it stands, with all kinds of records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.broken import Broken, opened


@pytest.fixture
def company(tmp_path: Path, recording: Path) -> Iterator[Broken]:
    with opened(tmp_path, recording) as whole:
        yield whole


def test_what_was_adopted_has_a_status_and_nothing_is_left_to_do(company: Broken) -> None:
    project = company.project
    assert [project.run(name).code for name in ("extract", "apply")] == [0, 0]
    shutil.rmtree(project.folder / ".lago2odoo")
    assert [project.run(name).code for name in ("extract", "adopt")] == [0, 0]
    assert company.door().search("product.pricelist.item", []), "records with lines of which nothing is known as sent"
    status = project.run("status")
    assert (status.code, "drift is not known" in status.err) == (0, False), status.err
    applied = project.run("apply")
    assert (applied.code, "nothing to do" in applied.out) == (0, True)
    assert project.run("status").code == 0


@pytest.mark.parametrize("beside", ["events", "history", "copy"])
def test_a_state_that_was_emptied_is_no_new_one(company: Broken, beside: str) -> None:
    """Each thing that it left behind shows that there was one; without any an empty file is a new state."""
    project = company.project
    folder, history = project.folder / ".lago2odoo", project.folder / "report" / "history"
    assert project.run("extract").code == 0
    events = folder / "events"
    assert any(events.iterdir())
    (folder / "state.db").write_bytes(b"")
    if beside != "events":
        shutil.rmtree(events)
    if beside == "history":
        history.mkdir(parents=True)
        (history / "runs.jsonl").write_bytes(b"{}\n")
    if beside == "copy":
        (folder / "state.db.before-version-6").write_bytes(b"SQLite format 3")
    for command in ("status", "extract", "preview", "doctor"):
        told = project.run(command)
        assert (told.code, "state.db: is damaged (0 bytes" in told.out + told.err) == (1, True), (command, told)
        assert "Traceback" not in told.err
    assert (folder / "state.db").read_bytes() == b""
    shutil.rmtree(events, ignore_errors=True)
    shutil.rmtree(history, ignore_errors=True)
    (folder / "state.db.before-version-6").unlink(missing_ok=True)
    assert "nothing is extracted yet" in project.run("status").out
