"""A small company migrated once, and a fault planted in a copy of it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lago2odoo.sandbox import odoo as embedded
from mappings import tables
from mappings.context import Options
from mappings.desired import desired
from mappings.left_out import left_out
from mappings.lost_records import with_lost
from mappings.records import Snapshot
from mappings.tables import Tables
from mappings.target import Mapped, Phase
from mappings.usage import UsageRow
from migrate.apply import apply
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.preflight import prepare
from migrate.odoo.protocol import Odoo
from migrate.phases import ORDER
from migrate.shipped_tables import shipped
from migrate.state import events as event_files
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reconcile import dual_run as run
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.invoices import rerate
from reconcile.rerate.lapses import Lapse
from reconcile.sides.odoo_taxes import led_to, tax_codes
from reports.data import Finding, ReportData
from tests.faults import CUSTOMERS, Company, Fault

KEY = "key-of-the-planted-faults"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The migrated company: its snapshot, its usage, and the folder of Odoo's database and the ledger."""

    snapshot: Snapshot
    events: Path
    folder: Path
    flavour: str = "enterprise"


def part(snapshot: Snapshot, customers: tuple[str, ...] = CUSTOMERS) -> Snapshot:
    """These customers only, with the whole catalog."""
    own = {c.lago_id for c in snapshot.customers if c.external_id in customers}
    invoices = tuple(i for i in snapshot.invoices if i.customer and i.customer.lago_id in own)
    held = {i.lago_id for i in invoices}
    wallets = tuple(w for w in snapshot.wallets if w.lago_customer_id in own)
    purses = {w.lago_id for w in wallets}
    return replace(
        snapshot,
        customers=tuple(c for c in snapshot.customers if c.lago_id in own),
        subscriptions=tuple(s for s in snapshot.subscriptions if s.lago_customer_id in own),
        applied_coupons=tuple(a for a in snapshot.applied_coupons if a.lago_customer_id in own),
        invoices=invoices,
        fees=tuple(f for f in snapshot.fees if f.external_customer_id in customers),
        credit_notes=tuple(n for n in snapshot.credit_notes if n.lago_invoice_id in held),
        wallets=wallets,
        wallet_transactions=tuple(t for t in snapshot.wallet_transactions if t.lago_wallet_id in purses),
        payment_methods=(),
        payments=(),
    )


@contextmanager
def server(path: Path, flavour: str = "enterprise") -> Iterator[Odoo]:
    served = embedded.serve(path, flavour=flavour, api_key=KEY)
    settings = OdooSettings(
        url=served.url, database=served.database_name, user=served.user, key=KEY, transport="json2", timeout=120
    )
    try:
        odoo = connect(settings)
        yield odoo
        odoo.close()
    finally:
        served.close()


def mapping(base: Base, odoo: Odoo, snapshot: Snapshot, used: Tables) -> tuple[Mapped, ...]:
    names = {s.external_id for s in snapshot.subscriptions}
    rows = (UsageRow(**row) for row in event_files.rows(base.events) if row["external_subscription_id"] in names)
    options = Options(usage_since=datetime(2025, 1, 1, tzinfo=UTC))
    return tuple(desired(snapshot, rows, discover(Door(odoo)), used, options))


def migrate(base: Base, folder: Path, odoo: Odoo, used: Tables, phases: Sequence[Phase] = ORDER) -> None:
    """Apply the snapshot with these tables; the ledger lies in ``folder``."""
    door = Door(odoo)
    mapped = (*prepare(), *mapping(base, odoo, base.snapshot, used))
    with Store.open(folder / "ledger.db") as store, store.lock():
        assert apply(door, Ledger(store), mapped, phases=phases).ok


def migrated(
    snapshot: Snapshot,
    events: Path,
    folder: Path,
    customers: tuple[str, ...] = CUSTOMERS,
    flavour: str = "enterprise",
) -> Base:
    base = Base(snapshot=part(snapshot, customers), events=events, folder=folder, flavour=flavour)
    with server(folder / "odoo.db", flavour) as odoo:
        migrate(base, folder, odoo, shipped())
    return base


