"""Lago's sample responses (tests/data/lago_api) and the company that they describe, as a snapshot."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from mappings.decode import decode
from mappings.records import (
    AddOn,
    AppliedCoupon,
    BillableMetric,
    BillingEntity,
    Coupon,
    Customer,
    Organization,
    Plan,
    Snapshot,
    Subscription,
    Tax,
    Wallet,
)
from mappings.tables import Tables, parse
from migrate.shipped_tables import shipped

T = TypeVar("T")
FILE = Path(__file__).parents[1] / "data" / "lago_api" / "samples.json.xz"

# The samples' only tax is French, the test server's chart of accounts is Canadian: any tax of its will do.
TABLES = """
[[taxes]]
codes = ["vat_fr_20"]
odoo = "account.{company}_hst_sale_tax_13"
"""


@cache
def _text() -> str:
    return lzma.decompress(FILE.read_bytes()).decode()


@cache
def samples() -> dict[str, Any]:
    """Resource -> call -> body, as a client parses it."""
    parsed: dict[str, Any] = json.loads(_text())
    return parsed


def tables() -> Tables:
    return parse(TABLES, "samples.toml", shipped())


def company() -> Snapshot:
    """The samples as ``extract`` would keep them: details from the single objects, where a list leaves them out."""
    raw = json.loads(_text(), parse_float=Decimal)

    def many(cls: type[T], name: str) -> tuple[T, ...]:
        return tuple(decode(cls, item, name) for item in raw[name]["list"][name])

    def shown(cls: type[T], name: str, *calls: str) -> tuple[T, ...]:
        return tuple(decode(cls, raw[name][call][name[:-1]], name) for call in calls)

    single = {s.lago_id: s for s in shown(Subscription, "subscriptions", "show", "show_overridden")}
    return Snapshot(
        lago_version="v1.51.0",
        organization=decode(Organization, raw["organization"]["show"]["organization"], "organizations"),
        taken_at=datetime(2026, 8, 20, 10, tzinfo=UTC),
        billing_entities=(
            decode(BillingEntity, raw["billing_entities"]["show"]["billing_entity"], "billing_entities"),
        ),
        taxes=many(Tax, "taxes"),
        billable_metrics=many(BillableMetric, "billable_metrics"),
        add_ons=many(AddOn, "add_ons"),
        plans=_plans(shown(Plan, "plans", "show")[0]),
        coupons=many(Coupon, "coupons"),
        applied_coupons=many(AppliedCoupon, "applied_coupons"),
        customers=many(Customer, "customers"),
        subscriptions=tuple(single.get(s.lago_id, s) for s in many(Subscription, "subscriptions")),
        wallets=many(Wallet, "wallets"),
    )


def _plans(startup: Plan) -> tuple[Plan, ...]:
    """The samples' plan, a dearer and a cheaper one to change to. Its progressive billing is a named gap."""
    plain = replace(startup, usage_thresholds=(), charges=(), fixed_charges=(), minimum_commitment=None)
    dearer = replace(plain, lago_id="00000000-0000-4000-8000-000000000001", code="scale", name="Scale")
    cheaper = replace(plain, lago_id="00000000-0000-4000-8000-000000000002", code="tiny", name="Tiny")
    return (
        replace(startup, usage_thresholds=()),
        replace(dearer, amount_cents=19900),
        replace(cheaper, amount_cents=900),
    )
