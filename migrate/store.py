"""The state: what was read from Lago, how far an extract came, and (in ``migrate.ledger``) what was written to Odoo.

A SQLite file by default, PostgreSQL by URL (``postgresql://user@host/database``). Other modules add their tables to
``METADATA`` and use ``Store.engine``; ``Store.open`` creates whatever is missing.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url

from migrate.errors import LockHeld, StoreError

METADATA = sa.MetaData()

RUNS = sa.Table(
    "extract_runs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("lago_version", sa.Text, nullable=False),
    sa.Column("taken_at", sa.Text, nullable=False),  # Lago's clock when the run began, ISO 8601, UTC
    sa.Column("finished", sa.Boolean, nullable=False, default=False),
    sa.Column("dropped", sa.Boolean, nullable=False, default=False),  # left unfinished for a run of another source
)

RECORDS = sa.Table(
    "lago_records",
    METADATA,
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),  # lago_id, or what stands for it (migrate.lago.resources)
    sa.Column("parent", sa.Text, nullable=False, default=""),  # key of the record it is nested under
    sa.Column("payload", sa.Text, nullable=False),  # as Lago sent it
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("first_run", sa.Integer, nullable=False),
    sa.Column("changed_run", sa.Integer, nullable=False),  # the run that last found another payload
    sa.Column("seen_run", sa.Integer, nullable=False),  # the last run that saw it; 0: it went while a run was reading
    sa.Index("lago_records_seen", "resource", "seen_run"),
)

PAGES = sa.Table(
    "extract_pages",
    METADATA,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("reading", sa.Integer, primary_key=True),  # a list is read until two readings agree
    sa.Column("page", sa.Integer, primary_key=True),
    sa.Column("keys", sa.JSON, nullable=False),
    sa.Column("last", sa.Boolean, nullable=False),
)

DONE = sa.Table(
    "extract_done",
    METADATA,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),  # "invoices", "wallet_transactions/<wallet>", "events/<from>"
    sa.Column("note", sa.Text),  # what is known about it: why it was refused or unreachable, how many events
)

UNKNOWN = sa.Table(
    "lago_unknown_fields",
    METADATA,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
)

EVENT_FILES = sa.Table(
    "event_files",
    METADATA,
    sa.Column("path", sa.Text, primary_key=True),  # below the events folder
    sa.Column("events", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One extract, maybe spread over several processes because it was interrupted."""

    id: int
    source: str
    lago_version: str
    taken_at: datetime
    finished: bool


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as it is kept: ``payload`` is Lago's text."""

    resource: str
    key: str
    payload: str
    parent: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.payload.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list that is being read: the keys of its records, and whether it is the last one."""

    reading: int  # 1, 2...: a list is read until two readings agree
    number: int
    keys: tuple[str, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run found in one resource, compared with the run before."""

    total: int
    new: int
    changed: int
    gone: int


