"""How fast charges in advance are re-rated: ``python -m bench.advance [--events 100 300 1000 10000]``.

One subscription-month: every event made an invoice of its own in Lago, and each of them is re-rated. Printed: CPU
seconds, and the exponent from one size to the next (1 is linear). ``--late`` gives the share of events that arrive out
of order (each at any place of the month): their running sums are carried on from that place again.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from mappings.headers import NOTHING_BILLED
from mappings.records import (
    BillableMetric,
    BillingPeriod,
    Charge,
    Customer,
    Event,
    Fee,
    FeeItem,
    Invoice,
    Json,
    Organization,
    Plan,
    Snapshot,
    Subscription,
)
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.invoices import rerate
from reconcile.sides.lago import lago_invoices

START = datetime(2026, 7, 1, tzinfo=UTC)
END = datetime(2026, 7, 31, 23, 59, 59, tzinfo=UTC)
MONTH = 30 * 86_400  # seconds
TIERS = [
    {"from_value": 0, "to_value": 100, "per_unit_amount": "0.05", "flat_amount": "1"},
    {"from_value": 101, "to_value": None, "per_unit_amount": "0.02", "flat_amount": "0"},
]
CHARGES: dict[str, tuple[str, str, Json]] = {  # name -> aggregation, charge model, prices
    "count, package": ("count_agg", "package", {"amount": "3", "package_size": 10, "free_units": 5}),
    "sum, graduated": ("sum_agg", "graduated", {"graduated_ranges": TIERS}),
    "sum, percentage": (
        "sum_agg",
        "percentage",
        {"rate": "1.5", "fixed_amount": "0.1", "free_units_per_events": 50, "per_transaction_max_amount": "4"},
    ),
    "unique, standard": ("unique_count_agg", "standard", {"amount": "0.3"}),
}


def events(count: int, late: float) -> list[Event]:
    """In order of arrival."""
    chance = random.Random(count)
    moments = [START + timedelta(seconds=number * MONTH / count) for number in range(count)]
    for number in range(count):
        if chance.random() < late:
            moments[number] = START + timedelta(seconds=chance.random() * MONTH)
    return [
        Event(
            transaction_id=f"t{number}",
            external_subscription_id="sub",
            code="m",
            timestamp=moment,
            created_at=START + timedelta(seconds=MONTH + number),
            properties={"value": f"{number % 997}.25"},
        )
        for number, moment in enumerate(moments)
    ]


def company(name: str, count: int) -> Snapshot:
    kind, model, prices = CHARGES[name]
    metric = BillableMetric(lago_id="m", code="m", name="m", aggregation_type=kind, field_name="value")
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model=model,
        properties=prices,
        pay_in_advance=True,
    )
    plan = Plan(
        lago_id="p", code="p", name="p", interval="monthly", amount_cents=0, amount_currency="CAD", charges=(charge,)
    )
    customer = Customer(lago_id="k", external_id="k", currency="CAD")
    subscription = Subscription(
        lago_id="s",
        external_id="sub",
        lago_customer_id="k",
        external_customer_id="k",
        plan_code="p",
        status="active",
        billing_time="calendar",
        subscription_at=START,
        created_at=START,
        started_at=START,
    )
    return Snapshot(
        lago_version="1.53.0",
        organization=Organization(lago_id="o", name="o", default_currency="CAD"),
        taken_at=END + timedelta(days=60),
        billable_metrics=(metric,),
        plans=(plan,),
        customers=(customer,),
        subscriptions=(subscription,),
        invoices=tuple(invoice(number, customer) for number in range(count)),
    )


def invoice(number: int, customer: Customer) -> Invoice:
    created_at = START + timedelta(seconds=MONTH + number)
    fee = Fee(
        lago_id=f"f{number}",
        item=FeeItem(type="charge", lago_item_id="m"),
        amount_cents=0,
        amount_currency="CAD",
        units=Decimal(1),
        taxes_amount_cents=0,
        taxes_rate=Decimal(0),
        created_at=created_at,
        lago_invoice_id=f"i{number}",
        lago_subscription_id="s",
        lago_charge_id="c",
        pay_in_advance=True,
        from_date=START,
        to_date=END,
        event_transaction_id=f"t{number}",
    )
    period = BillingPeriod(
        lago_subscription_id="s",
        external_subscription_id="sub",
        lago_plan_id="p",
        charges_from_datetime=START,
        charges_to_datetime=END,
        invoicing_reason="in_advance_charge",
    )
    return Invoice(
        lago_id=f"i{number}",
        number=f"N-{number}",
        invoice_type="subscription",
        status="finalized",
        payment_status="pending",
        currency="CAD",
        issuing_date=date(2026, 7, 31),
        created_at=created_at,
        customer=customer,
        billing_periods=(period,),
        fees=(fee,),
        **NOTHING_BILLED,
    )


def measure(name: str, count: int, late: float) -> float:
    """CPU seconds of the re-rate of one month; every invoice must get its line."""
    snapshot = company(name, count)
    with EventSource.from_events(events(count, late)) as source:
        started = time.process_time()
        rerated = rerate(snapshot, source)(lago_invoices(snapshot))
        used = time.process_time() - started
    refused = [invoice.refusals for invoice in rerated.values() if invoice.refusals or not invoice.lines]
    if len(rerated) != count or refused:
        sys.exit(f"{name}: {len(rerated)} of {count} invoices re-rated, refused: {refused[:2]}")
    return used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="*", default=[100, 300, 1_000, 10_000], help="events of a month")
    parser.add_argument("--late", type=float, default=0.01, help="share of events out of order (default: 0.01)")
    options = parser.parse_args()
    sizes = sorted(options.events)
    print(f"{'CPU s of one subscription-month':34}{''.join(f'{size:>10,}' for size in sizes)}   exponents")
    for name in CHARGES:
        seconds = [measure(name, size, options.late) for size in sizes]
        growth = [
            math.log(after / before) / math.log(large / small)
            for (small, large), (before, after) in zip(pairwise(sizes), pairwise(seconds), strict=True)
        ]
        print(
            f"{name:34}{''.join(f'{used:10.2f}' for used in seconds)}   {' '.join(f'{one:.2f}' for one in growth)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
