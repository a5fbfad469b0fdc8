"""NexaSystems, read once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.records import Snapshot
from migrate.lago.recording import bundled
from tests.reconciling import planted
from tests.recorded import snapshot_of_recording


@pytest.fixture(scope="session")
def nexasystems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Path]:
    """The snapshot, and the folder of its events."""
    return snapshot_of_recording(bundled(), tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="session")
def snapshot(nexasystems: tuple[Snapshot, Path]) -> Snapshot:
    return nexasystems[0]


@pytest.fixture(scope="session")
def base(nexasystems: tuple[Snapshot, Path], tmp_path_factory: pytest.TempPathFactory) -> planted.Base:
    """Some of its customers, migrated to an embedded Odoo."""
    return planted.migrated(*nexasystems, tmp_path_factory.mktemp("base"))
