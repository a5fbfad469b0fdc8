"""Odd companies (``tests/data/cases``), taken the whole way through the command line on an embedded Odoo."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lago2odoo.sandbox import odoo as embedded_odoo
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from tests.cli.conftest import LAGO_KEY, ODOO_KEY, Project, Result

Change = Callable[[str, dict[str, Any]], list[dict[str, Any]]]
CASES = Path(__file__).parents[1] / "data" / "cases" / "cases.tar.xz"


@dataclass(frozen=True, slots=True)
class Case:
    """A project whose Lago is a recording, and the Odoo that it migrates to."""

    project: Project
    odoo: embedded_odoo.Server

    def run(self, *arguments: str) -> Result:
        return self.project.run(*arguments)

    def connection(self) -> Odoo:
        """As whoever works in Odoo beside us."""
        return connect(OdooSettings(url=self.odoo.url, database=self.odoo.database_name, user="", key=ODOO_KEY))

    def door(self) -> Door:
        """To what Odoo holds."""
        return Door(self.connection())

    def migrate(self, *, waived: tuple[str, ...] = ()) -> Result:
        """Extract and apply; what apply said."""
        text = self.project.config.read_text("utf-8")
        self.project.config.write_text(f"{text}\n[waive]\nskipped = {list(waived)}\n", encoding="utf-8")
        extracted = self.run("extract")
        assert extracted.code == (1 if "in quarantine" in extracted.err else 0), extracted.err
        return self.run("apply")

    def migrate_as_it_is(self) -> Result:
        """The same, with the configuration as it stands."""
        assert self.run("extract").code == 0
        return self.run("apply")

    def report(self, name: str) -> dict[str, Any]:
        """The data of a reconciled run."""
        loaded: dict[str, Any] = json.loads((self.project.folder / "report" / f"{name}.json").read_text("utf-8"))
        return loaded


@dataclass(frozen=True, slots=True)
class Breaking:
    """Cases, copied with some of their records changed."""

    companies: Path
    folder: Path
    opened: Callable[..., Case]

    def __call__(self, number: str, change: Change, more: str = "[waive]\n") -> Case:
        """``change``: the root under which an answer shows a record, and the record -> what stands there instead."""
        company = self.opened(number, more)
        (whole,) = self.companies.glob(f"{number}-*")
        copy = self.folder / "broken"
        shutil.copytree(whole, copy)
        for path in sorted(copy.glob("*.jsonl")):
            calls = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
            path.chmod(0o600)
            path.write_text("".join(f"{json.dumps(changed(call, change))}\n" for call in calls), encoding="utf-8")
        company.project.replace(str(whole), str(copy))
        return company


def changed(call: dict[str, Any], change: Change) -> dict[str, Any]:
    """A recorded call with what its answer shows changed, and its list counted anew."""
    body = dict(call["body"])
    for root, value in call["body"].items():
        if isinstance(value, list):
            body[root] = [record for item in value for record in change(root, item)]
            if "total_count" in (body.get("meta") or {}):
                body["meta"] = {**body["meta"], "total_count": len(body[root])}
        elif isinstance(value, dict) and root != "meta":
            (body[root],) = change(root, value)
    return {**call, "body": body}


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    with tarfile.open(CASES) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def case(companies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Case]]:
    """Open a case by the number that its folder begins with."""
    monkeypatch.setenv("LAGO_API_KEY", LAGO_KEY)
    monkeypatch.setenv("ODOO_KEY", ODOO_KEY)
    with ExitStack() as stack:

        def opened(number: str, more: str = "") -> Case:
            (folder,) = companies.glob(f"{number}-*")
            server = embedded_odoo.serve(tmp_path / "odoo.db", api_key=ODOO_KEY)
            stack.callback(server.close)
            project = Project(tmp_path)
            project.config.write_text(
                f'[lago]\nrecording = "{folder}"\n[odoo]\nurl = "{server.url}"\n'
                f'database = "{embedded_odoo.DEFAULT_DATABASE}"\n[mapping]\nusage_since = 2025-01-01\n{more}',
                encoding="utf-8",
            )
            return Case(project, server)

        yield opened


@pytest.fixture
def broken(case: Callable[..., Case], companies: Path, tmp_path: Path) -> Breaking:
    """A case by its number, with records changed."""
    return Breaking(companies, tmp_path, case)