@dataclass
class Store:
    """The open state. Use as a context manager, or call ``close``."""

    url: URL
    engine: sa.Engine
    _lock: list[Any] = field(default_factory=list)

    @property
    def metadata(self) -> sa.MetaData:
        return METADATA

    @staticmethod
    def open(url: str | Path) -> Store:
        """Open or create. ``url``: a file (SQLite) or an SQLAlchemy URL. Raises StoreError with the remedy."""
        parsed = _url(url)
        try:
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            store = Store(parsed, _engine(parsed))
            METADATA.create_all(store.engine)
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            raise _store_error(parsed, error) from None
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
            raise _store_error(self.url, error) from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out of this state. Raises LockHeld at once; a killed process holds no lock.

        May be nested within one process.
        """
        if not self._lock:
            with self._locked() as held:
                self._lock.append(held)
                try:
                    yield
                finally:
                    self._lock.clear()
        else:
            yield

    @contextmanager
    def _locked(self) -> Iterator[object]:
        if self.url.get_backend_name() == "sqlite":
            with _file_lock(Path(f"{self.url.database}.lock")) as held:
                yield held
        else:
            with _advisory_lock(self.engine, self.url) as held:
                yield held

    # --- runs ---------------------------------------------------------------------------------------------------

    def unfinished(self, source: str) -> Run | None:
        """The run of ``source`` that was interrupted, if it is the latest."""
        latest = self.latest()
        return latest if latest and not latest.finished and latest.source == source else None

    def latest(self) -> Run | None:
        with self.begin() as db:
            row = db.execute(sa.select(RUNS).where(~RUNS.c.dropped).order_by(RUNS.c.id.desc()).limit(1)).first()
        return _run(row) if row else None

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

    def finish(self, run: Run, event_files: Mapping[str, int]) -> None:
        """Mark the run finished and drop its bookkeeping; ``event_files``: path -> number of events."""
        with self.begin() as db:
            db.execute(EVENT_FILES.delete())
            if event_files:
                db.execute(EVENT_FILES.insert(), [{"path": p, "events": n} for p, n in event_files.items()])
            db.execute(PAGES.delete())
            db.execute(DONE.delete().where((DONE.c.run != run.id) | DONE.c.note.is_(None)))
            db.execute(UNKNOWN.delete().where(UNKNOWN.c.run != run.id))
            db.execute(RUNS.update().where(RUNS.c.id == run.id).values(finished=True))

    # --- records ------------------------------------------------------------------------------------------------

    def put(self, db: sa.Connection, run: Run, records: Iterable[Raw]) -> None:
        """Insert or update; the run that first saw, last changed and last saw a record is kept."""
        rows = {(raw.resource, raw.key): _row(raw, run) for raw in records}
        if rows:
            db.execute(self._upsert(), list(rows.values()))

    def _upsert(self) -> sa.Insert:
        insert: Any = (sqlite if self.engine.dialect.name == "sqlite" else postgresql).insert(RECORDS)
        fresh = insert.excluded
        changed = sa.case((RECORDS.c.sha256 != fresh.sha256, fresh.changed_run), else_=RECORDS.c.changed_run)
        result: sa.Insert = insert.on_conflict_do_update(
            index_elements=["resource", "key"],
            set_={
                "parent": fresh.parent,
                "payload": fresh.payload,
                "sha256": fresh.sha256,
                "changed_run": changed,
                "seen_run": fresh.seen_run,
            },
        )
        return result

    def forget(self, db: sa.Connection, run: Run, resource: str, keys: Sequence[str]) -> None:
        """These were seen earlier in this run and are gone from Lago since."""
        for start in range(0, len(keys), 500):
            some = RECORDS.c.key.in_(keys[start : start + 500])
            db.execute(RECORDS.update().where(RECORDS.c.resource == resource, some).values(seen_run=0))

    def seen(self, resource: str, run: Run) -> Iterator[Raw]:
        """The records of ``resource`` that ``run`` saw, in the order of their keys, a thousand at a time in memory."""
        # The same order in both databases, whatever PostgreSQL's locale is.
        key = RECORDS.c.key if self.engine.dialect.name == "sqlite" else sa.collate(RECORDS.c.key, "C")
        query = sa.select(RECORDS).where(RECORDS.c.resource == resource, RECORDS.c.seen_run == run.id).order_by(key)
        last = ""
        while True:
            with self.begin() as db:
                rows = db.execute(query.where(key > last).limit(1000)).all()
            yield from (Raw(row.resource, row.key, row.payload, row.parent) for row in rows)
            if len(rows) < 1000:
                return
            last = rows[-1].key

    def keys(self, resource: str, run: Run) -> frozenset[str]:
        """The keys of the records that ``run`` saw."""
        query = sa.select(RECORDS.c.key).where(RECORDS.c.resource == resource, RECORDS.c.seen_run == run.id)
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
        """This unit of work is done in this run; ``note`` is kept after the run."""
        insert: Any = (sqlite if self.engine.dialect.name == "sqlite" else postgresql).insert(DONE)
        db.execute(insert.values(run=run.id, unit=unit, note=note).on_conflict_do_nothing())

    def done(self, run: Run, prefix: str = "") -> dict[str, str | None]:
        """The finished units whose name begins with ``prefix``, and their notes."""
        query = sa.select(DONE.c.unit, DONE.c.note).where(
            DONE.c.run == run.id, DONE.c.unit.startswith(prefix, autoescape=True)
        )
        with self.begin() as db:
            return {row.unit: row.note for row in db.execute(query)}

    def add_unknown(self, db: sa.Connection, run: Run, found: Iterable[tuple[str, str]]) -> None:
        """(resource, path of a field this version does not know) pairs."""
        rows = [{"run": run.id, "resource": resource, "path": path} for resource, path in found]
        if rows:
            insert: Any = (sqlite if self.engine.dialect.name == "sqlite" else postgresql).insert(UNKNOWN)
            db.execute(insert.on_conflict_do_nothing(), rows)

    def unknown(self, run: Run) -> dict[str, tuple[str, ...]]:
        query = sa.select(UNKNOWN.c.resource, UNKNOWN.c.path).where(UNKNOWN.c.run == run.id)
        found: dict[str, list[str]] = {}
        with self.begin() as db:
            for row in db.execute(query):
                found.setdefault(row.resource, []).append(row.path)
        return {resource: tuple(sorted(paths)) for resource, paths in sorted(found.items())}

    def add_page(self, db: sa.Connection, run: Run, resource: str, page: Page) -> None:
        values = {"reading": page.reading, "page": page.number, "keys": list(page.keys), "last": page.last}
        db.execute(PAGES.insert().values(run=run.id, resource=resource, **values))

    def pages(self, run: Run, resource: str) -> list[Page]:
        """What is read already, in the order of reading."""
        query = sa.select(PAGES).where(PAGES.c.run == run.id, PAGES.c.resource == resource)
        with self.begin() as db:
            rows = db.execute(query.order_by(PAGES.c.reading, PAGES.c.page)).mappings().all()
        return [Page(row["reading"], row["page"], tuple(row["keys"]), row["last"]) for row in rows]

    def drop_pages(self, run: Run, resource: str) -> None:
        """Forget how far the list was read; its records stay."""
        with self.begin() as db:
            db.execute(PAGES.delete().where(PAGES.c.run == run.id, PAGES.c.resource == resource))

    def event_files(self) -> dict[str, int]:
        """path below the events folder -> number of events, of the last finished run."""
        with self.begin() as db:
            return {row.path: row.events for row in db.execute(sa.select(EVENT_FILES))}


def _run(row: Any) -> Run:
    return Run(
        id=row.id,
        source=row.source,
        lago_version=row.lago_version,
        taken_at=datetime.fromisoformat(row.taken_at),
        finished=row.finished,
    )


def _row(raw: Raw, run: Run) -> dict[str, Any]:
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


def _url(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise StoreError("state: not a database URL; give a file name or postgresql://user@host/database") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"state: {parsed.get_backend_name()} is not supported; use a file name or postgresql://")
    if parsed.drivername == "postgresql":  # SQLAlchemy's own default would be psycopg2
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def _engine(url: URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # WAL: readers do not wait for the writer, and a commit is one append; a kill -9 loses no commit.
        for pragma in ("journal_mode = wal", "synchronous = normal", "foreign_keys = on"):
            connection.execute(f"pragma {pragma}").close()

    return engine


@contextmanager
def _file_lock(path: Path) -> Iterator[IO[str]]:
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(f"another run holds {path}; wait for it to end") from None
        yield handle


@contextmanager
def _advisory_lock(engine: sa.Engine, url: URL) -> Iterator[sa.Connection]:
    """PostgreSQL drops the lock when the connection ends, so a killed process holds none."""
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(sa.text("select pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}):
                raise LockHeld(f"another run holds the lock of {url.render_as_string()}; wait for it to end")
            try:
                yield connection
            finally:
                connection.scalar(sa.text("select pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
    except sa.exc.SQLAlchemyError as error:
        raise _store_error(url, error) from None


_LOCK_KEY = int.from_bytes(b"lago2odo", "big") >> 1  # one per database: a PostgreSQL database holds one state


def _store_error(url: URL, error: Exception) -> StoreError:
    """One line: which database, what it said. The URL is rendered without its password."""
    said = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
    place = url.database if url.get_backend_name() == "sqlite" else url.render_as_string()
    if "No space left" in said or "disk is full" in said or "disk full" in said:
        return StoreError(f"state {place}: no space left on the disk; make room and run the same command again")
    if isinstance(error, ImportError):
        return StoreError(f"state {place}: the PostgreSQL driver is missing; pip install 'lago2odoo[postgresql]'")
    return StoreError(f"state {place}: {said}")
