"""The way of a company whose records are broken: extract -> preview -> control -> reconcile, as the commands go it.

The embedded Odoo holds the company as it was before anything broke, and so does the state: this is the second extract.
Its answers are remembered: nothing here writes, so the same question has the same answer.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import signal
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.migration import Migration, mapped_but_usage, open_migration
from lago2odoo.cli.show import open_quarantine
from lago2odoo.cli.talk import Talk
from lago2odoo.sandbox import odoo as embedded_odoo
from mappings.errors import Lago2OdooError
from mappings.left_out import left_out
from mappings.quarantine import Quarantined
from mappings.records import Snapshot
from mappings.target import Desired, Skipped
from migrate import config as settings
from migrate.apply import apply
from migrate.change_set.changes import Change
from migrate.lago.extract import extract
from migrate.lago.snapshot import load_snapshot
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from migrate.preview import preview
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reconcile.billed import BilledInvoice
from reconcile.dual_run import Settings, dual_run
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.noise_floor import InvoiceCheck, Rerate, control, rerate
from reconcile.sides.odoo_taxes import tax_codes
from reports.data import InvoiceView, ReportData
from reports.verdict import judge
from tests.fuzz.company import Company

SECONDS = 60  # of processor time that a run may take: an undisturbed one takes one or two
WAITING = 900  # that it may take in all, where it does nothing but wait: far beyond any busy machine
CONFIG = """
[lago]
recording = "."
[odoo]
url = "http://127.0.0.1:1"
database = "demo"
[store]
url = "sqlite:///state.db"
events = "events"
[mapping]
usage_since = 2025-01-01
[waive]
skipped = ["language_not_installed", "event_metric_unknown", "invoice_not_final", "stripe_provider_not_enabled"]
"""
NOW = datetime(2026, 9, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run showed, as far as it came. ``stopped``: the command that ended in an error of ours, in one line."""

    stopped: str = ""
    bug: str = ""  # a traceback, or that it hung
    quarantined: tuple[Quarantined, ...] = ()
    wanted: Mapping[str, Desired] = field(default_factory=dict)
    skipped: Mapping[tuple[str, str, str], Skipped] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    control: Mapping[str, InvoiceCheck] = field(default_factory=dict)
    report: Mapping[str, InvoiceView] = field(default_factory=dict)
    codes: Mapping[str, int] = field(default_factory=dict)  # command -> exit code
    read: frozenset[str] = frozenset()  # ids of the records that came in
    gone: int = 0  # records that Lago does not show any more, as extract says


class Hang(BaseException):
    """A run took longer than it may: nothing that the code catches."""


@dataclass
class Remembering:
    """An Odoo that is asked everything once. Writes go through, until ``begin``."""

    odoo: Odoo
    answers: dict[str, str] = field(default_factory=dict)
    begun: bool = False

    @property
    def server_version(self) -> str:
        return self.odoo.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        if not self.begun:
            return self.odoo.call(model, method, ids, **arguments)
        key = json.dumps([model, method, ids, arguments], sort_keys=True)
        if key not in self.answers:
            self.answers[key] = json.dumps(self.odoo.call(model, method, ids, **arguments))
        return json.loads(self.answers[key])

    def close(self) -> None:
        self.odoo.close()


