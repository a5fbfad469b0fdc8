"""Two companies in one Odoo, the user may work in both, and both use the same names: nothing of the other is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Snapshot
from mappings.target import Desired, Target
from migrate.apply import Applied, apply
from migrate.lago.recording import bundled
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding
from migrate.odoo.needs import needs_of
from migrate.odoo.preflight import SHADOW_JOURNAL, preflight, prepare
from migrate.odoo.protocol import Odoo
from migrate.preview import Drift, since_apply
from migrate.shipped_tables import shipped
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from reconcile.dual_run import Settings, dual_run
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.invoices import rerate
from reconcile.rerate.shown_events import with_events
from reconcile.sides.odoo_events import in_odoo
from reconcile.sides.odoo_taxes import tax_codes
from reports.data import ReportData
from tests.faults import PERCENT, STARTER, TEAM
from tests.reconciling import planted
from tests.recorded import snapshot_of_recording

PEOPLE = (STARTER, TEAM, PERCENT)
MONTH = "2026-07"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Path]:
    snapshot, events = snapshot_of_recording(bundled(), tmp_path_factory.mktemp("events"))
    return planted.part(snapshot, PEOPLE), events


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.odoo)])
def odoo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Odoo]:
    if request.param == "real":
        yield request.getfixturevalue("database").connect()
        return
    with planted.server(tmp_path / "odoo.db") as embedded:
        yield embedded


@dataclass
class Watching:
    """Passes calls on, and notes every record of the other company that was answered."""

    inner: Odoo
    foreign: Mapping[str, frozenset[int]]
    seen: list[str] = field(default_factory=list)

    @property
    def server_version(self) -> str:
        return self.inner.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        answer = self.inner.call(model, method, ids, **arguments)
        numbers = {"search": lambda: answer, "read": lambda: rows(answer), "search_read": lambda: rows(answer)}
        for number in numbers.get(method, list)():
            if number in self.foreign.get(model, ()):
                self.seen.append(f"{method} of {model} {number}")
        return answer

    def close(self) -> None:
        self.inner.close()


def rows(answer: Sequence[Mapping[str, int]]) -> list[int]:
    return [row["id"] for row in answer]


@dataclass(frozen=True)
class Told:
    """What the commands say of this Odoo: discovery, doctor, apply, status, reconcile."""

    target: Target
    findings: tuple[CheckFinding, ...]
    applied: tuple[int, Mapping[str, Any]]
    drift: tuple[Drift, ...]
    codes: Mapping[str, str]
    report: ReportData


def test_nothing_of_the_other_company_is_read(odoo: Odoo, recorded: tuple[Snapshot, Path], tmp_path: Path) -> None:
    snapshot, events = recorded
    base = planted.Base(snapshot=snapshot, events=events, folder=tmp_path)
    planted.migrate(base, tmp_path, odoo, shipped())
    plant(odoo)
    alone = told(base, odoo)
    assert alone.report.invoices
    assert any(p.findings for _, p in alone.report.rows()), "a difference is explained by what Odoo holds"
    assert any(p.usage for _, p in alone.report.rows()), "and its events are looked for in Odoo"

    other = company(odoo)
    foreign = twins(odoo, other)
    assert set(foreign) >= {"fusion.billing.metric", "fusion.billing.usage", "account.tax", "account.journal"}
    naked = odoo.call("fusion.billing.metric", "search", domain=[["company_id", "!=", False]])
    assert foreign["fusion.billing.metric"] <= set(naked), "the user sees both companies' records"

    watching = Watching(odoo, {**foreign, "res.company": frozenset({other})})
    assert told(base, watching) == alone
    assert watching.seen == []


def test_writing_stays_in_the_own_company(odoo: Odoo, recorded: tuple[Snapshot, Path], tmp_path: Path) -> None:
    """With the twin there first, what is created belongs to the user's company, and its twins are untouched."""
    snapshot, events = recorded
    base = planted.Base(snapshot=snapshot, events=events, folder=tmp_path)
    other = company(odoo)
    before = {model: count(odoo, model, other) for model in ("account.journal", "account.tax", "sale.order")}
    planted.migrate(base, tmp_path, odoo, shipped())
    assert {model: count(odoo, model, other) for model in before} == before
    for model in ("fusion.billing.metric", "fusion.billing.charge", "sale.order", "fusion.billing.usage"):
        assert count(odoo, model, other) == 0
        assert count(odoo, model, 1) > 0


