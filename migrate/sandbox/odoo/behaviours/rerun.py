"""``sale.order.fusion_rerun`` on the embedded Odoo.

The amounts are the addon's own: its plain-Python rating is loaded from the addon's folder and given the same plain rows
that its models would give it. The draft invoice is made by the same code as any other draft here.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from migrate.errors import ConfigError

from .. import faults, values
from ..orm import Env, Vals
from .fiscal import map_taxes

ORDER_FIELDS = (
    "name", "fusion_lago_id", "fusion_external_id", "fusion_plan_code", "fusion_interval",
    "fusion_billing_time", "fusion_anchor", "fusion_started_at", "fusion_started_us", "fusion_ended_at",
    "fusion_ended_us", "fusion_created_at", "fusion_trial_days", "fusion_pay_in_advance",
    "fusion_bill_charges_monthly", "fusion_bill_fixed_charges_monthly", "fusion_plan_amount",
    "fusion_commitment", "fusion_timezone", "fusion_coupons", "fusion_previous_order_id", "fusion_service_id",
    "partner_id", "partner_invoice_id", "partner_shipping_id", "currency_id", "company_id",
    "fiscal_position_id", "payment_term_id", "user_id", "team_id",
)  # fmt: skip
CHARGE_FIELDS = (
    "name", "code", "kind", "fusion_lago_id", "charge_model", "properties", "filters", "pay_in_advance",
    "prorated", "invoiceable", "min_amount", "units", "metric_id", "product_id", "plan_id", "order_id",
    "sequence",
)  # fmt: skip
METRIC_FIELDS = (
    "code", "name", "fusion_lago_id", "aggregation", "field_name", "recurring", "rounding_function",
    "rounding_precision", "has_rounding_precision", "filters",
)  # fmt: skip
USAGE_FIELDS = (
    "external_subscription_id", "code", "timestamp", "timestamp_us", "transaction_id", "properties",
    "precise_total_amount_cents", "received_at", "received_us",
)  # fmt: skip
PREMIUM = "fusion_billing.lago_premium"


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
    asked = [_asked(ids, billing) for billing in billings]
    if keep:
        _check_journal(env, journal_id)
    reader = Reader(env, ids)
    jobs: dict[tuple[int, int], list[Vals]] = {}
    for billing in asked:
        order = reader.orders[billing["order"]]
        jobs.setdefault((order["partner_id"], order["currency_id"]), []).append(billing)
    answers: list[dict[str, Any]] = []
    try:
        with env.store.savepoint("rerun"):
            answers = [_invoice(env, reader, job, keep, journal_id, ref) for job in jobs.values()]
            if not keep:
                raise _NotKept
    except _NotKept:
        env.todo.clear()
    return answers


def _asked(ids: list[int], billing: Mapping[str, Any]) -> Vals:
    if billing["order"] not in ids:
        raise faults.user_error(f"Billing of order {billing['order']}, which is not among the orders given.")
    reason, event = billing.get("reason") or "subscription_periodic", billing.get("event") or ""
    return {"order": billing["order"], "at": values.moment(billing["at"]), "reason": reason, "event": event}


def _check_journal(env: Env, journal: int | None) -> None:
    found = env.rows("account.journal", [journal] if journal else [], ("type",))
    if not found or found[0]["type"] != "sale":
        raise faults.user_error("Keep shadow invoices in a sale journal of their own: give its id as journal_id.")


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
        """Per order the line of its price plan: its product carries charges or the plan's code, else the first line."""
        columns = ("order_id", "product_id", "name", "sequence", "display_type")
        rows = self.env.rows("sale.order.line", orders, columns, by="order_id")
        rows = [row for row in rows if row["product_id"] and not row["display_type"]]
        rows.sort(key=lambda row: (row["sequence"] or 0, row["id"]))
        taxes = self.env.with_context(active_test=False).values(
            "sale.order.line", [row["id"] for row in rows], "tax_ids"
        )
        templates = self.env.values("product.product", sorted({row["product_id"] for row in rows}), "product_tmpl_id")
        shown = ("name", "fusion_lago_id", "default_code")
        plans = {row["id"]: row for row in self.env.rows("product.template", set(templates.values()), shown)}
        charged = {row["plan_id"] for row in self._all("fusion.billing.charge", ("plan_id",))}
        chosen: dict[int, tuple[bool, Vals]] = {}
        for row in rows:
            row["taxes"], row["template"] = taxes[row["id"]], templates[row["product_id"]]
            row["plan"] = plans[row["template"]]
            code = self.orders[row["order_id"]]["fusion_plan_code"]
            fits = row["template"] in charged or bool(code and row["plan"]["default_code"] == code)
            if row["order_id"] not in chosen or (fits and not chosen[row["order_id"]][0]):
                chosen[row["order_id"]] = (fits, row)
        return {order: row for order, (_fits, row) in chosen.items()}

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
        """All usage of an external id in order of arrival."""
        if external not in self.usage:
            rows = self.env.rows("fusion.billing.usage", [external], USAGE_FIELDS, by="external_subscription_id")
            rows.sort(key=lambda row: (row["received_at"] or "", row["received_us"] or 0, row["id"]))
            self.usage[external] = [self._row("fusion.billing.usage", row) for row in rows]
        return self.usage[external]

    def charge(self, order: int, lago_id: str) -> Vals | None:
        found = (row for row in self.charges_of(order) if lago_id and (row["fusion_lago_id"] or row["code"]) == lago_id)
        return next(found, None)

    def taxes(self, order: int, charge: Vals | None = None) -> list[int]:
        """Those of the charge, else of the order's plan line, else of the product as the fiscal position maps them."""
        plan = self.products.get(order)
        if charge and charge["taxes"]:
            return list(charge["taxes"])
        if plan:
            return list(plan["taxes"])
        if not charge or not charge["product_id"]:
            return []
        own = self.env.values("product.product", [charge["product_id"]], "taxes_id")[charge["product_id"]]
        return map_taxes(self.env, self.orders[order]["fiscal_position_id"] or None, own or [])

    def grace(self, order: Vals) -> int:
        """Days in which a draft still takes late usage."""
        links = self.env.rows(
            "fusion.billing.account.link", [order["partner_id"]], ("service_id", "grace_days"), by="partner_id"
        )
        return next(
            (row["grace_days"] or 0 for row in links if row["service_id"] == (order["fusion_service_id"] or None)), 0
        )

    def billing(self, asked: Vals) -> Vals:
        """Arguments of one billing for ``bill_together``."""
        number = asked["order"]
        order, charges = self.orders[number], self.charges_of(number)
        taxes = {
            "": self.taxes(number),
            **{row["fusion_lago_id"] or row["code"]: self.taxes(number, row) for row in charges},
        }
        return {
            "order": self.order(number),
            "charges": charges,
            "metrics": {metric["code"]: metric for metric in self.metrics.values()},
            "usage": self.usage_of(order["fusion_external_id"] or ""),
            "at": asked["at"],
            "reason": asked["reason"],
            "event": asked["event"],
            # what had arrived when the invoice became final; its moment is given in whole seconds
            "known_until": moments().moment(asked["at"]) + timedelta(days=self.grace(order), seconds=1),
            "taxes": taxes,
        }


