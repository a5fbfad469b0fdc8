"""Rows of the state that went, came or were exchanged: whoever reads them refuses, not ``doctor --state`` alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from migrate.errors import Blocked, StoreError
from migrate.lago import snapshot as snapshot_module
from migrate.lago.extract import require_as_written
from migrate.lago.snapshot import load_snapshot
from migrate.self_check import check_state
from migrate.state.ledger import Ledger
from migrate.state.report_runs import ReportRuns, note_report_runs
from migrate.state.seals import require_small, seal_table
from migrate.state.small_tables import require_sound
from migrate.state.store import Store
from migrate.state.tables import REPORT_RUNS
from tests.extracting.old_state import edit

NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)
AGAIN, RESTORE = "run 'lago2odoo extract' again", "restore a copy of the state"
REST = "parent, payload, sha256, first_run, changed_run, seen_run"
FIRST = "rowid = (select min(rowid) from lago_records where resource = 'customers')"


@pytest.mark.parametrize(
    "statement",
    [
        f"delete from lago_records where {FIRST}",
        f"update lago_records set seen_run = 0 where {FIRST}",
        f"insert into lago_records select resource, key || 'x', {REST} from lago_records where {FIRST}",
    ],
)
def test_an_extract_that_is_not_all_of_it_is_read_by_nobody(state: Path, statement: str) -> None:
    edit(state, statement)
    with Store.open(state) as store, pytest.raises(StoreError, match=r"lago_records is damaged .*state_seals") as error:
        load_snapshot(store)
    assert AGAIN in str(error.value)  # the next extract reads all of it anew


@pytest.mark.parametrize(
    "statement",
    [
        "delete from applied_records where parent != ''",
        "delete from applied_records",
        "delete from state_seals where name = 'applied_records'",
    ],
)
@pytest.mark.parametrize("read", ["count", "entries", "loaded"])
def test_a_ledger_that_is_not_all_of_it_is_read_by_nobody(state: Path, statement: str, read: str) -> None:
    edit(state, statement)
    with Store.open(state) as store, pytest.raises(StoreError, match=r"applied_records is damaged .*state_seals") as e:
        ledger = Ledger(store)
        _ = ledger.loaded([]) if read == "loaded" else list(getattr(ledger, read)())
    assert RESTORE in str(e.value)


def test_a_row_of_the_ledger_that_was_exchanged_is_not_loaded(state: Path) -> None:
    edit(state, "update applied_records set res_id = res_id + 1 where parent = ''")
    with Store.open(state) as store, pytest.raises(StoreError, match=r"row .* of applied_records is damaged"):
        with store.begin() as db:
            xids = list(db.exec_driver_sql("select xid from applied_records").scalars())
        Ledger(store).loaded(xids)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from phase_progress",
        "update phase_progress set detail = 'zz'",
        "update extract_runs set lago_version = 'v9'",
        "insert into state_seals select 'tomorrows_table', rows, hash from state_seals limit 1",
        "update state_seals set name = 'zz\n' where name = 'apply_runs'",
    ],
)
def test_small_tables_are_held_against_their_seals_before_every_command(state: Path, statement: str) -> None:
    edit(state, statement)
    with Store.open(state) as store, pytest.raises(StoreError, match="state_seals") as error:
        require_sound(store)
    assert RESTORE in str(error.value)


def test_a_seal_of_what_is_no_table_is_named_by_the_check_too(state: Path) -> None:
    edit(state, "insert into state_seals select 'tomorrows_table', rows, hash from state_seals limit 1")
    with Store.open(state) as store:
        problems = check_state(store, state.with_name("events")).problems
    assert [problem for problem in problems if "tomorrows_table" in problem]


def test_the_next_extract_may_begin_over_lost_records(state: Path) -> None:
    edit(state, f"delete from lago_records where {FIRST}")
    with Store.open(state) as store:
        require_sound(store)


def test_an_extract_that_begins_while_the_one_before_is_read_is_no_damage(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records leave the older one, one by one: what was read until then may lack any of them."""

    def begun(store: Store, run: object) -> None:
        latest = store.latest()
        assert latest is not None
        with Store.open(state) as other:
            new = other.new_run(latest.source, latest.lago_version, latest.taken_at)
            some = next(iter(other.seen("customers", latest)))
            with other.begin() as db:
                other.put(db, new, [some])
        require_as_written(store, latest)

    monkeypatch.setattr(snapshot_module, "require_as_written", begun)
    with Store.open(state) as store, pytest.raises(Blocked, match="another extract began"):
        load_snapshot(store)


def test_two_who_reconcile_at_once_on_one_state_leave_it_whole(database: str) -> None:
    """Each notes how far its own history came; whoever sums the rows second must see those of the first."""
    known = ReportRuns(runs=1, head="ab" * 32, compared_at=NOW)
    with Store.open(database) as first, Store.open(database) as second, ThreadPoolExecutor() as threads:
        note_report_runs(first, "report", known)
        with first.begin() as db:
            db.execute(REPORT_RUNS.update().values(runs=2))
            seal_table(db, REPORT_RUNS)
            other = threads.submit(note_report_runs, second, "other", known)
            with pytest.raises(TimeoutError):
                other.result(timeout=0.5)
        other.result(timeout=30)
        with first.begin() as db:
            require_small(db)
            assert db.scalar(sa.select(sa.func.sum(REPORT_RUNS.c.runs))) == 3