def count(odoo: Odoo, model: str, company: int) -> int:
    return int(odoo.call(model, "search_count", domain=[["company_id", "=", company]], context={"active_test": False}))


def told(base: planted.Base, odoo: Odoo) -> Told:
    """Everything that the commands read, each through a door of its own, as they do."""
    snapshot, tables = base.snapshot, shipped()
    target = discover(Door(odoo))
    mapped = (*prepare(), *planted.mapping(base, odoo, snapshot, tables))
    needs = needs_of(item for item in mapped if isinstance(item, Desired))
    with Store.open(base.folder / "ledger.db") as store, store.lock():
        again: Applied = apply(Door(odoo), Ledger(store), mapped)
        assert again.ok
        drift = since_apply(Door(odoo), Ledger(store)).drift
    codes = tax_codes(Door(odoo), tables, snapshot)
    with EventSource.from_parquet(base.events) as source:
        report = dual_run(
            snapshot,
            Settings(period=MONTH, compared_at=datetime(2026, 8, 21, tzinfo=UTC), tool_version="0", tax_codes=codes),
            odoo=Door(odoo),
            rerate=rerate(snapshot, source),
            events=source,
        )
        report = with_events(report, snapshot, source, partial(in_odoo, Door(odoo)))
    findings = preflight(Door(odoo), target, needs)
    return Told(target, findings, (again.calls, again.written), drift, codes, report)


def plant(odoo: Odoo) -> None:
    """Another price on one charge of usage: what Odoo holds of orders, metrics and taxes is read to explain it."""
    domain = [["charge_model", "=", "standard"], ["kind", "=", "usage"], ["plan_id", "!=", False]]
    charges = odoo.call("fusion.billing.charge", "search", domain=domain)
    odoo.call("fusion.billing.charge", "write", charges, vals={"properties": '{"amount": "0.7"}'})


# --- the other company -----------------------------------------------------------------------------------------------


def company(odoo: Odoo) -> int:
    """A second company, before the first in Odoo's order, that rounds otherwise; the user may work in both."""
    uid = odoo.call("res.users", "context_get")["uid"]
    own = odoo.call("res.company", "read", [1], fields=["account_fiscal_country_id", "currency_id"], load="")[0]
    values = {
        "name": "Other Inc.",
        "sequence": -1,
        "currency_id": own["currency_id"],
        "country_id": own["account_fiscal_country_id"],
        "tax_calculation_rounding_method": "round_per_line",
    }
    (other,) = odoo.call("res.company", "create", vals_list=[values])
    odoo.call("res.users", "write", [uid], vals={"company_ids": [[4, other, 0]]})
    assert odoo.call("res.company", "search", domain=[], limit=1) == [other]
    return int(other)


def twins(odoo: Odoo, other: int) -> dict[str, frozenset[int]]:
    """Records of the other company with the names that the first one uses: model -> their ids."""
    made = {model: frozenset(make(odoo, other)) for model, make in TWINS.items()}
    assert all(made.values()), made
    return made


def within(odoo: Odoo, other: int, model: str, values: list[dict[str, Any]]) -> list[int]:
    context = {"allowed_company_ids": [other]}
    ids: list[int] = odoo.call(
        model, "create", vals_list=[{**row, "company_id": other} for row in values], context=context
    )
    return ids


