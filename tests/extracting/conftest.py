"""A PostgreSQL of our own for the tests that need one, and one extract of the bundled recording for all that read."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from mappings.records import Snapshot
from migrate.lago.extract import ExtractReport, extract, report
from migrate.lago.recorded import RecordedLago, RecordingSource
from migrate.lago.recording import Recording, bundled
from migrate.lago.snapshot import load_snapshot
from migrate.state.seals import seal_everything
from migrate.state.store import Store
from tests.extracting.company import write_some
from tests.extracting.old_state import write_old_state


@dataclass(frozen=True, slots=True)
class Extracted:
    """The bundled recording, extracted."""

    snapshot: Snapshot
    report: ExtractReport
    events: Path
    state: Path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state with a snapshot and a ledger, brought up to date; its event files are elsewhere, and not looked at."""
    path = write_old_state(tmp_path / "state.db")
    with Store.open(path) as store, store.begin() as db:
        db.exec_driver_sql("delete from event_files")
        seal_everything(db)
    return path


@pytest.fixture(scope="session")
def nexasystems() -> RecordedLago:
    return RecordedLago(Recording.open(bundled()))


@pytest.fixture(scope="session")
def extracted(nexasystems: RecordedLago, tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    folder = tmp_path_factory.mktemp("nexasystems")
    with Store.open(folder / "state.db") as store:
        extract(RecordingSource(nexasystems), store, folder / "events")
        return Extracted(load_snapshot(store), report(store), folder / "events", folder / "state.db")


def _as_postgres(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a server: LAGO2ODOO_TEST_POSTGRESQL, or one of our own, on a socket in a folder of its own."""
    given = os.environ.get("LAGO2ODOO_TEST_POSTGRESQL")
    if given:
        yield given
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("no PostgreSQL: set LAGO2ODOO_TEST_POSTGRESQL or install one")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data, control = str(folder / "data"), [str(programs[-1] / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    initdb = [
        str(programs[-1] / "initdb"),
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "--no-sync",
        "--locale=C.UTF-8",
    ]
    subprocess.run(_as_postgres(initdb), check=True, stdout=subprocess.DEVNULL, cwd=folder)
    start = [*control, "-l", str(folder / "log"), "-o", options, "start"]
    subprocess.run(_as_postgres(start), check=True, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(_as_postgres(stop), check=True, stdout=subprocess.DEVNULL, cwd=folder)
        shutil.rmtree(folder)


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """URL of a new, empty database."""
    name = f"lago2odoo_{uuid.uuid4().hex[:12]}"
    admin = postgresql_server.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    head, _, tail = postgresql_server.partition("?")
    yield f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{tail}" if tail else "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty state, in each of the two databases."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path}/state.db"


@pytest.fixture(scope="session")
def some(nexasystems: RecordedLago, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small recording. Read only: copy it to change it."""
    return write_some(nexasystems, tmp_path_factory.mktemp("some"))


@pytest.fixture
def small(some: Path) -> RecordedLago:
    """A small Lago whose records may be changed."""
    return RecordedLago(Recording.open(some))
