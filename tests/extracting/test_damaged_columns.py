"""Every column of every table of the state, with every kind of value that SQLite keeps and no version ever wrote."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mappings.target import Phase
from migrate.errors import StoreError
from migrate.self_check import check_state
from migrate.state import events
from migrate.state.columns import COLUMNS, CutoverStage
from migrate.state.cutover_stages import StageNote, note_stage
from migrate.state.entries import APPLIED, Entry
from migrate.state.ledger import Ledger
from migrate.state.records import EventFile, Page, Raw
from migrate.state.report_runs import ReportRuns, note_report_runs
from migrate.state.small_tables import require_sound
from migrate.state.store import Store
from migrate.state.tables import METADATA

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MONTH = "month=2026-07/events.parquet"
VALUES = {
    "a word": "zz",
    "nothing": None,
    "no text": "",
    "no number": -1,
    "a large number": 2**63 - 1,
    "a fraction": 1.5,
    "bytes": b"\x80\xff\x00",
    "a moment to come": "2199-01-01T00:00:00+00:00",
    "a moment without zone": "2026-07-01T00:00:00",
    "a list": "[1]",
    "half an object": "{",
    "an odd object": '{"zz": {"a": "b"}}',
    "too many brackets": "[" * 20_000,
}
# How far an extract came that is still going on: it is asked for again.
FREE = {("extract_pages", "resource")}
NO_TEXTS = {"nothing", "bytes", "no text"}
FREE_TOO = {("extract_pages", "reading", "a large number"), ("extract_pages", "page", "a large number")}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a state that has rows in all of its tables, and its file of events."""
    folder = tmp_path_factory.mktemp("sound")
    file = folder / "events" / MONTH
    events.write_parquet(events.table([]), file)
    with Store.open(folder / "state.db") as store:
        run = store.new_run("org", "v1", NOW)
        with store.begin() as db:
            store.put(db, run, [Raw("organizations", "org", '{"lago_id":"org"}')])
            store.put(db, run, [Raw("customers", "c", '{"lago_id":"c"}')])
            store.add_unknown(db, run, [("customers", "shoe_size")])
            store.mark(db, run, "wallets", "refused")
        store.finish(run, [EventFile(path=MONTH, events=0, sha256=events.hash_file(file))])
        with store.begin() as db:
            store.add_page(db, run, "customers", Page(1, 1, ("c",), last=True))
        ledger = Ledger(store)
        ledger.begin("apply", target="uuid", now=NOW)
        ledger.take_up([entry("lago.o", "", "sale.order"), entry("lago.l", "lago.o", "sale.order.line")])
        ledger.set_phase(Phase.SUBSCRIPTIONS, "", finished=True, now=NOW)
        ledger.end({}, now=NOW)
        note_report_runs(store, "report", ReportRuns(runs=1, head="ab" * 32, compared_at=NOW))
        note_stage(store, leaving(CutoverStage.SETTING))
    return folder


def leaving(stage: CutoverStage) -> StageNote:
    names = dict.fromkeys(("lago_id", "subscription", "customer", "cohort"), "x")
    return StageNote(**names, stage=stage, ending_at=NOW, noted_at=NOW)


def entry(xid: str, parent: str, model: str) -> Entry:
    return Entry(xid, 0, parent, model, 7, "subscriptions", "C", "order", APPLIED, created=True, sent={"name": "A"})


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "state"))


def without_constraints(db: sqlite3.Connection, table: str) -> None:
    """As a restore by hand leaves a table: no primary key, nothing that must not be null."""
    columns = ", ".join(f'"{row[1]}" {row[2]}' for row in db.execute(f"pragma table_info({table})").fetchall())
    db.execute(f"create table bare_ ({columns})")
    db.execute(f"insert into bare_ select * from {table}")
    db.execute(f"drop table {table}")
    db.execute(f"alter table bare_ rename to {table}")


def problems(folder: Path) -> tuple[str, ...]:
    try:
        with Store.open(folder / "state.db") as store:
            return check_state(store, folder / "events").problems
    except StoreError as error:
        return (str(error),)


def is_free(table: str, column: str, what: str) -> bool:
    return ((table, column) in FREE and what not in NO_TEXTS) or (table, column, what) in FREE_TOO


def columns() -> Iterator[tuple[str, str]]:
    for table in METADATA.tables.values():
        yield from ((table.name, column.name) for column in table.columns)


def test_every_column_has_a_kind() -> None:
    assert set(columns()) == {(table, column) for table, kinds in COLUMNS.items() for column in kinds}


def test_a_sound_state_is_sound(folder: Path) -> None:
    assert problems(folder) == ()
    with Store.open(folder / "state.db") as store:
        require_sound(store)


@pytest.mark.parametrize(("table", "column"), list(columns()))
def test_what_no_version_writes_is_named_with_its_table(folder: Path, table: str, column: str) -> None:
    whole = (folder / "state.db").read_bytes()
    for what, value in VALUES.items():
        for leftover in folder.glob("state.db*"):
            leftover.unlink()
        (folder / "state.db").write_bytes(whole)
        with closing(sqlite3.connect(folder / "state.db")) as db, db:
            without_constraints(db, table)
            before = db.execute(f"select * from {table}").fetchall()
            db.execute(f'update {table} set "{column}" = ? where rowid = (select max(rowid) from {table})', [value])
            changed = db.execute(f"select * from {table}").fetchall() != before
        found = problems(folder)
        if changed and not is_free(table, column, what):
            assert any(table in problem or column in problem for problem in found), f"{what}: {found}"
        assert all("\n" not in problem for problem in found)


