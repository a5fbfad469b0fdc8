"""What native invoicing would bill for an order at a moment: rated, drafted, read back, and undone."""

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..rating import bill_together
from ..rating.moments import local_date, moment, zone
from .dialects import dialect
from .gathered import Gathered
from .rounds import Round

TOGETHER = 100  # invoices drafted and undone at a time: what a call of thousands needs of memory


QUIET = {"tracking_disable": True, "mail_create_nolog": True, "mail_notrack": True, "fusion_quiet": True}
UNBILLABLE = ("order_incomplete", "order_not_metered", "order_stopped")
NOT_METERED = "native invoicing bills it without its usage: it must be confirmed, with its dates and its plan's line"
STOPPED = "it is paused or closed in Odoo, where nothing is billed of it now"
LEFT_OUT = "native invoicing leaves its lines out"
BELOW = "lines with a quantity below 0: the scheduled invoicing leaves them out, a person who invoices may not"
NEGATIVE = "its total is less than nothing, which Odoo does not post as an invoice"
INACTIVE = "its currency %s is not active, and Odoo posts nothing in it"
CLOSED = "it books on the archived account %s, and Odoo posts nothing on it"
SHELVED = "its journal %s is archived, and Odoo posts nothing in it"
NO_BANK = "the bank account that is to be paid, %s, is archived, and Odoo posts no invoice with it"


class Undo(Exception):
    """Ends a savepoint whose work must leave no trace."""


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
        head = Head(keep, journal_id, ref)
        parts = self._fusion_batches(self._fusion_jobs(asked))
        return [answer for part in parts for answer in self.sudo()._fusion_rerun_jobs(part, head)]

    @staticmethod
    def _fusion_jobs(asked):
        """The billings of each invoice: of one customer, and what native invoicing would put on one."""
        jobs, keys = defaultdict(list), {}
        for billing in asked:
            order = billing["order"].sudo()
            if order not in keys:
                keys[order] = (order.partner_id.id, order._fusion_invoice_of(False))
            jobs[keys[order]].append(billing)
        return dict(jobs)

    @staticmethod
    def _fusion_batches(jobs):
        """Jobs that are invoiced in one go: those of two customers with one invoice address would become one."""
        turns = defaultdict(list)
        for (_partner, invoice), job in jobs.items():
            turns[invoice].append(job)
        for number in range(max(map(len, turns.values()), default=0)):
            together = [own[number] for own in turns.values() if len(own) > number]
            yield from (together[start : start + TOGETHER] for start in range(0, len(together), TOGETHER))

    def _fusion_rerun_jobs(self, jobs, head):
        """Answers of some invoices; one that Odoo itself refuses to draft is told as refused, the others go on."""
        answers = []
        try:
            with suppress(Undo), self.env.cr.savepoint():
                answers = self._fusion_draft(jobs, head)
                if not head.keep:
                    raise Undo
        except UserError as error:
            if len(jobs) == 1:
                return [not_drafted(jobs[0][0]["order"], refused("invoice_refused", jobs[0][0]["order"], error))]
            return [answer for job in jobs for answer in self._fusion_rerun_jobs([job], head)]
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

    def _fusion_draft(self, jobs, head):
        """Native invoicing of all jobs at once, and what it made of each."""
        asked = [billing for job in jobs for billing in job]
        orders = self.browse(dict.fromkeys(billing["order"].id for billing in asked))
        gathered = Gathered(orders, [billing["at"] for billing in asked])
        premium = self._fusion_premium()
        given = [[gathered.billing(b["order"].id, b["at"], b["reason"], b["event"]) for b in job] for job in jobs]
        rated = [bill_together(billings, premium=premium) for billings in given]
        refusals = [found["refusals"] or self._fusion_unfit(job) for job, found in zip(jobs, rated, strict=True)]
        fit = [(job, found["lines"]) for job, found, why in zip(jobs, rated, refusals, strict=True) if sound(why)]
        due = Round(gathered, fit)
        moves = self.with_context(**QUIET)._fusion_native(due, head.of(due)) if fit else self.env["account.move"]
        answers = [
            answer
            for job, why in zip(jobs, refusals, strict=True)
            for answer in moves._fusion_answers_of(job, due, why, head.keep)
        ]
        if head.keep:
            moves.invoice_line_ids.sale_line_ids = False  # a shadow invoices nothing
        return answers

    def _fusion_unfit(self, job):
        """Orders that native invoicing does not bill by their usage are refused by name, never compared."""
        native = dialect(self.env)
        orders = self.browse(dict.fromkeys(billing["order"].id for billing in job))
        lacking = [refused("order_not_metered", order, NOT_METERED) for order in orders - orders._fusion_metered()]
        return lacking + [refused("order_stopped", order, STOPPED) for order in orders if native.rests(order)]

    def _fusion_line_values(self, order, line, gathered, sequence):
        """One billed line: one unit at the billed amount, so that the cent is the rating's."""
        charge = gathered.charge(order.id, line["charge"])
        return {
            "sequence": sequence,
            "product_id": gathered.product(order.id, charge) or False,
            "name": line["name"],
            "quantity": 1.0,
            "price_unit": order.currency_id._fusion_units(line["amount_cents"]),
            "tax_ids": [fields.Command.set(gathered.taxes(order.id, charge))],
            "fusion_key": json.dumps(line["key"], sort_keys=True),
            "fusion_order_id": order.id,
            "fusion_units": line["units"],
            "fusion_events": line["events"],
            "fusion_from": naive(line["from"]),
            "fusion_to": naive(line["to"]),
            "fusion_explanation": json.dumps(line["steps"]),
        }


