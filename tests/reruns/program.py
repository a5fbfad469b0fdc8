"""Many runs of the commands over one snapshot, each with all that promises no order in another one.

    python tests/reruns/program.py FOLDER SEED...      one run a seed; ``push:SEED`` writes the verdicts to Odoo instead
    prints a JSON object: output -> hash of it -> seeds

FOLDER is that of ``setting.migrated``; every distinct output is kept in FOLDER/outputs. Python's own hash seed is that
of this process. In each run, drawn by its seed:

* Lago shows its lists, and those lists within records that it promises no order of, in another order;
* the rows of every table of the state lie in another order;
* Odoo gives rows in another order where none is asked for, and lists of ids within them.

What is held as it is: the clock (the moment of a run is in its report) and the folder's name. What is left out: two
hashes over Lago's own text in a saved preview (it is another text in another order), and the history of runs (its line
holds the same hash).
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import re
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
if "tests" not in sys.modules:  # run as a script: other packages of this name may be installed
    sys.modules["tests"] = ModuleType("tests")
    sys.modules["tests"].__path__ = [str(ROOT / "tests")]

from lago2odoo.cli import context as contexts  # noqa: E402
from lago2odoo.cli import reconcile as reconciling  # noqa: E402
from migrate.lago.extract import extract  # noqa: E402
from migrate.odoo.connect import OdooSettings, connect  # noqa: E402
from migrate.odoo.protocol import Odoo  # noqa: E402
from migrate.state.store import Store  # noqa: E402
from tests.cli.conftest import Project, Result  # noqa: E402
from tests.fuzz.company import Company  # noqa: E402
from tests.fuzz.driver import Remembering  # noqa: E402
from tests.reruns.company import shuffled  # noqa: E402

MONTH, SAVED = "2026-07", "preview.json"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


class Clock(datetime):
    """Every run is at the same moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


class Unordered:
    """An Odoo that gives rows in any order where none was asked for, and lists of records within them, too."""

    def __init__(self, odoo: Odoo, rng: random.Random) -> None:
        self.odoo, self.rng = odoo, rng

    @property
    def server_version(self) -> str:
        return self.odoo.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        answer = self.odoo.call(model, method, ids, **arguments)
        if method in ("search", "search_read") and not arguments.get("order"):
            self.rng.shuffle(answer)
        if method in ("read", "search_read"):
            for row in answer:
                for value in row.values():
                    if isinstance(value, list) and all(type(item) is int for item in value):
                        self.rng.shuffle(value)
        return answer

    def close(self) -> None:
        """One connection serves all the runs of a process."""


def disorder(path: Path, rng: random.Random) -> None:
    """The rows of every table put in anew, in another physical order. Their numbers stay."""
    with closing(sqlite3.connect(path)) as db, db:
        tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
        for table in (name for name in tables if not name.startswith("sqlite_")):
            rows = db.execute(f'select * from "{table}"').fetchall()
            rng.shuffle(rows)
            db.execute(f'delete from "{table}"')
            for row in rows:
                db.execute(f'insert into "{table}" values ({", ".join("?" * len(row))})', row)


class Runs:
    """One process: a folder for all of its runs, and what Odoo answered before."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / f"process-{os.getpid()}"
        self.company: Company = pickle.loads((home / "company.pickle").read_bytes())
        self.plain = connect(OdooSettings(**json.loads((home / "odoo.json").read_text("utf-8"))))
        self.remembered = Remembering(self.plain, begun=True)
        self.folder.mkdir()
        self.found: dict[str, dict[str, list[str]]] = {}

    def run(self, seed: str) -> None:
        """Everything once, in an order drawn by the seed."""
        number, project = int(seed), self.project(seed, self.remembered)
        form = ("--format", "json") if number % 2 else ()
        self.keep(
            seed, " ".join(("preview", *form)), project.run("preview", "--out", str(project.folder / SAVED), *form)
        )
        self.note(seed, SAVED, (project.folder / SAVED).read_bytes())
        self.keep(seed, " ".join(("control", *form)), project.run("reconcile", "--period", MONTH, "--control", *form))
        ci = ("--ci",) if number % 2 else ()
        self.keep(seed, " ".join(("reconcile", *ci)), project.run("reconcile", "--period", MONTH, *ci))
        if number % 5 == 0 or number % 5 == 3:  # what it is made from is compared in every run
            self.keep(seed, "report", project.run("report", "--period", MONTH))
        for path in sorted((project.folder / "report").glob("*.*")):
            self.note(seed, path.name, path.read_bytes())

    def push(self, name: str) -> None:
        """The month's verdicts to Odoo; what that wrote stands in the output."""
        result = self.project(name, self.plain).run("reconcile", "--period", MONTH, "--push")
        (said,) = (line for line in result.err.splitlines() if line.startswith("verdicts in Odoo: "))
        self.note(name, name, said.encode())

    def project(self, seed: str, odoo: Odoo) -> Project:
        """The state with its ledger, extracted anew from a Lago in this run's order; Odoo answers in it, too."""
        folder, rng = self.folder / "project", random.Random(seed)
        contexts.connect = lambda _settings: Unordered(odoo, rng)
        reconciling.datetime = Clock
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(self.home / "state.db", folder / "state.db")
        shutil.copy(self.home / "lago2odoo.toml", folder / "lago2odoo.toml")
        for name in ("organizations.jsonl", "waivers.toml", "key"):
            shutil.copy(self.home / name, folder / name)
        with Store.open(f"sqlite:///{folder}/state.db") as store:
            extract(shuffled(self.company, rng).source({}), store, folder / "events")
        disorder(folder / "state.db", rng)
        return Project(folder)

    def keep(self, seed: str, name: str, result: Result) -> None:
        """What a command said, and how it ended."""
        assert result.code in range(4) and result.out.strip(), result.err
        self.note(seed, name, f"{result.code}\n{result.out}".encode())

    def note(self, seed: str, name: str, content: bytes) -> None:
        plain = steady(name, content.replace(str(self.folder).encode(), b"FOLDER"))
        digest = hashlib.sha256(plain).hexdigest()
        kept = self.home / "outputs" / f"{name.replace(' ', '-').replace('/', '-')}.{digest[:12]}"
        kept.write_bytes(plain)
        self.found.setdefault(name, {}).setdefault(digest[:12], []).append(seed)


def steady(name: str, content: bytes) -> bytes:
    """Without what names the snapshot: hashes over Lago's own text, which is another one in another order."""
    return re.sub(rb'"(snapshot|digest)": ?"[0-9a-f]{64}"', rb'"\1": "HASH"', content) if "preview" in name else content


def main(home: str, *seeds: str) -> int:
    runs = Runs(Path(home))
    for seed in seeds:
        runs.push(seed) if seed.startswith("push:") else runs.run(seed)
    sys.stdout.write(json.dumps(runs.found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