@pytest.mark.parametrize(
    "statement",
    [
        "update applied_records set created = 0",  # what stood before would be deleted, or ours would stay
        "update applied_records set res_id = 8",
        "update applied_records set customer = 'D'",
        'update applied_records set before = \'{"name": "B"}\'',
        "update applied_records set phase = 'catalog'",
        "update applied_records set state = 'zeroed'",
        "update applied_records set model = 'account.move' where parent = ''",
        "update applied_records set model = 'res.partner' where parent != ''",
        "update applied_records set parent = 'lago.l' where parent != ''",
        "update applied_records set run = 9",
        "delete from applied_records where parent = ''",
        "delete from apply_runs",
        "delete from extract_runs",
        "update extract_runs set id = 9",
        "update extract_runs set source = 'another'",
        "update extract_runs set dropped = 1",
        "insert into extract_runs values (9, 'org', 'v1', '2026-07-02T00:00:00+00:00', 1, 0)",
        "insert into phase_progress values ('zz', '', 1, '', '2026-07-02T00:00:00+00:00', 0)",
        "update event_files set events = 5",
        "delete from event_files",
        "insert into event_files values ('month=2030-01/events.parquet', 5, null)",
        "delete from lago_records where resource = 'organizations'",
        "update lago_records set resource = 'zz' where resource = 'customers'",
        "update lago_records set key = 'zz' where resource = 'customers'",
        "insert into extract_done values (9, 'wallets', null)",
        "drop table phase_progress",
        "alter table applied_records drop column adopted",
        "delete from lago2odoo_state",
        "insert into lago2odoo_state values (4)",
        "update lago2odoo_state set version = 0",
        # free texts, and rows that are gone with all that belongs to them
        "update extract_runs set lago_version = 'v2'",
        "update extract_runs set taken_at = '2026-06-30T00:00:00+00:00'",
        "update extract_done set note = 'page_unreadable'",
        "delete from extract_done",
        "delete from lago_unknown_fields",
        "update phase_progress set detail = 'zz'",
        "update phase_progress set cohort = 'zz'",
        "delete from phase_progress",
        "update apply_runs set target = ''",
        "update apply_runs set cohort = 'zz'",
        "update report_runs set folder = 'zz'",
        "delete from report_runs",
        "update cutover_stages set stage = 'ended'",
        "update cutover_stages set stage = 'gone'",
        "delete from cutover_stages",
        "delete from applied_records where parent != ''",
        "delete from applied_records",
        "delete from lago_records where resource = 'customers'",
        "update lago_records set seen_run = 0 where resource = 'customers'",
        "delete from state_seals where name = 'applied_records'",
        "update state_seals set rows = rows + 1 where name = 'lago_records'",
        "insert into state_seals select 'tomorrows_table', rows, hash from state_seals limit 1",
    ],
)
def test_rows_that_do_not_belong_together_are_named(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as db, db:
        db.execute(statement)
    found = problems(folder)
    assert found
    assert all("\n" not in problem for problem in found)


def test_a_clock_of_lagos_that_is_to_come_is_named(folder: Path) -> None:
    """However it came to be noted: with an extract of such a clock, every event of until then counts as known."""
    with Store.open(folder / "state.db") as store:
        run = store.new_run("org", "v1", datetime.now(UTC) + timedelta(days=2))
        with store.begin() as db:
            store.put(db, run, [Raw("organizations", "org", '{"lago_id":"org"}')])
        store.finish(run, store.event_files())
    (problem,) = problems(folder)
    assert "taken_at is" in problem
    assert "set the clock right" in problem


def test_what_is_written_with_the_tool_stays_sound(folder: Path) -> None:
    """Every way in which rows come, change and go."""
    with Store.open(folder / "state.db") as store:
        ledger = Ledger(store)
        ledger.begin("apply", target="uuid")
        ledger.take_up([entry("lago.p", "", "sale.order"), entry("lago.q", "lago.p", "sale.order.line")])
        ledger.take_up([entry("lago.p", "", "sale.order")])
        ledger.begin_undoing(["lago.p", "lago.q"])
        ledger.forget(["lago.o"])
        ledger.set_phase(Phase.CATALOG, "a", finished=False)
        ledger.drop_phase(Phase.SUBSCRIPTIONS, "")
        ledger.leave_archived({"lago.x": 3})
        ledger.end({})
        note_report_runs(store, "report", ReportRuns(runs=2, head="cd" * 32, compared_at=NOW))
        note_stage(store, leaving(CutoverStage.ENDING))
    assert problems(folder) == ()
    with Store.open(folder / "state.db") as store:
        store.new_run("org", "v1", NOW)
    assert problems(folder) == (), "an extract that goes on: its rows are nobody's yet"