@dataclass(frozen=True, slots=True)
class Head:
    """What the invoices of a rerun have in their head."""

    keep: bool = False
    journal: int | None = None
    ref: str | None = None

    def of(self, due):
        """Order id -> values of its invoice."""
        common = {
            "fusion_shadow": True,
            "ref": self.ref or "",
            **({"journal_id": self.journal} if self.journal else {}),
        }
        return {
            billing["order"].id: {
                **common,
                "invoice_date": local_date(moment(billing["at"]), zone(billing["order"].fusion_timezone or "UTC")),
            }
            for billing in reversed(due.billings)
        }


def sound(refusals):
    """Whether native invoicing is asked: not of what it would bill without usage."""
    return all(refusal["reason"] not in UNBILLABLE for refusal in refusals)


def refused(reason, order, detail):
    return {"reason": reason, "detail": f"{order.name}: {' '.join(str(detail).split())}"}


def not_drafted(order, *refusals):
    """The answer for an invoice that is not made: nobody is let to, or there is nothing to bill."""
    nothing = order.currency_id._fusion_text(0.0)
    return {
        "partner_id": order.partner_id.id,
        "invoice_partner_id": order.partner_invoice_id.id,
        "currency": order.currency_id.name,
        "lines": [],
        "untaxed": nothing,
        "tax": nothing,
        "total": nothing,
        "taxes": {},
        "move_id": False,
        "refusals": list(refusals),
    }


def naive(text):
    """An ISO moment as Odoo stores it: UTC without zone, whole seconds."""
    at = moment(text)
    return at.replace(tzinfo=None, microsecond=0) if at else False


