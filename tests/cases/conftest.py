"""Odd companies (``tests/data/cases``), taken the whole way through the command line on an embedded Odoo."""

from __future__ import annotations

import json
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

    def report(self, name: str) -> dict[str, Any]:
        """The data of a reconciled run."""
        loaded: dict[str, Any] = json.loads((self.project.folder / "report" / f"{name}.json").read_text("utf-8"))
        return loaded


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