@contextmanager
def copied(base: Base, folder: Path, *, ledger: bool = False) -> Iterator[Company]:
    """A company of its own, to plant a fault in."""
    folder.mkdir(exist_ok=True)
    for name in ("odoo.db", *(("ledger.db",) if ledger else ())):
        shutil.copy(base.folder / name, folder / name)
    with server(folder / "odoo.db", base.flavour) as odoo, EventSource.from_parquet(base.events) as source:

        def again(text: str) -> None:
            migrate(base, folder, odoo, tables.parse(text, "tables.toml", shipped()))

        def reasons(snapshot: Snapshot, text: str) -> dict[str, str]:
            used = tables.parse(text, "tables.toml", shipped()) if text else shipped()
            return left_out(snapshot, mapping(base, odoo, snapshot, used))

        yield Company(odoo=odoo, snapshot=base.snapshot, events=source, apply=again, map=reasons)


def reconciled(company: Company, fault: Fault, codes: Mapping[str, str], lapses: Sequence[Lapse] = ()) -> ReportData:
    """The month of the fault, of the customers it can touch."""
    settings = run.Settings(
        period=fault.month,
        compared_at=datetime(2026, 8, 21, tzinfo=UTC),
        tool_version="0",
        customers=frozenset(fault.customers),
        tax_codes=codes,
        mapped_taxes=led_to(Door(company.odoo), shipped()),
    )
    snapshot = with_lost(company.snapshot)  # as it is loaded: a fault of Lago's may have taken something away
    return run.dual_run(
        snapshot,
        settings,
        odoo=Door(company.odoo),
        rerate=rerate(snapshot, company.events),
        late=rerate(snapshot, company.events, late=True),
        unmapped=company.unmapped,
        events=company.events,
        lapses=lapses,
    )


def codes_of(odoo: Odoo, snapshot: Snapshot) -> dict[str, str]:
    """Name of a tax in Odoo -> Lago's code, by the shipped tables."""
    return tax_codes(Door(odoo), shipped(), snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the reconciliation said about one fault. ``background``: causes that are there without it."""

    fault: Fault
    findings: tuple[Finding, ...]
    background: frozenset[str]

    @property
    def proven(self) -> frozenset[tuple[str, str]]:
        """(cause, side) of what it says with confidence."""
        return frozenset((f.cause, f.side) for f in self.findings if f.proven and f.cause not in self.background)

    @property
    def unsure(self) -> frozenset[str]:
        return frozenset(f.cause for f in self.findings if not f.proven)

    @property
    def right(self) -> bool:
        names = frozenset(cause for cause, _ in self.proven)
        whole = names == self.fault.causes if self.fault.several else bool(names) and names <= self.fault.causes
        return whole and not self.unsure and {side for _, side in self.proven} == {self.fault.side}

    @property
    def wrong(self) -> frozenset[tuple[str, str]]:
        """Said with confidence, and not so."""
        return frozenset(
            (cause, side) for cause, side in self.proven if cause not in self.fault.causes or side != self.fault.side
        )

    @property
    def cents(self) -> int:
        return sum(f.delta_cents for f in self.findings if f.cause not in self.background)

    def row(self) -> str:
        """A line of the matrix."""
        counted = Counter(f.cause for f in self.findings if f.proven and f.cause not in self.background)
        said = ", ".join(f"{cause} ×{n}" for cause, n in sorted(counted.items()))
        said += "".join(f", {cause}?" for cause in sorted(self.unsure))
        planted = (" + " if self.fault.several else " or ").join(sorted(self.fault.causes))
        sides = ", ".join(sorted({side for _, side in self.proven})) or "–"
        verdict = "yes" if self.right else "no"
        return f"| {self.fault.name} | {self.fault.side} | {planted} | {said or '–'} | {sides} | {verdict} |"


def named(data: ReportData, fault: Fault, background: frozenset[str]) -> Named:
    findings = tuple(f for _, position in data.rows() for f in position.findings)
    return Named(fault=fault, findings=findings, background=background)
