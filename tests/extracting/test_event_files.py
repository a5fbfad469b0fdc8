"""Files of events against the state: by their hash, or read whole where a release noted none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from migrate.errors import StoreError
from migrate.state.event_files import check_event_files
from migrate.state.events import SCHEMA, hash_file, partition, write_parquet
from migrate.state.records import EventFile


@pytest.fixture
def files(tmp_path: Path) -> tuple[EventFile, ...]:
    """Two months, written as an extract does."""
    moments = [f"2026-0{month}-0{day} 10:00:00" for month, day in ((6, 1), (7, 1), (7, 2))]
    rows = [{"transaction_id": f"t{n}", "code": "api", "properties": "{}" * 500} for n in range(3)]
    times = pa.array(moments).cast(pa.timestamp("us"))
    content = pa.Table.from_pylist(rows, schema=SCHEMA).set_column(3, "timestamp", times)
    write_parquet(content, tmp_path / "staged" / "w.parquet")
    return partition(tmp_path / "staged", tmp_path / "events")


def test_what_was_written_is_as_it_was_written(tmp_path: Path, files: tuple[EventFile, ...]) -> None:
    assert [(f.path, f.events) for f in files] == [
        ("month=2026-06/events.parquet", 1),
        ("month=2026-07/events.parquet", 2),
    ]
    checked = check_event_files(files, tmp_path / "events")
    assert checked.hashes == {f.path: f.sha256 for f in files}
    assert checked.hashes == {f.path: hash_file(tmp_path / "events" / f.path) for f in files}
    assert (checked.unhashed, checked.note) == ((), "")
    assert check_event_files((), tmp_path / "nowhere").hashes == {}


def test_without_a_hash_the_events_are_counted_and_that_is_said(tmp_path: Path, files: tuple[EventFile, ...]) -> None:
    old = tuple(replace(f, sha256=None) for f in files)
    checked = check_event_files((files[0], old[1]), tmp_path / "events")
    assert checked.hashes == {f.path: f.sha256 for f in files}
    assert checked.unhashed == ("month=2026-07/events.parquet",)
    assert checked.note.startswith("1 files of events, from month=2026-07/events.parquet on, were written by an older")
    fewer = (old[0], replace(old[1], events=3))
    with pytest.raises(
        StoreError, match=r"month=2026-07.* holds 2 events, the state knows of 3: run 'lago2odoo extract'"
    ):
        check_event_files(fewer, tmp_path / "events")


def damage_data(path: Path) -> None:
    """The footer stays whole: only who reads the events sees it."""
    content = bytearray(path.read_bytes())
    content[8:60] = bytes(52)
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "lost": (Path.unlink, "is missing .2 events.", "is missing .2 events."),
    "empty": (lambda path: path.write_bytes(b""), "another hash; 2 events", "cannot be read"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "another hash", "cannot be read"),
    "data": (damage_data, "another hash", "cannot be read"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read", "cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_line_with_the_remedy(tmp_path: Path, files: tuple[EventFile, ...], damage: str) -> None:
    do, hashed, counted = DAMAGES[damage]
    do(tmp_path / "events" / files[1].path)
    for known, said in ((files, hashed), (tuple(replace(f, sha256=None) for f in files), counted)):
        with pytest.raises(
            StoreError, match=rf"month=2026-07/events.parquet .*{said}.*: run 'lago2odoo extract' again$"
        ) as no:
            check_event_files(known, tmp_path / "events")
        assert "\n" not in str(no.value)


def test_a_file_that_no_extract_wrote_is_not_read(tmp_path: Path, files: tuple[EventFile, ...]) -> None:
    with pytest.raises(StoreError, match=r"month=2026-07/events.parquet is not of the last extract: run 'lago2odoo"):
        check_event_files(files[:1], tmp_path / "events")
