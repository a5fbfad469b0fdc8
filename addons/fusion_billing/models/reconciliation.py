"""The verdicts of the dual run inside Odoo: where finance looks, beside the order and the customer they concern."""

from odoo import fields, models

STATUSES = [
    ("equal", "Equal"),
    ("tolerated", "Within tolerance"),
    ("differs", "Differs"),
    ("only_lago", "Only in Lago"),
    ("only_odoo", "Only in Odoo"),
    ("refused", "Could not be compared"),
    ("outside", "Out of scope"),
]
VERDICTS = [
    ("match", "All agree"),
    ("agreed", "Both agree, no third vote"),
    ("odoo", "Odoo is off"),
    ("lago", "Lago is off"),
    ("model", "The re-rate is off"),
    ("unexplained", "No two agree"),
    ("unvoted", "They differ, no third vote"),
    ("unknown", "Not compared"),
]
SIDES = [("lago", "Lago"), ("odoo", "Odoo"), ("rerate", "Re-rate"), ("unknown", "Not known")]


class FusionBillingReconciliation(models.Model):
    """The verdict on one position (a line, or a part of the header) of one invoice of Lago's.

    Written by ``lago2odoo reconcile --push`` by external id. Positions that a later run no longer has are archived.
    """

    _name = "fusion.billing.reconciliation"
    _description = "Dual-run Verdict"
    _rec_name = "invoice_number"
    _order = "period desc, is_open desc, invoice_number, id"
    _check_company_auto = True

    period = fields.Char(required=True, help="Month of Lago's invoice: 2026-07")
    customer = fields.Char("Customer id", help="The customer's external id in Lago")
    partner_id = fields.Many2one(
        "res.partner", "Customer", ondelete="set null", index="btree_not_null", check_company=True
    )
    order_id = fields.Many2one(
        "sale.order", "Subscription", ondelete="set null", index="btree_not_null", check_company=True
    )
    service = fields.Char(help="The service that the subscription belongs to")
    invoice_number = fields.Char("Lago invoice", index="btree_not_null")
    position = fields.Char(help="What is compared: a billed line, or a part of the invoice's header")
    currency_id = fields.Many2one(
        "res.currency", required=True, ondelete="restrict", default=lambda self: self.env.company.currency_id
    )
    lago_amount = fields.Monetary("Lago")
    odoo_amount = fields.Monetary("Odoo")
    rerate_amount = fields.Monetary("Re-rate")
    stated = fields.Char("Stated by", help="The sides that give an amount at all; the others' amounts are no zeros")
    delta = fields.Monetary("Difference", help="Odoo minus Lago, of what was compared")
    status = fields.Selection(STATUSES, index=True)
    verdict = fields.Selection(VERDICTS, index=True, help="How the three sides vote")
    side = fields.Selection(SIDES, "Wrong side")
    cause = fields.Char("Cause code", help="Stable names of the causes, joined by +")
    cause_label = fields.Char("Cause")
    proven = fields.Boolean(help="Recomputing under this cause gave the difference to the cent")
    detail = fields.Text("Evidence and remedy")
    waiver = fields.Char(help="The waivers that cover it; a waived difference is never a match")
    is_open = fields.Boolean("Open", help="It differs, or could not be compared, and no waiver covers it")
    run = fields.Char(help="The first run that gave this verdict; later runs that agree leave it as it is")
    active = fields.Boolean(default=True, help="Off: a later run of the month no longer has this position")
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="cascade", default=lambda self: self.env.company
    )

    _period_is_a_month = models.Constraint(
        r"CHECK (period ~ '^\d{4}-(0[1-9]|1[0-2])$')", "A period is a month such as 2026-07."
    )
    # what finance opens, and what a push looks through
    _month_idx = models.Index("(company_id, period, is_open)")


class SaleOrder(models.Model):
    _inherit = "sale.order"

    fusion_verdict_ids = fields.One2many(
        "fusion.billing.reconciliation", "order_id", "Dual-run verdicts", groups="fusion_billing.group_user"
    )
    fusion_verdict_count = fields.Integer(
        compute="_compute_fusion_verdicts", string="Verdicts", groups="fusion_billing.group_user"
    )
    fusion_verdict_open_count = fields.Integer(
        compute="_compute_fusion_verdicts", string="Open verdicts", groups="fusion_billing.group_user"
    )

    def _compute_fusion_verdicts(self):
        _count_verdicts(self, "order_id")

    def action_fusion_verdicts(self):
        """Open the verdicts on this subscription."""
        return _open_verdicts(self, [("order_id", "in", self.ids)])


class ResPartner(models.Model):
    _inherit = "res.partner"

    fusion_verdict_count = fields.Integer(
        compute="_compute_fusion_verdicts", string="Verdicts", groups="fusion_billing.group_user"
    )
    fusion_verdict_open_count = fields.Integer(
        compute="_compute_fusion_verdicts", string="Open verdicts", groups="fusion_billing.group_user"
    )

    def _compute_fusion_verdicts(self):
        _count_verdicts(self, "partner_id")

    def action_fusion_verdicts(self):
        """Open the verdicts on this customer."""
        return _open_verdicts(self, [("partner_id", "in", self.ids)])


def _count_verdicts(records, name):
    """How many verdicts each record has, and how many of them are open: one query for all."""
    rows = records.env["fusion.billing.reconciliation"]._read_group(
        [(name, "in", records.ids)], [name, "is_open"], ["__count"]
    )
    for record in records:
        own = {is_open: count for holder, is_open, count in rows if holder.id == record.id}
        record.fusion_verdict_count = sum(own.values())
        record.fusion_verdict_open_count = own.get(True, 0)


def _open_verdicts(records, domain):
    action = records.env["ir.actions.act_window"]._for_xml_id("fusion_billing.reconciliation_action")
    return {**action, "domain": domain, "context": {"search_default_open": 0}}
