"""A whole recording as records, for tests that begin with a snapshot."""

from __future__ import annotations

from pathlib import Path

from mappings.records import Snapshot
from migrate.lago.extract import extract
from migrate.lago.recorded import RecordingSource
from migrate.lago.snapshot import load_snapshot
from migrate.state.store import Store


def snapshot_of_recording(path: Path, workdir: Path) -> tuple[Snapshot, Path]:
    """All of a recording, through the ordinary extract: the snapshot, and the folder of the events' Parquet."""
    events_dir = workdir / "events"
    with Store.open(workdir / "state.db") as store:
        extract(RecordingSource.open(path), store, events_dir)
        return load_snapshot(store), events_dir
