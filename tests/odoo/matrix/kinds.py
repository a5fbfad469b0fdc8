"""A kind of fault, for the matrix on a real Odoo, and the edits that only a real Odoo can take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from tests.faults import STARTER, Company, Fault, Plant

FLAVOURS = ENTERPRISE, OCA = "enterprise", "oca"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Fault):
    """``moves``: some invoice of some customer will bear another amount, or go to somebody else.

    ``fields``: the fields of which drift (``status``) must name one where reconcile has no cause for it. ``each``: the
    causes, reasons and fields that are right for each of several faults.
    """

    moves: bool = True
    fields: frozenset[str] = frozenset()
    flavours: tuple[str, ...] = (ENTERPRISE,)
    each: tuple[frozenset[str], ...] = ()

    @property
    def planted(self) -> tuple[frozenset[str], ...]:
        """For every fault that is planted the names that are right for it."""
        if self.each:
            return self.each
        if self.several:
            return tuple(frozenset({cause}) for cause in sorted(self.causes))
        return (self.causes | self.fields,)


def as_kind(fault: Fault, *flavours: str) -> Kind:
    """A fault of the embedded matrix, planted in a real Odoo as well."""
    values = {f.name: getattr(fault, f.name) for f in fields(Fault)}
    return Kind(**values, flavours=flavours or (ENTERPRISE,))


def kind(
    name: str,
    customer: str,
    plant: Plant,
    *,
    causes: str = "",
    drift: str = "",
    month: str = "2026-07",
    each: tuple[str, ...] = (),
    **more: Any,
) -> Kind:
    """``causes``: the right names of reconcile; ``drift``: fields that status may name instead; words of a text.

    ``each``: the same for each of several faults: causes or fields.
    """
    return Kind(
        each=tuple(frozenset(names.split()) for names in each),
        name=name,
        side="odoo",
        causes=frozenset(causes.split()),
        fields=frozenset(drift.split()),
        customers=(customer,),
        plant=plant,
        month=month,
        **more,
    )


# --- people's edits --------------------------------------------------------------------------------------------------


def plan_line(company: Company, customer: str, model: str = "sale.order.line") -> dict[str, Any]:
    """The line of the plan of the customer's order."""
    order = company.order(customer)
    if model == "sale.subscription.line":
        subscriptions = company.rows("sale.subscription", [["sale_order_id", "=", order["id"]]], "id")
        return company.rows(model, [["sale_subscription_id", "=", subscriptions[0]["id"]]])[0]
    lines = company.rows(model, [["order_id", "=", order["id"]]])
    return min(lines, key=lambda line: (line["sequence"], line["id"]))


def on_line(customer: str, model: str = "sale.order.line", **values: Any) -> Plant:
    return lambda c: c.write(model, [["id", "=", plan_line(c, customer, model)["id"]]], **values)


def add_line(customer: str, price: float, quantity: float = 1.0, **values: Any) -> Plant:
    """A line that no migration made, of a product that is nobody's plan."""

    def plant(company: Company) -> None:
        product = create(company, "product.product", name="Goodwill", type="service", list_price=price)
        line = {
            "order_id": company.order(customer)["id"],
            "product_id": product,
            "product_uom_qty": quantity,
            "price_unit": price,
            **values,
        }
        create(company, "sale.order.line", **line)

    return plant


def note_on_order(customer: str) -> Plant:
    return lambda c: (
        c.odoo.call(
            "sale.order.line",
            "create",
            vals_list=[{"order_id": c.order(customer)["id"], "display_type": "line_note", "name": "Thanks"}],
        )
        and None
    )


def create(company: Company, model: str, **values: Any) -> int:
    (made,) = company.odoo.call(model, "create", vals_list=[values])
    return int(made)


def do(model: str, method: str, find: Callable[[Company], Sequence[int]], **arguments: Any) -> Plant:
    """What a button does."""

    def plant(company: Company) -> None:
        company.odoo.call(model, method, list(find(company)), **arguments)

    return plant


def order_id(customer: str) -> Callable[[Company], Sequence[int]]:
    return lambda company: [company.order(customer)["id"]]


