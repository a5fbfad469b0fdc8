"""The small company of the planted faults on a real Odoo: migrated once, copied by PostgreSQL for each fault."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mappings import tables
from mappings.left_out import left_out
from mappings.records import Snapshot
from mappings.target import Phase
from migrate.odoo.discover import QUANTITY_PRECISION
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from migrate.phases import ORDER
from migrate.preview import Drift, since_apply
from migrate.shipped_tables import shipped
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reconcile.rerate.event_source import EventSource
from tests.faults import Company
from tests.odoo.conftest import Database, RealServer, reset, script
from tests.odoo.export import sql
from tests.reconciling import planted

DIGITS = 6  # of quantities, as doctor asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The migrated company: the database that is copied, and the ledger of its migration."""

    base: planted.Base
    database: Database
    codes: Mapping[str, str]  # name of a tax in Odoo -> Lago's code


def migrated(server: RealServer, flavour: str, name: str, snapshot: Snapshot, events: Path, folder: Path) -> Migrated:
    """Migrate the customers of the planted faults to a new database ``name``."""
    database = reset(server, name, folder, flavour)
    base = planted.Base(snapshot=planted.part(snapshot), events=events, folder=folder)
    odoo = database.connect()
    raise_digits(odoo)
    planted.migrate(base, folder, odoo, shipped())
    codes = planted.codes_of(odoo, base.snapshot)
    odoo.close()
    return Migrated(base=base, database=database, codes=codes)


def kept(server: RealServer, name: str, snapshot: Snapshot, events: Path, folder: Path) -> Migrated | None:
    """The company that an earlier run migrated to that database and left there, with its ledger in ``folder``."""
    if not (folder / "kept.json").exists():
        return None
    known = json.loads((folder / "kept.json").read_text("utf-8"))
    base = planted.Base(snapshot=planted.part(snapshot), events=events, folder=folder)
    return Migrated(base=base, database=Database(server, name, known["key"], folder), codes=known["codes"])


def keep(company: Migrated) -> None:
    """Leave it for the next run."""
    known = {"key": company.database.key, "codes": dict(company.codes)}
    (company.base.folder / "kept.json").write_text(json.dumps(known), encoding="utf-8")


def raise_digits(odoo: Odoo) -> None:
    domain = [["name", "in", list(QUANTITY_PRECISION)]]
    ids = odoo.call("decimal.precision", "search", domain=domain)
    odoo.call("decimal.precision", "write", ids, vals={"digits": DIGITS})


@dataclass(slots=True)
class Planted:
    """A copy with a fault in it; ``company`` is what the fault may touch, and what is reconciled."""

    of: Migrated
    folder: Path
    company: Company

    def status(self) -> tuple[Drift, ...]:
        """What ``lago2odoo status`` finds changed."""
        with Store.open(self.folder / "ledger.db") as store:
            return since_apply(Door(self.company.odoo), Ledger(store)).drift

    def apply(self, *phases: Phase) -> None:
        """``lago2odoo apply`` with the tables as they were; ``phases``: those alone (``--phase``), else all."""
        planted.migrate(self.of.base, self.folder, self.company.odoo, shipped(), phases or ORDER)


@contextmanager
def copied(of: Migrated, folder: Path, name: str) -> Iterator[Planted]:
    """A copy of the migrated database, with its ledger."""
    folder.mkdir(exist_ok=True)
    shutil.copy(of.base.folder / "ledger.db", folder / "ledger.db")
    script("copy", of.database.name, name, port=of.database.server.port)
    odoo = replace(of.database, name=name).connect(timeout=300)
    with EventSource.from_parquet(of.base.events) as source:
        yield Planted(of=of, folder=folder, company=_company(of, folder, odoo, source, partial(sql, name)))
    odoo.close()


def _company(of: Migrated, folder: Path, odoo: Odoo, source: EventSource, by_sql: Callable[[str], object]) -> Company:
    def again(text: str) -> None:
        planted.migrate(of.base, folder, odoo, tables.parse(text, "tables.toml", shipped()))

    def reasons(snapshot: Snapshot, text: str) -> dict[str, str]:
        used: Any = tables.parse(text, "tables.toml", shipped()) if text else shipped()
        return left_out(snapshot, planted.mapping(of.base, odoo, snapshot, used))

    return Company(odoo=odoo, snapshot=of.base.snapshot, events=source, apply=again, map=reasons, sql=by_sql)
