"""What a database says about a state ends as one line: table, row and way out, and nothing of what a record holds."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from migrate.errors import StoreError
from migrate.lago.snapshot import load_snapshot
from migrate.state.ledger import Ledger
from migrate.state.small_tables import require_sound
from migrate.state.store import Store
from migrate.state.tables import APPLIED_RECORDS, as_stored
from tests.extracting.old_state import edit

RESTORE = "restore a copy of the state"
SECRET = "canary-of-a-record"


def told(path: Path) -> str:
    """What opening and reading all of it ends with."""
    with pytest.raises(StoreError) as error, Store.open(path) as store:
        require_sound(store)
        list(Ledger(store).entries())
        load_snapshot(store)
    said = str(error.value)
    assert "\n" not in said
    assert SECRET not in said
    return said


@pytest.mark.parametrize(
    ("table", "column", "row"),
    [
        ("applied_records", "sent", "row base.CAD"),
        ("applied_records", "xid", "row {"),
        ("lago_records", "payload", "row organizations "),
        ("phase_progress", "detail", "row "),
        ("extract_runs", "source", "row 1"),
    ],
)
def test_bytes_that_are_no_text_are_named_by_table_row_and_column(
    state: Path, table: str, column: str, row: str
) -> None:
    bytes_of = b'{"x": "' + SECRET.encode() + b'\xff"}'
    first = f"(select min(rowid) from {table})"
    with closing(sqlite3.connect(state)) as db, db:
        if column == "payload":
            first = f"(select min(rowid) from {table} where resource = 'organizations')"
        db.execute(f"update {table} set {column} = cast(? as text) where rowid = {first}", (bytes_of,))
    with pytest.raises(StoreError) as error, Store.open(state) as store:
        require_sound(store)
        with store.begin() as db:
            db.execute(as_stored(APPLIED_RECORDS)).all()
        load_snapshot(store)
    said = str(error.value)
    assert f"of {table} is damaged ({column} holds bytes that are no UTF-8)" in said
    assert "\n" not in said
    if column != "xid":  # the name of a row is how people find it
        assert SECRET not in said
        assert row in said


@pytest.mark.parametrize("version", range(1, 6))
def test_a_version_that_was_set_back_by_hand_is_named_with_the_way_out(state: Path, version: int) -> None:
    edit(state, f"update lago2odoo_state set version = {version}")
    said = told(state)
    assert "lago2odoo_state is damaged" in said
    assert f"step {version + 1}" in said or version == 1
    assert RESTORE in said


@pytest.mark.parametrize(
    "trigger",
    [
        "create trigger quiet before delete on applied_records begin select raise(ignore); end",
        "create trigger loud after insert on applied_records begin select raise(abort, 'no'); end",
    ],
)
def test_a_trigger_on_a_table_of_ours_is_refused_before_anything_is_written(state: Path, trigger: str) -> None:
    edit(state, trigger)
    said = told(state)
    assert "of applied_records is none of this version's" in said
    assert RESTORE in said


def test_a_row_that_stands_where_none_should_is_damage_with_a_way_out(state: Path) -> None:
    twice = pytest.raises(StoreError, match=r"applied_records\.xid")
    with Store.open(state) as store, twice as error, store.begin() as db:
        row = db.execute(sa.select(APPLIED_RECORDS).limit(1)).one()._asdict()
        db.execute(APPLIED_RECORDS.insert(), [row])
    assert RESTORE in str(error.value)


@pytest.mark.parametrize("name", ["state.db", "state.db.lock"])
def test_a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for(state: Path, name: str) -> None:
    path = state.with_name(name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(StoreError, match="neither a file nor a folder"), Store.open(state) as store, store.lock():
        pass


def asked(url: str, *statements: str) -> None:
    """SQL of somebody else, each statement by itself."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        for statement in statements:
            db.exec_driver_sql(statement)
    engine.dispose()


def refused(url: str) -> str:
    """What opening and writing ends with, in one line."""
    with pytest.raises(StoreError) as error, Store.open(url) as store:
        store.new_run("lago", "1.0", datetime(2026, 8, 1, tzinfo=UTC))
    said = str(error.value)
    assert "\n" not in said
    return said


@pytest.mark.postgresql
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_refused_with_the_way_out(postgresql: str, encoding: str) -> None:
    """Of SQL_ASCII come bytes, which ended in a TypeError of SQLAlchemy's; LATIN1 takes not every name."""
    head, _, tail = postgresql.partition("?")
    other = f"{head}_other"
    title = other.rpartition("/")[2]
    asked(postgresql, f"create database \"{title}\" encoding '{encoding}' locale 'C' template template0")
    try:
        said = refused(f"{other}?{tail}")
    finally:
        asked(postgresql, f'drop database "{title}" with (force)')
    assert f"the database's encoding is {encoding}; make one in UTF8 (createdb --encoding UTF8" in said


@pytest.mark.postgresql
def test_a_rule_on_a_table_of_ours_is_refused_as_a_trigger_is(postgresql: str) -> None:
    Store.open(postgresql).close()
    asked(postgresql, "create rule quiet as on insert to applied_records do instead nothing")
    said = refused(postgresql)
    assert "rule quiet of applied_records is none of this version's): take it away, or restore" in said


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("default_transaction_read_only = on", "read-only transaction: the database must let us write"),
        ("statement_timeout = 1", "statement timeout: allow more time (statement_timeout"),
        ("search_path = 'nowhere'", "no schema has been selected to create in: name a schema that exists"),
    ],
)
def test_a_setting_of_the_database_that_stops_us_is_named_with_the_way_out(
    postgresql: str, setting: str, said: str
) -> None:
    Store.open(postgresql).close()
    title = postgresql.partition("?")[0].rpartition("/")[2]
    asked(postgresql, f'alter database "{title}" set {setting}')
    assert said in refused(postgresql)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("part", "changed", "said"),
    [
        ("host=", "host=/nowhere", "whether the server runs, and whether [store] url names it"),
        ("/lago2odoo_", "/nowhere_", "does not exist: make it (createdb, createuser), or set another [store] url"),
        ("postgres@", "nobody@", "does not exist: make it (createdb, createuser), or set another [store] url"),
    ],
)
def test_a_server_or_database_that_is_not_there_is_named_with_the_way_out(
    postgresql: str, part: str, changed: str, said: str
) -> None:
    assert said in refused(postgresql.replace(part, changed))
