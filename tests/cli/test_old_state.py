"""A project whose state is that of an older release: the same commands say the same as on a new one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.cli.conftest import Project, Result
from tests.cli.test_bad_input import one_line
from tests.extracting.old_state import write_old_state

NOTE = "7 files of events, from month="


def test_preview_and_status_say_the_same_as_of_a_new_state(heavier_project: Project, tmp_path: Path) -> None:
    project = heavier_project
    assert project.run("extract").code == 0
    fresh = both(project)
    assert NOTE not in fresh[0].err

    state = tmp_path / ".lago2odoo" / "state.db"
    for leftover in state.parent.glob("state.db*"):
        leftover.unlink()
    with sqlite3.connect(write_old_state(state)) as db:  # what it applied is in another Odoo
        for table in ("applied_records", "phase_progress", "apply_runs"):
            db.execute(f"delete from {table}")
    db.close()
    old = both(project)
    assert [r.code for r in old] == [r.code for r in fresh] == [2, 0]
    assert [told(r) for r in old] == [told(r) for r in fresh]
    assert NOTE in old[0].err, "no hash is known: it is said"

    lost = sorted((state.parent / "events").glob("*/*.parquet"))[0]
    content = lost.read_bytes()
    lost.write_bytes(content[: len(content) // 2])
    one_line(project.run("preview"), "cannot be read", "lago2odoo extract")


def both(project: Project) -> tuple[Result, Result]:
    return project.run("preview", "--format", "json"), project.run("status", "--format", "json")


def told(result: Result) -> Any:
    """All of the data but the moment of the extract."""
    data = json.loads(result.out)
    if "snapshot" in data and isinstance(data["snapshot"], dict):
        del data["snapshot"]["taken_at"]
    return data
