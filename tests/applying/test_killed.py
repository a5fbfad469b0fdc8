"""kill -9 in the middle of apply, at many moments: the next run ends in the same state, nothing doubled or lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from migrate.ledger import Ledger
from migrate.odoo.protocol import Odoo
from migrate.sandbox.odoo import Server
from migrate.store import Store

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("program.py")
COUNT = 300


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> Path:
    file = tmp_path / "settings.json"
    place = {"url": server.url, "database": server.database_name, "user": server.user, "key": server.key}
    file.write_text(json.dumps(place))
    return file


def start(settings: Path, state: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(settings), str(state), str(COUNT), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def finish(settings: Path, state: Path) -> dict[str, Any]:
    process = start(settings, state)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def count(odoo: Odoo, model: str, *domain: Any) -> int:
    found: int = odoo.call(model, "search_count", domain=list(domain))
    return found


def test_killed_at_ten_moments(odoo: Odoo, settings: Path, tmp_path: Path) -> None:
    state = tmp_path / "killed.db"
    moments = random.Random(19)
    killed = 0
    for _ in range(10):
        process = start(settings, state)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 5, "the machine is too quick for this test: write more records"
    finish(settings, state)
    again = finish(settings, state)
    assert (again["written"], again["pending"]) == ({}, False)
    assert count(odoo, "res.partner", ["ref", "like", "KILL-%"]) == COUNT
    assert count(odoo, "sale.order", ["name", "like", "KILL/%"]) == COUNT // 2
    assert count(odoo, "sale.order.line", ["order_id.name", "like", "KILL/%"]) == COUNT
    assert count(odoo, "sale.order", ["name", "like", "KILL/%"], ["state", "=", "sale"]) == COUNT // 4
    with Store.open(state) as store:
        entries = list(Ledger(store).entries())
    assert len(entries) == 1 + COUNT + COUNT // 2 + COUNT
    assert all(entry.created and entry.state == "applied" for entry in entries)


def test_two_runs_at_once_the_second_ends_with_exit_code_4(settings: Path, tmp_path: Path) -> None:
    state = tmp_path / "shared.db"
    first = start(settings, state, "wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"
    second = start(settings, state)
    _, err = second.communicate(timeout=60)
    first.communicate("go on\n", timeout=120)
    assert (first.returncode, second.returncode) == (0, 4)
    assert "another run holds" in err


def test_two_ledgers_at_once_on_one_odoo_double_nothing(odoo: Odoo, settings: Path, tmp_path: Path) -> None:
    """Two machines without a shared state: the external ids are the last line of defence."""
    runs = [start(settings, tmp_path / f"{name}.db") for name in "ab"]
    for run in runs:
        _, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
    assert count(odoo, "res.partner", ["ref", "like", "KILL-%"]) == COUNT
    assert count(odoo, "sale.order.line", ["order_id.name", "like", "KILL/%"]) == COUNT
