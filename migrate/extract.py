"""Lago -> store and Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mappings import records as r
from mappings.decode import decode
from migrate import events
from migrate.lago.recording import Recording


def snapshot_of_recording(path: Path, workdir: Path) -> tuple[r.Snapshot, Path]:
    """Everything of a recording, and the folder of its events' Parquet."""
    rec = Recording.open(path)

    def many(cls: type[Any], name: str, **extra: Any) -> tuple[Any, ...]:
        return tuple(decode(cls, p.value, name) for p in rec.listed(name, f"/api/v1/{name}", name))

    def shown(name: str, root: str) -> list[Mapping[str, Any]]:
        return [c.body.value[root] for c in rec.calls(name) if c.status == 200 and root in c.body.value]

    subs_plan = {s["lago_id"]: s["plan"] for s in shown("subscriptions", "subscription")}
    fixed = {c.path.split("/")[4]: c.body.value["fixed_charges"] for c in rec.calls("subscription_fixed_charges")}
    subscriptions = tuple(
        decode(
            r.Subscription,
            {
                **p.value,
                "plan": subs_plan.get(p.value["lago_id"]),
                "fixed_charges": fixed.get(p.value["external_id"]) if p.value["status"] == "active" else None,
            },
            "subscriptions",
        )
        for p in rec.listed("subscriptions", "/api/v1/subscriptions", "subscriptions")
    )
    invoices = tuple(decode(r.Invoice, v, "invoices") for v in shown("invoices_show", "invoice"))
    customers = many(r.Customer, "customers")
    known = {c.lago_id for c in customers}
    ghosts = {
        i.customer.lago_id: replace(i.customer, deleted=True)
        for i in invoices
        if i.customer and i.customer.lago_id not in known
    }
    health, org = rec.calls("organizations")
    methods = tuple(
        decode(r.PaymentMethod, {**m, "external_customer_id": c.path.split("/")[4]}, "payment_methods")
        for c in rec.calls("payment_methods")
        for m in c.body.value["payment_methods"]
    )
    wallet_tx = tuple(
        decode(r.WalletTransaction, t, "wallet_transactions")
        for c in rec.calls("wallet_transactions")
        for t in c.body.value.get("wallet_transactions", ())
    )
    snapshot = r.Snapshot(
        lago_version=health.body.value["version"],
        organization=decode(r.Organization, org.body.value["organization"], "organizations"),
        taken_at=datetime.fromisoformat("2026-08-20T23:50:00Z"),
        billing_entities=tuple(
            decode(r.BillingEntity, v, "billing_entities") for v in shown("billing_entities", "billing_entity")
        ),
        taxes=many(r.Tax, "taxes"),
        billable_metrics=many(r.BillableMetric, "billable_metrics"),
        add_ons=many(r.AddOn, "add_ons"),
        plans=tuple(decode(r.Plan, v, "plans") for v in shown("plans", "plan")),
        coupons=many(r.Coupon, "coupons"),
        applied_coupons=many(r.AppliedCoupon, "applied_coupons"),
        customers=(*customers, *ghosts.values()),
        payment_methods=methods,
        subscriptions=subscriptions,
        wallets=many(r.Wallet, "wallets"),
        wallet_transactions=wallet_tx,
        invoices=invoices,
        fees=many(r.Fee, "fees"),
        credit_notes=many(r.CreditNote, "credit_notes"),
        payments=many(r.Payment, "payments"),
    )
    staged, events_dir = workdir / "staged", workdir / "events"
    events.write_parquet(
        events.table(events.unique(rec.listed("events", "/api/v1/events", "events"))), staged / "all.parquet"
    )
    events.partition(staged, events_dir)
    return snapshot, events_dir
