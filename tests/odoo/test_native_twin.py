"""The rerun is the invoice that Odoo's own scheduled action makes on the next billing day, whatever somebody edited.

All orders of a flavour are edited, rerun, and then billed by one run of the scheduled action that bills them there: the
addon's beside Enterprise's fields, ``subscription_oca``'s own on OCA. Each rerun is held against its invoice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.odoo.conftest import drop, fresh

pytestmark = pytest.mark.odoo

CRONS = {
    "enterprise": [("sale.order", "_fusion_cron_invoice"), ("sale.order", "_fusion_cron_invoice")],
    "oca": [("sale.subscription", "cron_subscription_management"), ("sale.order", "_fusion_cron_invoice")],
}


def this_month() -> date:
    """Its first day."""
    return datetime.now(UTC).date().replace(day=1)


@dataclass
class Shop:
    """A company with one plan of 30.00 a month and calls at 0.015; ``order`` makes a running subscription to it.

    ``first``: the day on which all is billed, read once, when the shop is made.
    """

    odoo: Any
    flavour: str
    made: dict[str, int] = field(default_factory=dict)
    first: date = field(default_factory=this_month)

    @property
    def before(self) -> date:
        """A day in the month that is billed on the first."""
        return self.first - timedelta(days=15)

    def call(self, model: str, method: str, ids: list[int] | None = None, /, **arguments: Any) -> Any:
        return self.odoo.call(model, method, *([] if ids is None else [ids]), **arguments)

    def make(self, model: str, /, **vals: Any) -> int:
        return int(self.call(model, "create", vals_list=[vals])[0])

    def write(self, model: str, number: int, /, **vals: Any) -> None:
        name = "values" if model == "sale.subscription" else "vals"
        self.call(model, "write", [number], **{name: vals})

    def one(self, model: str, number: int, name: str) -> Any:
        value = self.call(model, "read", [number], fields=[name])[0][name]
        return value[0] if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str) else value

    def find(self, model: str, *domain: Any) -> list[int]:
        return list(self.call(model, "search", domain=list(domain)))

    def ref(self, xid: str) -> int:
        module, name = xid.split(".", 1)
        domain = [["module", "=", module], ["name", "=", name]]
        return int(self.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])[0]["res_id"])

    def product(self, **vals: Any) -> int:
        template = self.make("product.template", **{"name": "Extra", "type": "service", **vals})
        return int(self.one("product.template", template, "product_variant_id"))

    def once(self, name: str, make: Callable[[], int]) -> int:
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def plan(self) -> int:
        return self.once("plan", self._plan)

    def _plan(self) -> int:
        metric = self.make("fusion.billing.metric", name="Calls", code="twin_calls", aggregation="count_agg")
        flags: dict[str, Any] = {"recurring_invoice": True} if self.flavour == "enterprise" else {"subscribable": True}
        tax = self.ref("account.1_hst_sale_tax_13")
        # without an account of its own OCA's methods could not bill it, whether or not the addon lets them
        flags |= {"property_account_income_id": self.find("account.account", ["account_type", "=", "income"])[0]}
        variant = self.product(default_code="twin", fusion_lago_id="twin", taxes_id=[[6, 0, [tax]]], **flags)
        self.make(
            "fusion.billing.charge",
            name="Calls",
            code="calls",
            kind="usage",
            metric_id=metric,
            charge_model="standard",
            plan_id=self.one("product.product", variant, "product_tmpl_id"),
            product_id=self.product(name="Calls"),
            properties=json.dumps({"amount": "0.015"}),
            fusion_lago_id="twin-calls",
        )
        return variant

    def partner(self, name: str) -> int:
        here = {"country_id": self.ref("base.ca"), "state_id": self.ref("base.state_ca_on")}
        return self.make("res.partner", name=name, **here)

    def order(self, name: str, **vals: Any) -> int:
        line: dict[str, Any] = {
            "product_id": self.plan(),
            "price_unit": 30.0,
            "product_uom_qty": 1 if self.flavour == "enterprise" else 0,
        }
        line["tax_ids"] = [[6, 0, [self.ref("account.1_hst_sale_tax_13")]]]
        number = self.make(
            "sale.order", partner_id=self.partner(name), order_line=[[0, 0, line]], fusion_external_id=name,
            fusion_lago_id=f"lago-{name}", fusion_plan_code="twin", fusion_interval="monthly",
            fusion_billing_time="calendar", fusion_anchor="2026-01-01 00:00:00", fusion_timezone="UTC",
            fusion_started_at="2026-01-01 00:00:00", fusion_created_at="2026-01-01 00:00:00",
            fusion_plan_amount="30.00", fusion_billed_until=f"{self.before} 00:00:00", **vals,
        )  # fmt: skip
        for place in range(3):
            at = f"{self.before} 10:00:0{place}"
            self.make("fusion.billing.usage", transaction_id=f"{name}-{place}", external_subscription_id=name,
                      code="twin_calls", timestamp=at, received_at=at)  # fmt: skip
        self.run(number, name)
        return number

    def run(self, order: int, name: str) -> None:
        """Start it as the migration does."""
        if self.flavour == "enterprise":
            plan = self.once("interval", lambda: self.make("sale.subscription.plan", name="Monthly"))
            self.write("sale.order", order, plan_id=plan)
            self.call("sale.order", "action_confirm", [order])
            return
        self.write("sale.order", order, state="sale")
        monthly = self.once("interval", lambda: self.make("sale.subscription.template", name="Monthly", code="M"))
        native = self.make(
            "sale.subscription",
            code=name,
            partner_id=self.one("sale.order", order, "partner_id"),
            template_id=monthly,
            pricelist_id=self.one("sale.order", order, "pricelist_id") or self.ref_list("CAD"),
            sale_order_id=order,
            sale_subscription_line_ids=[[0, 0, {"product_id": self.plan(), "price_unit": 360.0, "name": "Plan"}]],
        )
        self.write("sale.subscription", native, stage_id=self.ref("subscription_oca.subscription_stage_in_progress"))
        self.write("sale.subscription", native, date_start="2026-01-01", recurring_next_date=str(self.first))

    def ref_list(self, currency: str) -> int:
        vals = {"name": currency, "currency_id": self.ref(f"base.{currency}")}
        return self.once(currency, lambda: self.make("product.pricelist", **vals))

    def plan_line(self, order: int) -> int:
        return self.find("sale.order.line", ["order_id", "=", order])[0]

    def native(self, order: int) -> int:
        return self.find("sale.subscription", ["sale_order_id", "=", order])[0]

    def rerun(self, order: int) -> dict[str, Any]:
        billing = {"order": order, "at": f"{self.first} 05:10:00", "reason": "subscription_periodic"}
        (answer,) = self.call("sale.order", "fusion_rerun", [order], billings=[billing])
        return dict(answer)

    def bill(self, model: str, method: str) -> None:
        """One run of a scheduled action, as the server's own dispatcher makes it."""
        domain = [["model_id.model", "=", model], ["code", "like", f"{method}("], ["active", "in", [True, False]]]
        (cron,) = self.find("ir.cron", *domain)
        self.write("ir.cron", cron, active=True)
        self.call("ir.cron", "method_direct_trigger", [cron])


