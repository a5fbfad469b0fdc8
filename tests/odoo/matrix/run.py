"""A migrated company of each flavour, and a copy of it for each kind of fault."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from migrate.lago.recording import bundled
from migrate.odoo.errors import OdooRefused
from tests.odoo.conftest import RealServer, script
from tests.odoo.matrix.judge import Said, Verdict, look
from tests.odoo.matrix.kinds import Kind
from tests.odoo.matrix.remedy import remedied
from tests.odoo.matrix.world import Migrated, copied, keep, kept, migrated
from tests.recorded import snapshot_of_recording

# A folder: the migrated databases stay for the next run, while this list is worked on. The addon must be the same.
KEEP = os.environ.get("LAGO2ODOO_FAULTS_KEEP", "")

Clean = tuple[str, tuple[str, ...], str]  # flavour, customers, month


@dataclass(slots=True)
class Matrix:
    """Plants one kind after the other. ``clean``: what is said of the same customers and month without a fault."""

    server: RealServer
    folder: Path
    companies: dict[str, Migrated] = field(default_factory=dict)
    clean: dict[Clean, Said] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def verdict(self, kind: Kind, flavour: str) -> Verdict:
        """Plant it, look, do what the remedy says, look again."""
        company, clean = self._company(flavour), self._clean(kind, flavour)
        with copied(company, self.folder / "planted", self._name(flavour, "planted")) as copy:
            try:
                copy.company = kind.plant(copy.company) or copy.company
            except OdooRefused as error:
                said = Said(odoo_refuses=_one_line(error))
                return Verdict(kind=kind, flavour=flavour, clean=clean, said=said)
            try:
                said = look(copy, kind)
            except Exception as error:  # noqa: BLE001 - one kind that breaks the tool is a row of the table
                said = Said(failure=f"{type(error).__name__}: {_one_line(error)}")
                return Verdict(kind=kind, flavour=flavour, clean=clean, said=said)
            verdict = Verdict(kind=kind, flavour=flavour, clean=clean, said=said)
            return replace(verdict, remedy=remedied(copy, kind, verdict))

    def learn(self, verdicts: Iterable[Verdict]) -> None:
        """What is said without a fault, as other runs of the same code saw it."""
        for verdict in verdicts:
            self.clean[verdict.flavour, verdict.kind.customers, verdict.kind.month] = verdict.clean

    def _company(self, flavour: str) -> Migrated:
        if flavour not in self.companies:
            place = (Path(KEEP) if KEEP else self.folder) / flavour
            place.mkdir(exist_ok=True, parents=True)
            snapshot, events = snapshot_of_recording(bundled(), self.folder / f"events_{flavour}")
            name = f"matrix_{flavour}_kept" if KEEP else self._name(flavour, "base")
            company = kept(self.server, name, snapshot, events, place)
            if company is None:
                company = migrated(self.server, flavour, name, snapshot, events, place)
                if KEEP:
                    keep(company)
            self.companies[flavour] = company
        return self.companies[flavour]

    def _clean(self, kind: Kind, flavour: str) -> Said:
        key = (flavour, kind.customers, kind.month)
        if key not in self.clean:
            with copied(self._company(flavour), self.folder / "clean", self._name(flavour, "planted")) as copy:
                self.clean[key] = look(copy, kind)
        return self.clean[key]

    def _name(self, flavour: str, part: str) -> str:
        """The copies of a flavour share a name: the server knows its modules already."""
        name = f"matrix_{flavour}_{part}_{os.getpid()}"
        if name not in self.names:
            self.names.append(name)
        return name


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:150].replace("|", "/")


@contextmanager
def matrix(server: RealServer, folder: Path) -> Iterator[Matrix]:
    made = Matrix(server=server, folder=folder)
    try:
        yield made
    finally:
        for name in made.names:
            script("drop", name, port=server.port)