def copy_order(customer: str) -> Plant:
    """Duplicated in Odoo, confirmed and running."""

    def plant(company: Company) -> None:
        made = company.odoo.call("sale.order", "copy", [company.order(customer)["id"]])
        company.odoo.call("sale.order", "action_confirm", made if isinstance(made, list) else [made])

    return plant


def partner_of(company: Company, customer: str) -> int:
    return int(company.order(customer)["partner_id"][0])


def move_order(customer: str, other: str, *fields: str) -> Plant:
    """The order goes to another customer (``fields``: only these of it)."""

    def plant(company: Company) -> None:
        values = dict.fromkeys(fields, partner_of(company, other))
        company.write("sale.order", [["id", "=", company.order(customer)["id"]]], **values)

    return plant


def merge_contacts(customer: str, other: str) -> Plant:
    """Contacts, Action, Merge: the first one becomes part of the other."""

    def plant(company: Company) -> None:
        partners = [partner_of(company, customer), partner_of(company, other)]
        wizard = create(
            company,
            "base.partner.merge.automatic.wizard",
            state="selection",
            partner_ids=[[6, 0, partners]],
            dst_partner_id=partners[1],
        )
        company.odoo.call("base.partner.merge.automatic.wizard", "action_merge", [wizard])

    return plant


def on_partner(customer: str, **values: Any) -> Plant:
    return lambda c: c.write("res.partner", [["id", "=", partner_of(c, customer)]], **values)


def province(customer: str, code: str) -> Plant:
    def plant(company: Company) -> None:
        domain = [["country_id.code", "=", "CA"], ["code", "=", code]]
        states = company.rows("res.country.state", domain, "id")
        on_partner(customer, state_id=states[0]["id"])(company)

    return plant


def later(customer: str, **more: int) -> Plant:
    """The next invoice some days or years later."""

    def plant(company: Company) -> None:
        order = company.order(customer)
        year, month, day = (int(part) for part in order["next_invoice_date"].split("-"))
        moved = f"{year + more.get('years', 0):04}-{month:02}-{day + more.get('days', 0):02}"
        company.write("sale.order", [["id", "=", order["id"]]], next_invoice_date=moved)

    return plant


def swap_product(customer: str) -> Plant:
    """The line of the plan sells another plan."""

    def plant(company: Company) -> None:
        domain = [["product_tmpl_id.default_code", "=", "nexacloud_pro"]]
        products = company.rows("product.product", domain, "id")
        on_line(customer, product_id=products[0]["id"])(company)

    return plant


def on_native(customer: str, **values: Any) -> Plant:
    """The subscription of OCA's beside the order."""
    return lambda c: c.write("sale.subscription", [["sale_order_id", "=", c.order(customer)["id"]]], **values)


def stage_of_native(customer: str, kind_of_stage: str) -> Plant:
    """It is dragged to a stage of that type: draft, pre, in_progress, post."""

    def plant(company: Company) -> None:
        (stage, *_) = company.rows("sale.subscription.stage", [["type", "=", kind_of_stage]], "id")
        on_native(customer, stage_id=stage["id"])(company)

    return plant


# --- settings --------------------------------------------------------------------------------------------------------


def setting(model: str, domain: Sequence[Any], **values: Any) -> Plant:
    return lambda c: c.write(model, domain, **values)


def by_sql(text: str) -> Plant:
    """Set before there were entries, when Odoo still allowed it."""

    def plant(company: Company) -> None:
        assert company.sql
        company.sql(text)

    return plant


def foreign_company(company: Company) -> None:
    country = company.rows("res.country", [["code", "=", "US"]], "id")[0]["id"]
    company.write("res.company", [["id", "=", 1]], account_fiscal_country_id=country)


def lesser_group(customer: str, kept: str) -> Plant:
    """The group of taxes on the order's lines is made of this one part."""

    def plant(company: Company) -> None:
        (line, *_) = company.rows("sale.order.line", [["order_id", "=", company.order(customer)["id"]]])
        company.write(
            "account.tax", [["id", "in", line["tax_ids"]]], children_tax_ids=[[6, 0, [tax_id(company, kept)]]]
        )

    return plant


def tax_id(company: Company, code: str) -> int:
    domain = [["module", "=", "account"], ["name", "=like", f"%_{code}"]]
    return int(company.rows("ir.model.data", [*domain, ["model", "=", "account.tax"]], "res_id")[0]["res_id"])