def on_line(**vals: Any) -> Callable[[Shop, int], None]:
    return lambda shop, order: shop.write("sale.order.line", shop.plan_line(order), **vals)


def on_order(**vals: Any) -> Callable[[Shop, int], None]:
    return lambda shop, order: shop.write("sale.order", order, **vals)


def add(price: float, **vals: Any) -> Callable[[Shop, int], None]:
    def edit(shop: Shop, order: int) -> None:
        tax = [[6, 0, [shop.ref("account.1_hst_sale_tax_13")]]]
        line = {"order_id": order, "product_id": shop.product(), "price_unit": price, "tax_ids": tax, **vals}
        shop.make("sale.order.line", **line)

    return edit


def goodwill(shop: Shop, order: int) -> None:
    """By Odoo's own button."""
    vals = {"sale_order_id": order, "discount_type": "amount", "discount_amount": 5.0}
    shop.call("sale.order.discount", "action_apply_discount", [shop.make("sale.order.discount", **vals)])


def discount_all(shop: Shop, order: int) -> None:
    vals = {"sale_order_id": order, "discount_type": "sol_discount", "discount_percentage": 0.1}
    shop.call("sale.order.discount", "action_apply_discount", [shop.make("sale.order.discount", **vals)])


def taxes(shop: Shop, order: int) -> None:
    on_line(tax_ids=[[6, 0, [shop.ref("account.1_gst_sale_tax_5")]]])(shop, order)