@dataclass
class Driver:
    """A project and its Odoo; ``run`` goes the whole way with some files in place of others."""

    company: Company
    folder: Path
    door: Door
    undisturbed: Result = field(default_factory=Result)
    known: tuple[object, ...] = ()  # what the undisturbed run was made from

    def run(self, files: Mapping[str, bytes]) -> Result:
        """The whole way. Whatever happens is in the result."""
        progress: dict[str, Any] = {"codes": {}}
        with TemporaryDirectory(dir=self.folder) as folder, contextlib.redirect_stderr(io.StringIO()):
            try:
                with bounded(SECONDS, WAITING):
                    self._run(files, Path(folder), progress)
            except Lago2OdooError as error:
                said = str(error)
                progress["stopped"] = said or "an error that says nothing"
                if "\n" in said.strip():
                    progress["bug"] = f"an error of several lines: {said}"
            except Hang as hang:
                progress["bug"] = f"hang: {hang}"
            except Exception:  # noqa: BLE001  that is what we look for
                progress["bug"] = traceback.format_exc()
        return Result(**progress)

    def _run(self, files: Mapping[str, bytes], folder: Path, progress: dict[str, Any]) -> None:
        shutil.copyfile(self.folder / "state.db", folder / "state.db")
        (folder / "lago2odoo.toml").write_text(CONFIG, encoding="utf-8")
        (folder / "organizations.jsonl").touch()
        context = context_in(folder)
        with context.store() as store:
            extracted = extract(self.company.source(files), store, context.events)
            still_open = open_quarantine(load_snapshot(store).quarantined, context.config.waive.reasons)
            progress["codes"]["extract"] = 1 if still_open else 0
            progress["gone"] = sum(changes.gone for changes in extracted.resources.values())
            if self._is_known(store):
                progress |= {f.name: getattr(self.undisturbed, f.name) for f in fields(Result) if f.name != "gone"}
                return
            migration = open_migration(context, store, self.door, None)
            progress |= _mapped(migration)
            changes = preview(
                self.door,
                Ledger(store),
                migration.mapped,
                snapshot_digest=migration.digest,
                keep_usage=migration.keep_usage,
            )
            progress["changes"] = {c.xid: c for c in changes.changes if c.skipped is None}
            progress["codes"]["preview"] = 1 if _is_open(context, migration) else 2 if changes.pending else 0
            self._reconcile(context, migration.snapshot, progress)

    def _is_known(self, store: Store) -> bool:
        """Whether the same records came in as in the undisturbed run: the same follows from them."""
        inputs = (load_snapshot(store), tuple(store.event_files()))
        if self.known == inputs:
            return True
        self.known = self.known or inputs
        return False

    def _reconcile(self, context: CommandContext, snapshot: Snapshot, progress: dict[str, Any]) -> None:
        with EventSource.from_parquet(context.events, threads=1) as events:
            again = remembering(rerate(snapshot, events))
            checks = control(snapshot, events, again=again)
            progress["control"] = {check.lago_id: check for check in checks}
            progress["codes"]["control"] = 0 if all(check.is_equal for check in checks) else 2
            data = self._dual_run(context, snapshot, events, again)
        progress["report"] = {view.id: view for view in data.invoices}
        progress["codes"]["reconcile"] = judge(data).exit_code

    def _dual_run(self, context: CommandContext, snapshot: Snapshot, events: EventSource, again: Rerate) -> ReportData:
        codes = tax_codes(self.door, context.tables(), snapshot)
        asked = Settings(period="all", compared_at=NOW, tool_version="fuzz", tax_codes=codes)
        return dual_run(
            snapshot,
            asked,
            odoo=self.door,
            rerate=again,
            unmapped=left_out(snapshot, mapped_but_usage(context, snapshot, self.door)),
            events=events,
        )


def remembering(again: Rerate) -> Rerate:
    """The same re-rate, each invoice once: the bills of a run and their closer look are the same work."""
    known: dict[str, BilledInvoice] = {}

    def rerated(lago: Sequence[BilledInvoice]) -> Mapping[str, BilledInvoice]:
        known.update(again([invoice for invoice in lago if invoice.lago_id not in known]))
        return {invoice.lago_id: known[invoice.lago_id] for invoice in lago}

    return rerated


