"""kill -9 in the middle of an extract, ten times; then the same command ends in the same state."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pyarrow.parquet as pq

from lago2odoo.sandbox.lago import LagoServer, serve
from migrate.lago.snapshot import load_snapshot
from migrate.state.store import Store

ROOT = Path(__file__).parents[2]
KEY = "a-key-for-tests"
COMMAND = """
    import sys
    from pathlib import Path
    from migrate.lago.extract import extract
    from migrate.lago.client import LagoClient
    from migrate.state.store import Store

    url, key, state, events = sys.argv[1:]
    print("begins", flush=True)
    with LagoClient(url, key, requests_per_second=None) as lago, Store.open(state) as store:
        extract(lago, store, Path(events), per_page=15)
"""


def start(server: LagoServer, state: str, events: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(COMMAND), server.url, KEY, state, str(events)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def dump(state: str, events: Path) -> tuple[object, ...]:
    """Everything that counts: the records, their payloads, and the events' content."""
    with Store.open(state) as store:
        run = store.latest()
        assert run and run.finished
        snapshot = load_snapshot(store)
        raw = {
            (name, kept.key): (kept.parent, kept.sha256)
            for name in store.changes(run)
            for kept in store.seen(name, run)
        }
        files = store.event_files()
    assert [file.path for file in files] == sorted(str(path.relative_to(events)) for path in events.rglob("*.parquet"))
    content = {
        file.path: hashlib.sha256(str(pq.read_table(events / file.path).to_pylist()).encode()).hexdigest()
        for file in files
    }
    assert [pq.read_metadata(events / file.path).num_rows for file in files] == [file.events for file in files]
    return snapshot, raw, content


def killed_often(server: LagoServer, state: str, events: Path, times: int, within: float) -> None:
    """Killed so many times while it worked, each ``within`` so many seconds; it is run to its end at last."""
    killed, chance = 0, random.Random(20260820)
    while killed < times:
        process = start(server, state, events)
        assert process.stdout
        with process.stdout:
            process.stdout.readline()
            time.sleep(chance.uniform(0.01, within))
            process.send_signal(signal.SIGKILL)
            ended = process.wait()
        killed += ended == -signal.SIGKILL
        within *= 1 if ended else 0.8  # quicker than the calm run: it must not finish every time
    for _ in range(2):
        process = start(server, state, events)
        assert process.stdout
        with process.stdout:
            if process.wait() == 0:
                break
    assert process.returncode == 0


def test_killed_at_any_moment_it_ends_in_the_same_state(some: Path, database: str, tmp_path: Path) -> None:
    with serve(some, api_key=KEY) as server:
        calm = start(server, f"sqlite:///{tmp_path}/calm.db", tmp_path / "calm")
        assert calm.stdout
        with calm.stdout:
            calm.stdout.readline()
            began = time.monotonic()
            assert calm.wait() == 0
        whole = time.monotonic() - began
        times = 10 if database.startswith("sqlite") else 4
        killed_often(server, database, tmp_path / "events", times, within=0.8 * whole)
    assert dump(database, tmp_path / "events") == dump(f"sqlite:///{tmp_path}/calm.db", tmp_path / "calm")
