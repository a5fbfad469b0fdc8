"""What decides reads nothing: while it runs, every way to Odoo and to the files of usage raises.

Imports are read by ``test_architecture``; what a function is handed (a closure over the door, say) shows only when it
is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from migrate.odoo.protocol import Odoo
from reconcile import dual_run
from reconcile.rerate.event_source import EventSource
from tests.faults import PRO, STARTER, Company, Fault, Plant, on_charge, other_usage, remove_usage
from tests.reconciling import planted


class Reached(Exception):
    """Something was read that is to be read before."""


@dataclass
class Gate:
    """Everything that is read passes it. ``passed``: how often; while it is shut, nobody does."""

    is_shut: bool = False
    passed: int = 0
    decided: list[str] = field(default_factory=list)  # what ran while it was shut

    def let_through(self, what: object) -> None:
        if self.is_shut:
            raise Reached(str(what))
        self.passed += 1

    def closed_for(self, decide: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, which has to do without reading. It is called twice, and says the same both times."""

        def alone(*given: Any, **named: Any) -> Any:
            self.is_shut = True
            try:
                first, second = decide(*given, **named), decide(*given, **named)
            finally:
                self.is_shut = False
            assert first == second
            self.decided.append(decide.__name__)
            return first

        return alone


@dataclass
class GuardedOdoo:
    odoo: Odoo
    gate: Gate
    server_version: str = "19.0"

    def call(self, model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
        self.gate.let_through((model, method))
        return self.odoo.call(model, method, ids, **arguments)

    def close(self) -> None:
        """It is another's."""


@dataclass
class GuardedDatabase:
    """The DuckDB of an event source."""

    db: duckdb.DuckDBPyConnection
    gate: Gate

    def __getattr__(self, name: str) -> Any:
        self.gate.let_through(name)
        return getattr(self.db, name)


@contextmanager
def guarded(company: Company, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    def opened(*given: Any, **named: Any) -> EventSource:
        gate.let_through("files of events")
        return opening(*given, **named)

    opening = EventSource.from_parquet
    monkeypatch.setattr(EventSource, "from_parquet", opened)
    for name in ("compare_sides", "reconcile"):
        monkeypatch.setattr(dual_run, name, gate.closed_for(getattr(dual_run, name, dual_run.reconcile)), raising=False)
    source: Any = EventSource(company.events.db)
    source.is_view, source.layers = company.events.is_view, company.events.layers
    source.db = GuardedDatabase(company.events.db, gate)
    odoo: Any = GuardedOdoo(company.odoo, gate)
    yield replace(company, odoo=odoo, events=source)


def usage_of_another(company: Company) -> None:
    """Some of a subscription's usage is entered for another one."""
    other = next(s.external_id for s in company.snapshot.subscriptions if s.external_customer_id == PRO)
    ids = [row["id"] for row in company.usage(STARTER, "egress_gb")[:10]]
    company.write("fusion.billing.usage", [["id", "in", ids]], external_subscription_id=other)


FAULTS: dict[str, tuple[Plant, str]] = {
    "usage of another subscription": (usage_of_another, "external_subscription_id"),
    "usage is gone": (remove_usage, "not there"),
    "an order counts another's usage": (other_usage, "fusion_external_id"),
    "a charge's minimum": (on_charge("egress_gb", "nexacloud_pro", min_amount="55.00"), "min_amount"),
}


@pytest.mark.parametrize(("plant", "what"), FAULTS.values(), ids=FAULTS)
def test_what_decides_reads_nothing(
    base: planted.Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Plant, what: str
) -> None:
    fault = Fault(name="", side="odoo", causes=frozenset(), customers=planted.CUSTOMERS, plant=plant)
    gate = Gate()
    with planted.copied(base, tmp_path / "planted") as company:
        codes = planted.codes_of(company.odoo, company.snapshot)
        plant(company)
        with guarded(company, gate, monkeypatch) as watched:
            data = planted.reconciled(watched, fault, codes)
    assert gate.passed > 0
    assert gate.decided == ["compare_sides", "reconcile"]
    findings = [finding for _, position in data.rows() for finding in position.findings]
    assert what in {str(e.values.get("what")) for finding in findings for e in finding.evidence}


def test_the_gate_is_no_open_door(base: planted.Base, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gate = Gate(is_shut=True)
    with planted.copied(base, tmp_path / "clean") as company, guarded(company, gate, monkeypatch) as watched:
        with pytest.raises(Reached):
            watched.odoo.call("res.users", "context_get")
        with pytest.raises(Reached):
            watched.events.db.execute("select 1")
        with pytest.raises(Reached):
            EventSource.from_parquet(tmp_path)


def test_a_world_is_counted_in_memory_and_reaches_no_file(tmp_path: Path) -> None:
    """What supposes things in a world counts by SQL: DuckDB itself refuses everything outside."""
    file = tmp_path / "some.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    with EventSource.from_events(()) as source, pytest.raises(duckdb.PermissionException):
        source.db.execute(f"select * from read_csv('{file}')")
