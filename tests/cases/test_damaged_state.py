"""Edits of the state: the check of the whole and every command name the same row, and nothing goes on over it."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.cases.conftest import Case

ORDER = "(select xid from applied_records where model = 'sale.order')"
LINE = "(select min(xid) from applied_records where model = 'sale.order.line')"
# What is edited -> what every reader of it names: the table and the column.
OF_ALL = {
    "insert into phase_progress values ('zz', '', 1, '', '2026-01-01T00:00:00+00:00', 0)": (
        "phase_progress",
        "phase is 'zz'",
    ),
    "update phase_progress set updated_at = '2199-01-01T00:00:00+00:00'": ("phase_progress", "updated_at"),
    "update extract_runs set taken_at = '2026-08-01T00:00:00'": ("extract_runs", "taken_at"),
    "delete from extract_runs": ("lago_records", "seen_run"),
}
OF_THE_LEDGER = {
    f"update applied_records set model = 'res.partner' where xid = {ORDER}": ("applied_records", "model"),
    f"update applied_records set model = 'account.move.line' where xid = {LINE}": ("applied_records", "model"),
    f"update applied_records set phase = 'zz' where xid = {ORDER}": ("applied_records", "phase is 'zz'"),
    f"update applied_records set seq = 'zz' where xid = {ORDER}": ("applied_records", "seq is 'zz'"),
    f"update applied_records set created = 0 where xid = {ORDER}": ("applied_records", "seal"),
    f"update applied_records set res_id = 77 where xid = {ORDER}": ("applied_records", "seal"),
    f"delete from applied_records where xid = {ORDER}": ("applied_records", "parent"),
}
COMMANDS = (("status",), ("preview",), ("apply",), ("rollback", "--dry-run"))
RECONCILE = ("reconcile", "--period", "2026-08")


def test_every_reader_names_the_edited_row(case: Callable[..., Case], tmp_path: Path) -> None:
    company = case("21")
    assert company.migrate(waived=("wallet_negative",)).code == 0
    state = tmp_path / ".lago2odoo" / "state.db"
    with closing(sqlite3.connect(state)) as db:
        db.execute("pragma wal_checkpoint(truncate)")
    whole = Path(shutil.copyfile(state, tmp_path / "whole.db"))
    for statement, named in (OF_ALL | OF_THE_LEDGER).items():
        for leftover in state.parent.glob("state.db-*"):
            leftover.unlink()
        shutil.copyfile(whole, state)
        with closing(sqlite3.connect(state)) as db, db:
            db.execute(statement)
        told = company.run("doctor", "--state")
        assert (told.code, [part for part in named if part not in told.out]) == (1, []), statement
        for command in (*COMMANDS, RECONCILE):
            result = company.run(*command)
            said = result.err.strip().splitlines()[-1]
            assert (result.code, [part for part in named if part not in said]) == (1, []), f"{command}: {statement}"
            assert re.search(r"is damaged .*: (set the clock right, or )?restore a copy", said)


def test_a_record_that_is_gone_from_the_state_stops_every_reader(case: Callable[..., Case], tmp_path: Path) -> None:
    """Two cards with 19.50 would be made of three with 26.50, with exit code 0."""
    company = case("21")
    assert company.migrate(waived=("wallet_negative",)).code == 0
    with closing(sqlite3.connect(tmp_path / ".lago2odoo" / "state.db")) as db, db:
        db.execute(
            "delete from lago_records where rowid = (select max(rowid) from lago_records where resource = 'wallets')"
        )
    for command in (("status",), ("preview",), ("apply",), RECONCILE, (*RECONCILE, "--control")):
        result = company.run(*command)
        assert result.code == 1, command
        assert re.search(
            r"lago_records is damaged \(it has \d+ rows, and \d+ were written .*extract' again", result.err
        )
    assert company.run("extract").code == 0
    assert company.run("apply").code == 0
