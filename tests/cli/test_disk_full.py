"""A disk without room: one line with the file, what is there, and that the same command goes on."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from lago2odoo.cli import main as cli
from lago2odoo.cli.disk_full import REMEDY, is_of_full_disk
from lago2odoo.cli.files import write_whole
from migrate.errors import StoreError
from migrate.state.database import store_error
from migrate.state.events import SCHEMA, _write_months
from migrate.state.usage_errors import errno_told_by
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
    fault = sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    error = store_error(sa.make_url(f"sqlite:///{tmp_path}/state.db"), fault)
    assert said in str(error)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_events_that_do_not_fit(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB writes them, and says why not in words."""
    rows = [{"transaction_id": str(uuid4()), "timestamp": "2026-07-01T00:00:00"} for _ in range(20_000)]
    staged = small.parent / "staged.parquet"
    columns = {name: [row.get(name) for row in rows] for name in SCHEMA.names}
    columns["timestamp"] = columns["created_at"] = [datetime(2026, 7, 1, tzinfo=UTC)] * len(rows)
    pq.write_table(pa.table(columns, schema=SCHEMA), staged)
    with pytest.raises(StoreError) as refused:
        list(_write_months([staged], small))
    assert refused.value.errno_of_writing == errno.ENOSPC
    assert REMEDY in ends_with(refused.value, monkeypatch)


def test_a_state_that_does_not_fit(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sa.make_url(f"sqlite:///{small}/state.db")
    engine = sa.create_engine(url)
    with pytest.raises(sa.exc.OperationalError) as fault, engine.begin() as db:
        db.exec_driver_sql("create table t (x)")
        db.exec_driver_sql("insert into t values (?)", (b"x" * 300_000,))
    engine.dispose()
    assert "no space left on the disk; make room" in ends_with(store_error(url, fault.value), monkeypatch)


def full_postgresql() -> Exception:
    return psycopg.errors.DiskFull("could not extend file")


def test_postgresql_without_room_says_so_by_its_code() -> None:
    error = sa.exc.OperationalError("insert", {}, full_postgresql())
    assert "no space left on the disk; make room" in str(store_error(sa.make_url("postgresql://localhost/x"), error))


@pytest.mark.parametrize("words", ["No space left on device", "disk is full", "quota exceeded"])
def test_words_alone_are_no_full_disk(words: str) -> None:
    """A customer may be called so, and what an Odoo says is not about this machine."""
    assert not is_of_full_disk(StoreError(f"customer {words!r}: is refused"))
    assert not is_of_full_disk(ValueError(words))
    assert "make room" not in str(store_error(sa.make_url("sqlite:///x.db"), Exception(words)))


def test_what_was_raised_for_a_full_disk_is_one_of_it() -> None:
    """Also where the words were made of it, and the rest was cut off."""
    try:
        try:
            raise OSError(errno.EDQUOT, "words of any language")
        except OSError as error:
            raise StoreError(f"cannot be written: {error.strerror}") from None
    except StoreError as error:
        assert is_of_full_disk(error)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ('Async write failed: {"exception_message":"words","errno":"28"}', errno.ENOSPC),
        (f'Could not write file "x": {os.strerror(errno.EDQUOT)}', errno.EDQUOT),
        ('Could not write file "x": Input/output error', None),
    ],
)
def test_what_duckdb_says_of_a_file_is_read_by_its_number_or_the_systems_words(said: str, number: int | None) -> None:
    assert errno_told_by(duckdb.IOException(said)) == number
    assert errno_told_by(ValueError(said)) is None
