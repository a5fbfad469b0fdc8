"""``sale.order.fusion_rerun`` on the embedded Odoo.

The amounts are the addon's own: its plain-Python rating is loaded from the addon's folder and given the same plain rows
that its models would give it. The draft invoice is made by the same code as any other draft here.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from migrate.errors import ConfigError

from .. import faults, values
from ..orm import Env, Vals

ORDER_FIELDS = (
    "fusion_lago_id", "fusion_external_id", "fusion_plan_code", "fusion_interval", "fusion_billing_time", "fusion_anchor",
    "fusion_started_at", "fusion_started_us", "fusion_ended_at", "fusion_ended_us", "fusion_ending_at", "fusion_created_at",
    "fusion_trial_days", "fusion_pay_in_advance", "fusion_bill_charges_monthly", "fusion_bill_fixed_charges_monthly",
    "fusion_plan_amount", "fusion_commitment", "fusion_timezone", "fusion_coupons", "fusion_previous_order_id",
    "partner_id", "partner_invoice_id", "currency_id", "company_id", "fiscal_position_id", "payment_term_id",
)  # fmt: skip
CHARGE_FIELDS = (
    "name", "code", "kind", "fusion_lago_id", "charge_model", "properties", "filters", "pay_in_advance", "prorated",
    "invoiceable", "min_amount", "units", "metric_id", "product_id", "plan_id", "order_id", "sequence",
)  # fmt: skip
METRIC_FIELDS = (
    "code", "name", "aggregation", "field_name", "recurring", "rounding_function", "rounding_precision",
    "has_rounding_precision", "weighted_interval", "filters",
)  # fmt: skip
USAGE_FIELDS = (
    "external_subscription_id", "code", "timestamp", "timestamp_us", "transaction_id", "properties",
    "precise_total_amount_cents", "received_at", "received_us",
)  # fmt: skip


class _NotKept(Exception):
    """Ends the savepoint of a run that must leave no trace."""


def addon_path() -> Path:
    """The addon's folder: beside the packages in a checkout, inside ``migrate`` when installed."""
    package = Path(__file__).parents[3]
    candidates = (package.parent / "addons" / "fusion_billing", package / "addon" / "fusion_billing")
    found = next((path for path in candidates if (path / "rating" / "__init__.py").is_file()), None)
    if found is None:
        raise ConfigError(f"the addon fusion_billing is not where it should be: {candidates[0]} or {candidates[1]}")
    return found


