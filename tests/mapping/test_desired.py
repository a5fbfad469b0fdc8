"""The whole map, on NexaSystems: counts, sums, references, determinism, and every value against the recorded schema."""

from __future__ import annotations

import json
import lzma
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mappings.context import Options
from mappings.coverage import coverage
from mappings.desired import desired
from mappings.money import from_subunits
from mappings.records import Snapshot, Subscription
from mappings.target import Desired, Find, Mapped, Phase, Ref, Skipped, Target
from mappings.usage import UsageRow
from migrate.shipped_tables import shipped
from tests.mapping.build import mapped as small_mapped
from tests.mapping.build import of, one, skips

TARGETS = [(dialect, addon) for dialect in ("enterprise", "oca") for addon in (True, False)]


def target(dialect: str = "enterprise", addon: bool = True) -> Target:
    return Target(
        subscriptions=dialect,
        addon=addon,
        company_id=1,
        currencies=frozenset({"CAD", "USD"}),
        languages=frozenset({"en_US", "fr_CA"}),
        loyalty=True,
        stripe=True,
        models={model: frozenset(spec["fields"]) for model, spec in recorded(dialect).items()},
    )


@pytest.fixture(scope="module")
def snap(nexasystems: tuple[Snapshot, Path]) -> Snapshot:
    return nexasystems[0]


@pytest.fixture(scope="module")
def events(nexasystems: tuple[Snapshot, Path]) -> tuple[UsageRow, ...]:
    names = ", ".join(UsageRow.__dataclass_fields__)
    query = f"select {names} from read_parquet('{nexasystems[1]}/*/*.parquet') order by timestamp, transaction_id"
    rows = duckdb.execute(query).fetchall()
    return tuple(UsageRow(**dict(zip(names.split(", "), row, strict=True))) for row in rows)


@pytest.fixture(scope="module")
def by_target(snap: Snapshot, events: tuple[UsageRow, ...]) -> dict[tuple[str, bool], tuple[Mapped, ...]]:
    return {key: desired(snap, events, target(*key), shipped(), Options()) for key in TARGETS}


@pytest.fixture(scope="module")
def items(by_target: dict[tuple[str, bool], tuple[Mapped, ...]]) -> tuple[Mapped, ...]:
    return by_target["enterprise", True]


def flat(items: tuple[Mapped, ...]) -> Iterator[Desired]:
    """All records, lines before the record that holds them."""
    for item in items:
        if isinstance(item, Desired):
            yield from (child for lines in item.children.values() for child in lines)
            yield item


def references(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from references(each)


def test_what_becomes_of_nexasystems(items: tuple[Mapped, ...]) -> None:
    models = Counter(item.model for item in items if isinstance(item, Desired))
    assert models["sale.order"] == 74
    assert models["res.partner"] - len([i for i in items if isinstance(i, Desired) and "parent_id" in i.values]) == 66
    assert models["fusion.billing.metric"] == 15
    assert models["payment.token"] == 8
    assert models["sale.subscription.plan"] == 5
    states = Counter((o.values.get("state"), o.after) for o in of(items, "sale.order"))
    assert states == {(None, ("action_confirm",)): 60, ("sale", ()): 11, ("cancel", ()): 2, (None, ()): 1}


def test_open_balances_are_the_recordings_own(snap: Snapshot, items: tuple[Mapped, ...]) -> None:
    """README of the recording: 36 failed and 92 pending invoices, three credit notes with a balance."""
    open_cents: Counter[tuple[str, str]] = Counter()
    for invoice in snap.invoices:
        if invoice.status == "finalized" and invoice.payment_status in ("pending", "failed"):
            open_cents["out_invoice", invoice.currency] += invoice.total_due_amount_cents or 0
    for note in snap.credit_notes:
        open_cents["out_refund", note.currency] += note.balance_amount_cents
    found: Counter[tuple[str, str]] = Counter()
    digits = {"JPY": 1}
    for move in of(items, "account.move"):
        currency = move.values["currency_id"].xid.removeprefix("base.")
        price = move.children["invoice_line_ids"][0].values["price_unit"]
        found[move.values["move_type"], currency] += int(price * digits.get(currency, 100))
    assert found == open_cents
    assert found["out_refund", "CAD"] == 1311 + 32698 + 15
    assert len([m for m in of(items, "account.move") if m.values["move_type"] == "out_invoice"]) == 36 + 92


def test_what_is_skipped_of_nexasystems(items: tuple[Mapped, ...]) -> None:
    counts: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Skipped):
            counts[item.reason] += item.count
    assert counts == {
        "event_metric_unknown": 80,
        "event_subscription_unknown": 52,
        "invoice_not_final": 1,
        "payment_dispute_lost": 1,
    }