def undistributed(code: str) -> Plant:
    """What the tax brings is taken off again, on another account."""

    def plant(company: Company) -> None:
        off = [[0, 0, {"repartition_type": "tax", "factor_percent": -100.0}]]
        values = {"invoice_repartition_line_ids": off, "refund_repartition_line_ids": off}
        company.odoo.call("account.tax", "write", [tax_id(company, code)], vals=values)

    return plant


def copied_tax(customer: str, code: str) -> Plant:
    """A copy of the tax that is included in the price, on the line of the plan."""

    def plant(company: Company) -> None:
        made = company.odoo.call("account.tax", "copy", [tax_id(company, code)])
        copy = made[0] if isinstance(made, list) else made
        company.odoo.call("account.tax", "write", [copy], vals={"price_include_override": "tax_included"})
        on_line(customer, tax_ids=[[6, 0, [copy]]])(company)

    return plant


def early_discount(customer: str) -> Plant:
    """A payment term whose discount lowers the tax at once."""

    def plant(company: Company) -> None:
        discount = {"early_discount": True, "discount_percentage": 2.0, "discount_days": 10}
        term = create(
            company, "account.payment.term", name="2 in 10", early_pay_discount_computation="mixed", **discount
        )
        company.write("sale.order", [["id", "=", company.order(customer)["id"]]], payment_term_id=term)

    return plant


# --- one side only ---------------------------------------------------------------------------------------------------


def lone_order(customer: str) -> Plant:
    """A subscription entered in Odoo by hand, for a migrated customer."""

    def plant(company: Company) -> None:
        order, line = company.order(customer), plan_line(company, customer)
        made = create(
            company,
            "sale.order",
            partner_id=order["partner_id"][0],
            plan_id=order["plan_id"][0],
            start_date="2026-07-01",
            next_invoice_date="2026-09-01",
            order_line=[[0, 0, {"product_id": line["product_id"][0], "price_unit": 77.0}]],
        )
        company.odoo.call("sale.order", "action_confirm", [made])

    return plant


def usage_again(customer: str, metric: str, month: str) -> Plant:
    """Usage entered again under other names, as by somebody who thinks that it is missing."""
    names = ("external_subscription_id", "code", "timestamp", "timestamp_us", "properties")

    def plant(company: Company) -> None:
        for row in company.usage(customer, metric, month):
            again = {**{name: row[name] for name in names}, "transaction_id": f"again-{row['transaction_id']}"}
            create(company, "fusion.billing.usage", **again)

    return plant


def lone_invoice(customer: str) -> Plant:
    """A posted invoice of July that Lago has not."""

    def plant(company: Company) -> None:
        line = {"name": "By hand", "quantity": 1, "price_unit": 250.0}
        move = create(
            company,
            "account.move",
            move_type="out_invoice",
            partner_id=partner_of(company, customer),
            invoice_date="2026-07-01",
            invoice_line_ids=[[0, 0, line]],
        )
        company.odoo.call("account.move", "action_post", [move])

    return plant


def lone_receipt(customer: str) -> Plant:
    """A receipt in draft, which is no invoice and bills all the same."""

    def plant(company: Company) -> None:
        line = {"name": "Over the counter", "quantity": 1, "price_unit": 44.0}
        values = {"move_type": "out_receipt", "partner_id": partner_of(company, customer)}
        create(company, "account.move", **values, invoice_date="2026-07-01", invoice_line_ids=[[0, 0, line]])

    return plant


def lone_sale(customer: str) -> Plant:
    """An order of something that is invoiced once, confirmed and not invoiced yet."""

    def plant(company: Company) -> None:
        product = create(company, "product.product", name="Training", type="service", invoice_policy="order")
        line = {"product_id": product, "price_unit": 500.0}
        made = create(company, "sale.order", partner_id=partner_of(company, customer), order_line=[[0, 0, line]])
        company.odoo.call("sale.order", "action_confirm", [made])

    return plant


def contact_of(customer: str, other: str) -> Plant:
    """The customer becomes a contact of another one, who owes its invoices from then on."""
    return lambda c: on_partner(customer, is_company=False, type="invoice", parent_id=partner_of(c, other))(c)


