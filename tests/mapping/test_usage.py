"""Usage: which events move, how exactly, and how the others are counted."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from mappings.context import Options
from mappings.desired import iterate
from mappings.records import BillingConfiguration, BillingPeriod, Invoice
from mappings.target import Desired, Mapped, Phase, Ref, Skipped
from mappings.usage import UsageRow, usage
from tests.mapping.build import (
    TABLES,
    TARGET,
    at,
    ctx,
    customer,
    invoice,
    mapped,
    metric,
    of,
    row,
    skips,
    snapshot,
    subscription,
)

MODEL = "fusion.billing.usage"


def moved(*rows: UsageRow, **more: object) -> list[str]:
    return [str(item.values["transaction_id"]) for item in of(mapped(rows=rows, **more), MODEL)]


def test_an_event_keeps_its_microseconds_and_its_text() -> None:
    text = '{"uren":"1e2","naam":"Zoë\\u0000","x":1.10}'
    item = row(properties=text, precise_total_amount_cents="12.3400", created_at=at("2026-08-05 10:00:01.5"))
    (event,) = of(mapped(rows=[item]), MODEL)
    assert event.xid == "lago.event_e-tx1"
    assert (event.phase, event.customer, str(event.source)) == (Phase.USAGE, "klant-c1", "event abo-1/tx1")
    assert event.values == {
        "transaction_id": "tx1",
        "external_subscription_id": "abo-1",
        "code": "trips",
        "timestamp": at("2026-08-05 10:00:00"),
        "timestamp_us": 250001,
        "received_at": at("2026-08-05 10:00:01"),
        "received_us": 500000,
        "properties": text,
        "precise_total_amount_cents": "12.3400",
        "late": False,
    }


def test_naive_times_are_utc_and_an_unknown_arrival_is_the_event_itself() -> None:
    item = row(timestamp="2026-08-05 10:00", created_at=None)
    naive = replace(item, timestamp=datetime(2026, 8, 5, 10, 0))  # noqa: DTZ001
    (event,) = of(mapped(rows=[naive]), MODEL)
    assert event.values["timestamp"] == event.values["received_at"] == at("2026-08-05 10:00")


def test_only_the_open_period_of_running_subscriptions() -> None:
    edge = [
        row("before", "2026-07-31 21:59:59.999999"),
        row("first", "2026-07-31 22:00:00"),
        row("later", "2026-08-19 00:00"),
    ]
    assert moved(*edge) == ["first", "later"]
    ended = snapshot(subscriptions=(subscription(status="terminated", terminated_at=at("2026-08-10 00:00")),))
    assert moved(*edge, snap=ended) == []


def test_after_a_plan_change_the_open_period_starts_with_the_new_subscription() -> None:
    old = subscription("s0", status="terminated", terminated_at=at("2026-08-10 09:00"))
    new = subscription("s2", started_at=at("2026-08-10 09:00"), created_at=at("2026-08-10 09:00"))
    rows = [row("old", "2026-08-10 08:59:59"), row("new", "2026-08-10 09:00:00")]
    assert moved(*rows, snap=snapshot(subscriptions=(new, old))) == ["new"]


def test_recurring_metrics_bring_their_history() -> None:
    snap = snapshot(billable_metrics=(metric(), metric("m2", code="seats", recurring=True)))
    rows = [row("old seats", "2026-02-11 00:00", code="seats"), row("old trips", "2026-02-11 00:00")]
    assert moved(*rows, snap=snap) == ["old seats"]


def test_usage_since_loads_more_also_of_ended_subscriptions() -> None:
    ended = snapshot(subscriptions=(subscription(status="terminated", terminated_at=at("2026-07-10 00:00")),))
    rows = [row("june", "2026-06-30 23:59:59"), row("july", "2026-07-01 00:00")]
    assert moved(*rows, snap=ended, options=Options(usage_since=at("2026-07-01 00:00"))) == ["july"]


def test_an_event_without_lago_id_is_known_by_its_natural_key() -> None:
    strange = row("a b.c/é", lago_id=None)
    same, other = replace(strange), replace(strange, external_subscription_id="abo-1\0", transaction_id="x")
    first, again = (of(mapped(rows=[item]), MODEL)[0].xid for item in (strange, same))
    assert first == again and first.isascii() and " " not in first
    assert skips(mapped(rows=[other])) == [("event event_subscription_unknown", "event_subscription_unknown")]


def test_events_lago_cannot_place_are_counted_not_listed() -> None:
    rows = [row(f"u{n}", external_subscription_id="nobody") for n in range(5)]
    rows += [row(f"m{n}", code="nothing") for n in range(2)] + [row("m9", code="else")]
    found = [item for item in mapped(rows=rows) if isinstance(item, Skipped)]
    assert [(str(s.source), s.reason, s.count) for s in found] == [
        ("event else", "event_metric_unknown", 1),
        ("event nothing", "event_metric_unknown", 2),
        ("event event_subscription_unknown", "event_subscription_unknown", 5),
    ]
    assert found[2].detail.startswith("5 events of subscriptions Lago does not have")
    assert found[2].detail.endswith("(for example u0, u1, u2)")


def test_events_of_subscriptions_that_stay_behind_are_counted_with_the_same_reason() -> None:
    snap = snapshot(customers=(customer(country="CA", state=None),))
    items = mapped(snap, rows=[row(), row("old", "2026-02-11 00:00")])
    (skip,) = [item for item in items if isinstance(item, Skipped) and item.phase is Phase.USAGE]
    assert (skip.reason, skip.count) == ("customer_without_province", 1)


def test_without_the_addon_needed_events_are_a_gap() -> None:
    items = mapped(rows=[row(), row("old", "2026-02-11 00:00")], addon=False)
    (skip,) = [item for item in items if isinstance(item, Skipped) and item.phase is Phase.USAGE]
    assert (skip.reason, skip.count) == ("usage_needs_addon", 1)


def billed(grace: int | None = None, again: tuple[Invoice, ...] = (), **more: object) -> tuple[Mapped, ...]:
    period = BillingPeriod(
        lago_subscription_id="s1",
        external_subscription_id="abo-1",
        charges_from_datetime=at("2026-06-30 22:00"),
        charges_to_datetime=at("2026-07-31 21:59:59.999999"),
    )
    empty = replace(period, charges_to_datetime=period.charges_from_datetime)
    who = customer(billing_configuration=BillingConfiguration(invoice_grace_period=grace))
    bill = invoice(created_at=at("2026-08-01 00:10"), billing_periods=(period, empty), customer=who, **more)
    rows = [
        row("in time", "2026-07-31 21:59:59.999999", created_at=at("2026-08-01 00:10:00")),
        row("late", "2026-07-10 00:00", created_at=at("2026-08-01 00:10:01")),
        row("before", "2026-06-30 21:00", created_at=at("2026-08-02 00:00")),
        row("open", "2026-08-02 00:00", created_at=at("2026-08-09 00:00")),
    ]
    snap = snapshot(invoices=(bill, *again), customers=(who,))
    return mapped(snap, rows=rows, options=Options(usage_since=at("2026-06-01 00:00")))


def late(items: tuple[Mapped, ...]) -> list[str]:
    return [str(item.values["transaction_id"]) for item in of(items, MODEL) if item.values["late"]]


def test_events_that_came_after_their_invoice_are_marked_late() -> None:
    assert late(billed()) == ["late"]


def test_days_of_grace_are_time_to_arrive() -> None:
    assert late(billed(grace=3)) == []


def test_the_invoice_of_an_event_paid_at_once_knows_nothing_of_the_period_it_repeats() -> None:
    period = BillingPeriod(
        lago_subscription_id="s1",
        external_subscription_id="abo-1",
        charges_from_datetime=at("2026-06-30 22:00"),
        charges_to_datetime=at("2026-07-31 21:59:59.999999"),
        invoicing_reason="in_advance_charge",
    )
    once = invoice(lago_id="i2", created_at=at("2026-08-20 00:00"), billing_periods=(period,))
    assert late(billed(again=(once,))) == ["late"]


@pytest.mark.parametrize("more", [{"status": "draft"}, {"invoice_type": "progressive_billing"}])
def test_a_draft_closes_no_period(more: dict[str, str]) -> None:
    assert late(billed(**more)) == []


def test_an_invoice_without_customer_or_entity_has_no_grace() -> None:
    snap = snapshot(billing_entities=(), invoices=(invoice(customer=None),))
    assert moved(row(), snap=snap) == ["tx1"]


def many(count: int) -> Iterator[UsageRow]:
    return (row(f"tx{n}", code="trips" if n % 10 else "typo") for n in range(count))


def test_a_million_rows_would_not_be_kept() -> None:
    context = ctx()

    def peak(count: int) -> int:
        tracemalloc.start()
        assert sum(1 for _ in usage(context, many(count))) > count * 0.9
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(100)
    assert peak(4000) < peak(400) + 200_000


def test_phases_can_be_asked_for_alone_and_other_phases_do_not_read_the_events() -> None:
    untouched: Iterator[UsageRow] = (pytest.fail("read") for _ in range(1))
    some = iterate(snapshot(), untouched, TARGET, TABLES, Options(), frozenset({Phase.CUSTOMERS, Phase.TOKENS}))
    assert {item.phase for item in some} == {Phase.CUSTOMERS}
    only = list(iterate(snapshot(), [row()], TARGET, TABLES, Options(), frozenset({Phase.USAGE})))
    assert [item.xid for item in only if isinstance(item, Desired)] == ["lago.event_e-tx1"]
    assert json.loads(str(only[0].values["properties"])) == {"n": "1"}
    assert not [v for v in only[0].values.values() if isinstance(v, Ref)]
