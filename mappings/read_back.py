"""Odoo's records -> the records of Lago that they stand for: the mappers, backwards.

Pure. Rows are what Odoo returns (``None`` where it has nothing). What they do not hold (names, ids; taxes, which stand
on the lines) is taken from Lago's record. ``read_back(map(x)) == x`` for all that the mappers can express is a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from mappings import fields
from mappings.fields import Row, decimal_of, loaded, read, read_row
from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    Charge,
    ChargeFilter,
    Coupon,
    Credit,
    CreditItem,
    Customer,
    FixedCharge,
    MetricFilter,
    MinimumCommitment,
    Plan,
    Subscription,
)
from mappings.usage import UsageRow

Price = TypeVar("Price", Charge, FixedCharge)
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ROW = UsageRow(transaction_id="", external_subscription_id="", code="", timestamp=_NO_MOMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one subscription is billed by. The plan's fixed charges have this subscription's units."""

    customer: Customer
    subscription: Subscription
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinedCoupon:
    """A coupon of a customer with its definition: what it is limited to."""

    applied: AppliedCoupon
    coupon: Coupon


def terms(lago: Terms, order: Row, charges: Sequence[Row]) -> Terms:
    """``order``: of ``sale.order``. ``charges``: what it is rated by, its own or its plan's (``charge`` below)."""
    currency = lago.plan.amount_currency
    return Terms(
        customer=read_row(fields.CUSTOMER, order, lago.customer),
        subscription=_following(_subscription(lago.subscription, order, currency), order),
        plan=_plan(lago.plan, order, charges, currency),
    )


def _subscription(lago: Subscription, order: Row, currency: str) -> Subscription:
    """A subscription that was withdrawn has one end in Odoo, and two fields for it in Lago."""
    if lago.terminated_at is not None or lago.canceled_at is None:
        return read_row(fields.SUBSCRIPTION, order, lago, currency)
    ended = read_row(fields.SUBSCRIPTION, order, replace(lago, terminated_at=lago.canceled_at), currency)
    return replace(ended, terminated_at=None, canceled_at=ended.terminated_at)


def _following(lago: Subscription, order: Row) -> Subscription:
    """Odoo links the order that this one replaces, Lago names what was replaced: here only whether that is gone."""
    gone = "fusion_previous_order_id" in order and not order["fusion_previous_order_id"]
    return replace(lago, previous_plan_code=None) if gone else lago


def _plan(lago: Plan, order: Row, charges: Sequence[Row], currency: str) -> Plan:
    plan = read_row(fields.PLAN, order, lago)
    return replace(
        plan,
        minimum_commitment=_commitment(plan.minimum_commitment, order, currency),
        charges=tuple(_charge(charge, row, currency) for charge, row in _pairs(plan.charges, charges)),
        fixed_charges=tuple(
            read_row(fields.FIXED_CHARGE, row, charge) for charge, row in _pairs(plan.fixed_charges, charges)
        ),
    )


def _commitment(lago: MinimumCommitment | None, order: Row, currency: str) -> MinimumCommitment | None:
    held = read_row(fields.COMMITMENT, order, lago or MinimumCommitment(amount_cents=0), currency)
    return held if held.amount_cents else None if lago is None or lago.amount_cents else lago


def _pairs(charges: Iterable[Price], rows: Sequence[Row]) -> Iterator[tuple[Price, Row]]:
    """Lago's charges with the rows that stand for them; those that have none are not there."""
    for charge in charges:
        row = charge_row(charge, rows)
        if row is not None:
            yield charge, row


def charge_row(charge: Charge | FixedCharge, rows: Sequence[Row]) -> Row | None:
    """The row of a charge, or of the one that it overrides: such an order pays the plan's own price."""
    names = {charge.lago_id, charge.lago_parent_id} - {None}
    return next((row for row in rows if row["fusion_lago_id"] in names), None)


def _charge(lago: Charge, row: Row, currency: str) -> Charge:
    """``row`` also names its metric: ``metric`` (code) and ``metric_lago_id``, empty where it has none.

    Another code of the same metric is the metric's own difference. A metric that Lago does not have counts nothing.
    """
    charge = read_row(fields.CHARGE, row, lago, currency)
    known, code = row["metric_lago_id"], row["metric"]
    same = known == lago.lago_billable_metric_id or (not known and code in (None, lago.billable_metric_code))
    return replace(
        charge,
        billable_metric_code=lago.billable_metric_code if same else str(code or lago.billable_metric_code),
        lago_billable_metric_id=lago.lago_billable_metric_id if same else str(known or code),
        filters=tuple(_filter(entry, lago.filters) for entry in _entries(row["filters"])),
    )