def forget_external_id(customer: str) -> Plant:
    def plant(company: Company) -> None:
        domain = [["model", "=", "sale.order"], ["res_id", "=", company.order(customer)["id"]], ["module", "=", "lago"]]
        company.unlink("ir.model.data", domain)

    return plant


def usage_to(customer: str, other: str, metric: str) -> Plant:
    """Usage of one subscription is entered for another one."""

    def plant(company: Company) -> None:
        names = [s.external_id for s in company.snapshot.subscriptions if s.external_customer_id == other]
        ids = [row["id"] for row in company.usage(customer, metric)[:10]]
        company.write("fusion.billing.usage", [["id", "in", ids]], external_subscription_id=names[0])

    return plant


# --- open balances ---------------------------------------------------------------------------------------------------


def balance_id(customer: str, month: str) -> Callable[[Company], Sequence[int]]:
    """The open balance of the customer's invoice of a month."""

    def find(company: Company) -> Sequence[int]:
        invoice = company.invoice(customer, month)
        domain = [["module", "=", "lago"], ["name", "=", f"invoice_{invoice.lago_id}"]]
        return [company.rows("ir.model.data", domain, "res_id")[0]["res_id"]]

    return find


def on_balance(customer: str, month: str, **values: Any) -> Plant:
    find = balance_id(customer, month)
    return lambda c: c.write("account.move", [["id", "in", list(find(c))]], **values)


def on_balance_line(customer: str, month: str, **values: Any) -> Plant:
    def plant(company: Company) -> None:
        (move,) = balance_id(customer, month)(company)
        company.write("account.move.line", [["move_id", "=", move], ["display_type", "=", "product"]], **values)

    return plant


def add_to_balance(customer: str, month: str, price: float) -> Plant:
    """A line of somebody's in the entry."""

    def plant(company: Company) -> None:
        (move,) = balance_id(customer, month)(company)
        (line, *_) = company.rows("account.move.line", [["move_id", "=", move], ["display_type", "=", "product"]])
        added = {
            "name": "more",
            "quantity": 1.0,
            "price_unit": price,
            "account_id": line["account_id"][0],
            "tax_ids": [],
        }
        company.write("account.move", [["id", "=", move]], invoice_line_ids=[[0, 0, added]])

    return plant


def tax_on_balance(customer: str, month: str, code: str) -> Plant:
    return lambda c: on_balance_line(customer, month, tax_ids=[[6, 0, [tax_id(c, code)]]])(c)


def pay_balance(customer: str, month: str) -> Plant:
    """Posted, and paid by the wizard."""

    def plant(company: Company) -> None:
        ids = list(balance_id(customer, month)(company))
        company.odoo.call("account.move", "action_post", ids)
        context = {"active_model": "account.move", "active_ids": ids}
        (wizard,) = company.odoo.call("account.payment.register", "create", vals_list=[{}], context=context)
        company.odoo.call("account.payment.register", "action_create_payments", [wizard], context=context)

    return plant


def give_balance_to(customer: str, month: str, other: str) -> Plant:
    return lambda c: on_balance(customer, month, partner_id=partner_of(c, other))(c)


def copy_balance(customer: str, month: str) -> Plant:
    return do("account.move", "copy", balance_id(customer, month))


# --- schedulers ------------------------------------------------------------------------------------------------------


def run_scheduler(xid: str) -> Plant:
    """A scheduled action, by the button 'Run Manually'."""

    def plant(company: Company) -> None:
        module, _, name = xid.partition(".")
        domain = [["module", "=", module], ["name", "=", name]]
        cron = company.rows("ir.model.data", domain, "res_id")[0]["res_id"]
        company.write("ir.cron", [["id", "=", cron]], active=True)
        company.odoo.call("ir.cron", "method_direct_trigger", [cron])

    return plant


# --- Lago's own records ----------------------------------------------------------------------------------------------


def never_made(company: Company) -> Company:
    """Lago never made the invoice of June's usage: its job got stuck."""
    invoice, snapshot = company.invoice(STARTER), company.snapshot
    invoices = tuple(other for other in snapshot.invoices if other is not invoice)
    fees = tuple(fee for fee in snapshot.fees if fee.lago_invoice_id != invoice.lago_id)
    return replace(company, snapshot=replace(snapshot, invoices=invoices, fees=fees))
