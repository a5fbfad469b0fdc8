"""A company of a few customers whose recording is changed before it is read, on an embedded Odoo."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lago2odoo.sandbox import odoo as embedded_odoo
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from tests.cli.conftest import ODOO_KEY, WAIVED, Project

Change = Callable[[Any], None]  # what is done to the body of each recorded answer


@dataclass(frozen=True, slots=True)
class Broken:
    """The project, the recording it reads, and its Odoo."""

    project: Project
    recording: Path
    odoo: embedded_odoo.Server

    def change(self, change: Change) -> None:
        """Every answer of the recording, as ``change`` leaves it."""
        for path in self.recording.glob("*.jsonl"):
            calls = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
            for call in calls:
                change(call["body"])
            path.write_text("".join(f"{json.dumps(call)}\n" for call in calls), "utf-8")

    def waive(self, *reasons: str) -> None:
        """These and no others."""
        head, _, _ = self.project.config.read_text("utf-8").partition("[waive]")
        self.project.config.write_text(f"{head}[waive]\nskipped = {list(reasons)}\n", "utf-8")

    def door(self) -> Door:
        """To what Odoo holds."""
        settings = OdooSettings(url=self.odoo.url, database=self.odoo.database_name, user="", key=ODOO_KEY)
        return Door(connect(settings))


@contextmanager
def opened(folder: Path, recording: Path) -> Iterator[Broken]:
    """A project in ``folder`` that reads its own copy of ``recording``."""
    copy = Path(shutil.copytree(recording, folder / "recording"))
    server = embedded_odoo.serve(folder / "odoo.db", api_key=ODOO_KEY)
    project = Project(folder)
    project.config.write_text(
        f'[lago]\nrecording = "{copy}"\n[odoo]\nurl = "{server.url}"\n'
        f'database = "{embedded_odoo.DEFAULT_DATABASE}"\n[mapping]\nusage_since = 2026-08-01\n'
        f"[waive]\nskipped = {list(WAIVED)}\n",
        encoding="utf-8",
    )
    try:
        yield Broken(project, copy, server)
    finally:
        server.close()


def each(body: object, root: str) -> Iterator[dict[str, Any]]:
    """The records of an answer under this root, listed or alone."""
    found = body.get(root) if isinstance(body, Mapping) else None
    yield from (record for record in (found if isinstance(found, list) else [found]) if isinstance(record, dict))


def inside(value: object) -> Iterator[dict[str, Any]]:
    """Every object within, from the outside in."""
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inside(below)