def test_taxes_of_nexasystems_by_province(items: tuple[Mapped, ...]) -> None:
    found: Counter[str] = Counter()
    for order in of(items, "sale.order"):
        found.update(ref.xid for ref in order.children["order_line"][0].values["tax_ids"])
    assert set(found) == {
        "account.1_gst_sale_tax_5",
        "account.1_hst_sale_tax_13",
        "account.1_hst_sale_tax_14",
        "account.1_hst_sale_tax_15",
        "account.1_gstqst_sale_tax_14975",
        "account.1_gstpst_sale_tax_12_bc",
        "account.1_int_sale_tax_0",
    }
    assert found.total() == 74


@pytest.mark.parametrize(("dialect", "addon"), TARGETS)
def test_a_record_refers_only_to_records_before_it(
    by_target: dict[tuple[str, bool], tuple[Mapped, ...]], dialect: str, addon: bool
) -> None:
    seen: set[str] = set()
    phases = []
    for item in by_target[dialect, addon]:
        phases.append(item.phase)
        if not isinstance(item, Desired):
            continue
        for record in (item, *(child for lines in item.children.values() for child in lines)):
            for name, value in record.values.items():
                for ref in references(value):
                    assert not ref.xid.startswith("lago.") or ref.xid in seen, f"{record.xid}.{name} -> {ref.xid}"
            assert " " not in record.xid and record.xid.count(".") == 1 and record.xid not in seen
            assert record.phase is item.phase and record.customer == item.customer
            assert record.once <= set(record.values) and record.late <= set(record.values)
        seen |= {item.xid, *(child.xid for lines in item.children.values() for child in lines)}
    assert phases == sorted(phases, key=list(Phase).index)


def test_cohorts_never_split_a_reference(items: tuple[Mapped, ...]) -> None:
    owner = {record.xid: record.customer for record in flat(items)}
    for record in flat(items):
        for value in record.values.values():
            for ref in references(value):
                assert owner.get(ref.xid) in (None, record.customer), (record.xid, ref.xid)


def test_the_order_in_which_lago_answers_makes_no_difference(
    snap: Snapshot, events: tuple[UsageRow, ...], items: tuple[Mapped, ...]
) -> None:
    chance = random.Random(7)
    fields = {
        name: tuple(chance.sample(value, len(value)))
        for name in snap.__dataclass_fields__
        if isinstance(value := getattr(snap, name), tuple)
    }
    assert desired(replace(snap, **fields), events, target(), shipped(), Options()) == items


def test_the_coverage_matrix_ties_out(
    snap: Snapshot, events: tuple[UsageRow, ...], by_target: dict[tuple[str, bool], tuple[Mapped, ...]]
) -> None:
    for mapped in by_target.values():
        for row in coverage(snap, mapped, len(events)):
            if row.records is not None:
                assert row.records == row.expressed + sum(row.skipped.values()) + row.nothing_to_move, row
                assert not row.nothing_to_move or row.why_nothing, row


KINDS: Mapping[str, tuple[type[Any], ...]] = {
    "char": (str,),
    "text": (str,),
    "html": (str,),
    "selection": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "float": (Decimal, int),
    "monetary": (Decimal, int),
    "date": (date,),
    "datetime": (datetime,),
    "many2one": (Ref, Find),
    "many2many": (tuple,),
}


def order_currency(subscription: Subscription) -> str:
    assert subscription.plan
    return subscription.plan_amount_currency or subscription.plan.amount_currency


