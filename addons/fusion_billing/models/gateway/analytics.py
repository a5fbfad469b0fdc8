"""What was invoiced, month by month: sums of the service's own invoices."""

from collections import defaultdict

from odoo import fields, models

from ...api import answers
from .invoice_payments import PAID


class Analytics(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def gross_revenue(self, service, query):
        """Totals of posted invoices with their taxes."""
        found = defaultdict(list)
        for move, amounts in self._posted(service, query):
            found[month(move.invoice_date), move.currency_id.name].append(amounts["total"])
        rows = [{"month": at, "amount_cents": sum(cents), "currency": currency, "invoices_count": len(cents)}
                for (at, currency), cents in sorted(found.items())]  # fmt: skip
        return {"gross_revenues": rows}

    def overdue_balance(self, service, query):
        """What is due and was not paid, by the month of its due date."""
        found, today = defaultdict(list), fields.Date.context_today(self)
        for move, amounts in self._posted(service, query):
            if move.payment_state not in PAID and move.invoice_date_due < today:
                row = (amounts["due"], answers.stable_id("invoice", move.id))
                found[month(move.invoice_date_due), move.currency_id.name].append(row)
        rows = [{"month": at, "amount_cents": sum(cents for cents, _ in due), "currency": currency,
                 "lago_invoice_ids": [lago_id for _, lago_id in due]}
                for (at, currency), due in sorted(found.items())]  # fmt: skip
        return {"overdue_balances": rows}

    def invoice_collection(self, service, query):
        """How many invoices are paid, and how much they come to."""
        found = defaultdict(list)
        for move, amounts in self._posted(service, query):
            key = (month(move.invoice_date), move.currency_id.name, self._payment_status(move))
            found[key].append(amounts["total"])
        rows = [{"month": at, "payment_status": status, "invoices_count": len(cents), "amount_cents": sum(cents),
                 "currency": currency} for (at, currency, status), cents in sorted(found.items())]  # fmt: skip
        return {"invoice_collections": rows}

    def invoiced_usage(self, service, query):
        """Amounts of usage by metric."""
        found = defaultdict(int)
        for move, _amounts in self._posted(service, query):
            for line in self._own_lines(move, service).filtered(lambda one: one.fusion_kind in ("charge", "true_up")):
                charge = self._billed_charge(line._fusion_key_parts(), line.fusion_order_id)
                key = (month(move.invoice_date), move.currency_id.name, charge.metric_id.code or "")
                found[key] += self._cents_of(move)(line.price_subtotal)
        rows = [{"month": at, "code": code, "currency": currency, "amount_cents": cents}
                for (at, currency, code), cents in sorted(found.items())]  # fmt: skip
        return {"invoiced_usages": rows}

    def _posted(self, service, query):
        """(invoice, cents of the service's part) of the months that were asked for."""
        domain = [*self._invoice_domain(service), ("state", "=", "posted")]
        if query.get("currency"):
            domain.append(("currency_id.name", "=", query["currency"]))
        if query.get("external_customer_id"):
            links = self._link(service, query["external_customer_id"])
            domain += self._billed_to("fusion_account_id", "id", links)
        months = answers.positive(query.get("months"), 0, 0)
        if months:
            first = fields.Date.context_today(self).replace(day=1)
            domain.append(("invoice_date", ">=", fields.Date.subtract(first, months=min(months, 1200) - 1)))
        moves = self.env["account.move"].sudo().search(domain, order="invoice_date, id")
        return [(move, self._amounts(move, service)) for move in moves]


def month(day):
    """As Lago's analytics name one: its first moment."""
    return day.strftime("%Y-%m-01T00:00:00.000Z")