class FirstDriver(Driver):
    """The same of a first migration: nothing is known of before, and Odoo is empty, so that no removal waits there."""

    def _run(self, files: Mapping[str, bytes], folder: Path, progress: dict[str, Any]) -> None:
        (folder / "lago2odoo.toml").write_text(CONFIG, encoding="utf-8")
        (folder / "organizations.jsonl").touch()
        context = context_in(folder)
        with context.store() as store:
            extract(self.company.source(files), store, context.events)
            progress |= _mapped(open_migration(context, store, self.door, None))


@contextlib.contextmanager
def beginning(company: Company, folder: Path) -> Iterator[FirstDriver]:
    """The company, and an embedded Odoo that holds nothing."""
    server = embedded_odoo.serve(folder / "odoo.db")
    try:
        access = OdooSettings(url=server.url, database=server.database_name, user=server.user, key=server.key)
        driver = FirstDriver(company, folder, Door(Remembering(connect(access), begun=True)))
        driver.undisturbed = driver.run({})
        yield driver
    finally:
        server.close()


@contextlib.contextmanager
def driving(company: Company, folder: Path) -> Iterator[Driver]:
    """The company, migrated to an embedded Odoo of its own."""
    server = embedded_odoo.serve(folder / "odoo.db")
    try:
        access = OdooSettings(url=server.url, database=server.database_name, user=server.user, key=server.key)
        odoo = Remembering(connect(access))
        driver = Driver(company, folder, Door(odoo))
        _migrate(driver)
        odoo.begun = True
        driver.undisturbed = driver.run({})
        yield driver
    finally:
        server.close()


def _migrate(driver: Driver) -> None:
    """Extract and apply, once; the state is kept for every run."""
    (driver.folder / "lago2odoo.toml").write_text(CONFIG, encoding="utf-8")
    (driver.folder / "organizations.jsonl").touch()
    context = context_in(driver.folder)
    with contextlib.redirect_stderr(io.StringIO()), context.store() as store, store.lock():
        extract(driver.company.source({}), store, context.events)
        migration = open_migration(context, store, driver.door, None)
        applied = apply(driver.door, Ledger(store), migration.mapped, snapshot_digest=migration.digest)
        applied.raise_if_failed()


def context_in(folder: Path) -> CommandContext:
    file = folder / "lago2odoo.toml"
    return CommandContext(config=settings.load(file), config_file=file, talk=Talk())


def _mapped(migration: Migration) -> dict[str, Any]:
    skipped = [item for item in migration.mapped if isinstance(item, Skipped)]
    return {
        "quarantined": migration.snapshot.quarantined,
        "read": frozenset(_ids_of(migration.snapshot)),
        "wanted": {item.xid: item for item in migration.mapped if isinstance(item, Desired)},
        "skipped": {(str(item.source), item.source.lago_id, item.reason): item for item in skipped},
    }


def _ids_of(snapshot: Snapshot) -> Iterator[str]:
    """Lago's ids of its records; usage is in files of its own."""
    lists = (getattr(snapshot, f.name) for f in fields(snapshot))
    yield from (
        one.lago_id for records in lists if isinstance(records, tuple) for one in records if hasattr(one, "lago_id")
    )


def _is_open(context: CommandContext, migration: Migration) -> bool:
    """Whether something is left out that nobody waived: exit code 1."""
    waived = context.config.waive.reasons
    skipped = (item for item in migration.mapped if isinstance(item, Skipped))
    return any(item.reason not in waived and item.because not in waived for item in skipped)


@contextlib.contextmanager
def bounded(computing: float, waiting: float) -> Iterator[None]:
    """Raise Hang where that takes longer: others on the machine take its time, but not that of this process."""

    def ring(number: int, _frame: FrameType | None) -> None:
        of = "of processor time" if number == signal.SIGPROF else "of waiting"
        raise Hang(f"more than {computing if number == signal.SIGPROF else waiting:g} seconds {of}")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, computing), signal.SIGALRM: (signal.ITIMER_REAL, waiting)}
    before = {number: signal.signal(number, ring) for number in timers}
    try:
        for timer, seconds in timers.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])
