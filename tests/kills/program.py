"""Kill -9 at every write boundary of a command, then run it again: the end must be that of the undisturbed twin.

    python tests/kills/program.py FOLDER SEED MOST [COMMAND...]      MOST 0: every boundary; else so many, drawn by SEED
    python tests/kills/program.py FOLDER SEED MOST proxy:COMMAND     so many seeds of a bad network instead

Prints one JSON object: per command the boundaries, those killed at, and each case that was not as its twin. Each case
is a process of its own, forked from this one, which has loaded everything and runs no thread; so is its Odoo.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
if "tests" not in sys.modules:  # run as a script: other packages of this name may be installed
    sys.modules["tests"] = ModuleType("tests")
    sys.modules["tests"].__path__ = [str(ROOT / "tests")]

# Loaded once, for all the processes that are forked.
import duckdb  # noqa: E402, F401
import pyarrow.parquet  # noqa: E402, F401

from lago2odoo.sandbox import lago as embedded_lago  # noqa: E402
from lago2odoo.sandbox import odoo as embedded  # noqa: E402
from lago2odoo.sandbox.odoo.database import Database  # noqa: E402
from migrate.odoo.connect import OdooSettings  # noqa: E402
from tests.extracting.company import recorded  # noqa: E402
from tests.kills.boundaries import arm  # noqa: E402
from tests.kills.commands import COMMANDS, LAGO_KEY, NETWORKED, Command, Place  # noqa: E402
from tests.kills.proxy import BadNetwork  # noqa: E402

CLOCK = datetime(2031, 5, 1, 12, tzinfo=UTC)
ATTEMPTS = 12  # runs through a bad network until one comes to its end


def child(act: Callable[[], object], log: Path) -> int:
    """Run ``act`` in a process of its own; its exit code, or minus the signal that killed it."""
    number = os.fork()
    if number == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001  (whatever it is, the parent judges by the exit code)
            log.with_suffix(".error").write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


@contextmanager
def serving(serve: Callable[[], str]) -> Iterator[str]:
    """The URL of a server in a process of its own; killed at the end, as nothing of it is in memory only."""
    reader, writer = os.pipe()
    number = os.fork()
    if number == 0:
        os.write(writer, serve().encode() + b"\n")
        while True:
            time.sleep(60)
    try:
        yield os.read(reader, 200).decode().strip()
    finally:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
        os.close(reader)
        os.close(writer)


@contextmanager
def placed(command: Command, folder: Path) -> Iterator[Place]:
    """The folder, and the servers that the command speaks to."""
    if command.lago:
        recording = folder.parent / "recording"
        with serving(lambda: embedded_lago.serve(recording, api_key=LAGO_KEY).url) as url:
            yield Place(folder, None, url)
    elif command.odoo:
        with serving(lambda: embedded.serve(folder / "odoo.db", clock=lambda: CLOCK).url) as url:
            yield Place(folder, settings_of(url))
    else:
        yield Place(folder, None)


def settings_of(url: str) -> OdooSettings:
    return OdooSettings(
        url=url, database=embedded.DEFAULT_DATABASE, user=embedded.DEFAULT_USER, key=embedded.DEFAULT_KEY
    )


def run(command: Command, folder: Path, act: Callable[[Place], object], arming: Callable[[], object]) -> int:
    with placed(command, folder) as place:

        def work() -> None:
            arming()
            act(place)

        return child(work, folder / "log")


def no_arms() -> None:
    """Undisturbed."""


def judge(command: Command, folder: Path, twin: object) -> str:
    """Empty if the folder holds what the twin's does."""
    reader, writer = os.pipe()
    number = os.fork()  # the databases that are read here are not to be open in the next fork
    if number == 0:
        try:
            same = command.result(folder) == twin
            os.write(writer, b"1" if same else b"not as its twin")
        except BaseException as error:  # noqa: BLE001
            os.write(writer, f"cannot be read: {error!r:.300}".encode())
        os._exit(0)
    os.waitpid(number, 0)
    said = os.read(reader, 1000).decode()
    os.close(reader)
    os.close(writer)
    return "" if said == "1" else said


class Case:
    """One command, its folder before, and its twin."""

    def __init__(self, name: str, folder: Path, empty: Path) -> None:
        proxy, _, command = name.rpartition(":")
        self.command = (NETWORKED if proxy else COMMANDS)[command]
        self.folder, self.name = folder, name.replace(":", "-")
        self.before = folder / f"{self.name}-before"
        self.before.mkdir()
        if self.command.odoo:
            shutil.copy(empty, self.before / "odoo.db")
        if run(self.command, self.before, self.command.prepare, no_arms):
            raise SystemExit((self.before / "log.error").read_text())
        calm = self.copy("calm")
        if run(self.command, calm, self.command.run, lambda: arm(0, calm / "log")):
            raise SystemExit((calm / "log.error").read_text())
        self.boundaries = (calm / "log").read_text().splitlines()
        self.twin = self.command.result(calm)

    def copy(self, name: str) -> Path:
        target = self.folder / f"{self.name}-{name}"
        shutil.copytree(self.before, target)
        return target

    def killed(self, at: int) -> str:
        """What is wrong after a kill at boundary ``at`` and a run after that; empty if nothing is."""
        folder = self.copy(str(at))
        ended = run(self.command, folder, self.command.run, lambda: arm(at, folder / "log"))
        if ended != -signal.SIGKILL:
            return f"was not killed, but ended with {ended}"
        if run(self.command, folder, self.command.run, no_arms):
            return (folder / "log.error").read_text().strip().splitlines()[-1]
        wrong = judge(self.command, folder, self.twin)
        if not wrong:
            shutil.rmtree(folder)
        return wrong

    def disturbed(self, seed: int) -> str:
        """What is wrong after runs through a bad network, until one of them came to its end."""
        folder = self.copy(f"proxy-{seed}")
        for attempt in range(ATTEMPTS):
            network = BadNetwork(seed * 1000 + attempt, share=0.2)
            if not run(self.command, folder, self.command.run, network.install):
                break
        else:
            return "never ended: " + (folder / "log.error").read_text().strip().splitlines()[-1]
        wrong = judge(self.command, folder, self.twin)
        if not wrong:
            shutil.rmtree(folder)
        return wrong


def main(folder: str, seed: str, most: str, *names: str) -> int:
    root = Path(folder)
    if not (root / "recording").exists():
        recorded(root, ["acct39a"])
    Database(root / "empty.db", "enterprise", True, lambda: CLOCK).close()
    found: dict[str, dict[str, object]] = {}
    for name in names or COMMANDS:
        proxy = name.startswith("proxy:")
        case = Case(name, root, root / "empty.db")
        total = len(case.boundaries)
        numbers = list(range(1, (int(most) if proxy else total) + 1))
        if int(most) and not proxy:
            numbers = sorted(random.Random(f"{seed} {name}").sample(numbers, min(int(most), total)))
        act = case.disturbed if proxy else case.killed
        wrong = {number: said for number in numbers if (said := act(number + (int(seed) if proxy else 0)))}
        where = {} if proxy else {number: case.boundaries[number - 1] for number in wrong}
        found[name] = {"boundaries": total, "tried": len(numbers), "wrong": wrong, "where": where}
        sys.stderr.write(f"{name}: {total} boundaries, {len(numbers)} tried, {len(wrong)} not as the twin\n")
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if any(each["wrong"] for each in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