@lru_cache(maxsize=1)
def rating() -> ModuleType:
    """The addon's rating as a package of its own: it imports nothing from Odoo."""
    folder = addon_path() / "rating"
    spec = importlib.util.spec_from_file_location(
        "fusion_rating", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ConfigError(f"{folder} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fusion_rating"] = module
    spec.loader.exec_module(module)
    return module


def fusion_rerun(
    env: Env,
    ids: list[int],
    billings: list[dict[str, Any]],
    keep: bool = False,
    journal_id: int | None = None,
    ref: str | None = None,
) -> list[dict[str, Any]]:
    """The invoices that billing these orders at these moments gives, per partner; nothing stays unless ``keep``."""
    if "fusion_lago_id" not in env.model("sale.order").fields:
        raise faults.not_found("The method 'sale.order.fusion_rerun' does not exist")
    env.must_exist("sale.order", ids)
    strangers = [billing["order"] for billing in billings if billing["order"] not in ids]
    if strangers:
        raise faults.user_error(f"Billings name orders that were not given: {strangers}")
    reader = Reader(env, ids)
    grouped: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for billing in billings:
        order = reader.orders[billing["order"]]
        grouped.setdefault((order["partner_id"], order["currency_id"]), []).append(billing)
    return [_invoice(env, reader, found, keep, journal_id, ref) for found in grouped.values()]


class Reader:
    """The rows of the orders and of all they need, as the addon's rating wants them."""

    def __init__(self, env: Env, ids: list[int]) -> None:
        self.env = env
        self.orders = self._chains(ids)
        self.products = self._plan_lines(list(self.orders))
        self.currencies = env.names("res.currency", sorted({row["currency_id"] for row in self.orders.values()}))
        self.following = {row["fusion_previous_order_id"]: number for number, row in self.orders.items()}
        self.metrics = {
            row["id"]: self._row("fusion.billing.metric", row)
            for row in self._all("fusion.billing.metric", METRIC_FIELDS)
        }
        self.charges = self._charges()
        self.usage: dict[str, list[Vals]] = {}

    def _all(self, model: str, columns: tuple[str, ...]) -> list[Vals]:
        return self.env.rows(model, self.env.with_context(active_test=False).search(model, []), columns)

    def _row(self, model: str, row: Vals) -> Vals:
        fields = self.env.model(model).fields
        return {name: values.to_client(fields[name], value) if name != "id" else value for name, value in row.items()}

    def _chains(self, ids: list[int]) -> dict[int, Vals]:
        """The orders, those they replace, those that replace them, and the ended ones of the same external ids."""
        found: dict[int, Vals] = {}
        todo = set(ids)
        while todo:
            rows = self.env.rows("sale.order", todo, ORDER_FIELDS)
            found |= {row["id"]: self._row("sale.order", row) for row in rows}
            after = self.env.rows("sale.order", todo, (), by="fusion_previous_order_id")
            same = self.env.rows(
                "sale.order",
                {row["fusion_external_id"] for row in rows if row["fusion_external_id"]},
                (),
                by="fusion_external_id",
            )
            before = {row["fusion_previous_order_id"] for row in rows if row["fusion_previous_order_id"]}
            todo = (before | {row["id"] for row in [*after, *same]}) - set(found)
        return found

    def _plan_lines(self, orders: list[int]) -> dict[int, Vals]:
        """Per order its plan: the product of its first line, that line's taxes and name."""
        columns = ("order_id", "product_id", "name", "sequence", "display_type")
        rows = self.env.rows("sale.order.line", orders, columns, by="order_id")
        rows = sorted(
            (row for row in rows if row["product_id"] and not row["display_type"]),
            key=lambda row: (row["sequence"] or 0, row["id"]),
        )
        first: dict[int, Vals] = {}
        for row in rows:
            first.setdefault(row["order_id"], row)
        chosen = list(first.values())
        taxes = self.env.with_context(active_test=False).values(
            "sale.order.line", [row["id"] for row in chosen], "tax_ids"
        )
        variants = sorted({row["product_id"] for row in chosen})
        templates = self.env.values("product.product", variants, "product_tmpl_id")
        details = {
            row["id"]: row
            for row in self.env.rows("product.template", set(templates.values()), ("name", "fusion_lago_id"))
        }
        for row in chosen:
            row["taxes"], row["template"] = taxes[row["id"]], templates[row["product_id"]]
            row["plan"] = details[row["template"]]
        return first

    def _charges(self) -> list[Vals]:
        rows = [self._row("fusion.billing.charge", row) for row in self._all("fusion.billing.charge", CHARGE_FIELDS)]
        taxes = self.env.values("fusion.billing.charge", [row["id"] for row in rows], "tax_ids")
        for row in rows:
            row["taxes"] = taxes[row["id"]]
            row["metric"] = self.metrics[row["metric_id"]]["code"] if row["metric_id"] else ""
        return sorted(rows, key=lambda row: (row["sequence"], row["id"]))

    def charges_of(self, order: int) -> list[Vals]:
        """An order's own charges replace those of its plan."""
        own = [row for row in self.charges if row["order_id"] == order]
        template = self.products.get(order, {}).get("template")
        return own or [row for row in self.charges if row["plan_id"] == template and not row["order_id"]]

    def order(self, number: int, *, neighbours: bool = True) -> Vals:
        row = dict(self.orders[number])
        plan = self.products.get(number, {}).get("plan") or {}
        row |= {
            "currency": self.currencies[row["currency_id"]],
            "plan_lago_id": plan.get("fusion_lago_id") or "",
            "plan_name": plan.get("name") or "",
        }
        previous, following = row["fusion_previous_order_id"], self.following.get(number)
        row["previous"] = self.order(previous, neighbours=False) if previous and previous in self.orders else None
        if row["previous"] and self.orders[previous]["fusion_previous_order_id"]:
            row["previous"] = self._ancestors(previous)
        if neighbours and following:
            codes = [charge["metric"] for charge in self.charges_of(following) if charge["kind"] == "usage"]
            row["next"] = {**self.order(following, neighbours=False), "metric_codes": codes}
        if neighbours:
            row["earlier"] = self._earlier(number, row)
        return row

    def _ancestors(self, number: int) -> Vals:
        row = self.order(number, neighbours=False)
        before = self.orders[number]["fusion_previous_order_id"]
        row["previous"] = self._ancestors(before) if before in self.orders else None
        return row

    def _earlier(self, number: int, row: Vals) -> list[Vals]:
        """Ended orders of the same external id on the same plan, oldest first."""
        same = [
            other
            for other, found in self.orders.items()
            if other != number
            and found["fusion_external_id"] == row["fusion_external_id"]
            and found["fusion_plan_code"] == row["fusion_plan_code"]
            and found["fusion_ended_at"]
            and (found["fusion_started_at"] or "") < (row["fusion_started_at"] or "")
        ]
        return [
            self.order(other, neighbours=False)
            for other in sorted(same, key=lambda n: self.orders[n]["fusion_started_at"])
        ]

    def usage_of(self, external: str) -> list[Vals]:
        if external not in self.usage:
            rows = self.env.rows("fusion.billing.usage", [external], USAGE_FIELDS, by="external_subscription_id")
            self.usage[external] = [self._row("fusion.billing.usage", row) for row in rows]
        return self.usage[external]


def _invoice(
    env: Env, reader: Reader, billings: list[dict[str, Any]], keep: bool, journal: int | None, ref: str | None
) -> dict[str, Any]:
    order = reader.orders[billings[0]["order"]]
    lines: list[tuple[Vals, Vals]] = []
    refusals: list[dict[str, str]] = []
    for billing in billings:
        found = _bill(reader, billing)
        refusals += found["refusals"]
        lines += [(line, _move_line(env, reader, billing["order"], line)) for line in found["lines"]]
    answer: dict[str, Any] = {}
    try:
        with env.store.savepoint("rerun"):
            answer = _drafted(env, order, lines, keep, journal, ref, billings[0])
            if not keep:
                raise _NotKept
    except _NotKept:
        answer["move_id"] = False
    currency = reader.currencies[order["currency_id"]]
    return {"partner_id": order["partner_id"], "currency": currency, **answer, "refusals": refusals}


def _bill(reader: Reader, billing: Mapping[str, Any]) -> dict[str, Any]:
    number = billing["order"]
    charges = reader.charges_of(number)
    metrics = {metric["code"]: metric for metric in reader.metrics.values()}
    usage = reader.usage_of(reader.orders[number]["fusion_external_id"] or "")
    found: dict[str, Any] = rating().bill(
        reader.order(number), charges, metrics, usage, billing["at"], billing["reason"]
    )
    return found


def _move_line(env: Env, reader: Reader, order: int, line: Mapping[str, Any]) -> Vals:
    """One billed line on an invoice: one unit at the billed amount, so that the cent is the rating's cent."""
    charge = next(
        (row for row in reader.charges if row["fusion_lago_id"] and row["fusion_lago_id"] == line["charge"]), None
    )
    plan = reader.products.get(order, {})
    digits = _digits(env, reader.orders[order]["currency_id"])
    taxes = (charge or {}).get("taxes") or plan.get("taxes") or []
    return {
        "product_id": (charge or {}).get("product_id") or plan.get("product_id") or False,
        "name": line["name"],
        "quantity": 1.0,
        "price_unit": float(line["amount_cents"]) / 10**digits,
        "tax_ids": [[6, 0, list(taxes)]],
        "fusion_key": json.dumps(line["key"], sort_keys=True),
        "fusion_from": _moment(line["from"]),
        "fusion_to": _moment(line["to"]),
        "fusion_explanation": json.dumps(line["steps"]),
    }


def _digits(env: Env, currency: int) -> int:
    return int(env.values("res.currency", [currency], "decimal_places")[currency])


def _moment(text: str | None) -> str | bool:
    return text[:19].replace("T", " ") if text else False


def _drafted(
    env: Env,
    order: Vals,
    lines: list[tuple[Vals, Vals]],
    keep: bool,
    journal: int | None,
    ref: str | None,
    billing: Mapping[str, Any],
) -> dict[str, Any]:
    """Make the draft and read back what native invoicing says of it."""
    partner = order["partner_invoice_id"] or order["partner_id"]
    vals: Vals = {
        "move_type": "out_invoice",
        "partner_id": partner,
        "currency_id": order["currency_id"],
        "fiscal_position_id": order["fiscal_position_id"],
        "invoice_payment_term_id": order["payment_term_id"],
        "invoice_date": str(billing["at"])[:10],
        "fusion_shadow": True,
        "ref": ref or False,
        "invoice_line_ids": [[0, 0, line] for _billed, line in lines],
    }
    if journal:
        vals["journal_id"] = journal
    move = env.create("account.move", [vals])[0]
    if env.depth == 0:
        env.settle()
    return _answer(env, move, lines)


def _answer(env: Env, move: int, lines: list[tuple[Vals, Vals]]) -> dict[str, Any]:
    header = env.row("account.move", move, ("amount_untaxed", "amount_tax", "amount_total"))
    made = env.values("account.move", [move], "invoice_line_ids")[move]
    subtotals = {
        row["id"]: row for row in env.rows("account.move.line", made, ("price_subtotal", "price_unit", "quantity"))
    }
    taxes = {
        row["name"]: _text(-(row["amount_currency"] or 0.0))
        for row in env.rows("account.move.line", [move], ("name", "amount_currency", "display_type"), by="move_id")
        if row["display_type"] == "tax"
    }
    return {
        "lines": [
            _line_answer(billed, line, subtotals[number])
            for (billed, line), number in zip(lines, sorted(made), strict=True)
        ],
        "untaxed": _text(header["amount_untaxed"]),
        "tax": _text(header["amount_tax"]),
        "total": _text(header["amount_total"]),
        "taxes": taxes,
        "move_id": move,
    }


def _line_answer(billed: Vals, line: Vals, row: Vals) -> Vals:
    return {
        "key": billed["key"],
        "name": billed["name"],
        "quantity": _text(row["quantity"]),
        "price_unit": _text(row["price_unit"]),
        "subtotal": _text(row["price_subtotal"]),
        "amount_cents": billed["amount_cents"],
        "units": billed["units"],
        "events": billed["events"],
        "tax_ids": line["tax_ids"][0][2],
        "steps": billed["steps"],
    }


def _text(amount: float | None) -> str:
    """Plain notation; the shortest text that is the same double."""
    return format(float(amount or 0.0), "f") if "e" in repr(float(amount or 0.0)) else repr(float(amount or 0.0))
