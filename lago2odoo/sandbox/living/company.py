"""One customer of a living Lago as the records that the re-rate reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import quote

from lago2odoo.sandbox.living.records import LivingRecords
from mappings import records as r
from mappings.decode import decode
from migrate.lago.filters import Payload

T = TypeVar("T")
Raw = Payload


def customer_snapshot(lago: LivingRecords, lago_id: str) -> r.Snapshot:
    """The catalog, and everything of one customer (by Lago's id), at this moment."""

    def of_customer(raw: Raw) -> bool:
        return (raw.get("lago_customer_id") or (raw.get("customer") or {}).get("lago_id")) == lago_id

    def ours(cls: type[T], shelf: str) -> tuple[T, ...]:
        return tuple(decode(cls, raw, shelf) for raw in shown(lago, shelf, of_customer))

    def everybodys(cls: type[T], shelf: str) -> tuple[T, ...]:
        return tuple(decode(cls, raw, shelf) for raw in shown(lago, shelf, lambda raw: True))

    (organization,) = (decode(r.Organization, raw, "organizations") for raw in _organizations(lago))
    return r.Snapshot(
        lago_version="main",  # today's rules: those that the vectors were made by
        organization=organization,
        taken_at=lago.now,
        billing_entities=everybodys(r.BillingEntity, "billing_entities"),
        taxes=everybodys(r.Tax, "taxes"),
        billable_metrics=everybodys(r.BillableMetric, "billable_metrics"),
        plans=everybodys(r.Plan, "plans"),
        coupons=everybodys(r.Coupon, "coupons"),
        applied_coupons=ours(r.AppliedCoupon, "applied_coupons"),
        customers=tuple(
            decode(r.Customer, raw, "customers")
            for raw in shown(lago, "customers", lambda raw: bool(raw["lago_id"] == lago_id))
        ),
        subscriptions=tuple(decode(r.Subscription, raw, "subscriptions") for raw in _subscriptions(lago, of_customer)),
        invoices=ours(r.Invoice, "invoices"),
        fees=ours(r.Fee, "fees"),
        credit_notes=ours(r.CreditNote, "credit_notes"),
        wallets=ours(r.Wallet, "wallets"),
    )


def shown(lago: LivingRecords, shelf: str, keep: Callable[[Raw], bool]) -> Iterator[Raw]:
    """Records of a list, as their own pages show them."""
    return (lago.own_page(shelf, raw) for raw in lago.listed(shelf) if keep(raw))


def events_of(lago: LivingRecords, external_ids: frozenset[str]) -> Iterator[r.Event]:
    """Usage of subscriptions, in the order in which it came."""
    ours = [raw for raw in lago.listed("events") if raw["external_subscription_id"] in external_ids]
    return (decode(r.Event, raw, "events") for raw in reversed(ours))


def _organizations(lago: LivingRecords) -> Iterator[Raw]:
    calls = (call.body.value for call in lago.recording.calls("organizations"))
    return (body["organization"] for body in calls if "organization" in body)


def _subscriptions(lago: LivingRecords, keep: Callable[[Raw], bool]) -> Iterator[Raw]:
    """With the plan of their own pages, and the units of their fixed charges."""
    for raw in lago.listed("subscriptions"):
        if keep(raw):
            path = f"/subscriptions/{quote(raw['external_id'], safe='')}/fixed_charges"
            units = lago.below(path, "fixed_charges") if raw["status"] == "active" else None
            yield {**raw, "plan": lago.own_page("subscriptions", raw).get("plan"), "fixed_charges": units}