def fiscal_position(shop: Shop, order: int) -> None:
    """Another province's, and the button that maps the lines' taxes by it."""
    shop.write("sale.order", order, fiscal_position_id=shop.ref("account.1_fiscal_position_template_ab"))
    shop.call("sale.order", "action_update_taxes", [order])


def pricelist(shop: Shop, order: int) -> None:
    """Possible on a quotation only."""
    shop.write("sale.order", order, state="draft")
    shop.write("sale.order", order, pricelist_id=shop.ref_list("USD"))
    shop.write("sale.order", order, state="sale")


def payment_term(shop: Shop, order: int) -> None:
    shop.write("sale.order", order, payment_term_id=shop.ref("account.account_payment_term_30days"))


def partner(shop: Shop, order: int) -> None:
    shop.write("sale.order", order, partner_id=shop.partner("somebody else"))


def invoice_address(shop: Shop, order: int) -> None:
    shop.write("sale.order", order, partner_invoice_id=shop.partner("who pays"))


def salesperson(shop: Shop, order: int) -> None:
    shop.write("sale.order", order, user_id=False)


def journal(shop: Shop, order: int) -> None:
    vals = {"name": "Services", "code": "SVC", "type": "sale"}
    shop.write("sale.order", order, journal_id=shop.make("account.journal", **vals))


def notes(shop: Shop, order: int) -> None:
    for sequence, (kind, name) in enumerate((("line_section", "Services"), ("line_note", "Thank you")), 5):
        shop.make("sale.order.line", order_id=order, display_type=kind, name=name, sequence=sequence * 3)


def paused(shop: Shop, order: int) -> None:
    if shop.flavour == "enterprise":
        shop.call("sale.order", "pause_subscription", [order])
    else:
        shop.call("sale.subscription", "action_pause", [shop.native(order)])


def cancelled(shop: Shop, order: int) -> None:
    shop.write("sale.order", order, state="cancel")


def next_date(shop: Shop, order: int) -> None:
    earlier = str(shop.before)
    if shop.flavour == "enterprise":
        shop.write("sale.order", order, next_invoice_date=earlier)
    else:
        shop.write("sale.subscription", shop.native(order), recurring_next_date=earlier)


def merged(shop: Shop, order: int) -> None:
    own, other = shop.one("sale.order", order, "partner_id"), shop.partner("the one that stays")
    vals = {"partner_ids": [[6, 0, [own, other]]], "dst_partner_id": other}
    wizard = shop.make("base.partner.merge.automatic.wizard", **vals)
    shop.call("base.partner.merge.automatic.wizard", "action_merge", [wizard])


def archived(shop: Shop, order: int) -> None:
    own = shop.product(name="Old", taxes_id=[[6, 0, []]])
    add(7.0, product_id=own)(shop, order)
    shop.write("product.product", own, active=False)


EDITS: Mapping[str, Callable[[Shop, int], None]] = {
    "nothing": lambda shop, order: None,
    "discount": on_line(discount=10.0),
    "discount by the button": discount_all,
    "line added": add(500.0),
    "several units of a line": add(12.345, product_uom_qty=3),
    "line without tax": add(20.0, tax_ids=[[6, 0, []]]),
    "negative line": add(-20.0),
    "below nothing": add(-99.0),
    "goodwill by the button": goodwill,
    "nothing ordered": add(9.0, product_uom_qty=0),
    "price of the plan": on_line(price_unit=99.0),
    "quantity of the plan": on_line(product_uom_qty=3),
    "no quantity of the plan": on_line(product_uom_qty=0),
    "taxes": taxes,
    "fiscal position": fiscal_position,
    "price list": pricelist,
    "payment term": payment_term,
    "partner": partner,
    "invoice address": invoice_address,
    "salesperson": salesperson,
    "journal": journal,
    "note and section": notes,
    "paused": paused,
    "cancelled": cancelled,
    "next date": next_date,
    "merged contact": merged,
    "archived product": archived,
}
REFUSED = {"below nothing": "invoice_refused", "paused": "order_stopped", "cancelled": "order_not_metered"}


@dataclass(frozen=True)
class Twin:
    """A rerun, and the invoices that Odoo made of the same order; ``beside``: its customer's that no order shows."""

    answer: dict[str, Any]
    moves: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    beside: list[int]


MOVE = [
    "amount_untaxed",
    "amount_tax",
    "amount_total",
    "currency_id",
    "partner_id",
    "state",
    "invoice_line_ids",
    "line_ids",
]


