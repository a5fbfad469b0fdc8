"""Usage that was invoiced: period by period, and all of it so far."""

import json
from collections import defaultdict
from decimal import Decimal

from odoo import fields, models

from ...api import answers, catalog_given
from ...api.past_usage import charge_usage
from ...rating import running, usage_of
from ..gathered import Gathered
from ..lifecycle import now_exactly

METERED = ("charge", "true_up")


class PastUsage(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def past_usage(self, service, query, external_id):
        """One entry of each invoice that billed usage of the subscription, the newest first."""
        link = self._link(service, external_id)
        wanted = query.get("external_subscription_id")
        if not wanted:
            raise answers.invalid({"external_subscription_id": ["value_is_mandatory"]})
        orders = self._orders(service, wanted).filtered(lambda order: order.fusion_account_id == link)
        if not orders:
            raise answers.not_found("subscription")
        moves = self._metered_lines(orders).move_id.sorted(lambda move: (move.invoice_date, move.id), reverse=True)
        asked = answers.positive(query.get("periods_count"), 0, 0)
        moves = moves[:asked] if asked else moves
        rows = [self._usage_period(move, orders, service, query.get("billable_metric_code")) for move in moves]
        return answers.page_of("usage_periods", rows, query)

    def lifetime_usage(self, service, _query, external_id):
        return {"lifetime_usage": self._lifetime(service, self._found(service, external_id, "active"))}

    def update_lifetime_usage(self, service, body, external_id):
        """What was used before Lago, as the app says it: kept with the subscription."""
        given = answers.root(body, "lifetime_usage", dict)
        order, cents = self._found(service, external_id, "active"), given.get("external_historical_usage_amount_cents")
        if not catalog_given.is_cents(cents):
            raise answers.invalid({"external_historical_usage_amount_cents": ["value_is_invalid"]})
        order.fusion_details = self._details(order, historical_usage_cents=catalog_given.cents(cents))
        return {"lifetime_usage": self._lifetime(service, order)}

    def _metered_lines(self, orders):
        return self.env["account.move.line"].sudo().search(
            [("fusion_order_id", "in", orders.ids), ("fusion_kind", "in", METERED), ("parent_state", "=", "posted"),
             ("move_id.move_type", "=", "out_invoice"), ("move_id.fusion_shadow", "=", False)]
        )  # fmt: skip

    def _usage_period(self, move, orders, service, metric_code):
        lines = self._metered_lines(orders).filtered(lambda line: line.move_id == move)
        amounts = self._amounts(move, service)
        by_charge = defaultdict(list)
        for line in lines:
            key = json.loads(line.fusion_key)
            charge = self._billed_charge(key, line.fusion_order_id)
            if not metric_code or charge.metric_id.code == metric_code:
                by_charge[charge].append((key, line))
        timed = lines.filtered("fusion_from")
        return {
            "from_datetime": answers.seconds(min(timed.mapped("fusion_from"), default=None)),
            "to_datetime": answers.seconds(max(timed.mapped("fusion_to"), default=None)),
            "issuing_date": str(move.invoice_date),
            "currency": move.currency_id.name,
            "amount_cents": amounts["fees"],
            "total_amount_cents": amounts["total"],
            "taxes_amount_cents": amounts["taxes"],
            "lago_invoice_id": answers.stable_id("invoice", move.id),
            "charges_usage": [self._charge_period(charge, rows) for charge, rows in by_charge.items() if charge],
        }

    def _charge_period(self, charge, rows):
        metric, cents = charge.metric_id, self._cents_of(rows[0][1].move_id)
        named = {row.get("lago_id"): row for row in json.loads(charge.filters or "[]")}
        return charge_usage(
            {
                "charge": {"lago_id": charge.fusion_lago_id, "code": charge.code, "charge_model": charge.charge_model,
                           "invoice_display_name": None},
                "billable_metric": {"lago_id": metric.fusion_lago_id, "name": metric.name, "code": metric.code,
                                    "aggregation_type": metric.aggregation},
                "currency": rows[0][1].currency_id.name,
                "filters": named,
                "lines": [
                    {"key": key, "units": Decimal(line.fusion_units or "0") if key["kind"] == "charge" else Decimal(0),
                     "events": line.fusion_events, "cents": cents(line.price_subtotal)}
                    for key, line in rows
                ],
            }
        )  # fmt: skip

    def _lifetime(self, service, order):
        """Invoiced under its external id, and used in the running period."""
        orders = self._orders(service, order.fusion_external_id)
        lines = self._metered_lines(orders)
        cents = order.currency_id._fusion_cents
        started = min((at for at in orders.mapped("fusion_started_at") if at), default=order.fusion_started_at)
        return {
            "lago_id": answers.stable_id("lifetime_usage", order.id),
            "lago_subscription_id": order.fusion_lago_id or answers.stable_id("subscription", order.id),
            "external_subscription_id": order.fusion_external_id,
            "external_historical_usage_amount_cents": json.loads(order.fusion_details or "{}").get(
                "historical_usage_cents", 0
            ),
            "invoiced_usage_amount_cents": sum(cents(line.price_subtotal) for line in lines),
            "current_usage_amount_cents": self._running_cents(service, order),
            "from_datetime": answers.seconds(started),
            "to_datetime": answers.seconds(fields.Datetime.now()),
            "usage_thresholds": [],
        }

    def _running_cents(self, service, order):
        now, gathered = now_exactly(), Gathered(order)
        given = gathered.billing(order.id, now, "")
        period = running(given["order"], given["charges"], given["metrics"], now)
        if period is None:
            return 0
        events = self.env["fusion.billing.usage"].sudo()
        found = events._of_running(order.company_id, order.fusion_external_id, period, service)
        return usage_of(period, *found)["amount_cents"]
