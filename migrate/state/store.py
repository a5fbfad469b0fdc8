"""The state: what was read from Lago, how far an extract came, and (in ``ledger``) what was written to Odoo.

A SQLite file by default, PostgreSQL by URL (``postgresql://user@host/database``). ``Store.open`` makes the tables of
this version, or brings an older state to it (``migrate.state.steps``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from glob import escape
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL

from migrate.errors import StoreError
from migrate.state import database
from migrate.state.columns import RESTORE
from migrate.state.database import store_error
from migrate.state.private import close_to_others, make_folder, open_private
from migrate.state.records import Changes, EventFile, Page, Raw, Run
from migrate.state.row_checks import file_of, note_of, page_of, raws_of, run_of
from migrate.state.seals import seal_extract
from migrate.state.steps import bring_up_to_date
from migrate.state.tables import DONE, EVENT_FILES, PAGES, RECORDS, RUNS, UNKNOWN, as_stored


@dataclass
class Store:
    """The open state. Use as a context manager, or call ``close``."""

    url: URL
    engine: sa.Engine
    _lock: list[object] = field(default_factory=list)

    @staticmethod
    def open(url: str | Path) -> Store:
        """Open or create. ``url``: a file (SQLite) or an SQLAlchemy URL. Raises StoreError with the remedy."""
        parsed = database.parse_url(url)
        try:
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                _prepare_file(Path(parsed.database))
            store = Store(parsed, database.make_engine(parsed))
            with ExitStack() as stack:
                stack.callback(store.close)  # one that is refused keeps no connection
                bring_up_to_date(store.engine, parsed, store.lock)
                database.write_ahead(store.engine)
                stack.pop_all()
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            raise store_error(parsed, error) from None
        return store

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction: committed as a whole or not at all. Database errors come out as StoreError, in one line."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise store_error(self.url, error) from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out of this state. Raises LockHeld at once; a killed process holds no lock.

        May be nested within one process.
        """
        if not self._lock:
            with database.lock(self.engine, self.url) as handle:
                self._lock.append(handle)
                try:
                    yield
                finally:
                    self._lock.clear()
        else:
            yield

    # --- runs ---------------------------------------------------------------------------------------------------

    def unfinished(self, source: str) -> Run | None:
        """The run of ``source`` that was interrupted, if it is the latest."""
        latest = self.latest()
        return latest if latest and not latest.finished and latest.source == source else None

    def latest(self) -> Run | None:
        """The last run that was not dropped. Every row is looked at: one that is damaged would be passed over."""
        with self.begin() as db:
            rows = db.execute(as_stored(RUNS).order_by(RUNS.c.id)).all()
        runs = [run for run, row in zip(map(run_of, rows), rows, strict=True) if not row.dropped]
        return runs[-1] if runs else None

    def new_run(self, source: str, lago_version: str, taken_at: datetime) -> Run:
        """Begin a run; an unfinished one (of another source) is dropped."""
        values = {"source": source, "lago_version": lago_version, "taken_at": taken_at.isoformat()}
        with self.begin() as db:
            db.execute(RUNS.update().where(~RUNS.c.finished).values(dropped=True))
            identity = db.execute(RUNS.insert().values(**values)).inserted_primary_key
        return Run(
            id=identity[0] if identity else 0,
            source=source,
            lago_version=lago_version,
            taken_at=taken_at,
            finished=False,
        )

    def finish(self, run: Run, event_files: Iterable[EventFile]) -> None:
        """Mark the run finished and drop its bookkeeping."""
        files = [{"path": file.path, "events": file.events, "sha256": file.sha256} for file in event_files]
        with self.begin() as db:
            db.execute(EVENT_FILES.delete())
            if files:
                db.execute(EVENT_FILES.insert(), files)
            db.execute(PAGES.delete())
            db.execute(DONE.delete().where((DONE.c.run != run.id) | DONE.c.note.is_(None)))
            db.execute(UNKNOWN.delete().where(UNKNOWN.c.run != run.id))
            db.execute(RUNS.update().where(RUNS.c.id == run.id).values(finished=True))
            seal_extract(db, run.id)

    # --- records ------------------------------------------------------------------------------------------------

    def put(self, db: sa.Connection, run: Run, records: Iterable[Raw]) -> None:
        """Insert or update; the run that first saw, last changed and last saw a record is kept."""
        rows = {(raw.resource, raw.key): _row(raw, run) for raw in records}
        if rows:
            db.execute(self._upsert(), list(rows.values()))

    def _upsert(self) -> sa.Insert:
        insert = self._insert(RECORDS)
        fresh = insert.excluded
        changed = sa.case((RECORDS.c.sha256 != fresh.sha256, fresh.changed_run), else_=RECORDS.c.changed_run)
        return insert.on_conflict_do_update(
            index_elements=["resource", "key"],
            set_={
                "parent": fresh.parent,
                "payload": fresh.payload,
                "sha256": fresh.sha256,
                "changed_run": changed,
                "seen_run": fresh.seen_run,
            },
        )

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """Both databases know ``on conflict``, each by a class of its own."""
        return sqlite.insert(table) if self.engine.dialect.name == "sqlite" else postgresql.insert(table)

    def payloads(self, db: sa.Connection, resource: str, keys: Sequence[str]) -> dict[str, str]:
        """Key -> the text that is known of it, whichever run saw it. As many keys as go in one statement."""
        query = sa.select(RECORDS.c.key, RECORDS.c.payload).where(RECORDS.c.resource == resource)
        return {row.key: row.payload for row in db.execute(query.where(RECORDS.c.key.in_(keys)))}

    def forget(self, db: sa.Connection, resource: str, keys: Sequence[str]) -> None:
        """These were seen earlier in this run and are gone from Lago since."""
        for start in range(0, len(keys), 500):
            some = RECORDS.c.key.in_(keys[start : start + 500])
            db.execute(RECORDS.update().where(RECORDS.c.resource == resource, some).values(seen_run=0))

    def keep_known(self, db: sa.Connection, run: Run, resource: str, parents: Sequence[str] | None = None) -> None:
        """What the finished run before this one saw stays as it was: of ``parents``, or all that was not seen now."""
        before = sa.select(sa.func.max(RUNS.c.id)).where(RUNS.c.finished, RUNS.c.id < run.id).scalar_subquery()
        known = (RECORDS.c.resource == resource) & (RECORDS.c.seen_run == before)
        for some in [sa.true()] if parents is None else [RECORDS.c.parent == parent for parent in parents]:
            db.execute(RECORDS.update().where(known, some).values(seen_run=run.id))

    def seen(self, resource: str, run: Run) -> Iterator[Raw]:
        """The records of ``resource`` that ``run`` saw, in the order of their keys, a thousand at a time in memory."""
        # The same order in both databases, whatever PostgreSQL's locale is.
        key = RECORDS.c.key if self.engine.dialect.name == "sqlite" else sa.collate(RECORDS.c.key, "C")
        query = sa.select(RECORDS).where(RECORDS.c.resource == resource, RECORDS.c.seen_run == run.id).order_by(key)
        last = ""
        while True:
            with self.begin() as db:
                rows = db.execute(query.where(key > last).limit(1000)).all()
            yield from raws_of(rows, last)
            if len(rows) < 1000:
                return
            last = rows[-1].key

    def keys(self, resource: str, run: Run) -> frozenset[str]:
        """The keys of the records that ``run`` saw."""
        query = sa.select(RECORDS.c.key).where(RECORDS.c.resource == resource, RECORDS.c.seen_run == run.id)
        with self.begin() as db:
            return frozenset(db.scalars(query))

    def missed(self, resource: str, run: Run) -> frozenset[str]:
        """The keys of the records that an earlier run saw, and ``run`` did not."""
        query = sa.select(RECORDS.c.key).where(RECORDS.c.resource == resource, RECORDS.c.seen_run != run.id)
        with self.begin() as db:
            return frozenset(db.scalars(query))

    def changes(self, run: Run) -> dict[str, Changes]:
        """Per resource: how many records, how many new, changed, gone since the run before."""
        before = sa.select(sa.func.max(RUNS.c.id)).where(RUNS.c.finished, RUNS.c.id < run.id).scalar_subquery()
        seen = RECORDS.c.seen_run == run.id
        counted = {
            "total": seen,
            "new": seen & (RECORDS.c.first_run == run.id),
            "changed": seen & (RECORDS.c.changed_run == run.id) & (RECORDS.c.first_run != run.id),
            "gone": ~seen & (RECORDS.c.seen_run >= before),
        }
        sums = [sa.func.coalesce(sa.func.sum(sa.case((what, 1), else_=0)), 0).label(n) for n, what in counted.items()]
        with self.begin() as db:
            rows = db.execute(sa.select(RECORDS.c.resource, *sums).group_by(RECORDS.c.resource)).all()
        return {row.resource: Changes(int(row.total), int(row.new), int(row.changed), int(row.gone)) for row in rows}

    # --- progress -----------------------------------------------------------------------------------------------

    def mark(self, db: sa.Connection, run: Run, unit: str, note: str | None = None) -> None:
        """Note that a unit of work is done in this run; ``note`` is kept after the run."""
        db.execute(self._insert(DONE).values(run=run.id, unit=unit, note=note).on_conflict_do_nothing())

    def done(self, run: Run, prefix: str = "") -> dict[str, str | None]:
        """The finished units whose name begins with ``prefix``, and their notes."""
        query = as_stored(DONE).where(DONE.c.run == run.id, DONE.c.unit.startswith(prefix, autoescape=True))
        with self.begin() as db:
            return dict(note_of(row) for row in db.execute(query))

    def add_unknown(self, db: sa.Connection, run: Run, fields: Iterable[tuple[str, str]]) -> None:
        """(resource, path of a field this version does not know) pairs."""
        rows = [{"run": run.id, "resource": resource, "path": path} for resource, path in fields]
        if rows:
            db.execute(self._insert(UNKNOWN).on_conflict_do_nothing(), rows)

    def unknown(self, run: Run) -> dict[str, tuple[str, ...]]:
        query = sa.select(UNKNOWN.c.resource, UNKNOWN.c.path).where(UNKNOWN.c.run == run.id)
        paths_by_resource: dict[str, list[str]] = {}
        with self.begin() as db:
            for row in db.execute(query):
                paths_by_resource.setdefault(row.resource, []).append(row.path)
        return {resource: tuple(sorted(paths)) for resource, paths in sorted(paths_by_resource.items())}

    def add_page(self, db: sa.Connection, run: Run, resource: str, page: Page) -> None:
        values = {"reading": page.reading, "page": page.number, "keys": list(page.keys), "last": page.last}
        db.execute(PAGES.insert().values(run=run.id, resource=resource, **values))

    def pages(self, run: Run, resource: str) -> list[Page]:
        """What is read already, in the order of reading."""
        query = as_stored(PAGES).where(PAGES.c.run == run.id, PAGES.c.resource == resource)
        with self.begin() as db:
            rows = db.execute(query.order_by(PAGES.c.reading, PAGES.c.page)).all()
        return [page_of(row) for row in rows]

    def drop_pages(self, run: Run, resource: str) -> None:
        """Forget how far the list was read; its records stay."""
        with self.begin() as db:
            db.execute(PAGES.delete().where(PAGES.c.run == run.id, PAGES.c.resource == resource))

    def event_files(self) -> tuple[EventFile, ...]:
        """What the last finished run wrote below the events folder, in order of the paths (of the months)."""
        with self.begin() as db:
            rows = db.execute(as_stored(EVENT_FILES)).all()
        return tuple(sorted(map(file_of, rows), key=lambda file: file.path))