def invoices_of(shop: Shop, order: int) -> list[dict[str, Any]]:
    ids = shop.one("sale.order", order, "invoice_ids")
    return list(shop.call("account.move", "read", ids, fields=MOVE)) if ids else []


@pytest.fixture(scope="module", params=["enterprise", "oca"])
def twins(
    shared_server: Any, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Any]:
    flavour = str(request.param)
    database = fresh(shared_server, f"twin_{flavour}", tmp_path_factory.mktemp("twin"), flavour)
    shop = Shop(database.connect(), flavour)
    orders = {}
    for name, edit in EDITS.items():
        orders[name] = shop.order(name)
        edit(shop, orders[name])
    copy = shop.call("sale.order", "copy", [orders["nothing"]])[0]
    shop.call("sale.order", "action_confirm", [copy])
    answers = {name: shop.rerun(order) for name, order in {**orders, "copied": copy}.items()}
    for model, method in CRONS[flavour]:  # the second one finds nothing to bill
        shop.bill(model, method)
    yield {name: _twin(shop, order, answers[name]) for name, order in {**orders, "copied": copy}.items()}
    drop(database.name)


def _twin(shop: Shop, order: int, answer: dict[str, Any]) -> Twin:
    moves = invoices_of(shop, order)
    ids = [number for move in moves for number in move["line_ids"]]
    columns = ["display_type", "price_subtotal", "tax_ids", "name", "amount_currency"]
    lines = shop.call("account.move.line", "read", ids, fields=columns) if ids else []
    return Twin(answer, moves, lines, beside_orders(shop, shop.one("sale.order", order, "partner_id")))


def beside_orders(shop: Shop, partner: int) -> list[int]:
    """A customer's invoices that stand on none of its orders: what OCA's own methods make of a subscription's lines."""
    orders = shop.find("sale.order", ["partner_id", "=", partner])
    shown = {number for order in orders for number in shop.one("sale.order", order, "invoice_ids")}
    made = shop.find("account.move", ["partner_id", "=", partner], ["move_type", "in", ["out_invoice", "out_refund"]])
    return sorted(set(made) - shown)


@pytest.mark.parametrize("edit", EDITS)
def test_the_rerun_is_the_invoice_that_the_scheduled_action_makes(twins: dict[str, Twin], edit: str) -> None:
    twin = twins[edit]
    reasons = [refusal["reason"] for refusal in twin.answer["refusals"]]
    if edit in REFUSED:
        assert reasons == [REFUSED[edit]]
        return
    assert reasons == []
    (move,) = twin.moves
    digits = 2
    lines = [line for line in twin.lines if line["display_type"] == "product"]
    told = sorted((line["subtotal"], sorted(line["tax_ids"])) for line in twin.answer["lines"])
    assert told == sorted((f"{line['price_subtotal']:.{digits}f}", sorted(line["tax_ids"])) for line in lines)
    sums = [f"{move[name]:.{digits}f}" for name in ("amount_untaxed", "amount_tax", "amount_total")]
    assert [twin.answer[name] for name in ("untaxed", "tax", "total")] == sums
    taxed = sorted(f"{-line['amount_currency']:.{digits}f}" for line in twin.lines if line["display_type"] == "tax")
    assert sorted(twin.answer["taxes"].values()) == taxed
    assert twin.answer["currency"] == move["currency_id"][1]
    assert twin.answer["invoice_partner_id"] == move["partner_id"][0]


def test_what_is_refused_is_not_billed(twins: dict[str, Twin]) -> None:
    """A total below nothing is drafted, and cannot be posted."""
    assert [twins[name].moves for name in ("paused", "cancelled")] == [[], []]


def test_nobody_is_billed_beside_the_orders(twins: dict[str, Twin]) -> None:
    """By whichever scheduled action: a month that has an invoice of its order has no other one."""
    assert {name: twin.beside for name, twin in twins.items() if twin.beside} == {}


def test_a_copy_is_no_subscription(twins: dict[str, Twin]) -> None:
    assert [r["reason"] for r in twins["copied"].answer["refusals"]] == ["order_incomplete"]
    assert twins["copied"].moves == []


def test_usage_is_on_every_invoice(twins: dict[str, Twin]) -> None:
    for name in EDITS.keys() - REFUSED.keys():
        kinds = {line["key"]["kind"] for line in twins[name].answer["lines"]}
        assert {"subscription", "charge"} <= kinds, name
