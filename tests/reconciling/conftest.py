"""NexaSystems, read once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.records import Snapshot
from migrate.extract import snapshot_of_recording
from migrate.lago.recording import bundled


@pytest.fixture(scope="session")
def nexasystems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Path]:
    """The snapshot, and the folder of its events."""
    return snapshot_of_recording(bundled(), tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="session")
def snapshot(nexasystems: tuple[Snapshot, Path]) -> Snapshot:
    return nexasystems[0]