def _prepare_file(path: Path) -> None:
    """SQLite gives the files beside it the rights of this one."""
    make_folder(path.parent)
    open_private(path).close()
    close_to_others(path, *(path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm", ".lock")))


def require_not_emptied(url: str | Path, kept: Iterable[Path]) -> None:
    """Raise StoreError for a state of 0 bytes that was none. An empty file is a new database to SQLite.

    What shows that there was another: a copy from before an upgrade, or something in a folder of what is ``kept``.
    """
    parsed = database.parse_url(url)
    path = Path(parsed.database or "")
    if parsed.get_backend_name() != "sqlite" or not path.is_file() or path.stat().st_size:
        return
    copies = path.parent.glob(f"{escape(path.name)}.before-version-*")
    entries = (entry for folder in kept if folder.is_dir() for entry in folder.iterdir())
    witness = min((*copies, *entries), default=None)
    if witness is not None:
        raise StoreError(f"state {path}: is damaged (0 bytes, and there was one: {witness} is of it): {RESTORE}")


def _row(raw: Raw, run: Run) -> dict[str, str | int]:
    return {
        "resource": raw.resource,
        "key": raw.key,
        "parent": raw.parent,
        "payload": raw.payload,
        "sha256": raw.sha256,
        "first_run": run.id,
        "changed_run": run.id,
        "seen_run": run.id,
    }