def _filter(entry: Row, lago: Sequence[ChargeFilter]) -> ChargeFilter:
    """A filter as Lago has it (by id, else by what it accepts), or one that only Odoo has."""
    only_odoos = ChargeFilter(lago_id=str(entry.get("lago_id") or ""), values={}, properties={})
    lago_filter = next((f for f in lago if f.lago_id == entry.get("lago_id")), None)
    alike = (f for f in lago if read(fields.CHARGE_FILTER, entry, f).values is f.values)
    return read(fields.CHARGE_FILTER, entry, lago_filter or next(alike, only_odoos))


def metric(lago: BillableMetric, row: Row) -> BillableMetric:
    """``row``: of ``fusion.billing.metric``."""
    lago_filters = {f.key: f for f in lago.filters}
    filters = (
        read(fields.METRIC_FILTER, entry, lago_filters.get(key) or MetricFilter(key=key, values=()))
        for entry in _entries(row["filters"])
        for key in (str(entry.get("key") or ""),)
    )
    return replace(read_row(fields.METRIC, row, lago), code=str(row.get("code") or lago.code), filters=tuple(filters))


def coupons(lago: Mapping[str, DefinedCoupon], customer: str, entries: Iterable[Row]) -> dict[str, DefinedCoupon]:
    """Lago id of an applied coupon -> the coupon. ``entries``: those of a customer's orders (``fusion_coupons``)."""
    entry_by_id = {coupon_key(entry): entry for entry in entries}
    return {key: _coupon(lago.get(key) or _unknown(key, customer, entry), entry) for key, entry in entry_by_id.items()}


def coupon_key(entry: Row) -> str:
    """The Lago id of a coupon that an order holds; of one that bears none, its code."""
    return str(entry.get("lago_id") or entry.get("coupon_code"))


def coupon_entries(text: object) -> tuple[Row, ...]:
    """The coupons that an order holds, as rows."""
    return tuple(_entries(text))


def _coupon(lago: DefinedCoupon, entry: Row) -> DefinedCoupon:
    coupon = read(fields.COUPON, entry, lago.coupon)
    if coupon.plan_codes is not lago.coupon.plan_codes:
        coupon = replace(coupon, limited_plans=bool(coupon.plan_codes))
    if coupon.billable_metric_codes is not lago.coupon.billable_metric_codes:
        coupon = replace(coupon, limited_billable_metrics=bool(coupon.billable_metric_codes))
    applied = read(fields.APPLIED_COUPON, entry, lago.applied)
    return DefinedCoupon(applied=replace(applied, credits=_credits(lago.applied, entry)), coupon=coupon)


def _credits(lago: AppliedCoupon, entry: Row) -> tuple[Credit, ...]:
    """What was taken of it before. Odoo does not name the invoices: the same sum is the same credits."""
    if not isinstance(entry.get("credits"), list) or lago.frequency != "once":
        return lago.credits
    numbers = (decimal_of(credit.get("amount_cents")) for credit in _items(entry.get("credits")))
    spent = [int(number) for number in numbers if number is not None]
    if sum(spent) == sum(credit.amount_cents for credit in lago.credits):
        return lago.credits
    item, currency = CreditItem(type="coupon"), lago.amount_currency or ""
    return tuple(
        Credit(lago_id=f"odoo {n}", amount_cents=cents, amount_currency=currency, item=item)
        for n, cents in enumerate(spent)
    )


def _unknown(key: str, customer: str, entry: Row) -> DefinedCoupon:
    """A coupon that only Odoo has; ``_coupon`` fills it."""
    code = str(entry.get("coupon_code") or key)
    kind = "fixed_amount" if entry.get("percentage_rate") is None else "percentage"
    applied = AppliedCoupon(
        lago_id=key,
        lago_coupon_id=key,
        coupon_code=code,
        lago_customer_id=customer,
        external_customer_id="",
        status="active",
        frequency="forever",
        created_at=_NO_MOMENT,
    )
    return DefinedCoupon(
        applied=applied,
        coupon=Coupon(lago_id=key, code=code, name=key, coupon_type=kind, frequency="forever"),
    )


def usage(lago: Mapping[str, UsageRow], rows: Iterable[Row]) -> dict[str, UsageRow]:
    """Transaction -> the event. ``rows``: of ``fusion.billing.usage``."""
    return {
        str(row["transaction_id"]): read(fields.USAGE, row, lago.get(str(row["transaction_id"]), _NO_ROW))
        for row in rows
    }


def _entries(text: object) -> list[Row]:
    """The objects of a JSON list."""
    return _items(loaded(text))


def _items(listed: object) -> list[Row]:
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
