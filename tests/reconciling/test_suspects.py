"""All of Odoo's records that could move an invoice: of its orders, their usage, and the periods that its lines bill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from mappings.records import BillingPeriod
from reconcile.causes.observed import Suspect
from reconcile.causes.odoo_records import suspected_of
from reconcile.rating.rules import LATEST
from reconcile.rerate.history import History
from reconcile.rerate.other_periods import LineWindows
from reconcile.rerate.supposed import World
from reconcile.rerate.suppositions import BilledIn, Events, OtherRecords, Windows
from reconcile.sides.held_terms import Held, HeldOrder
from tests.mapping.build import at, invoice
from tests.reconciling.build import key
from tests.reconciling.test_counterfactual import SCHEMA, event
from tests.reconciling.test_odoo_records import SNAPSHOT, metric_rows, order

JULY = BillingPeriod(
    lago_plan_id="p1",
    lago_subscription_id="s1",
    external_subscription_id="abo-1",
    subscription_from_datetime=at("2026-07-31 22:00"),
    subscription_to_datetime=at("2026-08-31 21:59:59"),
    charges_from_datetime=at("2026-06-30 22:00"),
    charges_to_datetime=at("2026-07-31 21:59:59"),
)
INVOICE = invoice(billing_periods=(JULY,), created_at=at("2026-07-31 22:10"))
LAGO = replace(SNAPSHOT, invoices=(INVOICE,))


def found(
    held: HeldOrder,
    *,
    windows: LineWindows | None = None,
    used: tuple[dict[str, Any], ...] = (),
    periods: Sequence[BillingPeriod] = (JULY,),
) -> tuple[Suspect, ...]:
    history = History(LAGO)
    billings = [billed for period in periods if (billed := history.billed_on(INVOICE, period))]
    assert len(billings) == len(periods)
    world = World(snapshot=LAGO, events=pa.Table.from_pylist(list(used), schema=SCHEMA), rules=LATEST, premium=True)
    whole = Held(orders={"s1": held}, metrics={str(row["fusion_lago_id"]): row for row in metric_rows().values()})
    return suspected_of(billings, whole, history, world, {}, windows or {})


def told(some: tuple[Suspect, ...]) -> list[tuple[str, str, str]]:
    return [(one.cause, str(one.place.label), str(one.place.field)) for one in some]


def test_what_was_applied_is_suspected_of_nothing() -> None:
    assert found(order()) == ()


USED = (event("a", timestamp=datetime(2026, 7, 10)), event("b", timestamp=datetime(2026, 7, 11)))  # noqa: DTZ001


def test_usage_that_is_not_there_is_told_and_an_order_that_counts_anothers_says_so_itself() -> None:
    (missing,) = found(order(), used=USED)
    assert told((missing,)) == [("missing_usage", "fusion.billing.usage of abo-1", "not there")]
    assert missing.suppose == Events(external_id="abo-1", gone=frozenset({"a", "b"}))
    (other,) = found(order(fusion_external_id="abo-2"), used=USED)
    assert told((other,)) == [("missing_usage", "sale.order S1", "fusion_external_id")]
    assert (other.lago, other.odoo, other.suppose) == ("abo-1", "abo-2", missing.suppose)


def test_of_a_subscription_that_an_invoice_bills_twice_the_first_period_is_asked_for_its_usage() -> None:
    later = replace(JULY, charges_from_datetime=at("2026-07-31 22:00"), charges_to_datetime=at("2026-08-31 21:59:59"))
    (first,), (other,) = (found(order(), used=USED, periods=both) for both in ((JULY, later), (later, JULY)))
    assert (first.lago, other.lago) == ("2 (a, b)", "0 (a, b)")


def test_an_order_that_names_another_subscription_without_usage_is_another_field() -> None:
    (field,) = found(order(fusion_external_id="abo-2"))
    assert told((field,)) == [("missing_usage", "sale.order S1", "fusion_external_id")]
    assert isinstance(field.suppose, OtherRecords)


def test_usage_of_a_metric_that_lago_does_not_have_is_not_asked_for() -> None:
    assert found(order(), used=(event("a", code="unknown", timestamp=datetime(2026, 7, 10)),)) == ()  # noqa: DTZ001


SHIFTED = (at("2026-07-01 00:00"), at("2026-07-31 23:59:59"))
CHARGES = {key("ch1"): SHIFTED}
SUPPOSED = Windows(invoice="i1", subscription="s1", ends={"charges": SHIFTED})


def test_another_period_is_a_symptom_where_no_record_says_why() -> None:
    (symptom,) = found(order(), windows=CHARGES)
    assert told((symptom,)) == [("period_boundary", "subscription abo-1", "period of charges")]
    assert symptom.suppose == SUPPOSED
    assert symptom.lago == "2026-06-30 22:00:00 – 2026-07-31 21:59:59"
    assert symptom.odoo == "2026-07-01 00:00:00 – 2026-07-31 23:59:59"
    assert len(found(order(), windows=CHARGES, periods=(JULY, JULY))) == 1, "billed twice, and told once"


@pytest.mark.parametrize(
    "field",
    [
        {"fusion_timezone": "UTC"},  # of the customer
        {"fusion_started_at": "2026-02-11 12:00:00"},  # of the subscription
        {"fusion_interval": "yearly"},  # of the plan
    ],
)
def test_a_record_that_moves_boundaries_is_the_one_to_name_for_another_period(field: Mapping[str, str]) -> None:
    record, moved = found(order(**field), windows=CHARGES)
    assert told((moved,)) == told((record,)) != []
    assert isinstance(record.suppose, BilledIn) or (
        isinstance(record.suppose, OtherRecords) and record.suppose.calendar
    )
    assert moved.suppose == SUPPOSED


def test_a_record_that_moves_no_boundary_is_not_named_for_another_period() -> None:
    price, symptom = found(order(fusion_plan_amount="31.50"), windows=CHARGES)
    assert (str(price.place.field), str(symptom.place.field)) == ("fusion_plan_amount", "period of charges")
    external, symptom = found(order(fusion_external_id="abo-2"), windows=CHARGES)
    assert (external.place.field, str(symptom.place.field)) == ("fusion_external_id", "period of charges")


def test_the_period_of_another_subscription_or_of_lagos_calendar_is_no_fault() -> None:
    assert found(order(), windows={key("ch1", subscription="s2"): SHIFTED}) == ()
    stored = (at("2026-06-30 22:00"), at("2026-07-31 21:59:59"))
    assert found(order(), windows={key("ch1"): stored}) == ()
