"""What native invoicing would bill for an order at a moment: gathered, rated, drafted, read back, and undone."""

import json
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..rating import bill_together
from ..rating.moments import local_date, moment, zone
from .history import held, read_uses, unit_events
from .usage import EVENT_COLUMNS as USAGE_FIELDS

ORDER_FIELDS = (
    "fusion_lago_id", "fusion_external_id", "fusion_plan_code", "fusion_interval", "fusion_billing_time",
    "fusion_anchor", "fusion_started_at", "fusion_started_us", "fusion_ended_at", "fusion_ended_us",
    "fusion_created_at", "fusion_trial_days", "fusion_pay_in_advance", "fusion_bill_charges_monthly",
    "fusion_bill_fixed_charges_monthly", "fusion_plan_amount", "fusion_commitment", "fusion_timezone",
    "fusion_coupons",
)  # fmt: skip
CHARGE_FIELDS = (
    "fusion_lago_id", "code", "name", "kind", "charge_model", "properties", "filters", "pay_in_advance", "prorated",
    "invoiceable", "min_amount", "units", "unit_changes",
)  # fmt: skip
METRIC_FIELDS = (
    "name",
    "fusion_lago_id",
    "code", "aggregation", "field_name", "recurring", "rounding_function", "rounding_precision",
    "has_rounding_precision", "filters",
)  # fmt: skip
LOOK_BACK = timedelta(days=800)  # longer than any period: older usage matters to recurring metrics only


TOGETHER = 100  # invoices drafted and undone at a time: what a call of thousands needs of memory


class Undo(Exception):
    """Ends a savepoint whose work must leave no trace."""


