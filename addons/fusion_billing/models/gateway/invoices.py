"""Invoices: native ones, drafts and posted, of a service's subscriptions."""

import json
import logging
from collections import defaultdict

from odoo import fields, models
from odoo.tools import hash_sign

from ...api import answers, invoices
from ...rating.exact import exponent
from ..dialects import dialect
from .invoice_payments import PAID
from .shares import is_coupon

_logger = logging.getLogger(__name__)
FILE_SCOPE = "fusion_billing.invoice"
FILE_HOURS = 1
# a payment that was tried and did not come, and no other that may yet
FAILED = [
    ("payment_state", "not in", PAID),
    ("transaction_ids.state", "=", "error"),
    "!", ("transaction_ids.state", "in", ("draft", "pending", "authorized", "done")),
]  # fmt: skip
BY_STATUS = {name: [("state", "=", state)] for name, state in invoices.STATUSES.items()}
BY_PAYMENT = {
    "succeeded": [("payment_state", "in", PAID)],
    "failed": FAILED,
    "pending": ["&", ("payment_state", "not in", PAID), "!", "&", "&", *FAILED],
}


class Invoices(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def list_invoices(self, service, query):
        return self._page(
            "account.move",
            [*self._invoice_domain(service), *self._invoice_filters(service, query)],
            query,
            "invoices",
            lambda move: self._invoice(move, service),
            "invoice_date desc, id desc",
        )

    def find_invoice(self, service, _query, lago_id):
        return {"invoice": self._whole_invoice(self._move(service, lago_id), service)}

    def update_invoice(self, service, body, lago_id):
        """Metadata are kept; a payment reported as received is entered where finance allows it."""
        move, given = self._move(service, lago_id), answers.root(body, "invoice", dict)
        if given.get("payment_status") is not None:
            self._report_payment(service, self._sole_move(service, lago_id), given["payment_status"])
        if isinstance(given.get("metadata"), list):
            now = answers.seconds(fields.Datetime.now())
            owner = self._owner(move, service)
            move.fusion_metadata = invoices.metadata(move.fusion_metadata, given["metadata"], now, owner)
        return {"invoice": self._whole_invoice(move, service)}

    def download_invoice(self, service, _body, lago_id):
        """The invoice with an address of its PDF; nothing, as Lago while a file is being made, if none can be made."""
        move = self._sole_move(service, lago_id)
        if move.state != "posted":
            raise answers.not_allowed("is_draft")
        if not move.invoice_pdf_report_id and self.env["ir.actions.report"].get_wkhtmltopdf_state() == "install":
            _logger.warning("Invoice %s has no PDF and wkhtmltopdf is not installed to make one.", move.name)
            return None
        return {"invoice": {**self._whole_invoice(move, service), "file_url": self._file_url(move)}}

    # finding

    def _invoice_domain(self, service):
        return [
            ("move_type", "=", "out_invoice"),
            ("fusion_shadow", "=", False),
            ("company_id", "=", service.company_id.id),
            *self._billed_to("fusion_service_id", "service_id", service),
        ]

    def _billed_to(self, of_order, of_account, records):
        """Invoices of orders whose ``of_order`` is one of these, or, where no order made them, of such accounts."""
        account = "fusion_account_id" if of_account == "id" else f"fusion_account_id.{of_account}"
        return list(fields.Domain.OR([self._billing_orders(of_order, records), [(account, "in", records.ids)]]))

    def _billing_orders(self, field, records):
        """Invoices of orders whose ``field`` is one of these."""
        paths = ("invoice_line_ids.fusion_order_id", "invoice_line_ids.sale_line_ids.order_id",
                 *dialect(self.env).order_of_invoice)  # fmt: skip
        return list(fields.Domain.OR([[(f"{path}.{field}", "in", records.ids)] for path in paths]))

    def _invoice_filters(self, service, query):
        domain = []
        if query.get("external_customer_id"):
            links = self._links(service, query["external_customer_id"])
            domain += self._billed_to("fusion_account_id", "id", links)
        domain += self._any_of(invoices.asked(query, "status", "statuses"), BY_STATUS)
        domain += self._any_of(invoices.asked(query, "payment_status", "payment_statuses"), BY_PAYMENT)
        for name, operator in (("issuing_date_from", ">="), ("issuing_date_to", "<=")):
            if query.get(name):
                domain.append(("invoice_date", operator, self._asked_day(query, name)))
        if query.get("payment_overdue") == "true":
            domain += [("payment_state", "not in", PAID), ("state", "=", "posted"),
                       ("invoice_date_due", "<", fields.Date.context_today(self))]  # fmt: skip
        if query.get("currency"):
            domain.append(("currency_id.name", "=", query["currency"]))
        if query.get("search_term"):
            domain.append(("name", "ilike", query["search_term"]))
        return domain

    @staticmethod
    def _asked_day(query, name):
        """The day of a filter, or Lago's refusal."""
        found = invoices.day(query[name])
        if not found:
            raise answers.invalid({name: ["invalid_date"]})
        return found

    @staticmethod
    def _any_of(names, domains):
        known = [domains[name] for name in names if name in domains]
        return list(fields.Domain.OR(known)) if known else []

    def _move(self, service, lago_id):
        """The service's own invoice of that id, or 404."""
        number = answers.row_number("invoice", lago_id)
        found = self.env["account.move"].sudo().search([("id", "=", number), *self._invoice_domain(service)])
        if not found:
            raise answers.not_found("invoice")
        return found

    def _link_of(self, move, service):
        """Whose invoice it is, also when the customer was deleted since."""
        return move._fusion_account(service)

    # what is shown

    def _invoice(self, move, service):
        """An invoice as Lago's list shows one. Amounts in cents of its currency."""
        link, issued = self._link_of(move, service), move.invoice_date or move.create_date.date()
        due = move.invoice_date_due or issued
        return invoices.show(
            {
                "lago_id": answers.stable_id("invoice", move.id),
                "billing_entity_code": self._entity_code(move.company_id),
                "sequential_id": move.id,
                "number": move.name if move.name and move.name != "/" else f"DRAFT-{move.id}",
                "purchase_order_number": None,
                "issuing_date": str(issued),
                "payment_due_date": str(due),
                "net_payment_term": max((due - issued).days, 0),
                "invoice_type": "subscription" if move.invoice_line_ids.fusion_order_id else "one_off",
                "status": next(name for name, state in invoices.STATUSES.items() if state == move.state),
                "payment_status": self._payment_status(move),
                "payment_overdue": bool(
                    move.state == "posted" and move.payment_state not in PAID and due < fields.Date.context_today(move)
                ),
                "currency": move.currency_id.name,
                **self._amounts(move, service),
                "offset": 0,
                "file_url": self._file_url(move) if move.invoice_pdf_report_id and not self._is_shared(move) else None,
                "web_url": f"{move.get_base_url()}/odoo/customer-invoices/{move.id}",
                "created_at": move.create_date,
                "updated_at": move.write_date,
                "customer": self._customer(link) if link else None,
                "metadata": invoices.kept_metadata(move.fusion_metadata, self._owner(move, service)),
                "applied_taxes": self._applied_taxes(move, service),
            }
        )

    def _whole_invoice(self, move, service):
        """An invoice with its fees, credits and the subscriptions it bills."""
        lines = self._own_lines(move, service)
        orders = (lines.fusion_order_id | lines.sale_line_ids.order_id).filtered("fusion_external_id")
        rows = [self._fee_row(line, service) for line in lines if not is_coupon(line)]
        return {
            **self._invoice(move, service),
            **invoices.details(
                {
                    "subscriptions": [self._subscription(order) for order in orders],
                    "billing_periods": self._billing_periods(orders, rows),
                    "fees": [invoices.fee(row) for row in rows],
                    "credits": [self._credit(line) for line in lines if is_coupon(line)],
                }
            ),
        }

    @staticmethod
    def _cents_of(move):
        return move.currency_id._fusion_cents

    def _fee_row(self, line, service):
        move, cents = line.move_id, self._cents_of(line.move_id)
        order = self._order_of(line)
        key = json.loads(line.fusion_key or "{}")
        link, in_advance = self._link_of(move, service), order.fusion_pay_in_advance
        rates = [tax.amount for tax in line.tax_ids.flatten_taxes_hierarchy() if tax.amount_type == "percent"]
        return {
            "key": key,
            "name": line.name,
            "lago_id": answers.stable_id("fee", line.id),
            "lago_invoice_id": answers.stable_id("invoice", move.id),
            "order": order,
            "lago_subscription_id": order.fusion_lago_id or None,
            "external_subscription_id": order.fusion_external_id or None,
            "lago_customer_id": link.fusion_lago_id or None,
            "external_customer_id": link.external_id or None,
            "pay_in_advance": bool(in_advance if key.get("kind") == "subscription" else key.get("event")),
            "currency": move.currency_id.name,
            "digits": exponent(move.currency_id.name),
            "net": cents(line.price_subtotal),
            "tax": cents(line.price_total) - cents(line.price_subtotal),
            "taxes_rate": float(sum(rates)),
            "units": line.fusion_units or str(line.quantity),
            "events": line.fusion_events,
            "payment_status": self._payment_status(move),
            "created_at": line.create_date,
            "from": line.fusion_from,
            "to": line.fusion_to,
            **self._item_row(line, key, order),
        }  # fmt: skip

    def _item_row(self, line, key, order):
        """What the fee is for: the subscription, a charge's metric, or a product."""
        charge = self._billed_charge(key, order)
        if charge and charge.metric_id:
            return {"item_id": charge.metric_id.fusion_lago_id or answers.stable_id("metric", charge.metric_id.id),
                    "item_code": charge.metric_id.code, "item_name": charge.metric_id.name}  # fmt: skip
        if order and not charge:
            return {"item_id": order.fusion_lago_id or answers.stable_id("subscription", order.id),
                    "item_code": order.fusion_plan_code or "", "item_name": line.name or ""}  # fmt: skip
        template = line.product_id.product_tmpl_id
        return {"item_id": template.fusion_lago_id or answers.stable_id("add_on", template.id),
                "item_code": line.product_id.default_code or "", "item_name": template.name or ""}  # fmt: skip

    def _billed_charge(self, key, order):
        """By its id; lines of before may name the code that a charge of this plan had instead."""
        charges = self.env["fusion.billing.charge"].sudo()
        if key.get("kind") not in ("charge", "true_up", "fixed_charge") or not key.get("item"):
            return charges
        plans = order.order_line.product_template_id.ids
        of_plan = [("code", "=", key["item"]), "|", ("plan_id", "in", plans), ("order_id", "=", order.id)]
        return charges.search([("fusion_lago_id", "=", key["item"])], limit=1) or charges.search(of_plan, limit=1)

    def _billing_periods(self, orders, rows):
        by_order = defaultdict(list)
        for row in rows:
            by_order[row["order"]].append(row)
        periods = []
        for order in orders:
            template = order.order_line.product_template_id.filtered(lambda t: t.fusion_kind == "plan")[:1]
            told = {
                "lago_id": order.fusion_lago_id or answers.stable_id("subscription", order.id),
                "external_id": order.fusion_external_id,
                "lago_plan_id": template.fusion_lago_id or answers.stable_id("plan", template.id),
                "reason": "subscription_periodic",
            }
            periods.append(invoices.billing_period(told, by_order[order]))
        return [period for period in periods if period]

    def _credit(self, line):
        move, coupon = line.move_id, json.loads(line.fusion_key)
        return {
            "lago_id": answers.stable_id("credit", line.id),
            "amount_cents": -self._cents_of(move)(line.price_subtotal),
            "amount_currency": move.currency_id.name,
            "before_taxes": True,
            "item": {
                "lago_item_id": coupon.get("item") or answers.stable_id("credit", line.id),
                "type": "coupon",
                "code": self._coupon_code(line, coupon.get("item")),
                "name": line.name,
                "description": None,
            },
            "invoice": {
                "lago_id": answers.stable_id("invoice", move.id),
                "payment_status": self._payment_status(move),
            },
        }

    @staticmethod
    def _coupon_code(line, lago_id):
        held = json.loads(line.fusion_order_id.fusion_coupons or "[]")
        codes = [str(coupon.get("coupon_code") or "") for coupon in held if coupon.get("lago_id") == lago_id]
        return codes[0] if codes else line.name

    def _file_url(self, move):
        token = hash_sign(self.sudo().env, FILE_SCOPE, move.id, expiration_hours=FILE_HOURS)
        return f"{move.get_base_url()}/fusion_billing/invoice/{token}"
