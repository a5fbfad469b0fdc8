"""The two databases that may hold the state: opening them, keeping others out, and their errors in one line."""

from __future__ import annotations

import errno
import fcntl
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from migrate.errors import LockHeld, StoreError
from migrate.masking import KNOWN, Masked
from migrate.state.columns import RESTORE
from migrate.state.private import open_private
from migrate.state.undecodable import SAID, undecodable_row


def parse_url(url: str | Path) -> URL:
    """A file name or a URL of one of the two databases. Raises StoreError."""
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
    KNOWN.learn(*passwords(parsed))
    return parsed


def make_engine(url: URL) -> sa.Engine:
    """Connections to the database; nothing is opened yet."""
    if url.get_backend_name() != "sqlite":
        engine = sa.create_engine(url, pool_pre_ping=True)
        # before SQLAlchemy's own first look, which takes texts of the server for granted
        sa.event.listen(engine, "connect", partial(_require_utf8, url), insert=True)
        return engine
    engine = sa.create_engine(url, connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        for pragma in ("synchronous = normal", "foreign_keys = on"):
            connection.execute(f"pragma {pragma}").close()

    return engine


def _require_utf8(url: URL, connection: Any, _record: object) -> None:
    """Raises StoreError: of another encoding come bytes instead of texts, or not every text goes in."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise StoreError(
            f"state {name(url)}: the database's encoding is {encoding}; make one in UTF8 (createdb --encoding UTF8 "
            "--template template0) and set [store] url"
        )


def write_ahead(engine: sa.Engine) -> None:
    """WAL: readers do not wait for the writer, and a commit is one append; a kill -9 loses no commit.

    SQLite remembers it in the file, so this is for files that are known to be ours.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("pragma journal_mode = wal")


@contextmanager
def lock(engine: sa.Engine, url: URL) -> Iterator[object]:
    """Keep other processes out of this state. Raises LockHeld at once; a killed process holds no lock."""
    if url.get_backend_name() == "sqlite":
        with _file_lock(Path(f"{url.database}.lock"), url) as handle:
            yield handle
    else:
        with _advisory_lock(engine, url) as connection:
            yield connection


@contextmanager
def _file_lock(path: Path, url: URL) -> Iterator[IO[str]]:
    try:
        opened = open_private(path)
    except OSError as error:
        raise store_error(url, error) from None
    with opened as handle:
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
                raise LockHeld(f"another run holds the lock of {name(url)}; wait for it to end")
            try:
                yield connection
            finally:
                connection.scalar(sa.text("select pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
    except sa.exc.SQLAlchemyError as error:
        raise store_error(url, error) from None


_LOCK_KEY = int.from_bytes(b"lago2odo", "big") >> 1  # one per database: a PostgreSQL database holds one state


def name(url: URL) -> str:
    """The database for people: a file, or the URL without its passwords."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    masked = {key: "***" for key in url.query if _SECRET.search(key)}
    return url.update_query_dict(masked).render_as_string()


def passwords(url: URL) -> tuple[str, ...]:
    """What of a URL nobody must be told: the password, and those among its parameters."""
    values = (value for key, value in url.query.items() if _SECRET.search(key))
    texts = (text for value in values for text in ([value] if isinstance(value, str) else value))
    return (*([str(url.password)] if url.password else []), *texts)


_SECRET = re.compile(r"(?i)pass|pwd|token|secret|key")


_LITTLE = 1_000_000  # bytes: less than SQLite needs for the files beside its own
_FULL_OF_POSTGRESQL = "53100"  # disk_full, in PostgreSQL's table of error codes


def _is_of_full_disk(url: URL, error: Exception) -> bool:
    """What SQLite cannot make beside its file it calls an I/O error, too: then what is left there tells."""
    said = _origin(error)
    if isinstance(said, OSError):
        return said.errno in (errno.ENOSPC, errno.EDQUOT)
    if _sqlite_code(said) == sqlite3.SQLITE_IOERR and url.database:
        return shutil.disk_usage(Path(url.database).parent).free < _LITTLE
    return _sqlite_code(said) == sqlite3.SQLITE_FULL or getattr(said, "sqlstate", None) == _FULL_OF_POSTGRESQL


def _origin(error: Exception) -> BaseException:
    """What the driver raised, where SQLAlchemy wraps it."""
    origin = getattr(error, "orig", None)
    return origin if isinstance(origin, BaseException) else error


def _sqlite_code(error: BaseException) -> int | None:
    """SQLite's primary code: the lowest byte of the extended one."""
    return (
        error.sqlite_errorcode & 0xFF
        if isinstance(error, sqlite3.Error) and hasattr(error, "sqlite_errorcode")
        else None
    )


def store_error(url: URL, error: Exception) -> StoreError:
    """One line: which database, what it said, the way out. It shows no password, and nothing of a record."""
    said = Masked(*passwords(url)).text(_words_of(error).strip().split("\n")[0])
    place = name(url)
    if _is_of_full_disk(url, error):
        remedy = (
            "make room and run the same command again: what was written until then stays, and it goes on from there"
        )
        return StoreError(f"state {place}: no space left on the disk; {remedy}")
    if _sqlite_code(_origin(error)) == sqlite3.SQLITE_IOERR:
        return StoreError(f"state {place}: {said}; look at the disk and its rights, then run the same command again")
    if isinstance(error, ImportError):
        return StoreError(f"state {place}: the PostgreSQL driver is missing; pip install 'lago2odoo[postgresql]'")
    if SAID in said:  # and then the text itself, which is a record's
        return undecodable_row(Path(str(url.database))) or StoreError(
            f"state {place}: is damaged (bytes that are no UTF-8): {RESTORE}"
        )
    if isinstance(error, sa.exc.IntegrityError):
        return StoreError(f"state {place}: is damaged (a row stands where none should: {said}): {RESTORE}")
    return StoreError(f"state {place}: {said}{_way_out(error, said)}")


def _words_of(error: Exception) -> str:
    """What the database or the system said; a file's name stands before it."""
    said = error.strerror if isinstance(error, OSError) else None
    return said or str(_origin(error))


def _way_out(error: Exception, said: str) -> str:
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EPERM, errno.EACCES):
        return f": {_TO_WRITE}"
    return next((f": {way_out}" for words, way_out in _WAYS_OUT.items() if words in said), "")


_AGAIN = "run the same command again: it goes on from what was written"
_TO_WRITE = (
    "let whoever runs this write the file and its folder (SQLite keeps files of its own beside it, also where a "
    "command only reads), or copy the project to where that is possible"
)
_WAYS_OUT = {  # the first whose words are in what the database said
    "malformed": RESTORE,
    "not a database": RESTORE,
    "no such table": RESTORE,
    "no such column": RESTORE,
    'relation "': RESTORE,
    'column "': RESTORE,
    "database is locked": "another program holds it; let it end, then run the same command again",
    "readonly database": _TO_WRITE,
    "unable to open": f"look at the path; {_TO_WRITE}",
    "read-only transaction": "the database must let us write (default_transaction_read_only off, no standby); then "
    "run the same command again",
    "statement timeout": "allow more time (statement_timeout of the database or role: minutes, or 0 for none), "
    "then run the same command again",
    "lock timeout": "another program holds it; let it end, then run the same command again",
    "no schema has been selected": "name a schema that exists (alter database ... set search_path to public)",
    "permission denied": "give its user the right to make and write tables in its schema",
    "authentication failed": "look at user and password of [store] url",
    "no password supplied": "look at user and password of [store] url",
    "does not exist": "make it (createdb, createuser), or set another [store] url",
    "invalid connection option": "take it out of [store] url",
    "terminating connection": _AGAIN,
    "closed the connection": _AGAIN,
    "connection is lost": _AGAIN,
    "starting up": "wait until the server is up, then run the same command again",
    "too many": "let other programs end, then run the same command again",
    "connection failed": "look whether the server runs, and whether [store] url names it",
    "connection is bad": "look whether the server runs, and whether [store] url names it",
    "resolve host": "look whether the server runs, and whether [store] url names it",
}
