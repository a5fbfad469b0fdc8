"""The state's versions: numbered steps, each a function over a connection and one transaction. Add at the end only.

empty database      all steps
state of 0.1        known by its tables (it has no version): all steps; the first one finds its work done
older state         the steps after its version; a file is copied before (``state.db.before-version-1``)
newer state         refused: only a newer lago2odoo can read it
anything else       refused: it is somebody else's database
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from migrate.errors import StoreError
from migrate.state.columns import RESTORE, find_misfit
from migrate.state.database import name
from migrate.state.entries import seal_of
from migrate.state.release_0_1 import ALWAYS, RELEASE_0_1
from migrate.state.seals import is_sealed, seal_everything, seal_table
from migrate.state.tables import CUTOVERS, METADATA, PHASES, VERSION

_UPGRADE_KEY = int.from_bytes(b"lago2ups", "big") >> 1  # PostgreSQL: one process at a time takes steps
_ROWS = 5000  # of the ledger in one statement
_OLD_PHASES = RELEASE_0_1.tables[PHASES.name]  # as they were up to step 6
Locked = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class StateStep:
    """One version of the state, made from the one before."""

    number: int
    what: str
    take: Callable[[sa.Connection], None]


def create_tables(db: sa.Connection) -> None:
    """The tables of release 0.1, those that are missing."""
    RELEASE_0_1.create_all(db)


def add_hash_of_event_files(db: sa.Connection) -> None:
    """What the files of events should contain; unknown of those that are there already."""
    db.execute(sa.text("alter table event_files add column sha256 text"))


def add_adopted_records(db: sa.Connection) -> None:
    """Which records were found in Odoo after the state was lost; of those that are known already none."""
    db.execute(sa.text("alter table applied_records add column adopted boolean not null default false"))


def seal_ledger(db: sa.Connection) -> None:
    """A hash over each row of the ledger; of those that are there already, over what could be written so."""
    db.execute(sa.text("alter table applied_records add column seal text not null default ''"))
    names = (
        "xid, seq, parent, model, res_id, phase, customer, source, state, created, sent, stored, before, run, adopted"
    )
    query = sa.text(f"select {names} from applied_records where xid > :last order by xid limit {_ROWS}")  # noqa: S608
    last = ""
    while rows := db.execute(query, {"last": last}).all():
        sound = [row for row in rows if find_misfit("applied_records", row._asdict()) is None]
        seals = [{"name": row.xid, "hash": seal_of(row._asdict())} for row in sound]
        if seals:
            db.execute(sa.text("update applied_records set seal = :hash where xid = :name"), seals)
        last = rows[-1].xid


def add_report_runs(db: sa.Connection) -> None:
    """How far the history of each folder of reports came: that of older versions is told with the next run."""
    columns = "folder text primary key not null, runs integer not null, head text not null, compared_at text not null"
    db.execute(sa.text(f"create table report_runs ({columns})"))


def add_seals(db: sa.Connection) -> None:
    """What each table holds, so that a row that is gone shows; of those that are there already, as they are."""
    columns = "name text primary key not null, rows bigint not null, hash text not null"
    db.execute(sa.text(f"create table state_seals ({columns})"))
    seal_everything(db, _OLD_PHASES)


def add_left_out_phases(db: sa.Connection) -> None:
    """Which phases lack only what was left out by name: until here the beginning of a text for people said so.

    A table that is not as it was written keeps the seal that says so.
    """
    sound = is_sealed(db, _OLD_PHASES)
    db.execute(sa.text("alter table phase_progress add column left_out boolean not null default false"))
    db.execute(sa.text("update phase_progress set left_out = true where substr(detail, 1, 10) = 'left out: '"))
    if sound:
        seal_table(db, PHASES)


def add_cutover_stages(db: sa.Connection) -> None:
    """How far each subscription is on its way out of Lago: of none anything is known before."""
    names = ("subscription", "customer", "cohort", "stage", "ending_at", "noted_at")
    columns = ", ".join(f"{name} text not null" for name in names)
    db.execute(sa.text(f"create table cutover_stages (lago_id text primary key not null, {columns})"))
    seal_table(db, CUTOVERS)


STEPS = (
    StateStep(1, "the tables of release 0.1", create_tables),
    StateStep(2, "the hash of each file of events", add_hash_of_event_files),
    StateStep(3, "records that were adopted", add_adopted_records),
    StateStep(4, "a seal on each row of the ledger", seal_ledger),
    StateStep(5, "how far the history of reports came", add_report_runs),
    StateStep(6, "what each table held when it was written", add_seals),
    StateStep(7, "phases that lack only what was left out", add_left_out_phases),
    StateStep(8, "how far subscriptions are on their way out of Lago", add_cutover_stages),
)


def bring_up_to_date(engine: sa.Engine, url: URL, locked: Locked, steps: Sequence[StateStep] = STEPS) -> None:
    """Take the steps that the state lacks, one transaction each. Raises StoreError for a state that is not ours to use.

    ``locked``: keeps other runs out; an existing state changes only while nobody works with it.
    """
    with engine.connect() as db:
        version, exists = _version(db, url), bool(sa.inspect(db).get_table_names())
        _require_nothing_beside(db, url)
    _require_known(version, url, steps)
    if version == steps[-1].number:
        _require_tables(engine, url)
        return
    if not exists:
        _take_all(engine, url, steps)
        return
    with locked():
        back_up(engine, url, version)
        _take_all(engine, url, steps)


def back_up(engine: sa.Engine, url: URL, version: int) -> Path | None:
    """Copy a state of SQLite as it stands, beside itself, before its tables change. None if it is not in a file.

    A PostgreSQL database takes each step as a whole or not at all, and has backups of its own. Raises StoreError.
    """
    if engine.dialect.name != "sqlite" or not url.database or not Path(url.database).exists():
        return None
    target = Path(f"{url.database}.before-version-{version}")
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        partial.touch(0o600)
        with closing(sqlite3.connect(url.database)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise StoreError(
            f"state {name(url)}: it must be upgraded, and cannot be copied to {target} before ({error}): make room"
        ) from None
    return target


def read_version(db: sa.Connection) -> int | None:
    """The number that the state carries; None if it carries none."""
    if not sa.inspect(db).has_table(VERSION.name):
        return None
    version = db.scalar(sa.select(sa.func.max(VERSION.c.version)))
    if type(version) is not int or version < 1:
        raise StoreError(f"state: lago2odoo_state is damaged (version is {version!r}, must be a number): {RESTORE}")
    return version


def _take_all(engine: sa.Engine, url: URL, steps: Sequence[StateStep]) -> None:
    for step in steps:
        with engine.begin() as db:
            _begin_alone(db)
            if _version(db, url) < step.number:  # another process may have been quicker
                _take(db, url, step)
                _write_version(db, step.number)


def _take(db: sa.Connection, url: URL, step: StateStep) -> None:
    """Raises StoreError if the state has already what the step makes: its version was changed by somebody else."""
    try:
        step.take(db)
    except sa.exc.DBAPIError as error:
        said = str(error.orig).partition("\n")[0]
        if not any(words in said for words in ("already exists", "duplicate column")):
            raise
        why = f"its version says that step {step.number} lacks ({step.what}), and what it makes is there: {said}"
        raise StoreError(f"state {name(url)}: lago2odoo_state is damaged ({why}): {RESTORE}") from None


def _begin_alone(db: sa.Connection) -> None:
    """From here on nobody else takes steps; and on SQLite the tables change within the transaction, not beside it."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("begin immediate")
    else:
        db.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_KEY})