class AccountMove(models.Model):
    _inherit = "account.move"

    def message_post_with_source(self, *args, **kwargs):
        """Extends ``mail``: a draft that nobody will see tells nobody where it comes from."""
        if self.env.context.get("fusion_quiet"):
            return self.env["mail.message"]
        return super().message_post_with_source(*args, **kwargs)

    def _fusion_answers_of(self, job, due, refusals, keep):
        """What native invoicing made of the billings of one invoice: as a rule one invoice, or none."""
        orders = job[0]["order"].browse(dict.fromkeys(billing["order"].id for billing in job))
        own = self.filtered(lambda move: move._fusion_orders() & orders)
        left_out = [order for order in orders if due.of(order) and order not in own.invoice_line_ids.fusion_order_id]
        refusals = [*refusals, *(refused("invoice_refused", order, LEFT_OUT) for order in left_out)]
        below = [order for order in orders if due.of(order) and own._fusion_left_below(order)]
        refusals += [refused("line_left_out", order, BELOW) for order in below]
        if not own:
            return [not_drafted(orders[:1], *refusals)]
        rated = own._fusion_rated(orders, due)
        answers = [move._fusion_answer(orders[:1], rated, keep) for move in own]
        answers[0]["refusals"] = refusals + answers[0]["refusals"]
        return answers

    def _fusion_orders(self):
        lines = self.invoice_line_ids
        return lines.fusion_order_id | lines.sale_line_ids.order_id

    def _fusion_left_below(self, order):
        """Lines that ``sale`` invoices only if it is asked for refunds too, and that are on none of these invoices."""
        sold = order.order_line.filtered(lambda line: not line.display_type and line.qty_to_invoice < 0)
        plan, rated = order._fusion_rated_lines()
        return sold - plan - rated - self.invoice_line_ids.sale_line_ids

    def _fusion_rated(self, orders, due):
        """Invoice line -> the rated line that it bills."""
        rated = {}
        for order in orders:
            lines = self.invoice_line_ids.filtered(lambda line, order=order: line.fusion_order_id == order)
            lines = lines.filtered("fusion_key").sorted("id")
            if lines and len(lines) != len(due.of(order)):
                raise UserError(self.env._("%s: another module adds or takes away lines of usage.", order.name))
            rated |= dict(zip(lines, due.of(order), strict=bool(lines)))
        return rated

    def _fusion_answer(self, order, rated, keep):
        """What Odoo makes of the draft: its lines, its taxes, its header. A refund is less than nothing."""
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        sign = -1 if self.move_type == "out_refund" else 1
        taxes = defaultdict(float)
        for line in self.line_ids.filtered("tax_line_id"):
            taxes[line.tax_line_id.name] -= line.amount_currency
        text = self.currency_id._fusion_text
        return {
            "partner_id": order.partner_id.id,
            "invoice_partner_id": self.partner_id.id,
            "currency": self.currency_id.name,
            "lines": [
                line._fusion_told(rated.get(line) or line._fusion_beside(order, sign), sign)
                for line in lines.sorted(lambda line: (line.sequence, line.id))
            ],
            "untaxed": text(sign * self.amount_untaxed),
            "tax": text(sign * self.amount_tax),
            "total": text(sign * self.amount_total),
            "taxes": {name: text(amount) for name, amount in taxes.items()},
            "move_id": self.id if keep else False,
            "refusals": [refused("invoice_refused", order, why) for why in self._fusion_unpostable()],
        }

    def _fusion_unpostable(self):
        """Why Odoo drafts this invoice and does not post it.

        Asked field by field: posting it to see could take a payment or send it out before it is undone.
        """
        closed = self.line_ids.account_id.filtered(lambda account: not account.active)
        checks = (
            (self.currency_id.compare_amounts(self.amount_total, 0) < 0, NEGATIVE),
            (self.display_inactive_currency_warning, INACTIVE % self.currency_id.name),
            (closed, CLOSED % ", ".join(closed.mapped("display_name"))),
            (not self.journal_id.active, SHELVED % self.journal_id.display_name),
            (self.partner_bank_id and not self.partner_bank_id.active, NO_BANK % self.partner_bank_id.display_name),
        )
        return [why for holds, why in checks if holds]


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _fusion_told(self, billed, sign):
        """The line as it stands on the draft, and what it was rated at."""
        text = self.currency_id._fusion_text
        return {
            "key": billed["key"],
            "name": billed["name"],
            "quantity": str(self.quantity),
            "price_unit": text(self.price_unit),
            "discount": str(self.discount),
            "subtotal": text(sign * self.price_subtotal),
            "amount_cents": billed["amount_cents"],
            "units": billed["units"],
            "events": billed["events"],
            "tax_ids": self.tax_ids.ids,
            "steps": billed["steps"],
            "from": billed["from"],
            "to": billed["to"],
        }

    def _fusion_beside(self, order, sign):
        """A line that is not rated, in the shape of one that is: what the order sells beside its plan."""
        sold = self.sale_line_ids[:1]
        item = f"sale.order.line,{sold.id}" if sold else f"product.product,{self.product_id.id}"
        return {
            "key": {
                "subscription": (sold.order_id or order).fusion_lago_id or "",
                "kind": "other",
                "item": item,
                "filter": "",
                "group": [],
                "event": "",
            },
            "name": self.name,
            "amount_cents": self.currency_id._fusion_cents(sign * self.price_subtotal),
            "units": str(self.quantity),
            "events": 0,
            "steps": [],
            "from": None,
            "to": None,
        }


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def _fusion_text(self, amount):
        """An amount as plain decimal text with the currency's digits."""
        return f"{amount:.{self.decimal_places}f}"
