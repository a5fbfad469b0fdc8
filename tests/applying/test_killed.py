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

from lago2odoo.sandbox.odoo import Server
from migrate.odoo.protocol import Odoo
from migrate.state.ledger import Ledger
from migrate.state.store import Store

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("program.py")
COUNT = 300


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> Path:
    file = tmp_path / "settings.json"
    place = {"url": server.url, "database": server.database_name, "user": server.user, "key": server.key}
    file.write_text(json.dumps(place))
    return file


def start(settings: Path, state: Path, *more: str, count: int = COUNT) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(settings), str(state), str(count), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def finish(settings: Path, state: Path, count: int) -> dict[str, Any]:
    process = start(settings, state, count=count)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def count(odoo: Odoo, model: str, *domain: Any) -> int:
    found: int = odoo.call(model, "search_count", domain=list(domain))
    return found


def killed_ten_times(settings: Path, state: Path) -> int:
    """Records wished for at last: a machine quick enough to finish in between gets more to do, and is killed again."""
    moments = random.Random(19)
    killed, wished = 0, COUNT
    while killed < 10:
        process = start(settings, state, count=wished)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            killed += 1
        else:
            assert process.returncode == 0
            wished += COUNT
    return wished


def test_killed_at_ten_moments(odoo: Odoo, settings: Path, tmp_path: Path) -> None:
    state = tmp_path / "killed.db"
    wished = killed_ten_times(settings, state)
    finish(settings, state, wished)
    again = finish(settings, state, wished)
    assert (again["written"], again["pending"]) == ({}, False)
    assert count(odoo, "res.partner", ["ref", "like", "KILL-%"]) == wished
    assert count(odoo, "sale.order", ["name", "like", "KILL/%"]) == wished // 2
    assert count(odoo, "sale.order.line", ["order_id.name", "like", "KILL/%"]) == wished
    assert count(odoo, "sale.order", ["name", "like", "KILL/%"], ["state", "=", "sale"]) == wished // 4
    with Store.open(state) as store:
        entries = list(Ledger(store).entries())
    assert len(entries) == 1 + wished + wished // 2 + wished
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
