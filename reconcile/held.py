"""What Odoo holds of subscriptions: prices, dates, usage, coupons, taxes. Read where a difference is to be explained.

These are Odoo's own records, as they are now; ``suspects`` holds them against Lago's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from migrate.odoo.protocol import Odoo
from reconcile.facts import order_ids

Row = Mapping[str, Any]

ORDER = (
    "name", "state", "partner_id", "currency_id", "fiscal_position_id", "order_line", "fusion_external_id",
    "fusion_plan_code", "fusion_interval", "fusion_billing_time", "fusion_anchor", "fusion_started_at",
    "fusion_started_us", "fusion_ended_at", "fusion_ended_us", "fusion_created_at", "fusion_trial_days",
    "fusion_pay_in_advance", "fusion_bill_charges_monthly", "fusion_bill_fixed_charges_monthly", "fusion_plan_amount",
    "fusion_commitment", "fusion_timezone", "fusion_coupons", "fusion_previous_order_id", "fusion_lago_id",
)  # fmt: skip
CHARGE = (
    "code", "name", "kind", "fusion_lago_id", "charge_model", "properties", "filters", "pay_in_advance", "prorated",
    "invoiceable", "min_amount", "units", "metric_id", "plan_id", "order_id",
)  # fmt: skip
METRIC = (
    "code", "aggregation", "field_name", "recurring", "rounding_function", "rounding_precision",
    "has_rounding_precision", "filters",
)  # fmt: skip
USAGE = (
    "transaction_id", "external_subscription_id", "code", "timestamp", "timestamp_us", "received_at", "received_us",
    "properties", "precise_total_amount_cents",
)  # fmt: skip
LINE = ("order_id", "product_id", "display_type", "sequence")
EVERY = {"active_test": False}
CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTax:
    """A tax of Odoo; ``rate`` in percent. A group is its parts."""

    name: str
    rate: Decimal
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOrder:
    """One subscription in Odoo. ``away``: its fiscal position is for another place than its customer's address."""

    row: Row
    charges: tuple[Row, ...]
    usage: tuple[Row, ...]
    away: str = ""

    @property
    def coupons(self) -> tuple[Row, ...]:
        text = self.row.get("fusion_coupons")
        return tuple(json.loads(text, parse_float=Decimal)) if text else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """``orders`` by the subscription's Lago id, ``metrics`` by code, ``taxes`` by Odoo's id."""

    orders: Mapping[str, HeldOrder] = field(default_factory=dict)
    metrics: Mapping[str, Row] = field(default_factory=dict)
    taxes: Mapping[int, HeldTax] = field(default_factory=dict)
    per_line: bool = False  # the company rounds the tax of each line


def read(odoo: Odoo, subscriptions: Sequence[str]) -> Held:
    """Everything Odoo holds of these subscriptions (Lago ids). Those without an order are left out."""
    numbers = order_ids(odoo, subscriptions)
    rows = {row["id"]: row for row in _rows(odoo, "sale.order", [["id", "in", sorted(numbers.values())]], ORDER)}
    metrics = {row["id"]: row for row in _rows(odoo, "fusion.billing.metric", [], METRIC)}
    charges = _charges(odoo, rows, metrics)
    usage = _usage(odoo, sorted({row["fusion_external_id"] for row in rows.values() if row["fusion_external_id"]}))
    away = _away(odoo, rows.values())
    orders = {
        subscription: HeldOrder(
            row=rows[number],
            charges=tuple(charges.get(number, ())),
            usage=tuple(usage.get(rows[number]["fusion_external_id"] or "", ())),
            away=away.get(number, ""),
        )
        for subscription, number in numbers.items()
        if number in rows
    }
    company = _rows(odoo, "res.company", [], ("tax_calculation_rounding_method",))
    return Held(
        orders=orders,
        metrics={row["code"]: row for row in metrics.values()},
        taxes=_taxes(odoo),
        per_line=any(row["tax_calculation_rounding_method"] == "round_per_line" for row in company[:1]),
    )


def _rows(odoo: Odoo, model: str, domain: list[Any], fields: Sequence[str]) -> list[Row]:
    found = odoo.call(model, "search_read", domain=domain, fields=list(fields), context=EVERY)
    return [
        {name: None if value is False and name not in FLAGS else value for name, value in row.items()} for row in found
    ]


