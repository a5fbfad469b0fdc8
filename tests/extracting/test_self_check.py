"""A state that is damaged is named row by row, by ``doctor --state`` and by whoever reads it; never a traceback."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lago2odoo.cli.context import open_context
from lago2odoo.cli.doctor import check_own_state
from migrate.errors import StoreError
from migrate.lago.snapshot import load_snapshot
from migrate.self_check import StateCheck, check_state
from migrate.state.ledger import Ledger
from migrate.state.records import Raw
from migrate.state.small_tables import require_sound
from migrate.state.store import Store
from tests.extracting.old_state import edit

AGAIN, RESTORE = "run 'lago2odoo extract' again", "restore a copy of the state"


def check(path: Path) -> StateCheck:
    with Store.open(path) as store:
        return check_state(store, path.with_name("events"))


def read_snapshot(store: Store) -> object:
    return load_snapshot(store)


def read_ledger(store: Store) -> object:
    return list(Ledger(store).entries())


def read_phases(store: Store) -> object:
    return Ledger(store).phases()


def read_latest(store: Store) -> object:
    return store.latest()


def read_pages(store: Store) -> object:
    run = store.latest()
    assert run is not None
    return store.pages(run, "invoices")


def read_done(store: Store) -> object:
    run = store.latest()
    assert run is not None
    return store.done(run)


def read_runs(store: Store) -> None:
    """As every command before it begins."""
    require_sound(store)


FIRST_RECORD = "(select rowid from lago_records where resource = 'invoices' order by key limit 1)"
FIRST_ENTRY = "(select xid from applied_records where parent = '' order by seq limit 1)"
RUN = "(select max(id) from extract_runs)"

DAMAGES: dict[str, tuple[str, Callable[[Store], object], str, str]] = {
    "a digit of a record": (
        f"update lago_records set payload = replace(payload, '1', '2') where rowid = {FIRST_RECORD}",
        read_snapshot, r"row invoices \S+ of lago_records is damaged \(payload has another hash", AGAIN,
    ),
    "half a record": (
        f"update lago_records set payload = substr(payload, 1, 40) where rowid = {FIRST_RECORD}",
        read_snapshot, "another hash than was noted", AGAIN,
    ),
    "a hash": (
        f"update lago_records set sha256 = 'x' where rowid = {FIRST_RECORD}", read_snapshot, "another hash", AGAIN,
    ),
    "what was sent": (
        f"update applied_records set sent = '{{' where xid = {FIRST_ENTRY}",
        read_ledger, "of applied_records is damaged .sent is '{', must be an object", RESTORE,
    ),
    "what stood before": (
        f"update applied_records set before = '[1]' where xid = {FIRST_ENTRY}",
        read_ledger, "before is '.1.', must be an object", RESTORE,
    ),
    "a state": (
        f"update applied_records set state = 'done' where xid = {FIRST_ENTRY}",
        read_ledger, "state is 'done', must be one of sent, writing", RESTORE,
    ),
    "a phase": (
        f"update applied_records set phase = 'phase' where xid = {FIRST_ENTRY}",
        read_ledger, "phase is 'phase', must be one of", RESTORE,
    ),
    "a finished phase": (
        "update phase_progress set phase = 'phase' where rowid = 1",
        read_phases, "of phase_progress .*phase is 'phase'", RESTORE,
    ),
    "a moment": (
        f"update extract_runs set taken_at = 'noon' where id = {RUN}", read_latest, "taken_at is 'noon', must", RESTORE,
    ),
    "a page": (
        f"insert into extract_pages values ({RUN}, 'invoices', 1, 1, '[', 0)",
        read_pages, "row invoices 1 1 of extract_pages is damaged .keys is", RESTORE,
    ),
    "a page's keys": (
        f"insert into extract_pages values ({RUN}, 'invoices', 1, 1, '[1]', 0)",
        read_pages, "keys is '.1.', must be a list of texts", RESTORE,
    ),
    "the plan": (
        "update extract_done set note = '{' where unit = 'events-plan'",
        read_done, "row events-plan of extract_done is damaged .note holds no windows", RESTORE,
    ),
    "a line without its record": (
        "update applied_records set parent = 'lago.nothing' where rowid = (select rowid from applied_records "
        "where parent != '' limit 1)",
        read_ledger, "parent is 'lago.nothing', and no record", RESTORE,
    ),
    "a number": (
        "update applied_records set seq = 1", read_ledger, "a number stands there twice: seq 1", RESTORE,
    ),
    "the counts of a run": (
        "update apply_runs set counts = '7'", read_runs, "counts is '7', must be an object", RESTORE,
    ),
}  # fmt: skip


def test_a_state_that_is_gone_is_not_called_sound(tmp_path: Path) -> None:
    config = tmp_path / "lago2odoo.toml"
    (tmp_path / "organizations.jsonl").write_text("", encoding="utf-8")
    config.write_text('[lago]\nrecording = "."\n', encoding="utf-8")
    with open_context(config) as context:
        ((level, said),) = [(finding.level, finding.what) for finding in check_own_state(context)]
    assert (level, said.startswith("there is nothing in the state: run 'lago2odoo extract'")) == ("error", True)


def test_a_whole_state_is_as_it_was_written(state: Path) -> None:
    checked = check(state)
    assert checked.problems == ()
    assert (checked.records > 100, checked.rows > 100) == (True, True)


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_named_by_the_check_and_by_its_reader(state: Path, damage: str) -> None:
    statement, read, said, remedy = DAMAGES[damage]
    edit(state, statement)
    with Store.open(state) as store:
        with pytest.raises(StoreError, match="is damaged") as refused:
            read(store)
        problems = check_state(store, state.with_name("events")).problems
    assert "\n" not in str(refused.value)
    with pytest.raises(StoreError, match=said):
        raise StoreError("; ".join(problems))
    assert any(remedy in problem for problem in problems), problems


def test_rows_that_came_twice_are_named(state: Path) -> None:
    """As a restore that was run twice leaves them: in a table that lost its primary key."""
    for table in ("lago_records", "applied_records"):
        edit(
            state, f"create table copy as select * from {table}", f"drop table {table}",
            f"alter table copy rename to {table}", f"insert into {table} select * from {table} limit 3",
        )  # fmt: skip
    with Store.open(state) as store, pytest.raises(StoreError, match=r"is damaged .it is there twice"):
        run = store.latest()
        assert run is not None
        for resource in store.changes(run):
            list(store.seen(resource, run))
    problems = check(state).problems
    assert sum("it is there twice" in problem for problem in problems) == 3
    assert any("an external id stands there twice" in problem for problem in problems)


@pytest.mark.parametrize("table", ["extract_runs", "phase_progress", "apply_runs"])
def test_rows_of_a_small_table_that_came_twice_are_named_by_it(state: Path, table: str) -> None:
    edit(
        state, f"create table copy as select * from {table}", f"drop table {table}",
        f"alter table copy rename to {table}", f"insert into {table} select * from {table} limit 1",
    )  # fmt: skip
    told = [problem for problem in check(state).problems if f"of {table} is damaged" in problem]
    assert any("it is there twice" in problem for problem in told), told


@pytest.mark.parametrize(("seen", "times"), [("seen_run", 1), ("0", 0)])
def test_a_record_that_hangs_on_nothing_is_named_while_lago_shows_it(state: Path, seen: str, times: int) -> None:
    """One that went with the record it hung on is history."""
    nested = "(select rowid from lago_records where resource = 'wallet_transactions' limit 1)"
    edit(state, f"update lago_records set parent = 'nothing', seen_run = {seen} where rowid = {nested}")
    told = [problem for problem in check(state).problems if "parent is 'nothing'" in problem]
    assert len(told) == times, told


def test_many_problems_are_counted_and_not_listed(state: Path) -> None:
    edit(state, "update lago_records set sha256 = 'x'")
    problems = check(state).problems
    assert (len(problems), "more of that kind" in problems[-1]) == (21, True)


def test_a_database_that_is_damaged_is_one_line(state: Path) -> None:
    with state.open("r+b") as file:
        size = file.seek(0, 2)
        for place in range(8192, size, 4096):  # every page but the first ones
            file.seek(place)
            file.write(b"\xff" * 512)
    try:
        problems = check(state).problems
    except StoreError as error:
        problems = (str(error),)
    assert problems
    assert not [problem for problem in problems if "\n" in problem]


def test_a_run_that_extracts_again_mends_a_damaged_record(state: Path) -> None:
    edit(state, f"update lago_records set payload = '{{}}' where rowid = {FIRST_RECORD}")
    with Store.open(state) as store:
        kept = store.latest()
        assert kept is not None
        with closing(sqlite3.connect(state)) as db:
            resource, key = db.execute(
                f"select resource, key from lago_records where rowid = {FIRST_RECORD}"
            ).fetchone()
        run = store.new_run(kept.source, "v1", datetime(2031, 1, 1, tzinfo=UTC))
        with store.begin() as connection:
            store.put(connection, run, [Raw(resource, key, '{"lago_id": "x"}')])
        assert [raw.payload for raw in store.seen(resource, run)] == ['{"lago_id": "x"}']


@pytest.fixture
def project(state: Path) -> Iterator[Path]:
    config = state.with_name("lago2odoo.toml")
    config.write_text('[store]\nurl = "sqlite:///state.db"\nevents = "events"\n', encoding="utf-8")
    yield config


def test_the_command_says_what_it_looked_at_or_all_that_is_wrong(project: Path) -> None:
    def said() -> list[tuple[str, str]]:
        with open_context(project) as context:
            return [(finding.level, finding.what) for finding in check_own_state(context)]

    ((level, text),) = said()
    assert (level, text.startswith("the state is as it was written: ")) == ("ok", True)
    edit(project.with_name("state.db"), DAMAGES["a state"][0], DAMAGES["a hash"][0])
    assert [level for level, _ in said()] == ["error", "error"]