def moments() -> ModuleType:
    """The addon's own reading of moments and time zones."""
    rating()
    return importlib.import_module("fusion_rating.moments")


def _premium(env: Env) -> bool:
    """Lago's licence: without it, per-transaction bounds do not apply."""
    found = env.store.query("SELECT value FROM ir_config_parameter WHERE key = ?", (PREMIUM,))
    return not found or found[0][0] not in ("0", "False")


def _invoice(
    env: Env, reader: Reader, job: list[Vals], keep: bool, journal: int | None, ref: str | None
) -> dict[str, Any]:
    found = rating().bill_together([reader.billing(asked) for asked in job], premium=_premium(env))
    order = reader.orders[job[0]["order"]]
    lines = [
        _move_line(env, reader, job[line["billing"]]["order"], line, index) for index, line in enumerate(found["lines"])
    ]
    move = env.create(
        "account.move",
        [{**_header(order, job[0]["at"], journal, ref), "invoice_line_ids": [[0, 0, line] for line in lines]}],
    )[0]
    env.settle()
    return {
        **_answer(env, order, move, found["lines"]),
        "move_id": move if keep else False,
        "refusals": found["refusals"],
    }


def _header(order: Vals, at: str, journal: int | None, ref: str | None) -> Vals:
    """What native invoicing takes over from an order."""
    zone = moments().zone(order["fusion_timezone"] or "UTC")
    vals: Vals = {
        "move_type": "out_invoice",
        "partner_id": order["partner_invoice_id"] or order["partner_id"],
        "partner_shipping_id": order["partner_shipping_id"] or False,
        "currency_id": order["currency_id"],
        "fiscal_position_id": order["fiscal_position_id"] or False,
        "invoice_payment_term_id": order["payment_term_id"] or False,
        "invoice_user_id": order["user_id"] or False,
        "team_id": order["team_id"] or False,
        "invoice_origin": order["name"],
        "invoice_date": moments().local_date(moments().moment(at), zone).isoformat(),
        "fusion_shadow": True,
        "ref": ref or False,
    }
    return {**vals, "journal_id": journal} if journal else vals


