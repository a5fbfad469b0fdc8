"""Faults to plant in a copy of a migrated company, to see whether the reconciliation names them.

Every fault is one thing gone wrong on one side: in Odoo's records (written over the ordinary connection), in Lago's
(the snapshot or its events), or in finance's tables (applied again with others). ``causes`` are the names that are
right for it: more than one only where they are truly the same thing.
"""

# ruff: noqa: E501 - the list of faults reads better one a line
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from mappings.records import Fee, Invoice, Snapshot
from migrate.odoo.protocol import Odoo
from reconcile.billed import BilledInvoice, LineKey
from reconcile.rating.rules import Rules
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.hypothesis import rerate_in, worlds_of
from reconcile.rerate.supposed import World
from reconcile.sides.lago import lago_invoices, lago_key

STARTER, PRO, TEAM = "cust_0056", "NX-1057", "4f7b2d44-24ae-cfc1-933d-234b9524c8aa"
OVERRIDE, PERCENT, ONCE = "cust_0024", "cust_0036", "ac275a4a-9846-e743-50ab-ad9ae06e5ee3"
TWO_PLANS, WALLET, GROWTH = "NX-1037", "acct39a", "cust_0064"
UPGRADES, TRIAL, PACIFIC = "bd8aaac6-f141-37fe-6d96-9b6dfb5204c7", "cust_0048", "acct3a"
LATE = "NX-1065"
CUSTOMERS = (
    STARTER, PRO, TEAM, OVERRIDE, PERCENT, ONCE, TWO_PLANS, WALLET, GROWTH, UPGRADES, TRIAL, PACIFIC, LATE,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Both sides, as far as a fault may touch them. ``apply`` migrates again with other tables (TOML).

    ``map`` maps a snapshot with tables and tells what is left out; ``unmapped`` is what the migration left out.
    """

    odoo: Odoo
    snapshot: Snapshot
    events: EventSource
    apply: Callable[[str], None]
    map: Callable[[Snapshot, str], dict[str, str]]
    unmapped: Mapping[str, str] = field(default_factory=dict)
    sql: Callable[[str], object] | None = None  # of a real Odoo: what its own rules would not let pass

    def rows(self, model: str, domain: Sequence[Any], *fields: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.odoo.call(
            model, "search_read", domain=list(domain), fields=list(fields), context={"active_test": False}
        )
        assert found, f"nothing to plant a fault in: {model} {domain}"
        return found

    def write(self, model: str, domain: Sequence[Any], **values: Any) -> None:
        ids = [row["id"] for row in self.rows(model, domain, "id")]
        named = "values" if model == "sale.subscription" else "vals"  # as OCA calls the argument
        self.odoo.call(model, "write", ids, **{named: values})

    def unlink(self, model: str, domain: Sequence[Any]) -> None:
        self.odoo.call(model, "unlink", [row["id"] for row in self.rows(model, domain, "id")])

    def order(self, customer: str, plan: str = "") -> dict[str, Any]:
        """The customer's running order (of a plan)."""
        owned = [s for s in self.snapshot.subscriptions if s.external_customer_id == customer and s.status == "active"]
        own = next(s for s in owned if plan in ("", s.plan_code))
        return self.rows("sale.order", [["fusion_lago_id", "=", own.lago_id]])[0]

    def charge(self, metric: str, plan: str, order: int | None = None) -> dict[str, Any]:
        """A charge of a plan, or the order's own."""
        metrics = self.rows("fusion.billing.metric", [["code", "=", metric]], "id")
        domain: list[Any] = [["metric_id", "=", metrics[0]["id"]]]
        if order:
            domain.append(["order_id", "=", order])
        else:
            templates = self.rows("product.template", [["default_code", "=", plan]], "id")
            domain.append(["plan_id", "=", templates[0]["id"]])
        return self.rows("fusion.billing.charge", domain)[0]

    def usage(self, customer: str, metric: str, month: str = "2026-06") -> list[dict[str, Any]]:
        """The customer's usage of a metric in a month, oldest first."""
        names = [s.external_id for s in self.snapshot.subscriptions if s.external_customer_id == customer]
        domain = [["external_subscription_id", "in", names], ["code", "=", metric]]
        rows = self.rows("fusion.billing.usage", domain)
        found = sorted((r for r in rows if r["timestamp"].startswith(month)), key=lambda r: r["timestamp"])
        assert found, f"no usage of {metric} in {month}"
        return found

    def invoice(self, customer: str, month: str = "2026-07", number: int = 0) -> Invoice:
        owned = [
            i
            for i in self.snapshot.invoices
            if i.customer
            and i.customer.external_id == customer
            and i.issuing_date.strftime("%Y-%m") == month
            and i.invoice_type == "subscription"
        ]
        return sorted(owned, key=lambda i: i.number)[number]

    def with_invoice(self, changed: Invoice, fees: Sequence[Fee] | None = None) -> Company:
        """The company whose Lago has another invoice. ``fees``: as the list of fees has them (with taxes).

        Of another total another amount is due: a header that contradicts itself is another fault.
        """
        (before,) = [i for i in self.snapshot.invoices if i.lago_id == changed.lago_id]
        more = changed.total_amount_cents - before.total_amount_cents
        if changed.total_due_amount_cents and changed.total_due_amount_cents == before.total_due_amount_cents:
            changed = replace(changed, total_due_amount_cents=changed.total_due_amount_cents + more)
        snapshot = replace(
            self.snapshot,
            invoices=tuple(changed if i.lago_id == changed.lago_id else i for i in self.snapshot.invoices),
        )
        if fees is not None:
            others = tuple(f for f in snapshot.fees if f.lago_invoice_id != changed.lago_id)
            snapshot = replace(snapshot, fees=(*others, *fees))
        return replace(self, snapshot=snapshot)

    def fees(self, invoice: Invoice) -> list[Fee]:
        return [f for f in self.snapshot.fees if f.lago_invoice_id == invoice.lago_id]

    def rerated(self, invoice: Invoice, suppose: Callable[[World], World]) -> BilledInvoice:
        """What Lago would have billed in another world."""
        assert invoice.customer
        worlds = worlds_of(self.snapshot, self.events, [invoice.customer.lago_id])
        (shown,) = [i for i in lago_invoices(self.snapshot) if i.lago_id == invoice.lago_id]
        rerated = rerate_in(suppose(worlds.of(invoice.customer.lago_id)), shown)
        assert rerated is not None
        assert rerated.invoice.totals is not None
        return rerated.invoice


Plant = Callable[[Company], Company | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``side`` is the wrong one; ``customers`` are those it can touch, ``month`` the one in which it shows."""

    name: str
    side: str
    causes: frozenset[str]
    several: bool = False  # all of the causes are planted, not one of them
    customers: tuple[str, ...]
    plant: Plant
    month: str = "2026-07"


def properties(row: Mapping[str, Any]) -> Any:
    return json.loads(row["properties"])


def set_properties(company: Company, row: Mapping[str, Any], change: Callable[[Any], None]) -> None:
    values = properties(row)
    change(values)
    company.write("fusion.billing.charge", [["id", "=", row["id"]]], properties=json.dumps(values))


def _put(path: Sequence[Any], value: Any) -> Callable[[Any], None]:
    def change(values: Any) -> None:
        for key in path[:-1]:
            values = values[key]
        values[path[-1]] = value

    return change


def charge_price(metric: str, plan: str, path: Sequence[Any], value: Any) -> Plant:
    return lambda c: set_properties(c, c.charge(metric, plan), _put(path, value))


def on_charge(metric: str, plan: str, **values: Any) -> Plant:
    return lambda c: c.write("fusion.billing.charge", [["id", "=", c.charge(metric, plan)["id"]]], **values)


def on_metric(code: str, **values: Any) -> Plant:
    return lambda c: c.write("fusion.billing.metric", [["code", "=", code]], **values)


def on_order(customer: str, plan: str = "", **values: Any) -> Plant:
    return lambda c: c.write("sale.order", [["id", "=", c.order(customer, plan)["id"]]], **values)


# --- usage ---------------------------------------------------------------------------------------------------------


def remove_usage(company: Company) -> None:
    rows = company.usage(STARTER, "egress_gb")
    company.unlink("fusion.billing.usage", [["id", "in", [row["id"] for row in rows[: len(rows) * 2 // 3]]]])


def remove_a_metric_of_usage(company: Company) -> None:
    rows = company.usage(STARTER, "egress_gb")
    company.unlink("fusion.billing.usage", [["id", "in", [row["id"] for row in rows]]])


def _again(company: Company, row: Mapping[str, Any], **values: Any) -> None:
    names = (
        "external_subscription_id",
        "code",
        "timestamp",
        "timestamp_us",
        "received_at",
        "received_us",
        "properties",
    )
    vals = {**{name: row[name] for name in names}, **values}
    company.odoo.call("fusion.billing.usage", "create", vals_list=[vals])


def copy_usage(company: Company) -> None:
    for number, row in enumerate(company.usage(PRO, "compute_hours")[:6]):
        _again(company, row, transaction_id=f"copy-{number}")


def invent_usage(company: Company) -> None:
    row = company.usage(PRO, "compute_hours")[3]
    _again(company, row, transaction_id="invented", properties='{"hours":"17.25"}', timestamp="2026-06-17 11:11:11")


def change_values(company: Company) -> None:
    rows = [r for r in company.usage(PRO, "compute_hours") if is_plain(properties(r).get("hours"))]
    for row in rows[:5]:
        more = json.dumps({"hours": str(Decimal(properties(row)["hours"]) + 9)})
        company.write("fusion.billing.usage", [["id", "=", row["id"]]], properties=more)


def is_plain(value: Any) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).isdigit()


def _shift(company: Company, rows: Iterable[Mapping[str, Any]], by: timedelta) -> None:
    for row in rows:
        moved = datetime.fromisoformat(row["timestamp"]) + by
        company.write("fusion.billing.usage", [["id", "=", row["id"]]], timestamp=moved.strftime("%Y-%m-%d %H:%M:%S"))


def shift_some(company: Company) -> None:
    """The last day's usage of the month lands in the next one."""
    rows = company.usage(STARTER, "egress_gb")
    for number, row in enumerate(rows[-12:]):
        _shift(company, [row], timedelta(days=9, minutes=7 * number + 1))


def shift_all(company: Company) -> None:
    """Local times written as UTC: everything of the subscription is hours off."""
    names = [s.external_id for s in company.snapshot.subscriptions if s.external_customer_id == PACIFIC]
    rows = company.rows("fusion.billing.usage", [["external_subscription_id", "in", names]])
    _shift(company, [r for r in rows if r["timestamp"] >= "2026-05-25"], timedelta(hours=-7))


def other_usage(company: Company) -> None:
    """The order counts the usage of somebody else's subscription."""
    other = company.order(PRO)
    company.write("sale.order", [["id", "=", other["id"]]], fusion_external_id="given-away")
    own = [["id", "=", company.order(STARTER)["id"]]]
    company.write("sale.order", own, fusion_external_id=other["fusion_external_id"])


def write_usage_to(customer: str, other: str, metric: str) -> Plant:
    """Usage of one customer's subscription is written to another's, the last one that there is."""

    def plant(company: Company) -> None:
        rows = company.usage(customer, metric)
        names = [s.external_id for s in company.snapshot.subscriptions if s.external_customer_id == other]
        last = next(name for name in reversed(names) if name != rows[0]["external_subscription_id"])
        own = [row["id"] for row in rows if row["external_subscription_id"] == rows[0]["external_subscription_id"]]
        company.write("fusion.billing.usage", [["id", "in", own[:10]]], external_subscription_id=last)

    return plant


def swap_external_ids(company: Company) -> None:
    """Each order counts the usage of the other; Odoo lets one running subscription have an external id at a time."""
    own, other = company.order(STARTER), company.order(PRO)
    company.write("sale.order", [["id", "=", own["id"]]], fusion_external_id="in-between")
    company.write("sale.order", [["id", "=", other["id"]]], fusion_external_id=own["fusion_external_id"])
    company.write("sale.order", [["id", "=", own["id"]]], fusion_external_id=other["fusion_external_id"])


def arrive_late(company: Company) -> None:
    for row in company.usage(STARTER, "egress_gb")[-9:]:
        company.write("fusion.billing.usage", [["id", "=", row["id"]]], received_at="2026-07-09 10:00:00")


# --- orders and charges --------------------------------------------------------------------------------------------


def move_upgrade(company: Company) -> None:
    """The upgrade of 17 March five days earlier, on both orders of the chain."""
    orders = company.rows("sale.order", [["fusion_external_id", "like", "bd8aaac6"]])
    for row in orders:
        for name in ("fusion_started_at", "fusion_ended_at"):
            if row[name] and row[name].startswith("2026-03-17"):
                moved = datetime.fromisoformat(row[name]) - timedelta(days=5)
                company.write("sale.order", [["id", "=", row["id"]]], **{name: moved.strftime("%Y-%m-%d %H:%M:%S")})


OF_AN_ORDER = (
    "fusion_external_id", "fusion_plan_code", "fusion_interval", "fusion_billing_time", "fusion_anchor",
    "fusion_timezone", "fusion_pay_in_advance", "fusion_plan_amount", "partner_id", "partner_invoice_id",
    "pricelist_id", "currency_id",
)  # fmt: skip


def typed_order(company: Company, like: Mapping[str, Any], **values: Any) -> int:
    """An order that somebody typed after another one, with the same plan: no migration made it."""
    typed = {name: like[name] for name in OF_AN_ORDER if like[name]}
    typed = {name: value[0] if isinstance(value, list) else value for name, value in typed.items()}
    (number,) = company.odoo.call("sale.order", "create", vals_list=[{**typed, "state": "sale", **values}])
    lines = company.rows("sale.order.line", [["order_id", "=", like["id"]]])
    line = min(lines, key=lambda row: (row["sequence"], row["id"]))
    sold = {"order_id": number, "product_id": line["product_id"][0], "price_unit": line["price_unit"]}
    company.odoo.call("sale.order.line", "create", vals_list=[sold])
    return int(number)


def typed_before(customer: str, start: str, end: str, *, of_chain: bool = False, linked: bool = True) -> Plant:
    """One stands before the running order, or before the one that this one replaced; ``linked``: as its predecessor."""

    def plant(company: Company) -> None:
        order = company.order(customer)
        if of_chain:
            order = company.rows("sale.order", [["id", "=", order["fusion_previous_order_id"][0]]])[0]
        number = typed_order(company, order, fusion_started_at=start, fusion_ended_at=end)
        if linked:
            company.write("sale.order", [["id", "=", order["id"]]], fusion_previous_order_id=number)

    return plant


def typed_after(price: str) -> Plant:
    """One replaces the order that was upgraded; ``price`` makes an upgrade or a downgrade of that."""

    def plant(company: Company) -> None:
        upgraded = company.rows("sale.order", [["id", "=", company.order(UPGRADES)["fusion_previous_order_id"][0]]])[0]
        values = {"fusion_external_id": "typed", "fusion_started_at": upgraded["fusion_ended_at"]}
        values |= {"fusion_ended_at": "2026-07-20 12:00:00", "fusion_plan_amount": price}
        number = typed_order(company, upgraded, **values)
        company.write("sale.order", [["id", "=", number]], fusion_previous_order_id=upgraded["id"])

    return plant


def double_charge(company: Company) -> None:
    row = company.charge("storage_gb", "nexacloud_starter")
    left_out = {"id", "create_date", "write_date", "create_uid", "write_uid", "display_name"}
    vals = {
        name: value[0] if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str) else value
        for name, value in row.items()
        if name not in left_out and value not in (False, [])
    }
    company.odoo.call("fusion.billing.charge", "create", vals_list=[vals])


def lone_charge(company: Company) -> None:
    """A charge that somebody entered in Odoo: Lago has none like it."""
    row = company.charge("storage_gb", "nexacloud_starter")
    values = {name: row[name] for name in ("name", "charge_model", "properties", "kind")}
    for name in ("metric_id", "plan_id"):
        values[name] = row[name][0] if row[name] else False
    company.odoo.call("fusion.billing.charge", "create", vals_list=[{**values, "code": "only_odoo"}])


def drop_override(company: Company) -> None:
    company.unlink("fusion.billing.charge", [["order_id", "=", company.order(OVERRIDE)["id"]]])


def drop_filter(company: Company) -> None:
    row = company.charge("map_loads", "nexamaps_growth")
    company.write("fusion.billing.charge", [["id", "=", row["id"]]], filters=json.dumps(json.loads(row["filters"])[1:]))


def filter_price(company: Company) -> None:
    row = company.charge("map_loads", "nexamaps_growth")
    filters = json.loads(row["filters"])
    filters[1]["properties"]["amount"] = "0.75"
    company.write("fusion.billing.charge", [["id", "=", row["id"]]], filters=json.dumps(filters))


def default_bucket(company: Company) -> None:
    set_properties(company, company.charge("map_loads", "nexamaps_growth"), _put(["amount"], "0.5"))


def no_groups(company: Company) -> None:
    def change(values: Any) -> None:
        values.pop("pricing_group_keys", None)
        values.pop("grouped_by", None)

    set_properties(company, company.charge("map_requests", "nexamaps_growth"), change)


def fixed_units(company: Company) -> None:
    rows = company.rows("fusion.billing.charge", [["code", "=", "fx_support_block"]])
    templates = company.rows("product.template", [["default_code", "=", "nexadesk_team"]], "id")
    own = [r for r in rows if r["plan_id"] and r["plan_id"][0] == templates[0]["id"]]
    known = company.odoo.call("fusion.billing.charge", "fields_get", allfields=["unit_changes"], attributes=["type"])
    wrong = {"units": "5", **({"unit_changes": False} if known else {})}  # wrong from the start, not changed today
    company.write("fusion.billing.charge", [["id", "=", own[0]["id"]]], **wrong)


def remove_charge(company: Company) -> None:
    company.unlink("fusion.billing.charge", [["id", "=", company.charge("storage_gb", "nexacloud_starter")["id"]]])


# --- coupons, taxes, currency --------------------------------------------------------------------------------------


def coupons(customer: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Plant:
    def plant(company: Company) -> None:
        order = company.order(customer)
        held = json.loads(order["fusion_coupons"]) if order["fusion_coupons"] else []
        company.write("sale.order", [["id", "=", order["id"]]], fusion_coupons=json.dumps(change(held)))

    return plant


def _each(code: str, **values: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda held: [{**c, **values} if c["coupon_code"] == code else c for c in held]


EXTRA = {
    "lago_id": "c0ffee",
    "coupon_code": "invented",
    "frequency": "forever",
    "amount_cents": 300,
    "amount_currency": "CAD",
    "created_at": "2026-03-01T00:00:00Z",
    "plan_codes": [],
    "billable_metric_codes": [],
}


def lines_tax(customer: str, name: str | None, position: str | None = None) -> Plant:
    """All lines of the order bear another tax (or none), perhaps because of another fiscal position."""

    def plant(company: Company) -> None:
        order = company.order(customer)
        company_id = company.rows("res.company", [], "id")[0]["id"]
        taxes = []
        if name:
            domain = [["module", "=", "account"], ["name", "=", f"{company_id}_{name}"]]
            taxes = [row["res_id"] for row in company.rows("ir.model.data", domain, "res_id")]
        company.write("sale.order.line", [["order_id", "=", order["id"]]], tax_ids=[[6, 0, taxes]])
        if position:
            found = company.rows("account.fiscal.position", [["name", "like", position]], "id")
            company.write("sale.order", [["id", "=", order["id"]]], fiscal_position_id=found[0]["id"])

    return plant


def charge_tax(metric: str, plan: str, name: str) -> Plant:
    """A charge with taxes of its own, which come before those of the order's line."""

    def plant(company: Company) -> None:
        company_id = company.rows("res.company", [], "id")[0]["id"]
        domain = [["module", "=", "account"], ["name", "=", f"{company_id}_{name}"]]
        taxes = [row["res_id"] for row in company.rows("ir.model.data", domain, "res_id")]
        company.write(
            "fusion.billing.charge", [["id", "=", company.charge(metric, plan)["id"]]], tax_ids=[[6, 0, taxes]]
        )

    return plant


def discount(percent: float, customer: str = STARTER) -> Plant:
    """On all lines of the order, as Odoo's discount button does it: native invoicing takes it off the plan's."""

    def plant(company: Company) -> None:
        order = company.order(customer)
        company.write("sale.order.line", [["order_id", "=", order["id"]]], discount=percent)

    return plant


def add_order_line(price: float, taxed: bool = True, quantity: float = 1.0, customer: str = STARTER) -> Plant:
    def plant(company: Company) -> None:
        order = company.order(customer)
        sold = company.rows("sale.order.line", [["order_id", "=", order["id"]]], "tax_ids")[0]
        template = company.odoo.call("product.template", "create", vals_list=[{"name": "Setup", "type": "service"}])[0]
        product = company.rows("product.product", [["product_tmpl_id", "=", template]], "id")[0]["id"]
        taxes = [[6, 0, sold["tax_ids"] if taxed else []]]
        line = {"order_id": order["id"], "product_id": product, "price_unit": price, "tax_ids": taxes}
        company.odoo.call("sale.order.line", "create", vals_list=[{**line, "product_uom_qty": quantity}])

    return plant


def of_tax(name: str, **values: Any) -> Plant:
    """Another setting of a tax: the end of its external id."""

    def plant(company: Company) -> None:
        company_id = company.rows("res.company", [], "id")[0]["id"]
        domain = [["module", "=", "account"], ["name", "=", f"{company_id}_{name}"], ["model", "=", "account.tax"]]
        tax = company.rows("ir.model.data", domain, "res_id")[0]["res_id"]
        company.write("account.tax", [["id", "=", tax]], **values)

    return plant


def swap_product(company: Company) -> None:
    """The line of the plan sells another plan; its price, its text and its taxes are left alone."""
    templates = company.rows("product.template", [["default_code", "=", "nexacloud_pro"]], "id")
    products = company.rows("product.product", [["product_tmpl_id", "=", templates[0]["id"]]], "id")
    lines = company.rows("sale.order.line", [["order_id", "=", company.order(STARTER)["id"]]])
    line = min(lines, key=lambda row: (row["sequence"], row["id"]))
    kept = {"name": line["name"], "price_unit": line["price_unit"], "tax_ids": [[6, 0, line["tax_ids"]]]}
    company.write("sale.order.line", [["id", "=", line["id"]]], product_id=products[0]["id"], **kept)


def copied_values(row: Mapping[str, Any], *left_out: str) -> dict[str, Any]:
    """What Odoo's Duplicate takes over: no Lago id."""
    never = {"id", "create_date", "write_date", "create_uid", "write_uid", "display_name", "fusion_lago_id", *left_out}
    values = {name: value for name, value in row.items() if name not in never and value not in (False, [])}
    return {
        name: value[0] if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str) else value
        for name, value in values.items()
    }


def plans_line(company: Company, customer: str) -> dict[str, Any]:
    lines = company.rows("sale.order.line", [["order_id", "=", company.order(customer)["id"]]])
    return min(lines, key=lambda row: (row["sequence"], row["id"]))


def sell_instead(customer: str, *, copy: bool) -> Plant:
    """The line of the plan sells a copy of the plan's product, or just any; price, text and taxes are left alone."""

    def plant(company: Company) -> None:
        line = plans_line(company, customer)
        sold = company.rows("product.product", [["id", "=", line["product_id"][0]]], "product_tmpl_id")[0]
        plan = company.rows("product.template", [["id", "=", sold["product_tmpl_id"][0]]])[0]
        values = {"name": f"{plan['name']} (copy)", "default_code": plan["default_code"]} if copy else {"name": "Any"}
        vals = [{**values, "type": "service"}]
        template = company.odoo.call("product.template", "create", vals_list=vals)[0]
        product = company.rows("product.product", [["product_tmpl_id", "=", template]], "id")[0]["id"]
        kept = {"name": line["name"], "price_unit": line["price_unit"], "tax_ids": [[6, 0, line["tax_ids"]]]}
        company.write("sale.order.line", [["id", "=", line["id"]]], product_id=product, **kept)

    return plant


def move_line(customer: str, other: str) -> Plant:
    """The line of the plan stands on another customer's order."""

    def plant(company: Company) -> None:
        line, order = plans_line(company, customer), company.order(other)
        company.write("sale.order.line", [["id", "=", line["id"]]], order_id=order["id"])

    return plant


def move_charge(metric: str, plan: str, other: str) -> Plant:
    def plant(company: Company) -> None:
        template = company.rows("product.template", [["default_code", "=", other]], "id")[0]["id"]
        company.write("fusion.billing.charge", [["id", "=", company.charge(metric, plan)["id"]]], plan_id=template)

    return plant


def charge_on_order(metric: str, plan: str, customer: str) -> Plant:
    """The plan's charge itself hangs on one order."""

    def plant(company: Company) -> None:
        order = company.order(customer)["id"]
        company.write("fusion.billing.charge", [["id", "=", company.charge(metric, plan)["id"]]], order_id=order)

    return plant


def copy_charge(metric: str, plan: str, customer: str) -> Plant:
    """A copy of the plan's charge hangs on one order."""

    def plant(company: Company) -> None:
        values = copied_values(company.charge(metric, plan), "plan_id")
        vals = [{**values, "order_id": company.order(customer)["id"]}]
        company.odoo.call("fusion.billing.charge", "create", vals_list=vals)

    return plant


def copy_metric(metric: str, plan: str) -> Plant:
    """The charge measures by a copy of its metric, of which nobody has usage."""

    def plant(company: Company) -> None:
        row = company.rows("fusion.billing.metric", [["code", "=", metric]])[0]
        vals = [{**copied_values(row), "code": f"{metric}_copy"}]
        number = company.odoo.call("fusion.billing.metric", "create", vals_list=vals)[0]
        company.write("fusion.billing.charge", [["id", "=", company.charge(metric, plan)["id"]]], metric_id=number)

    return plant


def other_currency(company: Company, customer: str = STARTER, plan: str = "") -> None:
    lists = company.rows("product.pricelist", [["currency_id.name", "=", "USD"]], "id")
    currency = company.rows("res.currency", [["name", "=", "USD"]], "id")
    own = [["id", "=", company.order(customer, plan)["id"]]]
    company.write("sale.order", own, state="draft")
    company.write("sale.order", own, pricelist_id=lists[0]["id"], currency_id=currency[0]["id"])
    company.write("sale.order", own, state="sale")


def _balance(company: Company, customer: str) -> int:
    """The open balance of the customer's invoice of March, in Odoo."""
    invoice = company.invoice(customer, "2026-03")
    domain = [["module", "=", "lago"], ["name", "=", f"invoice_{invoice.lago_id}"]]
    number: int = company.rows("ir.model.data", domain, "res_id")[0]["res_id"]
    return number


def open_balance(price: str) -> Plant:
    def plant(company: Company) -> None:
        domain = [["move_id", "=", _balance(company, WALLET)], ["display_type", "=", "product"]]
        company.write("account.move.line", domain, price_unit=float(price))

    return plant


def lose_balance(company: Company) -> None:
    company.unlink("account.move", [["id", "=", _balance(company, STARTER)]])


# --- Lago's own records --------------------------------------------------------------------------------------------


def edit_fee(company: Company) -> Company:
    invoice = company.invoice(STARTER)
    edited = tuple(
        replace(f, amount_cents=f.amount_cents + 700) if f.item.code == "egress_gb" else f for f in invoice.fees
    )
    listed = [
        replace(f, amount_cents=f.amount_cents + 700) if f.item.code == "egress_gb" else f
        for f in company.fees(invoice)
    ]
    return company.with_invoice(replace(invoice, fees=edited), listed)


def edit_header(company: Company) -> Company:
    invoice = company.invoice(STARTER)
    return company.with_invoice(
        replace(
            invoice,
            sub_total_excluding_taxes_amount_cents=invoice.sub_total_excluding_taxes_amount_cents + 1000,
            sub_total_including_taxes_amount_cents=invoice.sub_total_including_taxes_amount_cents + 1000,
            total_amount_cents=invoice.total_amount_cents + 1000,
        )
    )


def edit_tax(company: Company) -> Company:
    invoice = company.invoice(STARTER)
    taxes = tuple(replace(t, amount_cents=t.amount_cents + 90) for t in invoice.applied_taxes)
    return company.with_invoice(
        replace(
            invoice,
            applied_taxes=taxes,
            taxes_amount_cents=invoice.taxes_amount_cents + 90,
            sub_total_including_taxes_amount_cents=invoice.sub_total_including_taxes_amount_cents + 90,
            total_amount_cents=invoice.total_amount_cents + 90,
        )
    )


def billed_at(company: Company, cents: int) -> Company:
    """Lago billed the base fee at this price and not at its plan's, with taxes and sums that follow from it."""
    billed, order = company.invoice(STARTER), company.order(STARTER)
    prices = {order["fusion_lago_id"]: cents}
    return billed_like(company, billed, company.rerated(billed, lambda world: replace(world, prices=prices)))


def lose_fee(company: Company) -> Company:
    invoice = company.invoice(STARTER)
    kept = tuple(f for f in invoice.fees if f.item.code != "egress_gb")
    return company.with_invoice(
        replace(invoice, fees=kept), [f for f in company.fees(invoice) if f.item.code != "egress_gb"]
    )


def double_fee(company: Company) -> Company:
    invoice = company.invoice(STARTER)
    (fee,) = [f for f in invoice.fees if f.item.code == "egress_gb"]
    (listed,) = [f for f in company.fees(invoice) if f.item.code == "egress_gb"]
    twin = {"lago_id": "00000000-0000-4000-8000-000000000001"}
    return company.with_invoice(
        replace(invoice, fees=(*invoice.fees, replace(fee, **twin))), [*company.fees(invoice), replace(listed, **twin)]
    )


def billed_like(company: Company, invoice: Invoice, billed: BilledInvoice) -> Company:
    """Lago's invoice with the lines and sums of another billing: as if Lago had computed it so."""
    assert billed.totals is not None
    lines: dict[LineKey, Any] = {line.key: line for line in billed.lines}

    def fee(own: Fee) -> Fee:
        line = lines[lago_key(own)]
        return replace(
            own,
            amount_cents=line.amount_cents,
            units=line.units if line.units is not None else own.units,
            precise_amount=None if line.precise_cents is None else line.precise_cents / 100,
            taxes_amount_cents=line.tax_cents or 0,
            amount_details=own.amount_details if own.item.type == "subscription" else {},
        )

    totals = billed.totals
    changed = replace(
        invoice,
        fees=tuple(fee(f) for f in invoice.fees if lago_key(f) in lines),
        fees_amount_cents=totals.fees_cents,
        sub_total_excluding_taxes_amount_cents=totals.net_cents,
        taxes_amount_cents=totals.tax_cents,
        sub_total_including_taxes_amount_cents=totals.gross_cents,
        total_amount_cents=totals.total_cents,
        applied_taxes=tuple(replace(t, amount_cents=totals.taxes.get(t.tax_code, 0)) for t in invoice.applied_taxes),
    )
    return company.with_invoice(changed, [fee(f) for f in company.fees(invoice) if lago_key(f) in lines])


def wrong_boundary(company: Company) -> Company:
    """Lago closed the usage of June ten days early, and billed so."""
    invoice = company.invoice(STARTER)
    periods = tuple(
        replace(p, charges_to_datetime=(p.charges_to_datetime or invoice.created_at) - timedelta(days=10))
        for p in invoice.billing_periods
    )
    early = company.with_invoice(replace(invoice, billing_periods=periods))
    changed = early.invoice(STARTER)
    return billed_like(early, changed, early.rerated(changed, lambda world: world))


def old_rules(company: Company) -> Company:
    """Lago of before 1.51: a filter that is a part of another one does not take its events away."""
    invoice = company.invoice(GROWTH)
    former = replace(Rules(), strict_subset_filters=False)
    return billed_like(company, invoice, company.rerated(invoice, lambda world: replace(world, rules=former)))


def counted_late(company: Company) -> Company:
    """Lago counted what arrived after it was final (its clock was late)."""
    invoice = company.invoice(LATE)
    return billed_like(company, invoice, company.rerated(invoice, lambda world: replace(world, late=True)))


def twice_in_the_store(company: Company) -> Company:
    """Lago's store has events twice, and its invoice counted both; Odoo takes a transaction once."""
    invoice = company.invoice(STARTER)
    names = {row["transaction_id"] for row in company.usage(STARTER, "egress_gb")[:15]}

    def doubled(world: World) -> World:
        return replace(world, events=_doubled(world.events, names))

    billed = company.rerated(invoice, doubled)
    table = company.events.db.sql("select * from events").to_arrow_table()
    source = EventSource.from_events(())
    source.db.register("more", _doubled(table.select(list(_columns(source))), names))
    source.db.execute("insert into events by name select * from more")
    source.db.unregister("more")
    return billed_like(replace(company, events=source), invoice, billed)


def _columns(source: EventSource) -> list[str]:
    return [row[0] for row in source.db.sql("describe events").fetchall()]


def _doubled(events: pa.Table, names: set[str]) -> pa.Table:
    own = pa.compute.is_in(events.column("transaction_id"), pa.array(sorted(names), pa.string()))
    return pa.concat_tables([events, events.filter(own)])


def wrong_tax_on_invoice(company: Company) -> Company:
    """Lago's invoice bears New Brunswick's tax, though the customer has Ontario's."""
    invoice = company.invoice(STARTER)
    other = next(t for t in company.snapshot.taxes if t.code == "hst_nb")
    fees = [
        replace(f, applied_taxes=tuple(replace(t, tax_code=other.code, tax_rate=other.rate) for t in f.applied_taxes))
        for f in company.fees(invoice)
    ]
    taxes = tuple(replace(t, tax_code=other.code, tax_rate=other.rate) for t in invoice.applied_taxes)
    changed = company.with_invoice(replace(invoice, applied_taxes=taxes), fees)
    own = changed.invoice(STARTER)
    return billed_like(changed, own, changed.rerated(own, lambda world: world))


def no_taxes_on_invoice(company: Company) -> Company:
    """Lago's invoice bears no tax at all, though the customer has Ontario's."""
    invoice = company.invoice(STARTER)
    fees = tuple(replace(f, applied_taxes=(), taxes_amount_cents=0) for f in invoice.fees)
    listed = [replace(f, applied_taxes=(), taxes_amount_cents=0) for f in company.fees(invoice)]
    untaxed = replace(
        invoice,
        fees=fees,
        applied_taxes=(),
        taxes_amount_cents=0,
        sub_total_including_taxes_amount_cents=invoice.sub_total_excluding_taxes_amount_cents,
        total_amount_cents=invoice.total_amount_cents - invoice.taxes_amount_cents,
    )
    return company.with_invoice(untaxed, listed)


def coupon_credited_twice(company: Company) -> Company:
    """Lago's invoice lists the credit of its coupon twice, and its sums took both off."""
    invoice = company.invoice(PERCENT)
    credit = next(c for c in invoice.credits if c.item.type == "coupon")
    less, again = credit.amount_cents, replace(credit, lago_id="00000000-0000-4000-8000-000000000002")
    return company.with_invoice(
        replace(
            invoice,
            credits=(*invoice.credits, again),
            coupons_amount_cents=invoice.coupons_amount_cents + less,
            sub_total_excluding_taxes_amount_cents=invoice.sub_total_excluding_taxes_amount_cents - less,
            sub_total_including_taxes_amount_cents=invoice.sub_total_including_taxes_amount_cents - less,
            total_amount_cents=invoice.total_amount_cents - less,
        )
    )


def lago_forgot_the_coupon(company: Company) -> Company:
    invoice = company.invoice(PERCENT)

    def without(world: World) -> World:
        return replace(world, snapshot=replace(world.snapshot, applied_coupons=()))

    billed = company.rerated(invoice, without)
    changed = billed_like(company, invoice, billed).invoice(PERCENT)
    bare = replace(changed, coupons_amount_cents=0, credits=())
    return company.with_invoice(bare, company.fees(invoice))


def more_units_in_lago(company: Company) -> Company:
    """Lago's fee has more units than its events give, priced consistently."""
    invoice = company.invoice(STARTER)

    def more(world: World) -> World:
        return replace(world, events=_scaled(world.events, "egress_gb", "gb", 3))

    return billed_like(company, invoice, company.rerated(invoice, more))


def _scaled(events: pa.Table, code: str, name: str, times: int) -> pa.Table:
    rows = events.to_pylist()
    for row in rows:
        values = json.loads(row["properties"]) if row["code"] == code else {}
        if is_plain(values.get(name)):
            row["properties"] = json.dumps({**values, name: str(Decimal(values[name]) * times)})
    return pa.Table.from_pylist(rows, schema=events.schema)


# --- finance's tables ----------------------------------------------------------------------------------------------

TABLE = """[[taxes]]
codes = ["{codes}"]
odoo = "account.{{company}}_{odoo}"
"""
ALL_TAXES = {
    "gst": "gst_sale_tax_5",
    "hst_on": "hst_sale_tax_13",
    "hst_ns": "hst_sale_tax_14",
    "hst_nb": "hst_sale_tax_15",
    'gst", "qst': "gstqst_sale_tax_14975",
    'gst", "pst_bc': "gstpst_sale_tax_12_bc",
    "zero_export": "int_sale_tax_0",
}


def tables(**changes: str | None) -> Plant:
    """Migrate again with another table of taxes."""
    named = {**ALL_TAXES, **changes}
    text = "\n".join(TABLE.format(codes=codes, odoo=odoo) for codes, odoo in named.items() if odoo)
    return lambda company: company.apply(text)


def tables_without(codes: str) -> Plant:
    """The table lacks a province: its customers stay behind, so that there is no order of theirs in Odoo."""
    text = "\n".join(TABLE.format(codes=c, odoo=odoo) for c, odoo in ALL_TAXES.items() if c != codes)

    def plant(company: Company) -> Company:
        reasons = company.map(company.snapshot, text)
        own = [["id", "=", company.order(STARTER)["id"]]]
        company.write("sale.order", own, state="cancel")  # it never was: one that runs is an order that only Odoo has
        company.unlink("ir.model.data", [["model", "=", "sale.order"], ["res_id", "=", own[0][2]]])
        return replace(company, unmapped=reasons)

    return plant


def custom_charge(company: Company) -> Company:
    """A charge that no mapping can express: it stays behind, with its reason."""
    row = company.charge("storage_gb", "nexacloud_starter")
    plans = tuple(
        replace(
            p,
            charges=tuple(
                replace(c, charge_model="custom") if c.lago_id == row["fusion_lago_id"] else c for c in p.charges
            ),
        )
        for p in company.snapshot.plans
    )
    reasons = company.map(replace(company.snapshot, plans=plans), "")
    company.unlink("fusion.billing.charge", [["id", "=", row["id"]]])
    return replace(company, unmapped=reasons)


# --- the list ------------------------------------------------------------------------------------------------------


def raise_in_both(company: Company) -> Company:
    """The plan's price was raised since, in Lago and in Odoo alike: a past month still shows the price of then."""
    own = company.order(STARTER)
    company.write("sale.order", [["id", "=", own["id"]]], fusion_plan_amount="39.00")
    plans = tuple(replace(p, amount_cents=3900) if p.code == "nexacloud_starter" else p for p in company.snapshot.plans)
    subscriptions = tuple(
        replace(s, plan=replace(s.plan, amount_cents=3900)) if s.plan and s.lago_id == own["fusion_lago_id"] else s
        for s in company.snapshot.subscriptions
    )
    return replace(company, snapshot=replace(company.snapshot, plans=plans, subscriptions=subscriptions))


def fault(name: str, side: str, causes: str, customers: str | tuple[str, ...], plant: Plant, **more: str) -> Fault:
    held = (customers,) if isinstance(customers, str) else customers
    names = causes.removeprefix("+").split()
    return Fault(
        name=name,
        side=side,
        causes=frozenset(names),
        several=causes.startswith("+"),
        customers=held,
        plant=plant,
        **more,
    )


def together(*plants: Plant) -> Plant:
    def plant(company: Company) -> Company:
        for one in plants:
            company = one(company) or company
        return company

    return plant


RANGES = "graduated_ranges"

FAULTS: tuple[Fault, ...] = (
    # Odoo: prices
    fault("base price raised", "odoo", "price", STARTER, on_order(STARTER, fusion_plan_amount="31.50")),
    fault("base price raised on both sides since", "odoo", "price_then", STARTER, raise_in_both),
    fault("usage price changed", "odoo", "price", STARTER, charge_price("storage_gb", "nexacloud_starter", ["amount"], "0.0925")),
    fault("usage price cut to two digits", "odoo", "price_precision", STARTER, charge_price("storage_gb", "nexacloud_starter", ["amount"], "0.08")),
    fault("package price changed", "odoo", "price", STARTER, charge_price("egress_gb", "nexacloud_starter", ["amount"], "8.50")),
    fault("price of a tier changed", "odoo", "price", PRO, charge_price("compute_hours", "nexacloud_pro", [RANGES, 1, "per_unit_amount"], "0.041")),
    fault("edge of a tier moved", "odoo", "tier_edge", PRO, together(
        charge_price("compute_hours", "nexacloud_pro", [RANGES, 0, "to_value"], 150),
        charge_price("compute_hours", "nexacloud_pro", [RANGES, 1, "from_value"], 151),
    )),
    fault("free units dropped", "odoo", "free_units", STARTER, charge_price("egress_gb", "nexacloud_starter", ["free_units"], 170)),
    fault("free events changed", "odoo", "free_units", GROWTH, charge_price("payment_volume", "nexamaps_growth", ["free_units_per_total_aggregation"], "200")),
    fault("percentage changed", "odoo", "price", GROWTH, charge_price("payment_volume", "nexamaps_growth", ["rate"], "1.6")),
    fault("override dropped", "odoo", "price", OVERRIDE, drop_override),
    fault("charge minimum dropped", "odoo", "minimum", STARTER, on_charge("compute_hours", "nexacloud_starter", min_amount="0")),
    fault("charge minimum raised", "odoo", "minimum", PRO, on_charge("egress_gb", "nexacloud_pro", min_amount="55.00")),
    fault("commitment that Lago has not", "odoo", "minimum", STARTER, on_order(STARTER, fusion_commitment="150.00")),
    # Odoo: what people put on an order
    fault("discount on the order's lines", "odoo", "discount", STARTER, discount(10.0)),
    fault("line added to the order", "odoo", "order_line_added", STARTER, add_order_line(500.0)),
    fault("line without tax added to the order", "odoo", "order_line_added", STARTER, add_order_line(250.0, taxed=False)),
    fault("goodwill on the order", "odoo", "order_line_added", STARTER, add_order_line(-20.0)),
    fault("lines that cancel out", "odoo", "order_line_added", STARTER, together(add_order_line(100.0), add_order_line(-100.0))),
    fault("lines that cancel out by a quantity", "odoo", "order_line_added", STARTER, together(add_order_line(100.0), add_order_line(100.0, quantity=-1.0))),
    fault("discount and price", "odoo", "+discount price", STARTER, together(discount(10.0), on_order(STARTER, fusion_plan_amount="31.50"))),
    fault("discount and goodwill", "odoo", "+discount order_line_added", STARTER, together(discount(10.0), add_order_line(-5.0))),
    fault("another plan's product on the line", "odoo", "base_product_swapped", STARTER, swap_product),
    fault("another plan's product and its taxes", "odoo", "+base_product_swapped tax_missing", STARTER, together(swap_product, lines_tax(STARTER, None))),
    fault("any product on the plan's line", "odoo", "base_product_swapped", STARTER, sell_instead(STARTER, copy=False)),
    fault("a copy of the plan's product on its line", "odoo", "base_product_swapped", TEAM, sell_instead(TEAM, copy=True)),
    fault("the plan's line on another order", "odoo", "+missing_line order_line_added", (STARTER, TEAM), move_line(STARTER, TEAM)),
    fault("the plan's line on another order, below its own", "odoo", "+missing_line order_line_added", (STARTER, TEAM), move_line(TEAM, STARTER)),
    # Odoo: charges
    fault("charge on another plan", "odoo", "+missing_line extra_line", (STARTER, PRO), move_charge("storage_gb", "nexacloud_starter", "nexacloud_pro")),
    fault("charge of the plan on one order", "odoo", "+missing_line extra_line", (STARTER, PRO), charge_on_order("storage_gb", "nexacloud_starter", PRO)),
    fault("charge copied onto the order", "odoo", "+missing_line extra_line", STARTER, copy_charge("storage_gb", "nexacloud_starter", STARTER)),
    fault("charge that measures by a copied metric", "odoo", "aggregation", STARTER, copy_metric("storage_gb", "nexacloud_starter")),
    fault("charge not prorated", "odoo", "proration", PRO, on_charge("active_vms", "nexacloud_pro", prorated=False)),
    fault("charge removed", "odoo", "missing_line", STARTER, remove_charge),
    fault("charge of another model", "odoo", "price", STARTER, on_charge("storage_gb", "nexacloud_starter", charge_model="package", properties=json.dumps({"amount": "0.19", "package_size": 3, "free_units": 0}))),
    fault("charge of another kind", "odoo", "charge_terms", STARTER, on_charge("egress_gb", "nexacloud_starter", kind="fixed")),
    fault("charge of another kind, with units", "odoo", "charge_terms", PRO, on_charge("egress_gb", "nexacloud_pro", kind="fixed", units="7")),
    fault("charge twice", "odoo", "duplicate_line", STARTER, double_charge),
    fault("charge that Lago has not", "odoo", "extra_line", STARTER, lone_charge),
    fault("charge not invoiced", "odoo", "charge_terms missing_line", STARTER, on_charge("egress_gb", "nexacloud_starter", invoiceable=False)),
    fault("units of a fixed charge", "odoo", "extra_usage", TEAM, fixed_units),
    fault("filter removed", "odoo", "filter", GROWTH, drop_filter),
    fault("price of a filter", "odoo", "price", GROWTH, filter_price),
    fault("price of the default bucket", "odoo", "price filter", GROWTH, default_bucket),
    fault("pricing groups removed", "odoo", "filter", GROWTH, no_groups),
    fault("metric adds up instead of the maximum", "odoo", "aggregation", PRO, on_metric("peak_cpu", aggregation="sum_agg")),
    fault("rounding of a metric changed", "odoo", "quantity_precision", PRO, on_metric("egress_gb", rounding_function="floor", rounding_precision=0)),
    fault("code of a metric changed", "odoo", "aggregation", STARTER, lambda c: c.write("fusion.billing.metric", [["code", "=", "egress_gb"]], code="egress")),
    # Odoo: usage
    fault("usage removed", "odoo", "missing_usage", STARTER, remove_usage),
    fault("all usage of a metric removed", "odoo", "missing_usage", STARTER, remove_a_metric_of_usage),
    fault("usage copied", "odoo", "duplicate_events extra_usage", PRO, copy_usage),
    fault("usage invented", "odoo", "extra_usage", PRO, invent_usage),
    fault("values of usage changed", "odoo", "extra_usage", PRO, change_values),
    fault("usage moved to the next period", "odoo", "period_boundary", STARTER, shift_some),
    fault("usage hours off", "odoo", "time_zone", PACIFIC, shift_all),
    fault("order that counts another subscription's usage", "odoo", "missing_usage", STARTER, other_usage),
    fault("usage written to another subscription", "odoo", "+missing_usage extra_usage", (STARTER, PRO), write_usage_to(STARTER, PRO, "egress_gb")),
    fault("external ids of two orders swapped", "odoo", "missing_usage", STARTER, swap_external_ids),
    fault("usage arrived after the invoice", "odoo", "late_events", STARTER, arrive_late),
    # Odoo: time and state
    fault("time zone of the order", "odoo", "time_zone", PACIFIC, on_order(PACIFIC, fusion_timezone="Asia/Tokyo")),
    fault("time zone of the order, half a day off", "odoo", "time_zone", TEAM, on_order(TEAM, fusion_timezone="Pacific/Auckland")),
    fault("time zone half a day off where usage is carried over", "odoo", "time_zone", OVERRIDE, on_order(OVERRIDE, fusion_timezone="Pacific/Auckland")),
    fault("time zones of both orders of one customer", "odoo", "time_zone", TWO_PLANS, together(on_order(TWO_PLANS, "nexadesk_team", fusion_timezone="Asia/Tokyo"), on_order(TWO_PLANS, "nexacloud_starter", fusion_timezone="Pacific/Auckland")), month="2026-05"),
    fault("anniversary instead of calendar", "odoo", "period_boundary", STARTER, on_order(STARTER, fusion_billing_time="anniversary")),
    fault("anniversary instead of calendar, two charges", "odoo", "period_boundary", TEAM, on_order(TEAM, fusion_billing_time="anniversary")),
    fault("trial dropped", "odoo", "trial", TRIAL, on_order(TRIAL, fusion_trial_days=False), month="2026-03"),
    fault("start moved", "odoo", "plan_change_date", STARTER, on_order(STARTER, fusion_started_at="2026-02-10 15:54:08"), month="2026-03"),
    fault("running order has an end", "odoo", "plan_change_date", STARTER, on_order(STARTER, fusion_ended_at="2026-06-20 00:00:00")),
    fault("upgrade moved", "odoo", "plan_change_date", UPGRADES, move_upgrade, month="2026-03"),
    fault("previous order forgotten", "odoo", "previous_order", UPGRADES, on_order(UPGRADES, fusion_previous_order_id=False), month="2026-06"),
    fault("an order typed by hand stands before, under its external id", "odoo", "previous_order", STARTER, typed_before(STARTER, "2025-06-01 04:00:00", "2026-05-31 12:00:00", linked=False)),
    fault("it replaces an order typed by hand", "odoo", "previous_order", UPGRADES, typed_before(UPGRADES, "2025-06-01 04:00:00", "2026-05-31 12:00:00"), month="2026-06"),
    fault("the order that it replaced replaces one typed by hand", "odoo", "previous_order", UPGRADES, typed_before(UPGRADES, "2025-01-01 05:00:00", "2026-02-01 12:00:00", of_chain=True), month="2026-03"),
    fault("an order typed by hand replaces one that was upgraded", "odoo", "previous_order", UPGRADES, typed_after("99999.00"), month="2026-06"),
    fault("an order typed by hand replaces one that was upgraded, and makes a downgrade of it", "odoo", "previous_order", UPGRADES, typed_after("1.00"), month="2026-06"),
    fault("order cancelled", "odoo", "subscription_state", STARTER, on_order(STARTER, state="cancel")),
    fault("order paused", "odoo", "subscription_state", STARTER, on_order(STARTER, subscription_state="4_paused")),
    fault("one of two orders still pending", "odoo", "subscription_state", TWO_PLANS, on_order(TWO_PLANS, "nexadesk_team", state="draft", subscription_state="1_draft")),
    # Odoo: coupons, taxes, currency
    fault("coupon not carried", "odoo", "coupon_missing", PERCENT, coupons(PERCENT, lambda held: [c for c in held if c["coupon_code"] != "partner_forever"])),
    fault("coupon ended early", "odoo", "coupon_expired", PERCENT, coupons(PERCENT, _each("partner_forever", terminated_at="2026-05-01T00:00:00Z"))),
    fault("coupon of another rate", "odoo", "coupon_limit", PERCENT, coupons(PERCENT, _each("partner_forever", percentage_rate="5.0"))),
    fault("coupon without its limit to a metric", "odoo", "coupon_limit", PERCENT, coupons(PERCENT, _each("api_metric", billable_metric_codes=[], limited_billable_metrics=False))),
    fault("coupon's parts not counted", "odoo", "coupon_limit", ONCE, coupons(ONCE, _each("big_once", credits=[], terminated_at=None, amount_cents_remaining=30000, status="active")), month="2026-07"),
    fault("coupon invented", "odoo", "coupon_extra", STARTER, coupons(STARTER, lambda held: [*held, EXTRA])),
    fault("the same coupon twice", "odoo", "coupon_extra", PERCENT, coupons(PERCENT, lambda held: [*held, *({**c, "lago_id": "second"} for c in held if c["coupon_code"] == "partner_forever")])),
    fault("copied coupon entry of another rate", "odoo", "coupon_limit", PERCENT, coupons(PERCENT, lambda held: [*held, *({**c, "percentage_rate": "5.0"} for c in held if c["coupon_code"] == "partner_forever")])),
    fault("no tax on the lines", "odoo", "tax_missing", STARTER, lines_tax(STARTER, None)),
    fault("tax of another province", "odoo", "tax_wrong", STARTER, lines_tax(STARTER, "hst_sale_tax_15")),
    fault("one of two taxes", "odoo", "tax_missing", PRO, lines_tax(PRO, "gst_sale_tax_5")),
    fault("fiscal position of another province", "odoo", "fiscal_position tax_wrong", STARTER, lines_tax(STARTER, "hst_sale_tax_15", "New Brunswick")),
    fault("taxes of a charge", "odoo", "tax_wrong", STARTER, charge_tax("egress_gb", "nexacloud_starter", "hst_sale_tax_15")),
    fault("rate of a tax", "odoo", "tax_wrong", STARTER, of_tax("hst_sale_tax_13", amount=14.0)),
    fault("tax at 0 %", "odoo", "tax_wrong", STARTER, of_tax("hst_sale_tax_13", amount=0.0)),
    fault("tax on the tax", "odoo", "tax_wrong", PRO, of_tax("gst_sale_tax_5", include_base_amount=True)),
    fault("tax rounded per line", "odoo", "tax_rounding", UPGRADES, lambda c: c.write("res.company", [], tax_calculation_rounding_method="round_per_line")),
    fault("currency rounded to five cents", "odoo", "currency_rounding", STARTER, lambda c: c.write("res.currency", [["name", "=", "CAD"]], rounding=0.05)),
    fault("prepaid credits not taken off the open balance", "odoo", "settlement_missing", WALLET, open_balance("70.37"), month="2026-03"),
    fault("open balance of another amount", "odoo", "balance_wrong", WALLET, open_balance("12.34"), month="2026-03"),
    fault("open balance lost", "odoo", "balance_missing", STARTER, lose_balance, month="2026-03"),
    fault("another currency", "odoo", "currency", STARTER, other_currency),
    # Lago
    fault("fee edited", "lago", "edited_amount", STARTER, edit_fee),
    fault("base fee at another price than its plan's", "lago", "off_plan", STARTER, lambda c: billed_at(c, 3900)),
    fault("sums edited", "lago", "edited_header", STARTER, edit_header),
    fault("tax edited", "lago", "edited_header tax_wrong", STARTER, edit_tax),
    fault("fee lost", "lago", "missing_line", STARTER, lose_fee),
    fault("fee twice", "lago", "duplicate_line", STARTER, double_fee),
    fault("period closed early", "lago", "period_boundary", STARTER, wrong_boundary),
    fault("former rule", "lago", "old_rule", GROWTH, old_rules),
    fault("late events counted", "lago", "late_events", LATE, counted_late),
    fault("events twice in the store", "lago", "duplicate_events", STARTER, twice_in_the_store),
    fault("invoice with another province's tax", "lago", "tax_wrong", STARTER, wrong_tax_on_invoice),
    fault("invoice without its taxes", "lago", "tax_missing", STARTER, no_taxes_on_invoice),
    fault("coupon credited twice", "lago", "coupon_extra", PERCENT, coupon_credited_twice),
    fault("coupon forgotten", "lago", "coupon_missing", PERCENT, lago_forgot_the_coupon),
    fault("units entered by hand", "lago", "extra_usage", STARTER, more_units_in_lago),
    # finance's tables
    fault("table: a province's tax is another's", "odoo", "tax_wrong", STARTER, tables(hst_on="hst_sale_tax_15")),
    fault("table: a tax is the zero tax", "odoo", "tax_missing tax_wrong", STARTER, tables(hst_on="int_sale_tax_0")),
    fault("table: a province is not in it", "odoo", "mapping_gap", STARTER, tables_without("hst_on")),
    fault("a charge that cannot be mapped", "odoo", "mapping_gap", STARTER, custom_charge),
    # two at once
    fault("price and usage of one line", "odoo", "+ price missing_usage", STARTER, together(
        remove_usage, charge_price("egress_gb", "nexacloud_starter", ["amount"], "9.10")
    )),
    fault("edge of a tier and a coupon", "odoo", "+ tier_edge coupon_missing", PERCENT, together(
        charge_price("compute_hours", "nexacloud_pro", [RANGES, 0, "to_value"], 150),
        charge_price("compute_hours", "nexacloud_pro", [RANGES, 1, "from_value"], 151),
        coupons(PERCENT, lambda held: [c for c in held if c["coupon_code"] != "partner_forever"]),
    )),
    fault("prices of two lines and a tax", "odoo", "+ price tax_wrong", STARTER, together(
        on_order(STARTER, fusion_plan_amount="31.50"),
        charge_price("storage_gb", "nexacloud_starter", ["amount"], "0.0925"),
        lines_tax(STARTER, "hst_sale_tax_15"),
    )),
    fault("start moved, and the base price raised", "odoo", "+ plan_change_date price", STARTER, together(
        on_order(STARTER, fusion_started_at="2026-02-10 15:54:08"), on_order(STARTER, fusion_plan_amount="41.50"),
    ), month="2026-03"),
    fault("start moved, and a discount below 0 on the plan's line", "odoo", "+ plan_change_date discount", STARTER, together(
        on_order(STARTER, fusion_started_at="2026-02-10 15:54:08"), discount(-25.0, STARTER),
    ), month="2026-03"),
    # what Odoo takes off or adds after the coupons; of two kinds of taxes its coupon is two lines, in whole cents
    fault("discount where a coupon is held", "odoo", "discount", PERCENT, discount(10.0, PERCENT)),
    fault("line added where a coupon is held", "odoo", "order_line_added", PERCENT, add_order_line(12.0, customer=PERCENT)),
    fault("discount, and taxes of a charge, with a coupon", "odoo", "+ discount tax_wrong tax_rounding", PERCENT, together(
        discount(5.0, PERCENT), charge_tax("compute_hours", "nexacloud_pro", "hst_sale_tax_15"),
    )),
    fault("line added, and taxes of a charge, with a coupon", "odoo", "+ order_line_added tax_wrong tax_rounding", PERCENT, together(
        add_order_line(12.0, customer=PERCENT), charge_tax("compute_hours", "nexacloud_pro", "hst_sale_tax_15"),
    )),
)  # fmt: skip
