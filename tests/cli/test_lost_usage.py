"""A file of usage that goes or is cut between the check and the query: one line with the file, nothing half-written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lago2odoo.cli.lost_usage import REMEDY
from migrate.state.usage_errors import is_of_files, is_of_value
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.event_source import EventSource, readable
from tests.cli.conftest import Project
from tests.cli.test_disk_full import ends_with


def lost(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def overwritten(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:8] + b"\xff" * (len(content) - 16) + content[-8:])


@pytest.mark.parametrize("harm", [lost, cut, overwritten])
def test_usage_that_goes_while_it_is_counted_is_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], None]
) -> None:
    assert project.run("extract").code == 0
    genuine = EventSource.from_parquet

    def then(folder: Path, **more: Any) -> EventSource:
        """All files were found whole, and are open; from here on they are not."""
        source = genuine(folder, **more)
        for path in folder.rglob("*.parquet"):
            harm(path)
        return source

    monkeypatch.setattr(EventSource, "from_parquet", then)
    before = {path for path in project.folder.rglob("*") if "report" in path.parts}
    said = project.run("reconcile", "--control", "--period", "2026-07")
    assert (said.code, said.out) == (1, "")
    last = said.err.strip().splitlines()[-1]
    assert last.startswith("lago2odoo: usage cannot be counted: ")
    assert last.isprintable()
    assert "events" in last
    assert last.endswith(REMEDY)
    assert {path for path in project.folder.rglob("*") if "report" in path.parts} == before


def test_no_room_for_temporary_files_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB's own error of a machine that is too small, not one made up."""
    with duckdb.connect() as db:
        db.execute("set memory_limit = '1MB'")
        db.execute("set temp_directory = ''")
        with pytest.raises(duckdb.OutOfMemoryException) as caught:
            db.execute("select list(range) from range(10000000)").fetchall()
    assert ends_with(caught.value, monkeypatch).endswith(f"{REMEDY}\n")


def test_a_query_of_ours_that_is_wrong_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect() as db, pytest.raises(duckdb.BinderException) as caught:
        db.execute("select nothing")
    with pytest.raises(duckdb.BinderException):
        ends_with(caught.value, monkeypatch)


def test_which_errors_are_about_files_is_said_in_one_place() -> None:
    """The re-rate refuses a value by name, and lets what is about files end the command."""
    with duckdb.connect() as db, pytest.raises(duckdb.InvalidInputException) as caught:
        db.execute("select json_extract('{', '$.a')").fetchall()
    with pytest.raises(RerateRefused), readable("a place"):
        raise caught.value
    assert (is_of_value(caught.value), is_of_files(caught.value)) == (True, False)
    named = re.compile(r"duckdb\.(OperationalError|InvalidInput|IOException \||Error,)|is duckdb\.Error")
    code = [path for room in ("lago2odoo", "reconcile", "migrate") for path in Path(room).rglob("*.py")]
    judging = {path.name for path in code if named.search(path.read_text(encoding="utf-8"))}
    assert judging == {"usage_errors.py"}
