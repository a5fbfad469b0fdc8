"""Coupons that customers hold: on their orders, or with the customer as long as there is no order to reduce."""

from datetime import UTC, datetime

from odoo import models

from ...api import answers, coupons


class Coupons(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def apply_coupon(self, service, body):
        given = answers.root(body, "applied_coupon", dict)
        link = self._links(service, str(given.get("external_customer_id") or ""))
        if not link:
            raise answers.not_found("customer")
        coupon = self._coupon(self._applicable(service, given, link))
        if given.get("amount_currency") and not self._currency(given["amount_currency"]):
            raise answers.invalid({"amount_currency": ["value_is_invalid"]})
        held = coupons.create(given, coupon, datetime.now(UTC))
        if held["amount_currency"] and link.currency_id and held["amount_currency"] != link.currency_id.name:
            raise answers.invalid({"currency": ["currencies_does_not_match"]})
        self._keep(link, held)
        return {"applied_coupon": coupons.shown(held, self._holder(link), coupon)}

    def list_applied_coupons(self, service, query):
        found = [(link, held) for link in self._holders(service, query) for held in self._held(link)]
        if query.get("status"):
            found = [(link, held) for link, held in found if held["status"] == query["status"]]
        found.sort(key=lambda pair: str(pair[1].get("created_at") or ""), reverse=True)
        number, per_page = answers.page(query)
        shown = found[(number - 1) * per_page :][:per_page]
        return {
            "applied_coupons": [
                coupons.shown(held, self._holder(link), self._definition(service, held), self._credits(service, held))
                for link, held in shown
            ],
            "meta": answers.meta(number, per_page, len(found)),
        }

    def destroy_applied_coupon(self, service, _query, external_id, lago_id):
        link = self._links(service, external_id)
        if not link:
            raise answers.not_found("customer")
        held = next((one for one in self._held(link) if one["lago_id"] == lago_id), None)
        if not held:
            raise answers.not_found("applied_coupon")
        ended = coupons.terminate(held, datetime.now(UTC)) if coupons.active(held) else held
        for record, name in self._places(link):
            of_record = coupons.parse(record[name])
            if held in of_record:
                record[name] = coupons.dump([ended if one == held else one for one in of_record])
        return {"applied_coupon": coupons.shown(ended, self._holder(link), self._definition(service, ended))}

    def _applicable(self, service, given, link):
        """The coupon a customer may get now, or Lago's refusal."""
        domain = [
            ("company_id", "=", service.company_id.id),
            ("code", "=", str(given.get("coupon_code") or "")),
            ("terminated_at", "=", False),
        ]
        coupon = self.env["fusion.billing.coupon"].sudo().search(domain)
        if not coupon or (coupon.expires_at and coupon.expires_at <= datetime.now(UTC).replace(tzinfo=None)):
            raise answers.not_found("coupon")
        if not coupon.reusable and any(one["lago_coupon_id"] == coupon.fusion_lago_id for one in self._held(link)):
            raise answers.invalid({"coupon": ["coupon_is_not_reusable"]})
        return coupon

    def _keep(self, link, held):
        """On every order it may reduce; with the customer if there is none yet."""
        orders = self._coupon_orders(link).filtered(
            lambda order: not order.fusion_ended_at and coupons.reduces(held, order.fusion_plan_code or "")
        )
        for record, name in [(order, "fusion_coupons") for order in orders] or [(link, "coupons")]:
            record[name] = coupons.dump([*coupons.parse(record[name]), held])

    def _take_coupons(self, link, order):
        """A new order of this customer gets the coupons in force that may reduce it."""
        fitting = [
            one
            for one in self._held(link)[::-1]
            if coupons.active(one) and coupons.reduces(one, order.fusion_plan_code or "")
        ]
        if fitting:
            order.fusion_coupons = coupons.dump(fitting)
            link.coupons = coupons.dump([one for one in coupons.parse(link.coupons) if one not in fitting]) or False

    def _holders(self, service, query):
        """The service's customers that may hold coupons."""
        orders = self.env["sale.order"].sudo()
        holding = orders.search([("fusion_service_id", "=", service.id), ("fusion_coupons", "!=", False)])
        domain = [
            ("service_id", "=", service.id),
            "|",
            ("coupons", "!=", False),
            ("id", "in", holding.fusion_account_id.ids),
        ]
        if query.get("external_customer_id") is not None:
            domain.append(("external_id", "=", query["external_customer_id"]))
        return self.env["fusion.billing.account.link"].sudo().search(domain)

    def _held(self, link):
        return coupons.distinct(coupons.parse(record[name]) for record, name in self._places(link))

    def _places(self, link):
        """(record, field) of all the customer's coupons."""
        return [*((order, "fusion_coupons") for order in self._coupon_orders(link)), (link.sudo(), "coupons")]

    def _coupon_orders(self, link):
        orders = self.env["sale.order"].sudo()
        return orders.search(
            [
                ("fusion_account_id", "=", link.id),
                ("fusion_external_id", "!=", False),
                ("state", "!=", "cancel"),
            ]
        )

    @staticmethod
    def _holder(link):
        return {"lago_id": link.fusion_lago_id, "external_id": link.external_id}

    def _definition(self, service, held):
        """The coupon as Lago shows it, None if it is gone."""
        domain = [("company_id", "=", service.company_id.id), ("fusion_lago_id", "=", held["lago_coupon_id"])]
        coupon = self.env["fusion.billing.coupon"].sudo().search(domain, limit=1)
        return self._coupon(coupon) if coupon else None

    def _credits(self, service, held):
        """What the coupon took off posted invoices."""
        lines = self.env["account.move.line"].sudo().search(
            [
                ("company_id", "=", service.company_id.id),
                ("parent_state", "=", "posted"),
                ("move_id.fusion_shadow", "=", False),
                ("fusion_kind", "=", "coupon"),
                ("fusion_item", "=", held["lago_id"]),
            ],
            order="id desc",
        )  # fmt: skip
        return [coupons.credit(self._credit_line(line, service), held) for line in lines]

    def _credit_line(self, line, service):
        shown = self._invoice(line.move_id, service)
        return {
            "lago_id": answers.stable_id("credit", line.id),
            "amount_cents": line.currency_id._fusion_cents(-line.price_subtotal),
            "currency": line.currency_id.name,
            "lago_invoice_id": shown["lago_id"],
            "payment_status": shown["payment_status"],
        }
