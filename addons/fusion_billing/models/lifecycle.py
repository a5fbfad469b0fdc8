"""A subscription's life on its native order: drafted from a plan, started, changed, ended; billed at both ends.

Between its ends native invoicing bills it, period by period. The first invoice of a plan paid in advance, and the last
one of any plan, are made here, because no native calendar knows them.
"""

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Command

from ..rating import schedule
from ..rating.moments import local_date, moment, zone
from ..rating.rows import ORDER_FIELDS
from .apart import tried, tried_in_job
from .dialects import dialect
from .gathered import Gathered, plan_line

# Native invoicing must not act before the change that is due on its day; should the change not happen, it acts then.
CHANGE_FIRST = timedelta(days=3)
MONTHS = {"yearly": 12, "semiannual": 6}  # periods of which parts may be billed every month
PLAN_FIELDS = (
    "fusion_interval",
    "fusion_trial_days",
    "fusion_pay_in_advance",
    "fusion_bill_charges_monthly",
    "fusion_bill_fixed_charges_monthly",
    "fusion_commitment",
)


class SaleOrder(models.Model):
    _inherit = "sale.order"

    fusion_details = fields.Text(copy=False, help="JSON: what the API shows of it and Odoo has no field for")

    # plan -> quotation

    @api.model
    def _fusion_draft_from(self, link, plan, values, parts):
        """A quotation of ``plan`` (product.template) for the customer of ``link``, as the migration would make it.

        ``values``: the fields that tell this subscription from others. ``parts``: dicts of ``_fusion_parts``.
        """
        partner, company = link.partner_id, link.service_id.company_id
        native = dialect(self.env)
        native.mark(plan)
        cadence = self._fusion_cadence(plan)
        tz = zone(link.timezone or "UTC")
        start, end = values["fusion_started_at"] or values["fusion_anchor"], values.get("fusion_ending_at")
        created = values["fusion_created_at"]
        unbilled = start if start.date() == created.date() else created  # the past is not billed
        pricelist = self.env["fusion.billing.gateway"]._pricelist(link.service_id, plan.fusion_currency_id)
        return self.create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "client_order_ref": values["fusion_external_id"],
                "pricelist_id": pricelist.id,
                "payment_term_id": partner.with_company(company).property_payment_term_id.id,
                "order_line": [Command.create(self._fusion_line(part, native.carrier)) for part in parts],
                **native.values(cadence, local_date(moment(start), tz), end and local_date(moment(end), tz)),
                "fusion_service_id": link.service_id.id,
                "fusion_account_id": link.id,
                "fusion_lago_id": str(uuid.uuid4()),
                "fusion_plan_code": plan.default_code,
                "fusion_plan_amount": plan.fusion_amount or "0",
                "fusion_timezone": link.timezone or "UTC",
                "fusion_billed_until": min(unbilled, created) - timedelta(seconds=1),  # nobody billed it before
                **{name: plan[name] for name in PLAN_FIELDS},
                **values,
                "fusion_started_at": False,  # it starts when it is confirmed
                "fusion_started_us": 0,
            }
        )  # fmt: skip

    @staticmethod
    def _fusion_cadence(plan):
        parts_monthly = plan.fusion_bill_charges_monthly or plan.fusion_bill_fixed_charges_monthly
        return "monthly" if plan.fusion_interval in MONTHS and parts_monthly else plan.fusion_interval

    @api.model
    def _fusion_share(self, plan, price):
        """The month's share of what is billed once in a longer period: native recurring totals tell the truth."""
        if self._fusion_cadence(plan) == plan.fusion_interval:
            return price
        share = price / MONTHS[plan.fusion_interval]
        return plan.fusion_currency_id.round(share) if plan.fusion_currency_id else share

    @api.model
    def _fusion_parts(self, link, plan, amount, name, charges):
        """Lines of a subscription: the base fee, then each charge; what is metered has no quantity."""
        base = {
            "product": plan.product_variant_id,
            "name": name or plan.fusion_invoice_name or plan.name,
            "quantity": 1.0,
            "price": self._fusion_share(plan, float(amount)),
            "taxes": self._fusion_taxes(link, plan.product_variant_id),
        }
        return [base, *(self._fusion_part(link, plan, charge, base["taxes"]) for charge in charges)]

    @api.model
    def _fusion_part(self, link, plan, charge, plan_taxes):
        properties = json.loads(charge.properties or "{}")
        single = charge.charge_model == "standard" and not json.loads(charge.filters or "[]")
        price = float(Decimal(str(properties.get("amount") or 0))) if single else 0.0
        if charge.kind == "fixed" and not plan.fusion_bill_fixed_charges_monthly:
            price = self._fusion_share(plan, price)
        return {
            "product": charge.product_id or plan.product_variant_id,
            "name": charge.name,
            "quantity": float(charge.units or 0) if charge.kind == "fixed" else 0.0,
            "price": price,
            "taxes": charge.tax_ids or plan_taxes,
        }

    @api.model
    def _fusion_taxes(self, link, product):
        """Those of the plan, else of the customer, else Odoo's own as the fiscal position maps them."""
        company = link.service_id.company_id
        own = product.taxes_id._filter_taxes_by_company(company)
        if not own and link.tax_ids:
            return link.tax_ids
        taxes = own or company.account_sale_tax_id
        position = self.env["account.fiscal.position"].with_company(company)._get_fiscal_position(link.partner_id)
        return position.map_tax(taxes) if position else taxes

    @staticmethod
    def _fusion_line(part, carrier):
        return {
            "product_id": part["product"].id,
            "name": part["name"],
            "product_uom_qty": 0.0 if carrier else part["quantity"],
            "price_unit": part["price"],
            "tax_ids": [Command.set(part["taxes"].ids)],
        }

    def _fusion_quantities(self):
        """What the lines of a carrier stand for, line by line: one base fee, the units of what is fixed, no usage."""
        base, charges = plan_line(self), Gathered(self).charges(self.id)
        fixed = {row["product_id"]: float(row["units"] or 0) for row in charges if row["kind"] == "fixed"}
        return [1.0 if line == base else fixed.get(line.product_id.id, 0.0) for line in self.order_line]

    # its calendar

    def _fusion_row(self):
        """The order as rating takes it."""
        self.ensure_one()
        return {
            **self.read(ORDER_FIELDS)[0],
            "currency": self.currency_id.name,
            "previous": self._fusion_previous_row(),
        }

    def _fusion_previous_row(self):
        previous = self.fusion_previous_order_id
        return previous._fusion_row() if previous else None

    def _fusion_next(self):
        """The order that replaces this one, if any was asked for and not withdrawn."""
        domain = [("fusion_previous_order_id", "=", self.id), ("state", "!=", "cancel")]
        return self.search(domain, order="id desc", limit=1) if self.id else self.browse()

    def _fusion_change_moment(self):
        """When this pending order takes over from the one it replaces."""
        asked = moment(self.fusion_created_at or self.create_date)
        return schedule.change_moment(self.fusion_previous_order_id._fusion_row(), asked)

    # start, change, end

    def _fusion_start(self, at, billed=True):
        """Confirm it: it runs from ``at`` (UTC, naive). ``billed``: with its first invoice, if paid in advance."""
        self.ensure_one()
        tz = zone(self.fusion_timezone or "UTC")
        whole, us = split(at)
        row = {**self._fusion_row(), "fusion_started_at": whole, "fusion_started_us": us}
        following = schedule.next_invoicing(row, moment(max(at, fields.Datetime.now())))
        cadence = self._fusion_cadence(self)
        dialect(self.env).start(self, cadence, local_date(moment(at), tz), following)
        self.write({"fusion_started_at": whole, "fusion_started_us": us})
        if billed and self.fusion_pay_in_advance:
            self._fusion_bill_now([(self, whole, "subscription_starting")])

    def _fusion_replace_by(self, order, at):
        """End this one and start ``order`` in its place, on one invoice."""
        self._fusion_close(at)
        order._fusion_start(at, billed=False)
        whole, _us = split(at)
        self._fusion_credit_unused(whole)
        starting = [(order, whole, "subscription_starting")] if order.fusion_pay_in_advance else []
        self._fusion_bill_now([(self, whole, "subscription_terminating"), *starting])

    def _fusion_plan_end(self):
        """Tell native subscriptions the day of the planned end."""
        end = self.fusion_ending_at
        dialect(self.env).plan_end(self, end and local_date(moment(end), zone(self.fusion_timezone or "UTC")))

    def _fusion_end(self, at, invoice=True, credit=True):
        """It ends at ``at`` (UTC, naive, to the microsecond); a change that was pending is withdrawn.

        ``invoice``: with its last invoice. ``credit``: what was paid in advance and not used becomes a credit note.
        """
        self.ensure_one()
        self._fusion_next().filtered(lambda order: not order.fusion_started_at)._fusion_withdraw()
        self._fusion_close(at)
        whole, _us = split(at)
        if invoice:
            self._fusion_bill_now([(self, whole, "subscription_terminating")])
        if credit:
            self._fusion_credit_unused(whole)

    def _fusion_close(self, at):
        dialect(self.env).close(self)
        whole, us = split(at)
        self.write({"fusion_ended_at": whole, "fusion_ended_us": us})
        self.flush_recordset()  # the one that follows may run from now on, and only one may

    def _fusion_ended_moment(self):
        """When it ended, to the microsecond; False if it has not."""
        ended = self.fusion_ended_at
        return ended and ended + timedelta(microseconds=self.fusion_ended_us or 0)

    def _fusion_withdraw(self):
        """A pending order will not start; what it was to replace goes on as before."""
        for order in self:
            previous = order.fusion_previous_order_id
            dialect(order.env).withdraw(order)
            order.write(
                {"fusion_ended_at": fields.Datetime.now(), "fusion_ended_us": 0, "fusion_previous_order_id": False}
            )
            if previous and not previous.fusion_ended_at:
                now = moment(fields.Datetime.now())
                dialect(order.env).reschedule(previous, schedule.next_invoicing(previous._fusion_row(), now))

    def _fusion_await(self, order):
        """``order`` (pending) will replace this one at the end of its period; native invoicing waits for that."""
        order.fusion_previous_order_id = self
        due = order._fusion_change_moment()
        day = local_date(due, zone(self.fusion_timezone or "UTC"))
        dialect(self.env).reschedule(self, day + CHANGE_FIRST)

    # invoices of the ends

    @api.model
    def _fusion_bill_now(self, billings):
        """What is due on the orders of ``[(order, moment, reason)]``, posted, unless usage may come.

        What cannot be rated becomes an activity for finance, never a silent gap.
        """
        orders = self.browse(dict.fromkeys(order.id for order, _at, _reason in billings)).sudo()
        moves = self.env["account.move"]

        def bill():
            nonlocal moves
            moves = orders._fusion_bill_due(max(at for _order, at, _reason in billings))

        reason = tried(orders, bill)
        if reason:
            orders[:1]._fusion_tell_finance(reason, self.env._("Not billed"))
            return self.env["account.move"]
        account = orders[:1].fusion_account_id
        if not (account.active and account.grace_days):
            moves.action_post()
        return moves

    # what is due by the clock

    @api.model
    def _fusion_cron_lifecycle(self):
        """Hourly: planned ends, pending starts, pending changes of plan. One order's trouble is not another's."""
        now = fields.Datetime.now()
        running = [("fusion_started_at", "!=", False), ("fusion_ended_at", "=", False), ("state", "=", "sale")]
        for order in self.search([*running, ("fusion_ending_at", "<=", now)], order="fusion_ending_at, id"):
            order._fusion_try(lambda order=order: order._fusion_end(order.fusion_ending_at))
        waiting = [
            ("fusion_external_id", "!=", False),
            ("fusion_started_at", "=", False),
            ("state", "in", ("draft", "sent")),
        ]
        for order in self.search([*waiting, ("fusion_anchor", "<=", now)], order="fusion_anchor, id"):
            order._fusion_try(lambda order=order: order._fusion_start_due(now))

    def _fusion_start_due(self, now):
        previous = self.fusion_previous_order_id
        if not previous or previous.fusion_ended_at:
            self._fusion_start(previous._fusion_ended_moment() or self.fusion_anchor)
        elif self._fusion_change_moment() <= moment(now):
            previous._fusion_replace_by(self, now)

    def _fusion_try(self, act):
        """``act`` on this order, or one activity that says why not; committed, so that it holds whatever comes next."""
        reason = tried_in_job(self, act)
        if reason:
            self._fusion_tell_finance(reason, self.env._("The subscription did not change on its day"))
        if self.env.context.get("ir_cron_progress_id"):
            self.env["ir.cron"]._commit_progress(1)


def split(at):
    """A moment as its columns hold it: whole seconds, and microseconds beside them."""
    return at.replace(microsecond=0), at.microsecond


def now_exactly():
    """Now, UTC, naive. Events have microseconds: in whole seconds an end would leave out those just before it."""
    return datetime.now(UTC).replace(tzinfo=None)