FLAGS = frozenset({
    "prorated", "invoiceable", "pay_in_advance", "recurring", "has_rounding_precision", "fusion_pay_in_advance",
    "fusion_bill_charges_monthly", "fusion_bill_fixed_charges_monthly",
})  # fmt: skip


def number_of(value: Any) -> int | None:
    """A many2one comes as ``[id, name]``, an id or nothing."""
    return int(value[0] if isinstance(value, list | tuple) else value) if value else None


def _charges(odoo: Odoo, orders: Mapping[int, Row], metrics: Mapping[int, Row]) -> dict[int, list[Row]]:
    """Order -> its charges, as rating takes them: its own ones replace those of its plan."""
    lines = _rows(odoo, "sale.order.line", [["order_id", "in", sorted(orders)]], LINE)
    products = sorted({n for line in lines if (n := number_of(line["product_id"]))})
    templates = {
        row["id"]: number_of(row["product_tmpl_id"])
        for row in _rows(odoo, "product.product", [["id", "in", products]], ("product_tmpl_id",))
    }
    plans = sorted({plan for plan in templates.values() if plan})
    domain: list[Any] = [
        "|",
        ["order_id", "in", sorted(orders)],
        "&",
        ["plan_id", "in", plans],
        ["order_id", "=", False],
    ]
    own: dict[int, list[Row]] = defaultdict(list)
    of_plan: dict[int, list[Row]] = defaultdict(list)
    for row in _rows(odoo, "fusion.billing.charge", domain, CHARGE):
        metric = metrics.get(number_of(row["metric_id"]) or 0)
        charge = {**row, "metric": metric["code"] if metric else ""}
        order, plan = number_of(row["order_id"]), number_of(row["plan_id"])
        (own[order] if order else of_plan[plan or 0]).append(charge)
    held: dict[int, list[Row]] = dict(own)
    for line in sorted(lines, key=lambda line: (line["sequence"] or 0, line["id"])):
        order = number_of(line["order_id"]) or 0
        template = templates.get(number_of(line["product_id"]) or 0)
        if order not in held and template in of_plan:
            held[order] = of_plan[template]
    return held


def _usage(odoo: Odoo, external: Sequence[str]) -> dict[str, list[Row]]:
    return {
        name: _rows(odoo, "fusion.billing.usage", [["external_subscription_id", "=", name]], USAGE) for name in external
    }


def _taxes(odoo: Odoo) -> dict[int, HeldTax]:
    rows = _rows(odoo, "account.tax", [], ("name", "amount", "children_tax_ids"))
    return {
        row["id"]: HeldTax(
            name=row["name"], rate=Decimal(str(row["amount"] or 0)), parts=tuple(row["children_tax_ids"] or ())
        )
        for row in rows
    }


def _away(odoo: Odoo, orders: Iterable[Row]) -> dict[int, str]:
    """Orders whose fiscal position is for another place than the customer's address: order -> the position's name."""
    orders = list(orders)
    partners = {number_of(order["partner_id"]) or 0 for order in orders}
    places = {
        row["id"]: (number_of(row["country_id"]), number_of(row["state_id"]))
        for row in _rows(
            odoo,
            "res.partner",
            [["id", "in", sorted(partners)]],
            ("country_id", "state_id"),
        )
    }
    positions = {
        row["id"]: row for row in _rows(odoo, "account.fiscal.position", [], ("name", "country_id", "state_ids"))
    }
    return dict(_elsewhere(orders, places, positions))


def _elsewhere(
    orders: Iterable[Row], places: Mapping[int, tuple[int | None, int | None]], positions: Mapping[int, Row]
) -> Iterator[tuple[int, str]]:
    for order in orders:
        position = positions.get(number_of(order["fiscal_position_id"]) or 0)
        country, state = places.get(number_of(order["partner_id"]) or 0, (None, None))
        if position is None:
            continue
        wrong_country = number_of(position["country_id"]) not in (None, country)
        if wrong_country or (position["state_ids"] and state not in position["state_ids"]):
            yield order["id"], str(position["name"])
