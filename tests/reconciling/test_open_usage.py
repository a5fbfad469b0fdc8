"""Usage of the running period that only Odoo has: named with its units and its money before anybody bills it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.quarantine import UsageGap, quarantined
from migrate.odoo.door import Door
from reconcile.dual_run import usage_in_excess
from reconcile.sides.extras import Extra
from reports import pseudonyms, text
from reports.verdict import State, judge
from tests.faults import GROWTH, PRO, STARTER, Company, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base

METRIC = "egress_gb"
NOW = "2026-08"


def open_usage(company: Company) -> list[dict[str, Any]]:
    return company.usage(STARTER, METRIC, NOW)


def enter_again(company: Company, rows: list[dict[str, Any]], **values: Any) -> list[int]:
    """As a person does who thinks that it is missing."""
    names = ("external_subscription_id", "code", "timestamp", "timestamp_us", "properties", "company_id")
    made = []
    for row in rows:
        copied = {name: row[name][0] if name == "company_id" else row[name] for name in names}
        again = {**copied, "transaction_id": f"again-{row['transaction_id']}", **values}
        (number,) = company.odoo.call("fusion.billing.usage", "create", vals_list=[again])
        made.append(int(number))
    return made


def asked(company: Company, customers: frozenset[str] | None = None) -> tuple[Extra, ...]:
    return usage_in_excess(Door(company.odoo), company.snapshot, company.events, customers)


@pytest.fixture(scope="module")
def company(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with planted.copied(base, tmp_path_factory.mktemp("open") / "copy") as copy:
        yield copy


def test_a_migrated_company_has_no_usage_of_its_own(company: Company) -> None:
    assert asked(company) == ()


def test_usage_that_was_entered_again_is_told_with_units_and_money(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "again") as copy:
        rows = open_usage(copy)
        made = enter_again(copy, rows)
        (told,) = asked(copy)
        assert asked(copy, frozenset({PRO})) == ()
        july = Fault(name="", side="odoo", causes=frozenset(), customers=(STARTER,), plant=lambda c: None)
        data = planted.reconciled(copy, july, planted.codes_of(copy.odoo, copy.snapshot))
    assert (told.kind, told.customer, told.facts["code"]) == ("extra_open_usage", STARTER, METRIC)
    assert told.facts["events"] == str(len(made))
    assert told.record == f"fusion.billing.usage,{made[0]}"
    assert (told.facts["units"], told.net_cents) == ("145.53", 16_00), (
        "8.00 a package of 100, of which one more than two begins"
    )
    findings = [f for i in data.invoices for p in i.positions for f in p.findings if f.cause == "extra_open_usage"]
    assert [(f.side, f.delta_cents, f.proven) for f in findings] == [("odoo", told.net_cents, True)]
    shown = text.render(data)
    assert "Usage that only Odoo has, not billed yet" in shown
    assert f"fusion.billing.usage {made[0]}" in shown
    assert judge(data).state is State.TO_ACT
    hidden = text.render(pseudonyms.pseudonymise(data, b"k" * 32, pseudonyms.originals(base.snapshot)))
    assert told.facts["what"] in shown
    assert told.facts["what"] not in hidden


def test_what_lago_cannot_know_of_is_nothing_in_excess(base: Base, tmp_path: Path) -> None:
    """Sent to Odoo since the snapshot; or of a period that is billed, where the invoice itself is compared."""
    with planted.copied(base, tmp_path / "later") as copy:
        (row, *_) = open_usage(copy)
        later = copy.snapshot.taken_at + timedelta(hours=1)
        enter_again(copy, [row], timestamp=later.strftime("%Y-%m-%d %H:%M:%S"))
        enter_again(copy, copy.usage(STARTER, METRIC, "2026-05")[:1])
        assert asked(copy) == ()


def test_an_event_that_lago_has_too_is_its_own_whoever_sent_it(base: Base, tmp_path: Path) -> None:
    """Sent to both: Odoo's record has no external id, and the transaction is Lago's."""
    with planted.copied(base, tmp_path / "both") as copy:
        (row, *_) = open_usage(copy)
        named = [["model", "=", "fusion.billing.usage"], ["res_id", "=", row["id"]]]
        copy.unlink("ir.model.data", named)
        assert asked(copy) == ()
        copy.write("fusion.billing.usage", [["id", "=", row["id"]]], transaction_id="another")
        assert [e.facts["events"] for e in asked(copy)] == ["1"]


def test_where_lago_gave_no_events_nothing_is_in_excess(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "gap") as copy:
        enter_again(copy, open_usage(copy)[:1])
        unread = quarantined("events", "gap", ("(page)", "page_unreadable", "is not given"), "{}", {})
        gap = UsageGap(since=None, until=None, unread=unread)
        assert asked(replace(copy, snapshot=replace(copy.snapshot, usage_gaps=(gap,)))) == ()


def test_the_running_period_begins_on_the_customers_day(base: Base, tmp_path: Path) -> None:
    """In Tokyo 1 August begins while it is 31 July in UTC."""
    with planted.copied(base, tmp_path / "tokyo") as copy:
        enter_again(copy, open_usage(copy)[:1])
        customers = tuple(
            replace(c, timezone="Asia/Tokyo", applicable_timezone="Asia/Tokyo") if c.external_id == STARTER else c
            for c in copy.snapshot.customers
        )
        begin = datetime(2026, 7, 31, 15, tzinfo=UTC)
        subscriptions = tuple(
            replace(s, current_billing_period_started_at=begin) if s.external_customer_id == STARTER else s
            for s in copy.snapshot.subscriptions
        )
        snapshot = replace(copy.snapshot, customers=customers, subscriptions=subscriptions)
        (told,) = asked(replace(copy, snapshot=snapshot))
    assert told.facts["since"] == "2026-08-01"


def test_usage_charged_at_once_is_told_of_any_period_by_when_it_came(base: Base, tmp_path: Path) -> None:
    """Odoo makes a line of each event that came after the last one that Lago billed, whenever it was."""
    with planted.copied(base, tmp_path / "at-once") as copy:
        until = datetime.fromisoformat(copy.order(GROWTH)["fusion_advance_until"])
        later, before = (str(until + timedelta(seconds=seconds)) for seconds in (1, 0))
        rows = copy.usage(GROWTH, "sms", "2026-06")[:2]
        enter_again(copy, rows, received_at=before)
        assert asked(copy) == (), "Odoo does not bill what came until then"
        copy.unlink("fusion.billing.usage", [["transaction_id", "like", "again-"]])
        made = enter_again(copy, rows, received_at=later)
        (told,) = asked(copy)
        assert asked(copy, frozenset({PRO})) == ()
        july = Fault(name="", side="odoo", causes=frozenset(), customers=(GROWTH,), plant=lambda c: None)
        data = planted.reconciled(copy, july, planted.codes_of(copy.odoo, copy.snapshot))
    assert (told.kind, told.customer, told.facts["code"]) == ("extra_open_usage", GROWTH, "sms")
    assert (told.record, told.facts["events"]) == (f"fusion.billing.usage,{made[0]}", "2")
    sent = [Decimal(str(json.loads(row["properties"])["segments"])) for row in rows]
    cents = [int((units * Decimal("3.75")).quantize(Decimal(1), ROUND_HALF_UP)) for units in sent]
    assert (Decimal(told.facts["units"]), told.net_cents) == (sum(sent), sum(cents))
    assert told.facts["since"] == min(row["timestamp"] for row in rows)[:10]
    findings = [f for i in data.invoices for p in i.positions for f in p.findings if f.cause == "extra_open_usage"]
    assert [(f.side, f.delta_cents, f.proven) for f in findings] == [("odoo", told.net_cents, True)]


def test_usage_charged_at_once_in_the_running_period_has_its_money_too(base: Base, tmp_path: Path) -> None:
    """The bill of the period does not bill it: each event is a line of its own."""
    with planted.copied(base, tmp_path / "now") as copy:
        enter_again(copy, copy.usage(GROWTH, "sms", NOW)[:1], received_at="2026-10-01 00:00:00")
        (told,) = asked(copy)
    assert told.net_cents


def test_where_lago_billed_no_event_at_once_what_it_billed_last_decides(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "none") as copy:
        order = copy.order(GROWTH)
        copy.write("sale.order", [["id", "=", order["id"]]], fusion_advance_until=False)
        rows = copy.usage(GROWTH, "sms", "2026-06")[:1]
        enter_again(copy, rows, received_at=order["fusion_billed_until"])
        assert asked(copy) == ()
        copy.write("fusion.billing.usage", [["transaction_id", "like", "again-"]], received_at="2026-10-01 00:00:00")
        assert [e.facts["events"] for e in asked(copy)] == ["1"]
