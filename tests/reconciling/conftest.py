"""NexaSystems, migrated once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.records import Snapshot
from tests.reconciling import planted


@pytest.fixture(scope="session")
def snapshot(nexasystems: tuple[Snapshot, Path]) -> Snapshot:
    return nexasystems[0]


@pytest.fixture(scope="session")
def base(nexasystems: tuple[Snapshot, Path], tmp_path_factory: pytest.TempPathFactory) -> planted.Base:
    """Some of its customers, migrated to an embedded Odoo."""
    return planted.migrated(*nexasystems, tmp_path_factory.mktemp("base"))
