"""A single demand, and the fees of a single charge: the re-rate itself answers all demands of a period together."""

from __future__ import annotations

from mappings.records import BillableMetric, Charge
from reconcile.rating.buckets import Bucket
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import ChargeFee, fees_of, is_billed
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.rules import LATEST, Rules
from reconcile.rerate.aggregating import aggregate
from reconcile.rerate.event_source import EventSource


def aggregate_one(source: EventSource, demand: Demand, *, rules: Rules = LATEST) -> tuple[Bucket, ...]:
    """The buckets of a single demand. Raises Refused."""
    ((_, buckets),) = aggregate(source, [demand], rules=rules)
    if isinstance(buckets, RerateRefused):
        raise buckets
    return buckets


def charge_fees(
    window: ChargeWindow,
    charge: Charge,
    metric: BillableMetric,
    source: EventSource,
    *,
    rules: Rules = LATEST,
    premium: bool = True,
) -> tuple[ChargeFee, ...]:
    """All fees of one charge for a window, true-up last. Raises Refused for what cannot be recomputed."""
    demand = Demand(window=window, charge=charge, metric=metric)
    if not is_billed(demand):
        return ()
    return fees_of(demand, aggregate_one(source, demand, rules=rules), rules=rules, premium=premium)