def copied(model: str, *fields: str, **changed: Any) -> Callable[[Odoo, int], list[int]]:
    """The first company's records once more, with these fields, and others changed."""

    def make(odoo: Odoo, other: int) -> list[int]:
        domain = [["company_id", "=", 1]]
        own = odoo.call(model, "search_read", domain=domain, fields=list(fields), load="", limit=500)
        return within(odoo, other, model, [{**{name: row[name] for name in fields}, **changed} for row in own])

    return make


def charges(odoo: Odoo, other: int) -> list[int]:
    """On the same plans, which companies share, at another price, for the other's metrics."""
    fields = ["code", "name", "kind", "plan_id", "metric_id", "fusion_lago_id"]
    domain = [["company_id", "=", 1], ["plan_id", "!=", False], ["kind", "=", "usage"]]
    own = odoo.call("fusion.billing.charge", "search_read", domain=domain, fields=fields, load="")
    codes = {
        row["id"]: row["code"] for row in odoo.call("fusion.billing.metric", "search_read", domain=[], fields=["code"])
    }
    theirs = odoo.call("fusion.billing.metric", "search_read", domain=[["company_id", "=", other]], fields=["code"])
    metrics = {row["code"]: row["id"] for row in theirs}
    price = {"charge_model": "standard", "properties": '{"amount": "99"}'}
    values = [{**row, **price, "metric_id": metrics[codes[row["metric_id"]]]} for row in own]
    return within(odoo, other, "fusion.billing.charge", [{n: v for n, v in row.items() if n != "id"} for row in values])


def taxes(odoo: Odoo, other: int) -> list[int]:
    """A real Odoo gives a new company its country's chart, with the same taxes by name; others are made here."""
    ids: list[int] = odoo.call("account.tax", "search", domain=[["company_id", "=", other]])
    if ids:
        return ids
    (own,) = odoo.call("res.company", "read", [1], fields=["account_fiscal_country_id"], load="")
    country = own["account_fiscal_country_id"]
    (group,) = within(odoo, other, "account.tax.group", [{"name": "Taxes", "country_id": country}])
    domain = [["company_id", "=", 1], ["type_tax_use", "=", "sale"], ["amount_type", "=", "percent"]]
    rows = odoo.call("account.tax", "search_read", domain=domain, fields=["name"])
    common = {"amount": 50.0, "amount_type": "percent", "type_tax_use": "sale", "tax_group_id": group,
              "country_id": country}  # fmt: skip
    return within(
        odoo, other, "account.tax", [{"name": name, **common} for name in dict.fromkeys(row["name"] for row in rows)]
    )


def orders(odoo: Odoo, other: int) -> list[int]:
    """Under the same external ids, of the same customers."""
    fields = ["partner_id", "fusion_external_id", "fusion_plan_code", "fusion_interval", "fusion_started_at"]
    own = odoo.call("sale.order", "search_read", domain=[["company_id", "=", 1]], fields=fields, load="")
    values = [{name: row[name] for name in fields} for row in own if row["fusion_external_id"]]
    return within(odoo, other, "sale.order", values)


TWINS: Mapping[str, Callable[[Odoo, int], list[int]]] = {
    "fusion.billing.metric": copied("fusion.billing.metric", "code", "name", aggregation="count_agg"),
    "fusion.billing.charge": charges,
    "fusion.billing.usage": copied(
        "fusion.billing.usage",
        "transaction_id",
        "external_subscription_id",
        "code",
        "timestamp",
        "received_at",
        properties='{"amount": "1000000"}',
    ),
    "fusion.billing.tax": copied("fusion.billing.tax", "code", "name", rate="77"),
    "account.tax": taxes,
    "account.journal": lambda odoo, other: within(
        odoo, other, "account.journal", [{"name": "Shadow", "code": SHADOW_JOURNAL, "type": "general"}]
    ),
    "account.fiscal.position": copied("account.fiscal.position", "name"),
    "sale.order": orders,
}
