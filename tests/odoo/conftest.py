"""A real Odoo 19 of our own: databases from a template in a second, servers that may be stopped and killed."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mappings.target import Desired
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.protocol import Odoo
from tests.lago.company import Api, settle
from tests.odoo.export import Export, export

HERE = Path(__file__).parent
SCRIPT = HERE / "server"
PROGRAM = HERE.parent / "applying" / "program.py"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lago2odoo-odoo"


NUMBERS = count()


def script(*arguments: str, port: int) -> str:
    """Run tests/odoo/server; what it says on stderr is shown when it fails."""
    environment = {**os.environ, "ODOO_PORT": str(port)}
    done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"tests/odoo/server {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


DROPPING: list[subprocess.Popen[bytes]] = []


def drop(name: str) -> None:
    """Let go of a database without waiting: PostgreSQL writes all to disk first. ``installed`` waits at the end."""
    quiet = subprocess.DEVNULL
    DROPPING.append(subprocess.Popen([SCRIPT, "drop", name], stdin=quiet, stdout=quiet, stderr=quiet))


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody reaps (a container without init) does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass
class RealServer:
    """One Odoo process (or, with workers, a group of them) on a port of its own."""

    port: int = field(default_factory=free_port)
    arguments: tuple[str, ...] = ()

    def up(self, database: str = "") -> None:
        script("up", *([database] if database else []), *self.arguments, port=self.port)

    @property
    def pid(self) -> int:
        return int((CACHE / f"odoo.{self.port}.pid").read_text())

    def stop(self) -> None:
        """Gracefully, and wait until it is gone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9 of the process and its workers."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            pid = self.pid
            if how is signal.SIGKILL:
                os.killpg(os.getpgid(pid), how)
            else:
                os.kill(pid, how)
            for _ in range(300):
                if not is_alive(pid):
                    return
                time.sleep(0.1)