def _move_line(env: Env, reader: Reader, order: int, line: Mapping[str, Any], sequence: int) -> Vals:
    """One billed line: one unit at the billed amount, so that the cent is the rating's."""
    charge = reader.charge(order, line["charge"])
    plan = reader.products.get(order, {})
    vals = {
        "sequence": sequence,
        "product_id": (charge or {}).get("product_id") or plan.get("product_id") or False,
        "name": line["name"],
        "quantity": 1.0,
        "price_unit": line["amount_cents"] / 10 ** _digits(env, reader.orders[order]["currency_id"]),
        "tax_ids": [[6, 0, reader.taxes(order, charge)]],
        "fusion_key": json.dumps(line["key"], sort_keys=True),
        "fusion_order_id": order,
        "fusion_from": _moment(line["from"]),
        "fusion_to": _moment(line["to"]),
        "fusion_explanation": json.dumps(line["steps"]),
    }
    known = env.model("account.move.line").fields
    return {name: value for name, value in vals.items() if name in known}


def _digits(env: Env, currency: int) -> int:
    return int(env.values("res.currency", [currency], "decimal_places")[currency])


def _moment(text: str | None) -> str | bool:
    return text[:19].replace("T", " ") if text else False


def _answer(env: Env, order: Vals, move: int, billed: list[Vals]) -> dict[str, Any]:
    """What the draft says: its lines, its taxes, its header."""
    columns = ("amount_untaxed", "amount_tax", "amount_total", "currency_id")
    header = env.row("account.move", move, columns)
    digits = _digits(env, header["currency_id"])
    rows = env.rows(
        "account.move.line",
        [move],
        (
            "display_type",
            "name",
            "price_subtotal",
            "price_unit",
            "quantity",
            "sequence",
            "amount_currency",
            "tax_repartition_line_id",
        ),
        by="move_id",
    )
    lines = sorted(
        (row for row in rows if row["display_type"] == "product"), key=lambda row: (row["sequence"], row["id"])
    )
    linked = env.values("account.move.line", [row["id"] for row in lines], "tax_ids")
    return {
        "partner_id": order["partner_id"],
        "currency": env.names("res.currency", [header["currency_id"]])[header["currency_id"]],
        "lines": [_line_answer(line, row, linked[row["id"]], digits) for line, row in zip(billed, lines, strict=True)],
        "untaxed": _text(header["amount_untaxed"], digits),
        "tax": _text(header["amount_tax"], digits),
        "total": _text(header["amount_total"], digits),
        "taxes": _taxes(env, [row for row in rows if row["display_type"] == "tax"], digits),
    }


def _taxes(env: Env, rows: list[Vals], digits: int) -> dict[str, str]:
    parts = env.values("account.tax.repartition.line", [row["tax_repartition_line_id"] for row in rows], "tax_id")
    names = env.names("account.tax", sorted(set(parts.values())))
    sums: dict[str, float] = {}
    for row in rows:
        name = names[parts[row["tax_repartition_line_id"]]]
        sums[name] = sums.get(name, 0.0) - (row["amount_currency"] or 0.0)
    return {name: _text(amount, digits) for name, amount in sums.items()}


def _line_answer(billed: Vals, row: Vals, taxes: list[int], digits: int) -> Vals:
    return {
        "key": billed["key"],
        "name": row["name"],
        "quantity": str(row["quantity"]),
        "price_unit": _text(row["price_unit"], digits),
        "subtotal": _text(row["price_subtotal"], digits),
        "amount_cents": billed["amount_cents"],
        "units": billed["units"],
        "events": billed["events"],
        "tax_ids": taxes,
        "steps": billed["steps"],
        "from": billed["from"],
        "to": billed["to"],
    }


def _text(amount: float | None, digits: int) -> str:
    return f"{amount or 0.0:.{digits}f}"
