"""The state's versions: every way leads to the same tables, and what is not ours to read is refused untouched."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import fields
from pathlib import Path

import pytest
import sqlalchemy as sa

from migrate.errors import LockHeld, StoreError
from migrate.lago.snapshot import load_snapshot
from migrate.state.database import make_engine, parse_url
from migrate.state.entries import Entry, row_from_entry
from migrate.state.ledger import Ledger
from migrate.state.release_0_1 import ALWAYS, RELEASE_0_1
from migrate.state.seals import broken_seals
from migrate.state.steps import STEPS, StateStep, bring_up_to_date, read_version
from migrate.state.store import Store
from migrate.state.tables import APPLIED_RECORDS, METADATA
from tests.extracting.old_state import copy_to_postgresql, rows_of, write_old_state

NEWEST = STEPS[-1].number


@pytest.fixture
def old(database: str, tmp_path: Path) -> str:
    """URL of the state of release 0.1."""
    path = write_old_state(tmp_path / "state.db")
    if database.startswith("postgresql"):
        copy_to_postgresql(path, database)
    return database


def tables_of(store: Store) -> dict[str, object]:
    """Columns and indexes as the database tells them."""
    found = sa.inspect(store.engine)
    return {
        name: (
            {c["name"]: (c["type"].compile(store.engine.dialect), c["nullable"]) for c in found.get_columns(name)},
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((index["name"], index["column_names"]) for index in found.get_indexes(name)),
        )
        for name in found.get_table_names()
    }


def declared(store: Store) -> dict[str, object]:
    """The same of what the code declares."""
    return {
        table.name: (
            {c.name: (c.type.compile(store.engine.dialect), c.nullable) for c in table.columns},
            [c.name for c in table.primary_key.columns],
            sorted((index.name, [c.name for c in index.columns]) for index in table.indexes),
        )
        for table in METADATA.tables.values()
    }


def version(store: Store) -> int | None:
    with store.begin() as db:
        return read_version(db)


def test_steps_are_numbered_one_by_one() -> None:
    assert [step.number for step in STEPS] == list(range(1, NEWEST + 1))


def test_a_new_state_has_the_tables_that_the_code_declares(database: str) -> None:
    with Store.open(database) as store:
        assert tables_of(store) == declared(store)
        assert version(store) == NEWEST


def test_the_state_of_release_0_1_is_upgraded_and_keeps_every_row(old: str, tmp_path: Path) -> None:
    before = rows_of(write_old_state(tmp_path / "untouched.db"))
    with Store.open(old) as store:
        assert tables_of(store) == declared(store)
        assert version(store) == NEWEST
        assert [(f.path, f.events, f.sha256) for f in store.event_files()] == [
            (*r, None) for r in before["event_files"]
        ]
        assert len(load_snapshot(store).invoices) > 20
        entries = [tuple(row_from_entry(entry).values())[:-1] for entry in Ledger(store).entries()]
        columns = [column.name for column in APPLIED_RECORDS.columns if column.name != "seal"]
        names = [f.name for f in fields(Entry)]
        assert names == columns, "a row is an entry"
        old_rows = [(*row, False) for row in before["applied_records"]]  # none of them was adopted
        assert sorted(map(plain, entries), key=repr) == sorted(map(plain, old_rows), key=repr)
        assert all(p.finished for p in Ledger(store).phases())
        assert len(Ledger(store).phases()) == len(before["phase_progress"]) == 6
    with Store.open(old) as again:
        assert version(again) == NEWEST, "opened as it is"


def plain(row: tuple[object, ...]) -> list[object]:
    """SQLite tells truth by number, and JSON in texts may be written in more than one way."""
    return [
        json.loads(x) if isinstance(x, str) and x.startswith("{") else int(x) if isinstance(x, bool) else x for x in row
    ]


def test_a_newer_state_is_refused_by_name_and_not_touched(database: str) -> None:
    with Store.open(database) as store, store.begin() as db:
        db.execute(sa.text(f"update lago2odoo_state set version = {NEWEST + 1}"))
    with pytest.raises(
        StoreError, match=f"newer lago2odoo .version {NEWEST + 1} of the state, this one knows {NEWEST}"
    ):
        Store.open(database)
    engine = make_engine(parse_url(database))
    with engine.connect() as db:
        assert read_version(db) == NEWEST + 1
    engine.dispose()


@pytest.mark.parametrize(
    "made",
    [
        "create table customers (id integer)",
        "create table customers (id integer); create table event_files (path text primary key, events bigint)",
        "create table extract_runs (id integer)",  # the name is ours, the columns are not
    ],
)
def test_a_database_of_something_else_is_refused_untouched(tmp_path: Path, made: str) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.executescript(made)
    db.close()
    content = path.read_bytes()
    with pytest.raises(StoreError, match=r"other.db: a database of something else .tables \w+.*; set another"):
        Store.open(path)
    assert path.read_bytes() == content
    assert not path.with_name("other.db-wal").exists()


def test_the_tables_of_others_beside_ours_are_left_alone(database: str) -> None:
    engine = make_engine(parse_url(database))
    with engine.begin() as db:
        RELEASE_0_1.create_all(db, tables=[RELEASE_0_1.tables[name] for name in ALWAYS])  # no preview yet: no ledger
        db.execute(sa.text("create table theirs (id integer)"))
    engine.dispose()
    with Store.open(database) as store:
        assert tables_of(store).keys() == declared(store).keys() | {"theirs"}
        assert version(store) == NEWEST


def test_a_state_that_was_killed_while_it_was_made_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    engine = make_engine(parse_url(path))
    with engine.begin() as db:
        RELEASE_0_1.tables["event_files"].create(db)
    engine.dispose()
    with Store.open(path) as store:
        assert tables_of(store) == declared(store)


def test_a_step_that_fails_leaves_nothing_of_itself(database: str) -> None:
    def fail(db: sa.Connection) -> None:
        db.execute(sa.text("create table half (id integer)"))
        db.execute(sa.text("insert into half values (1)"))
        raise ZeroDivisionError

    with Store.open(database) as store:
        steps = (*STEPS, StateStep(NEWEST + 1, "fails", fail))
        with pytest.raises(ZeroDivisionError):
            bring_up_to_date(store.engine, store.url, store.lock, steps)
        assert version(store) == NEWEST
        assert tables_of(store) == declared(store)
        bring_up_to_date(store.engine, store.url, store.lock, (*STEPS, StateStep(NEWEST + 1, "works", lambda db: None)))
        assert version(store) == NEWEST + 1


def test_a_state_that_another_run_works_with_is_not_changed_under_it(old: str) -> None:
    url = parse_url(old)
    busy = Store(url, make_engine(url))
    with busy, busy.lock():
        with pytest.raises(LockHeld):
            Store.open(old)
        with busy.begin() as db:
            assert read_version(db) is None
    with Store.open(old) as store:
        assert version(store) == NEWEST


def test_a_row_of_an_old_ledger_that_is_damaged_gets_no_seal(tmp_path: Path) -> None:
    path = write_old_state(tmp_path / "state.db")
    with sqlite3.connect(path) as db:
        db.execute("update applied_records set state = 'done' where rowid = 7")
    db.close()
    with Store.open(path) as store, store.begin() as connection:
        unsealed = connection.scalars(sa.select(APPLIED_RECORDS.c.xid).where(APPLIED_RECORDS.c.seal == "")).all()
        assert len(unsealed) == 1
        with pytest.raises(StoreError, match=rf"row {unsealed[0]} of applied_records is damaged .state is 'done'"):
            list(Ledger(store).entries())


def test_what_the_beginning_of_a_detail_said_is_a_value_of_its_own_after_the_upgrade(old: str) -> None:
    engine = make_engine(parse_url(old))
    with engine.begin() as db:
        db.execute(sa.text("update phase_progress set finished = false, detail = 'interrupted'"))
        said = "update phase_progress set detail = 'left out: 3 records (custom_aggregation)' where phase = 'catalog'"
        db.execute(sa.text(said))
    engine.dispose()
    with Store.open(old) as store:
        phases = {p.phase.value: p for p in Ledger(store).phases()}
        assert phases.pop("catalog").left_out
        assert not any(p.left_out for p in phases.values())
        assert all(p.blocks for p in phases.values())
        with store.begin() as db:
            assert list(broken_seals(db)) == []


def test_a_seal_that_was_broken_before_the_upgrade_is_broken_after_it(tmp_path: Path) -> None:
    path = write_old_state(tmp_path / "state.db")
    url = parse_url(path)
    with Store(url, make_engine(url)) as store:
        bring_up_to_date(store.engine, store.url, store.lock, [step for step in STEPS if step.number < 7])
        with store.begin() as db:
            db.execute(sa.text("update phase_progress set detail = 'changed'"))
        bring_up_to_date(store.engine, store.url, store.lock)
        with store.begin() as db:
            assert [name for name, _ in broken_seals(db)] == ["phase_progress"]


# --- a copy before the tables change ---------------------------------------------------------------------------------


def copies(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("state.db.*") if not path.name.endswith((".lock", "-wal", "-shm")))


def test_a_state_is_copied_as_it_stands_before_it_is_upgraded(tmp_path: Path) -> None:
    path = write_old_state(tmp_path / "state.db")
    before = rows_of(path)
    Store.open(path).close()
    assert copies(tmp_path) == ["state.db.before-version-0"]
    copy = tmp_path / "state.db.before-version-0"
    assert rows_of(copy) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    Store.open(path).close()
    assert copies(tmp_path) == ["state.db.before-version-0"], "only an upgrade copies"
    path.unlink()
    copy.rename(path)
    with Store.open(path) as store:
        assert version(store) == NEWEST, "the copy is a state that can be opened"


def test_a_new_state_is_not_copied(tmp_path: Path) -> None:
    Store.open(tmp_path / "state.db").close()
    assert copies(tmp_path) == []


def test_a_state_that_cannot_be_copied_is_not_upgraded(tmp_path: Path) -> None:
    path = write_old_state(tmp_path / "state.db")
    before = rows_of(path)
    (tmp_path / "state.db.before-version-0").mkdir()  # in the way
    with pytest.raises(StoreError, match=r"cannot be copied to .*make room"):
        Store.open(path)
    assert rows_of(path) == before
