"""The commands that are killed, on a small company, and what of their work must be the same at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lago2odoo.cli.report_sign import sign_in
from migrate.adopt import adopt
from migrate.apply import apply
from migrate.change_set.verdicts import Owners, verdicts
from migrate.lago.client import LagoClient, LagoPatience
from migrate.lago.extract import extract
from migrate.lago.recorded import RecordingSource
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door, Patience
from migrate.odoo.push import PushScope, push
from migrate.rollback import rollback
from migrate.state.entries import row_from_entry
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reports import html
from reports.data import ReportData
from reports.evidence.chain import read_chain
from reports.evidence.signatures import Signatory
from reports.evidence.signing import Signing
from reports.evidence.sshsig import SigningKey
from tests.applying.program import records
from tests.cli.test_journey import everything
from tests.extracting.test_kill import dump
from tests.reporting.sample import sample
from tests.reporting.test_evidence import Project

COUNT, PER_PAGE = 4, 15
LAGO_KEY = "a-key-for-tests"
PATIENCE = Patience(seconds=20, pause=0.01)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with everything a command works on, and how to reach its Odoo."""

    folder: Path
    odoo: OdooSettings | None
    lago: str = ""  # URL

    def door(self) -> Door:
        assert self.odoo is not None
        return Door(connect(self.odoo), PATIENCE)

    def store(self) -> Store:
        return Store.open(self.folder / "state.db")


@dataclass(frozen=True, slots=True)
class Command:
    """``prepare`` makes the folder as it stands before; ``run`` is killed; ``result`` is what must be the same.

    ``odoo``, ``lago``: it speaks to an embedded one over HTTP.
    """

    prepare: Callable[[Place], object]
    run: Callable[[Place], object]
    result: Callable[[Path], object]
    odoo: bool = True
    lago: bool = False


def nothing(_place: Place) -> None:
    """An empty folder."""


def run_extract(place: Place) -> None:
    with closing(RecordingSource.open(place.folder.parent / "recording")) as source, place.store() as store:
        extract(source, store, place.folder / "events", per_page=PER_PAGE)


def run_extract_over_http(place: Place) -> None:
    patience = LagoPatience(first_wait=0.01)
    with LagoClient(place.lago, LAGO_KEY, requests_per_second=None, patience=patience) as lago, place.store() as store:
        extract(lago, store, place.folder / "events", per_page=PER_PAGE)


def extracted(folder: Path) -> object:
    left = sorted(p.name for p in folder.iterdir() if not p.name.startswith(("state.db", "log")))
    return left, dump(f"sqlite:///{folder}/state.db", folder / "events")


def run_apply(place: Place) -> None:
    with place.store() as store, store.lock():
        apply(place.door(), Ledger(store), records(COUNT)).raise_if_failed()


def run_rollback(place: Place) -> None:
    with place.store() as store, store.lock():
        rollback(place.door(), Ledger(store)).raise_if_failed()


def lose_state(place: Place) -> None:
    """All is applied, and the state is gone."""
    run_apply(place)
    for path in place.folder.glob("state.db*"):
        path.unlink()


def run_adopt(place: Place) -> None:
    with place.store() as store, store.lock():
        adopt(place.door(), Ledger(store), records(COUNT))


def written(folder: Path) -> object:
    """All of Odoo; and the ledger, but for the number of the run, and with its order instead of its numbers."""
    with Store.open(folder / "state.db") as store:
        ledger = Ledger(store)
        rows = [row_from_entry(replace(entry, run=0, seq=0)) for entry in ledger.entries()]
        phases = [(p.phase, p.cohort, p.finished, p.detail) for p in ledger.phases()]
    return everything(folder / "odoo.db"), rows, phases


def prepare_push(place: Place) -> None:
    """The month as an earlier run of it saw it: without its last invoices, and with one of another id."""
    data = sample()
    first, *others = data.invoices
    invoices = (replace(first, id="gone", number="gone"), *others[:-2])
    push_data(place, replace(data, invoices=invoices))


def run_push(place: Place) -> None:
    push_data(place, sample())


def push_data(place: Place, data: ReportData) -> None:
    scope = PushScope(period=data.run.period)
    push(place.door(), verdicts(data, Owners(partners={})), scope).raise_if_failed()


def pushed(folder: Path) -> object:
    return everything(folder / "odoo.db")


def project_of(folder: Path) -> Project:
    project = Project.__new__(Project)
    project.folder = folder / "project"
    return project


def prepare_sign(place: Place) -> None:
    (place.folder / "project").mkdir()
    Project(place.folder / "project")


def run_sign(place: Place) -> None:
    html.render = lambda *_: "<p>page</p>"  # it takes long, and is no write
    at = datetime(2026, 8, 21, 10, tzinfo=UTC)
    keys = {role: SigningKey(Ed25519PrivateKey.from_private_bytes(role[:1].encode() * 32)) for role in Signatory}
    signing = Signing(period="2026-07", preparer="Ana", reviewer="Bo", at=at)
    sign_in(project_of(place.folder).context, signing, None, keys)


def signed(folder: Path) -> object:
    home = folder / "project" / "report" / "evidence"
    return read_chain(home / "chain.jsonl"), {p.name: p.read_bytes() for p in home.iterdir()}


COMMANDS: dict[str, Command] = {
    "extract": Command(nothing, run_extract, extracted, odoo=False),
    "apply": Command(nothing, run_apply, written),
    "rollback": Command(run_apply, run_rollback, written),
    "adopt": Command(lose_state, run_adopt, written),
    "push": Command(prepare_push, run_push, pushed),
    "sign": Command(prepare_sign, run_sign, signed, odoo=False),
}
# What runs through bad networks: extract by its own way over HTTP, not from the files of a recording.
NETWORKED: dict[str, Command] = {
    **COMMANDS,
    "extract": Command(nothing, run_extract_over_http, extracted, odoo=False, lago=True),
}
