"""The state: both databases, the lock, and what it says when it cannot work."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from migrate.errors import LockHeld, StoreError
from migrate.state.records import EventFile, Page, Raw
from migrate.state.store import Store

ROOT = Path(__file__).parents[2]
NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)
APRIL = EventFile(path="month=2031-04/events.parquet", events=7, sha256="ab" * 32)


def test_a_record_keeps_when_it_came_changed_and_went(database: str) -> None:
    with Store.open(database) as store:
        first = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.put(db, first, [Raw("taxes", key, '{"rate":1}') for key in ("a", "b", "c")])
        store.finish(first, [APRIL])
        assert store.event_files() == (APRIL,)
        assert store.changes(first)["taxes"].new == 3

        second = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.put(db, second, [Raw("taxes", "a", '{"rate":1}'), Raw("taxes", "b", '{"rate":2}')])
            store.put(db, second, [Raw("taxes", "d", "{}")])
        store.finish(second, [])
        found = store.changes(second)["taxes"]
        assert (found.total, found.new, found.changed, found.gone) == (3, 1, 1, 1)
        assert [raw.key for raw in store.seen("taxes", second)] == ["a", "b", "d"]
        assert store.event_files() == ()


def test_what_went_long_ago_is_not_gone_again(database: str) -> None:
    with Store.open(database) as store:
        for keys in (("a", "b"), ("a",), ("a",)):
            run = store.new_run("org", "v1", NOW)
            with store.begin() as db:
                store.put(db, run, [Raw("taxes", key, "{}") for key in keys])
            store.finish(run, [])
        assert store.changes(run)["taxes"].gone == 0


def test_records_come_in_the_same_order_in_both_databases(database: str) -> None:
    keys = [f"{letter}{n:04}" for n in range(450) for letter in ("a", "B", "_", "é")]
    with Store.open(database) as store:
        run = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.put(db, run, [Raw("fees", key, "{}") for key in keys])
        assert [raw.key for raw in store.seen("fees", run)] == sorted(keys)


def test_a_transaction_that_fails_leaves_nothing(database: str) -> None:
    with Store.open(database) as store:
        run = store.new_run("org", "v1", NOW)
        with pytest.raises(ZeroDivisionError), store.begin() as db:
            store.put(db, run, [Raw("taxes", "a", "{}")])
            store.add_page(db, run, "taxes", Page(1, 1, ("a",), True))
            raise ZeroDivisionError
        assert not store.keys("taxes", run)
        assert store.pages(run, "taxes") == []


def test_progress_is_read_back(database: str) -> None:
    with Store.open(database) as store:
        run = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.mark(db, run, "plans")
            store.mark(db, run, "plans", "said twice")
            store.mark(db, run, "usage/1", "refused")
            store.add_page(db, run, "fees", Page(1, 1, ("x", "y"), False))
            store.add_unknown(db, run, [("plans", "colour"), ("plans", "colour")])
            store.add_unknown(db, run, [("plans", "colour")])
    with Store.open(database) as store:
        again = store.unfinished("org")
        assert again == run
        assert store.done(run) == {"plans": None, "usage/1": "refused"}
        assert store.done(run, "usage/") == {"usage/1": "refused"}
        assert store.pages(run, "fees") == [Page(1, 1, ("x", "y"), False)]
        assert store.unknown(run) == {"plans": ("colour",)}
        assert store.unfinished("another") is None


def test_a_run_that_ends_forgets_what_runs_before_it_kept(database: str) -> None:
    """Pages, units without a note, and fields that nobody knew: of its own it keeps what is told of it."""
    with Store.open(database) as store:
        first = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.mark(db, first, "plans", "refused")
            store.add_unknown(db, first, [("plans", "colour")])
        store.finish(first, ())
        assert (store.done(first), store.unknown(first)) == ({"plans": "refused"}, {"plans": ("colour",)})
        second = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.mark(db, second, "plans")
            store.mark(db, second, "fees", "refused")
            store.add_unknown(db, second, [("fees", "taste")])
        store.finish(second, ())
        assert (store.done(first), store.unknown(first)) == ({}, {})
        assert (store.done(second), store.unknown(second)) == ({"fees": "refused"}, {"fees": ("taste",)})


HOLDER = """
    import sys, time
    from migrate.state.store import Store
    with Store.open(sys.argv[1]) as store, store.lock():
        print("held", flush=True)
        time.sleep(60)
"""


def test_the_lock_keeps_others_out_and_dies_with_its_process(database: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), database], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout
    with holder.stdout, Store.open(database) as store:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match="another run holds") as refused, store.lock():
            pytest.fail("two runs at once")
        assert refused.value.exit_code == 4
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        for attempt in range(50):  # PostgreSQL notices a moment later
            try:
                with store.lock(), store.lock():
                    break
            except LockHeld:
                assert attempt < 49
                with store.begin() as db:
                    db.execute(sa.text("select 1"))
        with store.lock():
            pass


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////proc/nowhere/state.db", "/proc/nowhere"),
        ("mysql://root@localhost/x", "mysql is not supported"),
        ("postgresql://nobody:hunter2@127.0.0.1:1/x", "127.0.0.1"),
        ("http://lago.example", "not a database URL|not supported"),
        ("://", "not a database URL"),
    ],
)
def test_a_wrong_url_is_one_line_without_password(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as refused:
        Store.open(url)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("# not a database, but long enough to look like one\n" * 100)
    with pytest.raises(StoreError, match=r"state.db: file is not a database"):
        Store.open(tmp_path / "state.db")


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "state.db") as store:
        run = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.put(db, run, [Raw("taxes", "a", "{}")])
        with store.engine.connect() as connection:  # one connection: the limit is the connection's
            connection.execute(sa.text("pragma max_page_count = 1"))
        with pytest.raises(StoreError, match="no space left on the disk; make room"), store.begin() as db:
            store.put(db, run, [Raw("taxes", f"b{n}", "x" * 5000) for n in range(100)])
        assert store.keys("taxes", run) == {"a"}


WRITER = """
    import resource, signal, sys
    from pathlib import Path
    from migrate.errors import StoreError
    from migrate.state.events import SCHEMA, write_parquet
    import os, pyarrow as pa
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    rows = [{"transaction_id": os.urandom(400).hex()} for _ in range(100)]
    content = pa.Table.from_pylist(rows, schema=SCHEMA)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
    try:
        write_parquet(content, Path(sys.argv[1]))
    except StoreError as error:
        print(error)
"""


def test_events_that_cannot_be_written_leave_no_half_file(tmp_path: Path) -> None:
    target = tmp_path / "w.parquet"
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(target)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    assert done.stdout.startswith(f"events: {target} cannot be written")
    assert not target.exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10000