def _write_version(db: sa.Connection, number: int) -> None:
    VERSION.create(db, checkfirst=True)
    db.execute(VERSION.delete())
    db.execute(VERSION.insert().values(version=number))


def _version(db: sa.Connection, url: URL) -> int:
    """0: an empty database, or the state of a release that wrote no version. StoreError for anything else without."""
    version = read_version(db)
    if version is not None:
        return version
    tables = set(sa.inspect(db).get_table_names())
    if tables and not _is_release_0_1(db, tables):
        shown = ", ".join(sorted(tables)[:3])
        raise StoreError(f"state {name(url)}: a database of something else (tables {shown}); set another [store] url")
    return 0


def _is_release_0_1(db: sa.Connection, tables: set[str]) -> bool:
    """By its tables and their columns. It was made table by table, so that some may be missing."""
    ours = tables & RELEASE_0_1.tables.keys()
    whole = tables >= ALWAYS or tables == ours
    return bool(ours) and whole and all(_has_columns(db, RELEASE_0_1.tables[table]) for table in ours)


def _has_columns(db: sa.Connection, table: sa.Table) -> bool:
    return {column["name"] for column in sa.inspect(db).get_columns(table.name)} == set(table.columns.keys())


def _require_tables(engine: sa.Engine, url: URL) -> None:
    """A state of this version has every table and column that this version reads. Raises StoreError."""
    inspector = sa.inspect(engine)
    there = set(inspector.get_table_names())
    for table in METADATA.tables.values():
        lacking = set(table.columns.keys())
        if table.name in there:
            lacking -= {column["name"] for column in inspector.get_columns(table.name)}
        if lacking:
            what = f"column {sorted(lacking)[0]} of {table.name}" if table.name in there else f"table {table.name}"
            raise StoreError(f"state {name(url)}: is damaged ({what} is not there): {RESTORE}")


_BESIDE = {  # kind, name, table
    "sqlite": "select 'trigger', name, tbl_name from sqlite_master where type = 'trigger'",
    "postgresql": "select 'trigger', trigger_name, event_object_table from information_schema.triggers"
    " where event_object_schema = current_schema()"
    " union all select 'rule', rulename, tablename from pg_rules where schemaname = current_schema()",
}


def _require_nothing_beside(db: sa.Connection, url: URL) -> None:
    """No trigger or rule is ours: with one, what is written or deleted may be anything. Raises StoreError."""
    for kind, title, table in db.execute(sa.text(_BESIDE[db.dialect.name])):
        if table in METADATA.tables:
            why = f"{kind} {title} of {table} is none of this version's"
            raise StoreError(f"state {name(url)}: is damaged ({why}): take it away, or {RESTORE}")


def _require_known(version: int, url: URL, steps: Sequence[StateStep]) -> None:
    newest = steps[-1].number
    if version > newest:
        raise StoreError(
            f"state {name(url)}: written by a newer lago2odoo (version {version} of the state, this one knows "
            f"{newest}): use that one, or set another [store] url"
        )
