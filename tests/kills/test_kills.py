"""Every command of ours that writes, killed at some of its write boundaries, and run through bad networks.

All boundaries, and more networks: ``make kills``. LAGO2ODOO_KILLS_SEED draws others; the seed is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("program.py")
SEED = os.environ.get("LAGO2ODOO_KILLS_SEED", "19")
NUMBER = 2  # boundaries of each command
NUMBER_OF_NETWORKS = 6
# How many boundaries there are at least, so that none is lost unseen.
LEAST = {"extract": 200, "apply": 50, "rollback": 30, "adopt": 6, "push": 4, "sign": 40}
NETWORKS = {"proxy:extract": 200, "proxy:apply": 50, "proxy:rollback": 30, "proxy:adopt": 6, "proxy:push": 4}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program found, all commands in two processes: each loads everything once."""
    folder = tmp_path_factory.mktemp("kills")
    found: dict[str, Any] = {}
    for number, names in ((NUMBER, LEAST), (NUMBER_OF_NETWORKS, NETWORKS)):
        command = [sys.executable, str(PROGRAM), str(folder), SEED, str(number), *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1500)
        assert done.stdout, done.stderr
        found |= json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", [*LEAST, *NETWORKS])
def test_what_was_killed_or_disturbed_ends_as_its_undisturbed_twin(name: str, told: dict[str, Any]) -> None:
    assert told[name]["wrong"] == {}, f"seed {SEED}: {told[name]}"
    assert told[name]["tried"] == (NUMBER_OF_NETWORKS if name in NETWORKS else NUMBER)
    assert told[name]["boundaries"] >= {**LEAST, **NETWORKS}[name]