MONTHS = {"weekly": Decimal(84) / 365, "monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}


@pytest.mark.parametrize(("dialect", "addon"), TARGETS)
def test_native_recurring_totals_are_what_subscriptions_pay_a_month(
    by_target: dict[tuple[str, bool], tuple[Mapped, ...]], snap: Snapshot, dialect: str, addon: bool
) -> None:
    """Base fees only: MRR of both sides, subscription by subscription, to half a cent; 20,181.92 too much before."""
    oca = dialect == "oca"
    interval, lines = ("template_id", "sale_subscription_line_ids") if oca else ("plan_id", "order_line")
    orders = {d.xid: d for d in of(by_target[dialect, addon], "sale.subscription" if oca else "sale.order")}
    running = [s for s in snap.subscriptions if s.status == "active" and s.plan]
    compared = 0
    for subscription in running:
        order = orders.get(f"lago.subscription_{subscription.lago_id}{'_oca' * oca}")
        if order is None or subscription.plan is None:
            continue
        asked = order.values[interval]
        assert isinstance(asked, Ref)
        base = next(line for line in order.children[lines] if line.xid.endswith(("_base", "_base_oca")))
        price = base.values["price_unit"]
        assert isinstance(price, Decimal)
        cents, currency = subscription.plan_amount_cents, order_currency(subscription)
        fee = from_subunits(subscription.plan.amount_cents if cents is None else cents, currency)
        told = price / MONTHS[asked.xid.removeprefix("lago.interval_")]
        paid = fee / MONTHS[subscription.plan.interval]
        assert abs(told - paid) <= from_subunits(1, currency) / 2, subscription.external_id
        compared += subscription.plan.interval == "yearly"
    assert compared > 3


@lru_cache
def recorded(dialect: str) -> dict[str, Any]:
    data = resources.files("lago2odoo.sandbox.odoo") / "data" / f"{dialect}.json.xz"
    models: dict[str, Any] = json.loads(lzma.decompress(data.read_bytes()))["models"]
    return models


@lru_cache
def options(model: str, name: str, dialect: str) -> frozenset[str]:
    return frozenset(option[0] for option in recorded(dialect)[model]["fields"][name]["selection"])


@pytest.mark.parametrize(("dialect", "addon"), TARGETS)
def test_every_value_fits_the_recorded_schema_of_a_real_odoo(
    by_target: dict[tuple[str, bool], tuple[Mapped, ...]], dialect: str, addon: bool
) -> None:
    models = recorded(dialect)
    assert not any(isinstance(i, Skipped) and i.reason == "field_missing" for i in by_target[dialect, addon])
    for record in flat(by_target[dialect, addon]):
        fields = models[record.model]["fields"]
        for name, value in record.values.items():
            place = f"{record.model}.{name} = {value!r}"
            assert name in fields, place
            spec = fields[name]
            if value is None:
                assert not spec.get("required"), place
                continue
            assert isinstance(value, KINDS[spec["type"]]), place
            assert type(value) is not datetime or (value.tzinfo is UTC and not value.microsecond), place
            assert spec["type"] != "date" or not isinstance(value, datetime), place
            if spec["type"] == "selection" and name != "lang":  # the recorded server has English only
                assert value in options(record.model, name, dialect), place
        for name in record.children:
            assert fields[name]["type"] == "one2many", name
            assert {child.model for child in record.children[name]} <= {fields[name]["relation"]}
    for find in {v for record in flat(small_mapped()) for v in record.values.values() if isinstance(v, Find)}:
        assert find.model in models


def test_required_fields_without_default_are_given(items: tuple[Mapped, ...]) -> None:
    given = {"sale.order": {"partner_id"}, "sale.order.line": {"name", "price_unit", "product_uom_qty"}}
    given |= {
        "account.move": {"move_type", "journal_id", "currency_id"},
        "payment.token": {"provider_ref", "payment_method_id"},
    }
    for record in flat(items):
        assert given.get(record.model, set()) <= {name for name, value in record.values.items() if value is not None}


def test_fields_the_server_lacks_are_left_out_and_counted() -> None:
    fields = frozenset({"name", "partner_id", "client_order_ref", "plan_id"})
    items = small_mapped(models={"sale.order": fields, "sale.order.line": frozenset({"name"})})
    order = one(items, "sale.order")
    assert set(order.values) == fields
    assert order.once == frozenset()
    assert {tuple(line.values) for line in order.children["order_line"]} == {("name",)}
    lost = {source: item.count for item in items if isinstance(item, Skipped) for source in [str(item.source)]}
    assert lost["field sale.order.next_invoice_date"] == 1
    assert lost["field sale.order.line.product_id"] == 2
    assert "field sale.order.end_date" not in lost  # it would have been empty: nothing is lost
    assert {reason for _, reason in skips(items)} == {"field_missing"}
