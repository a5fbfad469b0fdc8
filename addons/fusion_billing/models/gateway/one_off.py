"""Invoices that an app asks for, of add-ons; and finalizing a draft."""

from decimal import Decimal

from odoo import fields, models
from odoo.fields import Command

from ...api import amounts, answers, one_off
from ...rating.exact import exponent
from ..currency import NOT_KEPT


class OneOff(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def create_invoice(self, service, body):
        """Add-ons on an invoice of their own, posted at once, as Lago's."""
        given = answers.root(body, "invoice", dict)
        self._refuse(one_off.errors(given))
        link = self._link(service, str(given["external_customer_id"]))
        currency = self._one_off_currency(given, link, service)
        lines = [Command.create(self._one_off_line(service, link, fee, currency)) for fee in given["fees"]]
        values = {
            "move_type": "out_invoice",
            "partner_id": link.partner_id.id,
            "currency_id": currency.id,
            "fusion_account_id": link.id,
            "fusion_customer": link.external_id,
            "invoice_date": fields.Date.context_today(self),
            "invoice_line_ids": lines,
        }
        move = self.env["account.move"].sudo().with_company(service.company_id).create(values)
        move.action_post()
        return {"invoice": self._whole_invoice(move, service)}

    def finalize_invoice(self, service, _body, lago_id):
        """A draft is posted; what is posted already stays as it is, as in Lago."""
        move = self._sole_move(service, lago_id)
        if move.state == "cancel":
            raise answers.not_allowed("invalid_status")
        if move.state == "draft":
            move.action_post()
        return {"invoice": self._whole_invoice(move, service)}

    def retry_invoice(self, service, _body, lago_id):
        """Lago tries again what a tax provider made fail: none fails so here."""
        self._move(service, lago_id)
        raise answers.not_allowed("invalid_status")

    def _one_off_currency(self, given, link, service):
        code = given.get("currency") or link.currency_id.name or service.company_id.currency_id.name
        currency = self._currency(code)
        if not currency or not currency.active or not currency._fusion_keeps():
            raise answers.invalid({"currency": ["value_is_invalid" if not currency else NOT_KEPT]})
        if link.currency_id and link.currency_id != currency:
            raise answers.invalid({"currency": ["currencies_does_not_match"]})
        return currency

    def _one_off_line(self, service, link, fee, currency):
        """The amount is one price: a rounded price times many units would miss the cent."""
        product = self._asked_offer(service, "add_on", fee.get("add_on_code") or fee.get("add_on_id"))
        units = amounts.given(fee["units"]) if fee.get("units") is not None else Decimal(1)
        cents = fee.get("unit_amount_cents")
        if cents is None:
            if product.fusion_currency_id != currency:
                raise answers.invalid({"currency": ["currencies_does_not_match"]})
            price = Decimal(product.fusion_amount or "0")
        else:
            price = Decimal(amounts.given(cents)).scaleb(-exponent(currency.name))
        name = str(fee.get("invoice_display_name") or fee.get("name") or product.fusion_invoice_name or product.name)
        values = {
            "product_id": product.product_variant_id.id,
            "name": f"{name}\n{fee['description']}" if fee.get("description") else name,
            "quantity": 1,
            "price_unit": float(round(price * units, exponent(currency.name))),
            "fusion_units": f"{units:f}",
        }
        taxes = self._native_taxes(fee["tax_codes"]) if fee.get("tax_codes") else link.tax_ids
        return {**values, "tax_ids": [Command.set(taxes.ids)]} if taxes else values
