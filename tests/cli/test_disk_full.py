"""A disk without room: one line with the file, what is there, and that the same command goes on."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from lago2odoo.cli import main as cli
from lago2odoo.cli.disk_full import REMEDY
from lago2odoo.cli.files import write_whole
from migrate.errors import StoreError
from migrate.state.database import store_error
from reports import xlsx
from tests.cli.conftest import command
from tests.reporting.sample import sample


def full(path: Path) -> None:
    path.write_text("half", encoding="utf-8")
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def ends_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the command line says where a command ends so."""

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli.group, "main", fails)
    result = command("status")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    return result.err


def test_a_result_that_does_not_fit_leaves_no_half_and_says_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError) as refused:
        write_whole(tmp_path / "2026-08.html", full, "report")
    assert list(tmp_path.iterdir()) == []
    said = ends_with(refused.value, monkeypatch)
    assert said.startswith(f"lago2odoo: {tmp_path}/2026-08.html: the report cannot be written: No space left on device")
    assert REMEDY in said


def test_what_nobody_thought_of_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ends_with(OSError(errno.ENOSPC, "No space left on device", "/srv/some/file"), monkeypatch)
    assert said == f"lago2odoo: /srv/some/file: no space left on the disk; {REMEDY}\n"


def test_any_other_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        ends_with(ZeroDivisionError(), monkeypatch)


def test_a_workbook_that_does_not_fit_is_an_ordinary_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        xlsx.write(sample(), Path("/dev/full"))


class Usage(NamedTuple):
    free: int


@pytest.mark.parametrize(
    ("free", "said"), [(4096, "no space left on the disk; make room"), (10**9, "look at the disk")]
)
def test_a_file_beside_the_state_that_sqlite_cannot_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    usage: Any = lambda _: Usage(free)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", usage)
    error = store_error(sa.make_url(f"sqlite:///{tmp_path}/state.db"), Exception("disk I/O error"))
    assert said in str(error)
