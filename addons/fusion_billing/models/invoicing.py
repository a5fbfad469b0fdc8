"""Usage on the native invoice, through ``sale``'s own extension points, whoever asks for the invoice.

    _create_invoices             which billings are due; one invoice per customer and billing day, like Lago
    _get_invoiceable_lines       the line of the plan stands for them; lines of charges are rated, not sold
    _prepare_invoice_lines_...   the line of the plan becomes one line per fee

A billing that was made is a ``fusion.billing.period``: it is not made twice, and free again when its invoice goes.
"""

import json
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..rating import bill_together
from ..rating.coupon_uses import from_now_on
from ..rating.due import TRIAL, earlier, schedule
from ..rating.moments import local_date, moment, zone
from .currency import NOT_KEPT
from .dialects import dialect
from .gathered import Gathered, plan_line
from .rerun import naive
from .rounds import NOTHING, Round

EVENT = "in_advance_charge"
DIGITS = {"reason": NOT_KEPT, "detail": "Lago counts in smaller units than Odoo keeps of this currency"}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    fusion_billed_until = fields.Datetime(
        "Billed elsewhere until", copy=False, help="Lago billed all periods that began up to then. Empty: none"
    )
    fusion_advance_until = fields.Datetime(
        "Events billed elsewhere until", copy=False, help="Charges paid in advance of events received up to then"
    )
    fusion_period_ids = fields.One2many("fusion.billing.period", "order_id", string="Billed periods")
    fusion_move_line_ids = fields.One2many("account.move.line", "fusion_order_id", string="Lines of usage")

    def _create_invoices(self, grouped=False, final=False, date=None):
        """Extends ``sale``: of metered orders, each billing that is due, oldest first."""
        metered = self._fusion_metered()
        if not metered or "fusion_round" in self.env.context:
            return super()._create_invoices(grouped, final, date)
        metered._fusion_lock()
        moves = self.env["account.move"]
        others = self - metered
        for due in metered._fusion_rounds(grouped):
            orders = others | self.browse(dict.fromkeys(billing["order"].id for billing in due.billings))
            quiet = orders.with_context(fusion_round=due, raise_if_nothing_to_invoice=False)
            made = super(SaleOrder, quiet)._create_invoices(grouped, final, date).with_env(self.env)
            self._fusion_record(due, made)
            moves, others = moves | made, self.browse()
        # what is not metered, and what metered orders sell beside their plan
        rest = (self if others else metered).with_context(fusion_round=NOTHING)
        if moves:
            rest = rest.with_context(raise_if_nothing_to_invoice=False)
        return moves | super(SaleOrder, rest)._create_invoices(grouped, final, date).with_env(self.env)

    def _get_invoiceable_lines(self, final=False):
        """Extends ``sale``: of the lines that are rated, the plan's stands for what is due."""
        lines = super()._get_invoiceable_lines(final)
        if not self._fusion_metered():
            return lines
        due = self.env.context.get("fusion_round")
        if due is None:  # somebody asks what there is to invoice
            due = next(iter(self._fusion_rounds()), NOTHING)
        plan, rated = self._fusion_rated_lines()
        if not due.of(self):
            return lines - plan - rated
        kept = lines - rated
        return kept if plan in kept else plan | kept

    @api.depends("fusion_move_line_ids.move_id")
    def _get_invoiced(self):
        """Extends ``sale``: invoices of nothing but usage are invoices of the order."""
        done = super()._get_invoiced()
        for order in self.filtered("fusion_external_id"):
            moves = order.sudo().fusion_move_line_ids.move_id.filtered(lambda move: not move.fusion_shadow)
            order.invoice_ids |= moves.sudo(False)
            order.invoice_count = len(order.invoice_ids)
        return done

    # by itself

    def _fusion_bill_due(self, at):
        """Drafts of all that is due on these orders up to ``at`` (UTC, naive), also where ``sale`` would not invoice.

        Raises UserError, with nothing made, if there is usage without amount.
        """
        self._fusion_lock()
        made = self.env["account.move"]
        for due in self.with_context(fusion_at=at)._fusion_rounds():
            drafts = self._fusion_native(due, {b["order"].id: {"invoice_date": b["day"]} for b in due.billings})
            drafts |= self._fusion_drafts_beside(due, drafts)
            self._fusion_record(due, drafts)
            made |= drafts
        return made.with_env(self.env)

    def _fusion_native(self, due, headers):
        """Native invoices of what is rated, with all that ``sale`` and other modules put on them.

        ``headers``: order id -> values that its invoice has beside those of ``_prepare_invoice``.
        """
        orders = self.browse(dict.fromkeys(billing["order"].id for billing in due.billings)).sudo()
        told = orders.with_context(fusion_round=due, fusion_headers=headers, raise_if_nothing_to_invoice=False)
        return told._create_invoices(final=dialect(self.env).final).with_env(orders.env)

    def _prepare_invoice(self):
        """Extends ``sale``: what a round says of the invoice's head."""
        return {**super()._prepare_invoice(), **self.env.context.get("fusion_headers", {}).get(self.id, {})}

    def _fusion_drafts_beside(self, due, drafts):
        """Of ends that native subscriptions do not invoice any more: what is rated is billed all the same."""
        done = drafts.invoice_line_ids.fusion_order_id
        left = [(job, lines) for job, lines in due.jobs if lines and not any(b["order"] in done for b in job)]
        moves = self.env["account.move"].sudo().with_context(default_move_type="out_invoice")
        return moves.create([self._fusion_draft_values(job, lines, due.gathered) for job, lines in left])

    @staticmethod
    def _fusion_draft_values(job, lines, gathered):
        first = job[0]["order"].with_company(job[0]["order"].company_id)
        return {
            **first._prepare_invoice(),
            "invoice_date": job[0]["day"],
            "invoice_line_ids": [
                fields.Command.create(job[line["billing"]]["order"]._fusion_fee_values(line, gathered, sequence, {}))
                for sequence, line in enumerate(lines)
            ],
        }

    # what is due

    def _fusion_metered(self):
        return self.filtered(
            lambda order: (
                order.state == "sale"
                and order.fusion_external_id
                and order.fusion_started_at
                and order.fusion_interval
                and plan_line(order)
            )
        )

    def _fusion_lock(self):
        """Two users who invoice the same orders at once: the second one waits, then finds them billed."""
        self.env.cr.execute(SQL("SELECT id FROM sale_order WHERE id IN %s ORDER BY id FOR UPDATE", self._ids))

    def _fusion_rated_lines(self):
        """(line of the plan, lines of its charges): a charge has one line of its product, if any."""
        plan, rated = plan_line(self), self.env["sale.order.line"]
        charges = self.sudo().fusion_charge_ids or plan.product_template_id.sudo().fusion_charge_ids
        for charge in charges:
            own = self.order_line.filtered(
                lambda line, product=charge.product_id: line.product_id == product and not line.display_type
            )
            rated |= (own - plan - rated)[:1]
        return plan, rated

    def _fusion_rounds(self, grouped=False):
        """The rounds of what is due now, each rated when those before it have been recorded."""
        for company in self.company_id:
            own = self.filtered(lambda order, company=company: order.company_id == company)
            yield from own.sudo()._fusion_rounds_of_company(grouped)

    def _fusion_rounds_of_company(self, grouped):
        orders = self
        now = fields.Datetime.to_datetime(orders.env.context.get("fusion_at")) or fields.Datetime.now()
        asked = orders._fusion_due(now)
        if not asked:
            return
        gathered = Gathered(
            orders.browse(dict.fromkeys(billing["order"].id for billing in asked)), [b["at"] for b in asked]
        )
        asked += orders._fusion_due_events(asked, gathered, now)
        days = defaultdict(list)
        for billing in asked:
            days[billing["day"]].append(billing)
        for _day, billings in sorted(days.items()):
            gathered.refresh_coupons()
            yield orders._fusion_rate(billings, gathered, grouped)

    def _fusion_due(self, now):
        """Billings up to ``now`` that Odoo has to make and has not made: dicts as rating asks for them."""
        gathered, until = Gathered(self), moment(now).replace(microsecond=999_999)  # the whole second
        made = {(p.order_id.id, p.at, p.reason) for p in self.fusion_period_ids.filtered("active")}
        due = []
        for order in self:
            tz = zone(order.fusion_timezone or "UTC")
            for when in order._fusion_schedule(gathered, until):
                at = naive(when.at.isoformat())
                if (order.id, at, when.reason) not in made:
                    due.append({"order": order, "at": at, "reason": when.reason, "event": "", "moment": when,
                                "day": local_date(when.at, tz)})  # fmt: skip
        return due

    def _fusion_schedule(self, gathered, until):
        charges = gathered.charges(self.id)
        tz = zone(self.fusion_timezone or "UTC")
        return schedule(
            gathered.order(self.id),
            until,
            since=moment(self.fusion_billed_until),
            entered=local_date(moment(self.create_date), tz),
            at_start=any(row["kind"] == "fixed" and row["pay_in_advance"] for row in charges),
        )

    def _fusion_due_events(self, asked, gathered, now):
        """Events of charges paid in advance that were not billed: with the last billing of their order."""
        last = {billing["order"].id: billing for billing in asked}
        found = []
        for billing in last.values():
            order = billing["order"]
            codes = {
                gathered.metric_code(row)
                for row in gathered.charges(order.id)
                if row["pay_in_advance"] and row["kind"] == "usage" and row["invoiceable"]
            }
            done = order._fusion_billed_events() if codes else set()
            since = order.fusion_advance_until or order.fusion_billed_until or order.create_date
            for row in gathered.usage(order.id):
                new = row["code"] in codes and row["transaction_id"] not in done and since < row["received_at"] <= now
                if new and order._fusion_runs_at(row):
                    found.append({**billing, "at": row["received_at"], "reason": EVENT, "event": row["transaction_id"]})
        return found

    def _fusion_runs_at(self, row):
        """Whether the event belongs to this order of its external id."""
        at = (row["timestamp"], row["timestamp_us"] or 0)
        started = at >= (self.fusion_started_at, self.fusion_started_us or 0)
        return started and (not self.fusion_ended_at or at <= (self.fusion_ended_at, self.fusion_ended_us or 0))

    def _fusion_billed_events(self):
        """Transactions of charges paid in advance that stand on real invoices of this order."""
        lines = self.env["account.move.line"].search(
            [("fusion_order_id", "=", self.id), ("parent_state", "!=", "cancel"), ("fusion_key", "!=", False),
             ("move_id.fusion_shadow", "=", False)]
        )  # fmt: skip
        return {json.loads(line.fusion_key).get("event") for line in lines} - {"", None}

    # rating

    def _fusion_rate(self, billings, gathered, grouped):
        """Rate the billings of one day; orders that share an invoice share their coupons."""
        premium = self.env["sale.order"]._fusion_premium()
        together = defaultdict(list)
        for billing in billings:
            together[billing["order"]._fusion_invoice_of(grouped)].append(billing)
        jobs, refused = [], []
        for job in together.values():
            found = bill_together([self._fusion_asked_for(gathered, billing) for billing in job], premium=premium)
            refused += [(job[0]["order"], refusal) for refusal in found["refusals"]]
            refused += [(order, DIGITS) for order in job[0]["order"] if not order.currency_id._fusion_keeps()]
            for billing, window in zip(job, found["windows"], strict=True):
                billing["window"] = window
            jobs.append((job, found["lines"]))
        if refused:
            raise UserError(refusal_message(refused))
        return Round(gathered, jobs)

    def _fusion_invoice_of(self, grouped):
        if grouped:
            return self.id
        values = self.with_company(self.company_id)._prepare_invoice()
        return tuple(values.get(key) for key in self._get_invoice_grouping_keys())

    @staticmethod
    def _fusion_asked_for(gathered, billing):
        """A due billing as ``bill_together`` takes it. All that has arrived is known."""
        given = gathered.billing(billing["order"].id, billing["at"], billing["reason"], billing["event"])
        trial = billing["reason"] == TRIAL
        event = billing["reason"] == EVENT
        order = {**given["order"], "fusion_coupons": from_now_on(given["order"]["fusion_coupons"])}
        return {
            **given,
            "order": order,
            "reason": "subscription_starting" if trial else billing["reason"],
            "kinds": ("subscription", "fixed_charge") if trial else None,
            "known_until": None,
            "billed": None if event else earlier(order, billing["moment"]),
        }

    @api.model
    def _fusion_premium(self):
        """Whether Lago had a licence: without one, per-transaction bounds do not apply."""
        parameter = self.env["ir.config_parameter"].sudo().get_param("fusion_billing.lago_premium", "1")
        return parameter not in ("0", "False")

    # what was made

    def _fusion_record(self, due, moves):
        """Note the billings of a round with their invoices; those without lines have none."""
        by_order = {line.fusion_order_id.id: move.id for move in moves.sudo() for line in move.invoice_line_ids}
        self.env["fusion.billing.period"].sudo().create(
            [
                {
                    "order_id": billing["order"].id,
                    "move_id": by_order.get(billing["order"].id),
                    "at": billing["at"],
                    "reason": billing["reason"],
                    "usage_from": naive(billing["window"].get("charges_from")),
                    "usage_to": naive(billing["window"].get("charges_to")),
                }
                for billing in due.billings
                if billing["reason"] != EVENT and (billing["order"].id in by_order or not due.of(billing["order"]))
            ]
        )

    # lines

    def _fusion_fee_values(self, line, gathered, sequence, native):
        """Values of the invoice line of one fee. The base fee is the order's own line, if ``sale`` offers it."""
        values = self._fusion_line_values(self, line, gathered, sequence)
        values["name"] = "\n".join(filter(None, [values["name"], self._fusion_details(line)]))
        if line["key"]["kind"] != "subscription" or not native:
            return values
        kept = {name: value for name, value in values.items() if name.startswith("fusion_")}
        return {**values, **native, **kept, "quantity": 1.0, "price_unit": values["price_unit"]}

    def _fusion_details(self, line):
        """The second line of the name: the days, in the customer's zone, and the units."""
        if not line["from"] or not line["to"]:
            return ""
        tz = zone(self.fusion_timezone or "UTC")
        lang = self.env["res.lang"]._lang_get(self.partner_invoice_id.lang or self.env.user.lang or "en_US")
        days = " – ".join(local_date(moment(line[end]), tz).strftime(lang.date_format) for end in ("from", "to"))
        if line["key"]["kind"] not in ("charge", "fixed_charge"):
            return days
        return self.env._("%(days)s: %(units)s units", days=days, units=line["units"])


def agreed(native):
    """What was agreed on the plan's line holds for every period; ``sale`` counts and names the first one alone."""
    return {name: value for name, value in native.items() if name not in ("sale_line_ids", "name")}


def refusal_message(refused):
    details = "\n".join(f"{order.name}: {refusal['reason']} ({refusal['detail']})" for order, refusal in refused)
    return refused[0][0].env._("Usage that has no amount; mend it, or leave these orders out:\n%s", details)


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _prepare_invoice_lines_vals_list(self, **optional_values):
        """Extends ``sale``: the line of the plan becomes one line per fee of what is due."""
        found = super()._prepare_invoice_lines_vals_list(**optional_values)
        due = self.env.context.get("fusion_round")
        order = self.order_id
        if due is None or not due.of(order) or self != plan_line(order):
            return found
        native = found[0] if self.qty_to_invoice > 0 else agreed(found[0])
        sequence = optional_values.get("sequence", self.sequence)
        return [order._fusion_fee_values(line, due.gathered, sequence, native) for line in due.of(order)]