class Gathered:
    """The rows of some orders and of all that rating them needs, read in a handful of queries.

    ``moments``: when they are billed (usage is read as far back as that needs); None: usage is not read.
    """

    def __init__(self, orders, moments=None):
        self.env = orders.env
        self.orders = self.with_neighbours(orders)
        self.plan_lines = {order.id: self.plan_line(order) for order in self.orders}
        self.following = {order.fusion_previous_order_id.id: order for order in self.orders}
        self.charges = self.read_charges()
        metrics = self.env["fusion.billing.metric"].search([("company_id", "in", orders.company_id.ids)])
        self.metrics = {row["code"]: row for row in metrics.read(METRIC_FIELDS)}
        self.rows = {row["id"]: row for row in self.orders.read(ORDER_FIELDS)}
        self.usage = self.read_usage(orders, moments) if moments else {}
        self.uses = read_uses(orders)
        self.grace = self.read_grace(orders)

    def with_neighbours(self, orders):
        """With the orders they replace, those that replace them, and all others of the same external ids."""
        names = [name for name in orders.mapped("fusion_external_id") if name]
        found = orders | orders.search([("fusion_external_id", "in", names)])
        found |= orders.search([("fusion_previous_order_id", "in", found.ids)])
        previous = found.fusion_previous_order_id - found
        while previous:
            found |= previous
            previous = previous.fusion_previous_order_id - found
        return found

    @staticmethod
    def plan_line(order):
        """The line of the price plan: its product carries charges or the plan's code, else it is the first one."""
        lines = order.order_line.filtered(lambda line: line.product_id and not line.display_type)
        plans = lines.filtered(
            lambda line: (
                line.product_template_id.fusion_charge_ids
                or (order.fusion_plan_code and line.product_template_id.default_code == order.fusion_plan_code)
            )
        )
        return (plans or lines)[:1]

    def read_charges(self):
        """Order id -> its charges: its own ones replace those of its plan."""
        plans = self.env["product.template"].browse(
            {line.product_template_id.id for line in self.plan_lines.values() if line}
        )
        charges = self.env["fusion.billing.charge"].search(
            ["|", ("order_id", "in", self.orders.ids), "&", ("plan_id", "in", plans.ids), ("order_id", "=", False)]
        )
        by_owner = defaultdict(lambda: self.env["fusion.billing.charge"])
        for charge in charges:
            by_owner[charge.order_id or charge.plan_id] |= charge
        return {
            order.id: by_owner.get(order) or by_owner[self.plan_lines[order.id].product_template_id]
            for order in self.orders
        }

    def read_usage(self, orders, moments):
        """External id -> its usage in order of arrival, by SQL: rows become dicts, not records."""
        names = list({name for name in orders.mapped("fusion_external_id") if name})
        recurring = [code for code, metric in self.metrics.items() if metric["recurring"]]
        self.env["fusion.billing.usage"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT %(columns)s FROM fusion_billing_usage
                    WHERE company_id = ANY(%(companies)s) AND external_subscription_id = ANY(%(names)s)
                      AND code = ANY(%(codes)s) AND (timestamp >= %(since)s OR code = ANY(%(recurring)s))
                 ORDER BY received_at, received_us, id""",
                columns=SQL(", ").join(SQL.identifier(name) for name in USAGE_FIELDS),
                companies=orders.company_id.ids,
                names=names,
                codes=list(self.metrics),
                since=min(moments) - LOOK_BACK,
                recurring=recurring,
            )
        )
        usage = defaultdict(list)
        for row in self.env.cr.dictfetchall():
            usage[row["external_subscription_id"]].append(row)
        return usage

    def read_grace(self, orders):
        links = self.env["fusion.billing.account.link"].search(
            [("partner_id", "in", orders.partner_id.ids), ("grace_days", ">", 0)]
        )
        return {(link.service_id.id, link.partner_id.id): link.grace_days for link in links}

    def order(self, order, *, neighbours=True):
        """The order as rating takes it."""
        template = self.plan_lines[order.id].product_template_id
        previous, following = order.fusion_previous_order_id, self.following.get(order.id)
        row = {
            **self.rows[order.id],
            "currency": order.currency_id.name,
            "plan_lago_id": template.fusion_lago_id or "",
            "plan_name": template.name or "",
            "previous": self.order(previous, neighbours=False) if previous else None,
            "fusion_coupons": held(self.rows[order.id]["fusion_coupons"], self.uses),
        }
        if neighbours and following:
            codes = self.charges[following.id].metric_id.mapped("code")
            row["next"] = {**self.order(following, neighbours=False), "previous": None, "metric_codes": codes}
        if neighbours:
            row["earlier"] = [self.order(other, neighbours=False) for other in self.earlier(order)]
        return row

    def earlier(self, order):
        """Ended orders of the external id on the same plan."""
        same = self.orders.filtered(
            lambda other: (
                other != order
                and other.fusion_external_id == order.fusion_external_id
                and other.fusion_plan_code == order.fusion_plan_code
                and other.fusion_ended_at
                and other.fusion_started_at
                and other.fusion_started_at < order.fusion_started_at
            )
        )
        return same.sorted("fusion_started_at") if order.fusion_external_id and order.fusion_started_at else []

    def billing(self, asked):
        """Arguments of one billing for ``bill_together``."""
        order = asked["order"]
        charges = self.charges[order.id]
        grace = self.grace.get((order.fusion_service_id.id, order.partner_id.id), 0)
        return {
            "order": self.order(order),
            "charges": [
                {**row, "metric": charge.metric_id.code, "unit_events": unit_events(row, order)}
                for charge, row in zip(charges, charges.read(CHARGE_FIELDS), strict=True)
            ],
            "metrics": self.metrics,
            "usage": self.usage.get(order.fusion_external_id, []),
            "at": asked["at"],
            "reason": asked["reason"],
            "event": asked["event"],
            # what had arrived when the invoice became final; its moment is given in whole seconds
            "known_until": moment(asked["at"]) + timedelta(days=grace, seconds=1),
            "taxes": {
                "": self.taxes(order).ids,
                **{charge.fusion_lago_id or charge.code: self.taxes(order, charge).ids for charge in charges},
            },
        }

    def charge(self, order, lago_id):
        return self.charges[order.id].filtered(
            lambda charge: lago_id and (charge.fusion_lago_id or charge.code) == lago_id
        )[:1]

    def taxes(self, order, charge=None):
        """Those of the charge, else of the order's plan line, else of the product as the fiscal position maps them."""
        line = self.plan_lines[order.id]
        if charge and charge.tax_ids:
            return charge.tax_ids
        if line:
            return line.tax_ids
        product = charge.product_id if charge else self.env["product.product"]
        taxes = product.taxes_id._filter_taxes_by_company(order.company_id)
        return order.fiscal_position_id.map_tax(taxes) if order.fiscal_position_id else taxes


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def fusion_rerun(self, billings, keep=False, journal_id=None, ref=None):
        """Make the invoices that billing these orders gave or would give, and tell what is on them.

        ``billings``: [{"order": id, "at": "2026-07-01 04:10:00" (UTC), "reason": Lago's invoicing reason, "event":
        transaction of a charge paid in advance (optional)}]. Orders of one partner and currency share an invoice.
        ``keep`` leaves the drafts in the journal ``journal_id`` (a sale journal of their own) with ``ref``; otherwise
        everything is rolled back. Answers one dict per invoice (docs/design/addon-fields.md); amounts as text.
        """
        asked = self._fusion_asked(billings)
        self.check_access("read")
        if len(self.company_id) > 1:
            raise UserError(self.env._("Rerun the orders of one company at a time."))
        if keep:
            self._fusion_check_keep(journal_id)
        jobs = self._fusion_jobs(asked)
        parts = [jobs[start : start + TOGETHER] for start in range(0, len(jobs), TOGETHER)]
        return [answer for part in parts for answer in self.sudo()._fusion_rerun_jobs(part, keep, journal_id, ref)]

    @staticmethod
    def _fusion_jobs(asked):
        """The billings of each invoice."""
        jobs = defaultdict(list)
        for billing in asked:
            jobs[(billing["order"].partner_id.id, billing["order"].currency_id.id)].append(billing)
        return list(jobs.values())

    def _fusion_rerun_jobs(self, jobs, keep, journal_id, ref):
        """Answers of some invoices; one that Odoo itself refuses to draft is told as refused, the others go on."""
        answers = []
        try:
            with suppress(Undo), self.env.cr.savepoint():
                answers = self._fusion_draft(jobs, keep, journal_id, ref)
                if not keep:
                    raise Undo
        except UserError as error:
            if len(jobs) == 1:
                return [not_drafted(jobs[0][0]["order"], error)]
            return [answer for job in jobs for answer in self._fusion_rerun_jobs([job], keep, journal_id, ref)]
        return answers

    @api.model
    def _fusion_asked(self, billings):
        asked, orders = [], {order.id: order for order in self}
        for billing in billings:
            order = orders.get(billing["order"])
            at = fields.Datetime.to_datetime(billing["at"])
            if not order:
                told = self.env._("Billing of order %s, which is not among the orders given.", billing["order"])
                raise UserError(told)
            if not at:
                raise UserError(self.env._("Billing of order %s: give the moment as 2026-07-01 04:10:00.", order.name))
            asked.append({"order": order.sudo(), "at": at, "reason": billing.get("reason") or "subscription_periodic",
                          "event": billing.get("event") or ""})  # fmt: skip
        return asked

    def _fusion_check_keep(self, journal_id):
        groups = ("fusion_billing.group_manager", "fusion_billing.group_integration", "account.group_account_invoice")
        if not any(self.env.user.has_group(group) for group in groups):
            raise AccessError(self.env._("Keeping shadow invoices needs the right to make invoices."))
        journal = self.env["account.journal"].sudo().browse(journal_id or []).exists()
        if journal.type != "sale":
            told = self.env._("Keep shadow invoices in a sale journal of their own: give its id as journal_id.")
            raise UserError(told)

    def _fusion_draft(self, jobs, keep, journal_id, ref):
        asked = [billing for job in jobs for billing in job]
        orders = self.browse(dict.fromkeys(billing["order"].id for billing in asked))
        gathered = Gathered(orders, [billing["at"] for billing in asked])
        premium = self._fusion_premium()
        rated = [bill_together([gathered.billing(billing) for billing in job], premium=premium) for job in jobs]
        values = [
            job[0]["order"]._fusion_invoice_values(job, found["lines"], gathered, journal_id, ref)
            for job, found in zip(jobs, rated, strict=True)
        ]
        quiet = {
            "tracking_disable": True,
            "mail_create_nolog": True,
            "mail_notrack": True,
            "default_move_type": "out_invoice",
        }
        moves = self.env["account.move"].with_context(**quiet).create(values)
        return [
            move._fusion_answer(job[0]["order"], found, keep)
            for job, found, move in zip(jobs, rated, moves, strict=True)
        ]

    def _fusion_invoice_values(self, job, lines, gathered, journal_id, ref):
        """Values of the draft, from the same hook that native invoicing uses."""
        order = self.with_company(self.company_id)
        values = {
            **order._prepare_invoice(),
            "fusion_shadow": True,
            "ref": ref or False,
            "invoice_date": local_date(moment(job[0]["at"]), zone(order.fusion_timezone or "UTC")),
        }
        if journal_id:
            values["journal_id"] = journal_id
        values["invoice_line_ids"] = [
            fields.Command.create(order._fusion_line_values(job[line["billing"]]["order"], line, gathered, sequence))
            for sequence, line in enumerate(lines)
        ]
        return values

    def _fusion_line_values(self, order, line, gathered, sequence):
        """One billed line: one unit at the billed amount, so that the cent is the rating's."""
        charge = gathered.charge(order, line["charge"])
        plan_line = gathered.plan_lines[order.id]
        digits = order.currency_id.decimal_places
        return {
            "sequence": sequence,
            "product_id": (charge.product_id or plan_line.product_id).id,
            "name": line["name"],
            "quantity": 1.0,
            "price_unit": line["amount_cents"] / 10**digits,
            "tax_ids": [fields.Command.set(gathered.taxes(order, charge).ids)],
            "fusion_key": json.dumps(line["key"], sort_keys=True),
            "fusion_order_id": order.id,
            "fusion_units": line["units"],
            "fusion_events": line["events"],
            "fusion_from": naive(line["from"]),
            "fusion_to": naive(line["to"]),
            "fusion_explanation": json.dumps(line["steps"]),
        }


def not_drafted(order, error):
    """The answer for an invoice that Odoo does not let anybody make."""
    nothing = order.currency_id._fusion_text(0.0)
    detail = " ".join(str(error).split())
    return {
        "partner_id": order.partner_id.id,
        "currency": order.currency_id.name,
        "lines": [],
        "untaxed": nothing,
        "tax": nothing,
        "total": nothing,
        "taxes": {},
        "move_id": False,
        "refusals": [{"reason": "invoice-refused", "detail": f"{order.name}: {detail}"}],
    }


def naive(text):
    """An ISO moment as Odoo stores it: UTC without zone, whole seconds."""
    at = moment(text)
    return at.replace(tzinfo=None, microsecond=0) if at else False


class AccountMove(models.Model):
    _inherit = "account.move"

    def _fusion_answer(self, order, found, keep):
        """What Odoo makes of the draft: its lines, its taxes, its header."""
        product_lines = self.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        taxes = defaultdict(float)
        for line in self.line_ids.filtered("tax_line_id"):
            taxes[line.tax_line_id.name] -= line.amount_currency
        text = self.currency_id._fusion_text
        return {
            "partner_id": order.partner_id.id,
            "currency": self.currency_id.name,
            "lines": [
                {
                    "key": billed["key"],
                    "name": line.name,
                    "quantity": str(line.quantity),
                    "price_unit": text(line.price_unit),
                    "subtotal": text(line.price_subtotal),
                    "amount_cents": billed["amount_cents"],
                    "units": billed["units"],
                    "events": billed["events"],
                    "tax_ids": line.tax_ids.ids,
                    "steps": billed["steps"],
                    "from": billed["from"],
                    "to": billed["to"],
                }
                for billed, line in zip(found["lines"], product_lines, strict=True)
            ],
            "untaxed": text(self.amount_untaxed),
            "tax": text(self.amount_tax),
            "total": text(self.amount_total),
            "taxes": {name: text(amount) for name, amount in taxes.items()},
            "move_id": self.id if keep else False,
            "refusals": found["refusals"],
        }


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def _fusion_text(self, amount):
        """An amount as plain decimal text with the currency's digits."""
        return f"{amount:.{self.decimal_places}f}"
