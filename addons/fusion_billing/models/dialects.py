"""One subscription, three ways to say it: Enterprise's fields, OCA's ``sale.subscription``, or a plain order.

The addon depends on neither: which one is there is seen from the models. What each writes is what the migration writes
(``mappings/dialects.py``), so that both kinds of orders are of one make.
"""

from odoo.fields import Command

# interval -> name, count, unit
INTERVALS = {
    "weekly": ("Weekly (Lago)", 1, "week"),
    "monthly": ("Monthly (Lago)", 1, "month"),
    "quarterly": ("Quarterly (Lago)", 3, "month"),
    "semiannual": ("Half-yearly (Lago)", 6, "month"),
    "yearly": ("Yearly (Lago)", 1, "year"),
}


def dialect(env):
    """How this database says it."""
    if "sale.subscription.plan" in env:
        return Enterprise(env)
    return Oca(env) if "sale.subscription" in env else Plain(env)


class Plain:
    """Without subscriptions: a confirmed order, invoiced by whoever asks."""

    carrier = False  # do others than the order itself hold the quantities?
    flag = ""  # field of a product that is sold by subscription
    order_of_invoice = ()  # further paths from an invoice to the order it bills

    def __init__(self, env):
        self.env = env

    @property
    def final(self):
        """Whether the scheduled action of these subscriptions invoices with ``final=True`` (refunds too)."""
        return False

    def rests(self, order):
        """Whether nothing is to be billed of the order for now: somebody paused it, or it was closed here alone."""
        return False

    def mark(self, plan):
        """Let native subscriptions know that this product is one of theirs."""
        if self.flag and not plan[self.flag]:
            plan[self.flag] = True

    def values(self, cadence, start, end):
        """Of a new quotation. ``start``/``end``: the customer's days."""
        return {}

    def start(self, order, cadence, start, next_invoice):
        order.action_confirm()

    def reschedule(self, order, next_invoice):
        """Native invoicing acts next on that day."""

    def invoiced(self, orders, moves):
        """What was due of the orders has become these invoices."""

    def plan_end(self, order, end):
        """The day it is planned to end, or False."""

    def close(self, order):
        """It has ended; nothing is invoiced by itself any more."""

    def withdraw(self, order):
        """It will not start."""
        order._action_cancel()


class Enterprise(Plain):
    flag = "recurring_invoice"

    @property
    def final(self):
        return hasattr(self.env["sale.order"], "_create_recurring_invoice")

    def rests(self, order):
        stopped = order.subscription_state in ("4_paused", "6_churn")
        return bool(stopped and not order.fusion_ended_at)

    def interval(self, cadence):
        name, count, unit = INTERVALS[cadence]
        plans = self.env["sale.subscription.plan"].sudo()
        domain = [("billing_period_value", "=", count), ("billing_period_unit", "=", unit)]
        if "company_id" in plans._fields:
            domain.append(("company_id", "in", (False, self.env.company.id)))
        found = plans.search(domain)
        ours = found.filtered(lambda plan: plan.name == name)[:1] or found[:1]
        return ours or plans.create({"name": name, "billing_period_value": count, "billing_period_unit": unit})

    def values(self, cadence, start, end):
        return {"plan_id": self.interval(cadence).id, "start_date": start, "end_date": end or False}

    def start(self, order, cadence, start, next_invoice):
        order.action_confirm()
        order.write({"start_date": start, "next_invoice_date": next_invoice})

    def reschedule(self, order, next_invoice):
        order.next_invoice_date = next_invoice

    def plan_end(self, order, end):
        order.end_date = end or False

    def close(self, order):
        if order.subscription_state in ("3_progress", "4_paused"):
            order.set_close()


class Oca(Plain):
    """The order carries what the addon needs, without quantities; ``sale.subscription`` is what is invoiced."""

    carrier = True
    flag = "subscribable"
    order_of_invoice = ("subscription_id.sale_order_id",)

    def rests(self, order):
        natives = order.sudo().subscription_ids
        awake = any(native.in_progress and not native.is_paused for native in natives)
        return bool(natives and not awake and not order.fusion_ended_at)

    def interval(self, cadence):
        name, count, unit = INTERVALS[cadence]
        templates = self.env["sale.subscription.template"].sudo()
        domain = [
            ("recurring_interval", "=", count),
            ("recurring_rule_type", "=", f"{unit}s"),
            ("recurring_rule_boundary", "=", "unlimited"),
        ]
        found = templates.search(domain)
        ours = found.filtered(lambda template: template.name == name)[:1] or found[:1]
        return ours or templates.create(
            {
                "name": name,
                "code": f"LAGO-{cadence}",
                "recurring_interval": count,
                "recurring_rule_type": f"{unit}s",
                "recurring_rule_boundary": "unlimited",
                "invoicing_mode": "draft",
            }
        )

    def start(self, order, cadence, start, next_invoice):
        order.action_confirm()
        native = order.subscription_ids[:1] or self.create(order, cadence)
        native.action_start_subscription()  # which starts it today, so the dates come last
        native.write({"date_start": start, "recurring_next_date": next_invoice})

    def create(self, order, cadence):  # pylint: disable=method-required-super  # no model: nothing to extend
        lines = [
            Command.create(
                {
                    "product_id": line.product_id.id,
                    "name": line.name,
                    "product_uom_qty": quantity,
                    "price_unit": line.price_unit,
                    "tax_ids": [Command.set(line.tax_ids.ids)],
                }
            )
            for line, quantity in zip(order.order_line, order._fusion_quantities(), strict=True)
        ]
        return self.env["sale.subscription"].sudo().create(
            {
                "code": order.name,
                "partner_id": order.partner_id.id,
                "template_id": self.interval(cadence).id,
                "pricelist_id": order.pricelist_id.id,
                "description": order.fusion_external_id,
                "sale_order_id": order.id,
                "company_id": order.company_id.id,
                "sale_subscription_line_ids": lines,
            }
        )  # fmt: skip

    def reschedule(self, order, next_invoice):
        order.subscription_ids.recurring_next_date = next_invoice

    def invoiced(self, orders, moves):
        orders._fusion_oca_invoiced(moves)

    def close(self, order):
        for native in order.subscription_ids.filtered("in_progress"):
            native.close_subscription()

    def withdraw(self, order):
        for native in order.subscription_ids:
            native.close_subscription()
        return super().withdraw(order)
