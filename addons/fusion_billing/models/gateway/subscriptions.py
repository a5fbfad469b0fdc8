"""Subscriptions: native sale orders."""

from odoo import fields, models

from ...api import answers


class Subscriptions(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def list_subscriptions(self, service, query):
        domain = [("fusion_service_id", "=", service.id), ("fusion_external_id", "!=", False), *self._active()]
        if query.get("external_customer_id"):
            link = self._links(service, query["external_customer_id"])
            if not link:
                raise answers.not_found("customer")
            domain.append(("partner_id", "=", link.partner_id.id))
        return self._page(
            "sale.order", domain, query, "subscriptions", self._subscription, "fusion_anchor desc, id desc"
        )

    def find_subscription(self, service, _query, external_id):
        orders = self._orders(service, external_id)
        running = orders.filtered(lambda order: self._status(order) == "active")
        if not running:
            raise answers.not_found("subscription")
        return {"subscription": self._subscription(running[0])}

    @staticmethod
    def _active():
        return [("state", "=", "sale"), ("fusion_started_at", "!=", False), ("fusion_ended_at", "=", False)]

    @staticmethod
    def _status(order):
        if order.state == "cancel":
            return "canceled"
        if order.fusion_ended_at and order.fusion_ended_at <= fields.Datetime.now():
            return "terminated"
        return "active" if order.fusion_started_at and order.state == "sale" else "pending"

    def _subscription(self, order):
        link = self.env["fusion.billing.account.link"].sudo().search(
            [("service_id", "=", order.fusion_service_id.id), ("partner_id", "=", order.partner_id.id)], limit=1
        )  # fmt: skip
        digits = order.currency_id.decimal_places
        return {
            "lago_id": order.fusion_lago_id or answers.stable_id("subscription", order.id),
            "external_id": order.fusion_external_id,
            "lago_customer_id": link.fusion_lago_id or None,
            "external_customer_id": link.external_id or None,
            "name": None,
            "plan_code": order.fusion_plan_code or None,
            "plan_amount_cents": round(float(order.fusion_plan_amount or 0) * 10**digits),
            "plan_amount_currency": order.currency_id.name,
            "status": self._status(order),
            "billing_time": order.fusion_billing_time or None,
            "subscription_at": answers.seconds(order.fusion_anchor),
            "started_at": answers.millis(order.fusion_started_at, order.fusion_started_us),
            "ending_at": answers.seconds(order.fusion_ending_at),
            "terminated_at": answers.seconds(order.fusion_ended_at),
            "canceled_at": None,
            "created_at": answers.seconds(order.fusion_created_at or order.create_date),
            "previous_plan_code": order.fusion_previous_order_id.fusion_plan_code or None,
            "next_plan_code": None,
            "downgrade_plan_date": None,
        }
