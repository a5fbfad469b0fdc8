"""What is extracted ties out, to the cent and the record, with the control totals of the recording's own README."""

from __future__ import annotations

import re
import tarfile
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from mappings.records import Invoice, Snapshot
from migrate.lago.extract import ExtractReport, counts
from migrate.lago.recording import bundled
from migrate.state.store import Store


@pytest.fixture(scope="module")
def readme() -> str:
    with tarfile.open(bundled()) as archive:
        member = archive.extractfile("README.md")
        assert member
        return member.read().decode()


def rows_per_table(readme: str) -> dict[str, int]:
    (line,) = re.findall(r"^Rows per table: (.*)$", readme, re.M)
    return {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", line)}


def listed(readme: str, title: str) -> dict[str, int]:
    (line,) = re.findall(rf"^{re.escape(title)}: (.*)$", readme, re.M)
    return {name: int(number) for name, number in re.findall(r"([\w/]+) (\d+)", line)}


def test_records_by_resource(readme: str, snapshot: Snapshot) -> None:
    table = rows_per_table(readme)
    same = ("taxes", "customers", "subscriptions", "fees", "coupons", "applied_coupons", "wallets")
    same += ("wallet_transactions", "credit_notes", "payments", "payment_methods", "billing_entities")
    assert {name: len(getattr(snapshot, name)) for name in same} == {name: table[name] for name in same}
    # Not in the API: what was deleted (one plan, metric and add-on), and the plan that is an override.
    assert len(snapshot.billable_metrics) == table["billable_metrics"] - 1
    assert len(snapshot.add_ons) == table["add_ons"] - 1
    assert len(snapshot.plans) == table["plans"] - 2
    # ... and the five invoices that are closed (zero amount, skipped).
    states = listed(readme, "Invoices by type/status")
    assert len(snapshot.invoices) == table["invoices"] - states["subscription/closed"]


@pytest.fixture
def snapshot(extracted: Any) -> Snapshot:
    found: Snapshot = extracted.snapshot
    return found


def test_customers_by_currency(readme: str, snapshot: Snapshot) -> None:
    assert Counter(c.currency or "none" for c in snapshot.customers) == listed(readme, "Customers by currency")


def test_subscriptions_by_status(readme: str, snapshot: Snapshot) -> None:
    assert Counter(s.status for s in snapshot.subscriptions) == listed(readme, "Subscriptions by status")


def test_invoices_by_type_status_and_payment(readme: str, snapshot: Snapshot) -> None:
    visible = {k: v for k, v in listed(readme, "Invoices by type/status").items() if not k.endswith("/closed")}
    assert Counter(f"{i.invoice_type}/{i.status}" for i in snapshot.invoices) == visible
    finalized = [invoice for invoice in snapshot.invoices if invoice.status == "finalized"]
    assert Counter(i.payment_status for i in finalized) == listed(readme, "Invoices (finalized) by payment status")
    assert Counter(i.currency for i in finalized if i.payment_overdue) == listed(readme, "Overdue invoices")


def sums(invoices: list[Invoice]) -> tuple[int, ...]:
    columns = (
        [invoice.fees_amount_cents for invoice in invoices],
        [invoice.coupons_amount_cents for invoice in invoices],
        [invoice.sub_total_excluding_taxes_amount_cents for invoice in invoices],
        [invoice.taxes_amount_cents for invoice in invoices],
        [invoice.prepaid_credit_amount_cents for invoice in invoices],
        [invoice.credit_notes_amount_cents for invoice in invoices],
        [invoice.total_amount_cents for invoice in invoices],
        [invoice.total_paid_amount_cents for invoice in invoices],
    )
    return (len(invoices), *(sum(column) for column in columns))


def test_invoices_by_month_and_currency(readme: str, snapshot: Snapshot) -> None:
    table = re.findall(r"^\| (\d{4}-\d\d) \| ([A-Z]{3}) \| ([\d |-]+) \|$", readme, re.M)
    expected = {(month, currency): tuple(int(n) for n in rest.split("|")) for month, currency, rest in table}
    assert len(expected) == 26
    found: dict[tuple[str, str], list[Invoice]] = defaultdict(list)
    for invoice in snapshot.invoices:
        if invoice.status == "finalized":
            found[f"{invoice.issuing_date:%Y-%m}", invoice.currency].append(invoice)
    assert {key: sums(invoices) for key, invoices in found.items()} == expected


def test_fees_tie_to_their_invoices(snapshot: Snapshot) -> None:
    by_invoice: dict[str | None, int] = defaultdict(int)
    for fee in snapshot.fees:
        by_invoice[fee.lago_invoice_id] += fee.amount_cents
    for invoice in snapshot.invoices:
        assert by_invoice[invoice.lago_id] == invoice.fees_amount_cents == sum(f.amount_cents for f in invoice.fees)
    assert sum(len(fee.applied_taxes) for fee in snapshot.fees) == 2846


def test_the_deleted_customer_is_rebuilt(snapshot: Snapshot) -> None:
    (ghost,) = (customer for customer in snapshot.customers if customer.deleted)
    assert (ghost.external_id, ghost.name) == ("2a3fbf32-5170-b3ad-f11b-e360d4a5c290", "Ghost Harbour Inc")
    assert (
        sum(
            invoice.customer == ghost or invoice.customer.lago_id == ghost.lago_id
            for invoice in snapshot.invoices
            if invoice.customer
        )
        == 7
    )
    assert [s.status for s in snapshot.subscriptions if s.lago_customer_id == ghost.lago_id] == ["terminated"]


def test_the_override_is_there_and_only_one(snapshot: Snapshot) -> None:
    overridden = [s for s in snapshot.subscriptions if s.plan and s.plan.parent_id]
    assert [(s.external_id, s.plan_code) for s in overridden] == [("sub_025", "nexacloud_starter")]
    assert overridden[0].plan and overridden[0].plan.amount_cents == overridden[0].plan_amount_cents == 2150
    # Of two terminated ones that share an external id, Lago shows the later one's plan only.
    assert [s.external_id for s in snapshot.subscriptions if s.plan is None] == ["sub.bd8aaac6.48"]


def test_fixed_charges_of_plans_and_active_subscriptions(snapshot: Snapshot) -> None:
    assert sum(bool(plan.fixed_charges) for plan in snapshot.plans) > 0
    active = [s for s in snapshot.subscriptions if s.status == "active"]
    assert all(s.fixed_charges is not None for s in active)
    assert any(charge.units == Decimal("3.0") for s in active for charge in s.fixed_charges or ())


def test_when_it_was(snapshot: Snapshot) -> None:
    assert snapshot.lago_version == "v1.51.0-live"
    assert snapshot.taken_at == datetime(2026, 8, 20, 22, 58, 40, tzinfo=UTC)


def test_events_are_all_there_once(extracted: Any) -> None:
    files = f"{extracted.events}/*/*.parquet"
    with duckdb.connect() as db:
        total, ids, keys = db.execute(
            f"""select count(*), count(distinct lago_id), count(distinct (external_subscription_id, transaction_id))
                from read_parquet('{files}', hive_partitioning = true)"""
        ).fetchall()[0]
        wrong = db.execute(
            f"""select count(*) from read_parquet('{files}', hive_partitioning = true)
                where month <> strftime(timestamp, '%Y-%m')"""
        ).fetchall()[0][0]
        exact = db.execute(
            f"""select properties, precise_total_amount_cents from read_parquet('{files}')
                where transaction_id in ('nx-000050', 'nx-025303') order by transaction_id"""
        ).fetchall()
    assert (total, ids, keys, wrong) == (25310, 25310, 25310, 0)
    assert exact[0][0] == '{"gb":"1.087819769550610033"}'
    assert exact[1] == ('{"units":"7","project":"p1"}', "1882.4654019")


def test_status_shows_what_the_api_shows(extracted: Any) -> None:
    with Store.open(extracted.state) as store:
        found = counts(store)
    shown = {"customers": 65, "subscriptions": 74, "invoices": 479, "fees": 2252, "events": 25310, "plans": 15}
    assert {name: found[name] for name in shown} == shown


def test_nothing_unknown_and_one_thing_out_of_reach(extracted: Any) -> None:
    report: ExtractReport = extracted.report
    assert report.unknown_fields == {}
    (left_out,) = report.left_out
    assert "ops.team@fjord-analytics.example" in left_out