@dataclass(frozen=True)
class Database:
    """A fresh database on a running server."""

    server: RealServer
    name: str
    key: str
    folder: Path

    def settings(self, **changed: Any) -> OdooSettings:
        url = f"http://127.0.0.1:{self.server.port}"
        own: dict[str, Any] = {"url": url, "database": self.name, "user": "admin", "key": self.key}
        return OdooSettings(**{**own, **changed})

    def connect(self, **changed: Any) -> Odoo:
        return connect(self.settings(**changed))

    def start(self, state: str, count: int, *more: str, **changed: Any) -> subprocess.Popen[str]:
        """A whole apply as a program of its own; it says ``ready`` before it writes (see there for ``more``)."""
        file = self.folder / f"{state}.json"
        place = self.settings(**changed)
        names = ("url", "database", "user", "key", "transport", "timeout")
        file.write_text(json.dumps({name: getattr(place, name) for name in names}))
        command = [sys.executable, str(PROGRAM), str(file), str(self.folder / f"{state}.db"), str(count), *more]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def run_odoo(self, *arguments: str) -> tuple[int, str]:
        """Odoo's own command on this database, until it ends: exit code and log."""
        return self.run_command("--http-port", str(free_port()), *arguments)

    def run_command(self, *arguments: str) -> tuple[int, str]:
        """One of Odoo's commands (``neutralize``...) on this database: exit code and log."""
        name = [] if arguments[0].startswith("-") else [arguments[0]]
        command = [SCRIPT, "odoo", *name, "-d", self.name, *arguments[len(name) :]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def installed() -> Iterator[None]:
    if os.environ.get("ODOO_URL"):
        pytest.skip("ODOO_URL names a server that is not ours to stop and kill")
    script("ready", port=free_port())
    yield
    for process in DROPPING:
        process.wait(300)


@pytest.fixture(scope="session")
def shared_server(installed: None) -> Iterator[RealServer]:
    """A server for all tests that do not harm it; it serves every database."""
    server = RealServer()
    server.up()
    yield server
    server.kill()  # it has closed its work; leaving gracefully it would clear two dozen registries for half a minute


def fresh(server: RealServer, label: str, folder: Path, flavour: str = "enterprise") -> Database:
    """A database of its own name: a server remembers what was installed in one of that name, and another worker that
    sets up the same fixture at the same moment would replace it under this one's connections."""
    return reset(server, f"{label}_{os.getpid()}_{next(NUMBERS)}", folder, flavour)


def reset(server: RealServer, name: str, folder: Path, flavour: str) -> Database:
    """That database anew from the flavour's template."""
    said = script("reset", name, "--flavour", flavour, port=server.port)
    found = dict(re.findall(r"^(\w+)=(.*)$", said, re.MULTILINE))
    return Database(server, found["ODOO_DB"], found["ODOO_KEY"], folder)


@pytest.fixture
def database(shared_server: RealServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database for one test; parametrize indirectly with a flavour (enterprise, oca, plain)."""
    made = fresh(shared_server, "faults", tmp_path, getattr(request, "param", "enterprise"))
    yield made
    drop(made.name)


@pytest.fixture(scope="session")
def commons(shared_server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Database]]:
    """The databases that tests share, by flavour: made when the first test asks."""
    made: dict[str, Database] = {}
    yield made
    for database in made.values():
        drop(database.name)


@pytest.fixture
def common(
    shared_server: RealServer,
    commons: dict[str, Database],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Database:
    """A database that others use, too (a new one takes Odoo seconds to load): a test makes records of its own,
    and puts back what it changes of all others. Parametrize indirectly with a flavour."""
    return shared(getattr(request, "param", "enterprise"), shared_server, commons, tmp_path_factory)


def shared(flavour: str, server: RealServer, commons: dict[str, Database], folders: pytest.TempPathFactory) -> Database:
    if flavour not in commons:
        commons[flavour] = fresh(server, f"common_{flavour}", folders.mktemp(flavour), flavour)
    return commons[flavour]


@pytest.fixture(scope="module")
def kept_database(shared_server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database that the tests of a module share, where filling it takes long."""
    made = fresh(shared_server, "kept", tmp_path_factory.mktemp("kept"))
    yield made
    script("drop", made.name, port=shared_server.port)


@pytest.fixture(params=[(), ("--workers", "2")], ids=["threads", "workers"])
def mortal(installed: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database on a server of its own, which the test may stop and kill, in both process models."""
    arguments = request.param
    if arguments:
        arguments = (*arguments, "--gevent-port", str(free_port()))
    server = RealServer(arguments=arguments)
    made = fresh(server, "mortal", tmp_path)
    server.up(made.name)
    yield made
    server.kill()
    drop(made.name)


@pytest.fixture(scope="session")
def undisturbed(
    shared_server: RealServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], Export]]:
    """``undisturbed(count)``: the export of a database into which the program applied ``count`` without any trouble."""
    found: dict[int, Export] = {}
    names: list[str] = []

    def twin(count: int) -> Export:
        if count not in found:
            database = fresh(shared_server, f"twin_{count}", tmp_path_factory.mktemp(f"twin_{count}"))
            names.append(database.name)
            _, err = (process := database.start("client", count)).communicate(timeout=300)
            assert process.returncode == 0, err
            found[count] = export(database.connect())
        return found[count]

    yield twin
    for name in names:
        drop(name)


@pytest.fixture(scope="session")
def program() -> dict[str, Any]:
    """The names of the program that applies: its records and its target."""
    return runpy.run_path(str(PROGRAM))


@dataclass(frozen=True)
class Records:
    """``records(count)``: a product, customers, half as many orders with two lines, of this test alone."""

    program: dict[str, Any]
    prefix: str

    def __call__(self, count: int) -> list[Desired]:
        made: list[Desired] = self.program["records"](count, self.prefix)
        return made

    def xid(self, name: str) -> str:
        """Name of one of them in ``ir.model.data``."""
        return f"{self.prefix}_{name}"


@pytest.fixture
def records(program: dict[str, Any]) -> Records:
    return Records(program, f"T{os.getpid()}n{next(NUMBERS)}")


@pytest.fixture(scope="session")
def lago_api(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The company of Lago's samples behind the addon's API, on a server that serves its database alone."""
    server = RealServer()
    place = fresh(server, "lago_api", tmp_path_factory.mktemp("lago_api"))
    server.up(place.name)
    try:
        yield settle(place.settings(), place.folder)
    finally:
        server.kill()
        drop(place.name)
