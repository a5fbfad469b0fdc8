"""Companies of Lago's, generated: all charge models, filters, groups, overrides and coupons, in three currencies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from mappings.read_back import DefinedCoupon
from mappings.records import (
    BillableMetric,
    Charge,
    ChargeFilter,
    Credit,
    CreditedInvoice,
    CreditItem,
    FixedCharge,
    MetricFilter,
    MinimumCommitment,
    Plan,
    Snapshot,
    Subscription,
)
from tests.mapping import build
from tests.mapping.build import at, coupon, customer, held, invoice, metric, plan, snapshot, subscription

CURRENCIES = ("EUR", "JPY", "KWD")
ZONES = ("UTC", "Europe/Amsterdam", "America/St_Johns", "Pacific/Apia")
MODELS = ("standard", "graduated", "package", "percentage", "volume", "graduated_percentage", "dynamic")

cents = st.integers(0, 10**12)
names = st.text(st.characters(codec="utf-8", categories=("Ll", "Lu", "Nd")), min_size=1, max_size=8)
moments = st.integers(0, 20 * 365 * 86400 * 10**6).map(lambda us: at("2015-01-01 00:00") + timedelta(microseconds=us))
numbers = st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=None).map(lambda d: d.normalize() + 0)
prices = numbers.map(lambda d: format(d, "f"))
edges = st.none() | st.integers(1, 10**9) | st.decimals(1, 10**9, places=6)


def ranges(name: str, **prices_of: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, Any]]:
    tier = {"from_value": st.integers(0, 9), "to_value": edges, "flat_amount": prices, **prices_of}
    return st.fixed_dictionaries({name: st.lists(st.fixed_dictionaries(tier), min_size=1, max_size=3)})


PACKAGE = {"amount": prices, "package_size": st.integers(1, 1000), "free_units": st.integers(0, 99)}
OF_PERCENTAGE = {
    "fixed_amount": prices,
    "free_units_per_events": st.integers(0, 9),
    "free_units_per_total_aggregation": prices,
    "per_transaction_min_amount": prices,
    "per_transaction_max_amount": prices,
}
GROUPED = {"grouped_by": st.lists(names, max_size=3), "pricing_group_keys": st.lists(names, max_size=3)}
TIERS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "standard": st.fixed_dictionaries({"amount": prices}, optional=GROUPED),
    "graduated": ranges("graduated_ranges", per_unit_amount=prices),
    "package": st.fixed_dictionaries(PACKAGE),
    "percentage": st.fixed_dictionaries({"rate": prices}, optional=OF_PERCENTAGE),
    "volume": ranges("volume_ranges", per_unit_amount=prices),
    "graduated_percentage": ranges("graduated_percentage_ranges", rate=numbers),
    "dynamic": st.fixed_dictionaries({}, optional=GROUPED),
}


@st.composite
def metrics(draw: st.DrawFn) -> tuple[BillableMetric, ...]:
    kinds = ("count_agg", "sum_agg", "max_agg", "unique_count_agg", "weighted_sum_agg", "latest_agg")
    return tuple(
        metric(
            f"m{n}",
            f"code{n}",
            aggregation_type=draw(st.sampled_from(kinds)),
            field_name=draw(st.none() | names),
            recurring=draw(st.booleans()),
            rounding_function=draw(st.sampled_from([None, "round", "ceil", "floor"])),
            rounding_precision=draw(st.none() | st.integers(-3, 15)),
            weighted_interval=draw(st.sampled_from([None, "seconds"])),
            filters=tuple(
                MetricFilter(key=key, values=tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True))))
                for key in draw(st.lists(names, max_size=2, unique=True))
            ),
        )
        for n in range(1, 3)
    )


@st.composite
def filters(draw: st.DrawFn, model: str, prefix: str) -> tuple[ChargeFilter, ...]:
    accepted_values = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
    values = st.dictionaries(names, accepted_values, min_size=1, max_size=2)
    return tuple(
        ChargeFilter(lago_id=f"{prefix}f{n}", values=accepted, properties=draw(TIERS[model]))
        for n, accepted in enumerate(draw(st.lists(values, max_size=2)))
    )


@st.composite
def charges(draw: st.DrawFn, prefix: str, parents: tuple[Charge, ...] = ()) -> tuple[Charge, ...]:
    found = []
    for n in range(1, draw(st.integers(0, 2)) + 1):
        model, of_metric = draw(st.sampled_from(MODELS)), draw(st.integers(1, 2))
        found.append(
            build.charge(
                f"{prefix}{n}",
                lago_billable_metric_id=f"m{of_metric}",
                billable_metric_code=f"code{of_metric}",
                code=f"c{n}",
                charge_model=model,
                properties=draw(TIERS[model]),
                invoiceable=draw(st.booleans()),
                pay_in_advance=draw(st.booleans()),
                prorated=draw(st.booleans()),
                min_amount_cents=draw(cents),
                filters=draw(filters(model, f"{prefix}{n}")),
                lago_parent_id=parents[n - 1].lago_id if n <= len(parents) else None,
            )
        )
    return tuple(found)


@st.composite
def fixed_charges(draw: st.DrawFn, prefix: str) -> tuple[FixedCharge, ...]:
    return tuple(
        build.fixed(
            f"{prefix}{n}",
            charge_model=model,
            properties=draw(TIERS[model]),
            units=draw(numbers),
            pay_in_advance=draw(st.booleans()),
            prorated=draw(st.booleans()),
        )
        for n, model in enumerate(draw(st.lists(st.sampled_from(["standard", "graduated", "volume"]), max_size=2)))
    )


@st.composite
def plans(draw: st.DrawFn, lago_id: str, currency: str, parent: Plan | None = None) -> Plan:
    return plan(
        lago_id,
        interval=draw(st.sampled_from(["weekly", "monthly", "quarterly", "semiannual", "yearly"])),
        amount_cents=draw(cents),
        amount_currency=currency,
        pay_in_advance=draw(st.booleans()),
        trial_period=draw(st.none() | numbers),
        bill_charges_monthly=draw(st.sampled_from([None, True, False])),
        bill_fixed_charges_monthly=draw(st.sampled_from([None, True, False])),
        minimum_commitment=draw(st.none() | st.builds(MinimumCommitment, amount_cents=cents)),
        charges=draw(charges(f"{lago_id}c", parent.charges if parent else ())),
        fixed_charges=draw(fixed_charges(f"{lago_id}x")),
        parent_id=parent.lago_id if parent else None,
    )


@st.composite
def subscriptions(draw: st.DrawFn, lago_id: str, currency: str, own: Plan | None) -> Subscription:
    status = draw(st.sampled_from(["active", "pending", "terminated", "canceled"]))
    ended = draw(moments)
    return subscription(
        lago_id,
        status=status,
        external_id=draw(names),
        billing_time=draw(st.sampled_from(["calendar", "anniversary"])),
        subscription_at=draw(moments),
        created_at=draw(moments),
        started_at=draw(st.none() | moments),
        ending_at=draw(st.none() | moments),
        terminated_at=ended if status == "terminated" else None,
        canceled_at=ended if status == "canceled" else None,
        plan_amount_cents=draw(st.none() | cents),
        plan_amount_currency=currency,
        plan=own,
        fixed_charges=draw(st.none() | fixed_charges(f"{lago_id}x")),
    )


@st.composite
def coupons(draw: st.DrawFn, lago_id: str, currency: str) -> DefinedCoupon:
    percentage, frequency = draw(st.booleans()), draw(st.sampled_from(["once", "recurring", "forever"]))
    codes = tuple(draw(st.lists(names, max_size=2, unique=True)))
    limited_plans, limited_metrics = draw(st.booleans()), draw(st.booleans())
    ids = draw(st.lists(st.sampled_from(["i1", "i2"]), max_size=2, unique=True))
    fixed_amount = {"amount_cents": draw(cents), "amount_currency": currency}
    rate = {"percentage_rate": draw(numbers), "amount_cents": None, "amount_currency": None}
    credits = tuple(
        Credit(
            lago_id=f"{lago_id}{name}",
            amount_cents=draw(cents),
            amount_currency=currency,
            item=CreditItem(type="coupon"),
            invoice=CreditedInvoice(lago_id=name),
        )
        for name in ids
    )
    applied = held(
        f"h{lago_id}",
        lago_coupon_id=lago_id,
        frequency=frequency,
        frequency_duration=draw(st.none() | st.integers(1, 12)) if frequency == "recurring" else None,
        created_at=draw(moments),
        terminated_at=draw(st.none() | moments),
        credits=credits,
        **(rate if percentage else fixed_amount),
    )
    definition = coupon(
        lago_id,
        limited_plans=limited_plans,
        plan_codes=("boot_klein", *codes) if limited_plans else (),
        limited_billable_metrics=limited_metrics,
        billable_metric_codes=("code1", *codes) if limited_metrics else (),
    )
    return DefinedCoupon(applied=applied, coupon=definition)


@st.composite
def companies(draw: st.DrawFn) -> Snapshot:
    currency = draw(st.sampled_from(CURRENCIES))
    listed = draw(plans("p1", currency))
    override = draw(st.none() | plans("p2", currency, listed))
    coupled = [draw(coupons(f"k{n}", currency)) for n in range(draw(st.integers(0, 2)))]
    return snapshot(
        billable_metrics=draw(metrics()),
        plans=(listed,),
        customers=(customer(currency=currency, applicable_timezone=draw(st.sampled_from(ZONES))),),
        subscriptions=(draw(subscriptions("s1", currency, override)), draw(subscriptions("s2", currency, None))),
        coupons=tuple(one.coupon for one in coupled),
        applied_coupons=tuple(one.applied for one in coupled),
        invoices=(invoice("i1"), invoice("i2", created_at=at("2026-07-01 00:10"))),
    )
