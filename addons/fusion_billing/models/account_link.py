import uuid

from odoo import api, fields, models

from ..tools import check_json, check_timezone


class FusionBillingAccountLink(models.Model):
    """A partner as one service knows it: the customer's id there, and what billing needs to know about it."""

    _name = "fusion.billing.account.link"
    _description = "Billing Account Link"
    _rec_name = "external_id"
    _order = "service_id, external_id"
    _check_company_auto = True

    service_id = fields.Many2one(
        "fusion.billing.service", required=True, ondelete="restrict", index=True, check_company=True
    )
    partner_id = fields.Many2one("res.partner", required=True, ondelete="restrict", index=True, check_company=True)
    external_id = fields.Char(required=True, help="The customer's id in the service and in Lago (external_id)")
    fusion_lago_id = fields.Char("Lago id", index=True, default=lambda self: str(uuid.uuid4()), copy=False)
    timezone = fields.Char(default="UTC", help="IANA name; the local days of billing periods")
    currency_id = fields.Many2one("res.currency")
    grace_days = fields.Integer(help="Days during which a draft still takes late usage")
    finalize_zero = fields.Boolean(default=True, help="Invoices of zero are issued too")
    coupons = fields.Text(help="JSON: applied coupons, in Lago's shape, that stand on no order yet")
    details = fields.Text(help="JSON: what the API shows of a customer and Odoo has no field for")
    tax_ids = fields.Many2many("account.tax", string="Taxes", help="Of new subscriptions; empty: as Odoo finds them")
    active = fields.Boolean(default=True, help="Archived: deleted by the service; its invoices stay")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    # an id may be used again once its customer was deleted
    _external_id_uniq = models.UniqueIndex(
        "(service_id, external_id) WHERE active", "This service has an account with this external id already."
    )

    _grace_is_no_past = models.Constraint("CHECK (grace_days >= 0)", "The grace period is 0 days or more.")

    @api.constrains("timezone")
    def _check_timezone(self):
        check_timezone(self, "timezone")

    @api.constrains("coupons", "details")
    def _check_json(self):
        check_json(self, "coupons", list)
        check_json(self, "details", dict)

    def _fusion_portal_invoices(self):
        """Posted invoices of the customer's subscriptions with this service, newest first."""
        domain = [
            *self.env["fusion.billing.gateway"]._invoice_domain(self.service_id),
            *self.env["fusion.billing.gateway"]._billed_to("fusion_account_id", "id", self),
            ("state", "=", "posted"),
        ]
        return self.env["account.move"].sudo().search(domain, order="invoice_date desc, id desc", limit=100)

    def _fusion_portal_orders(self):
        domain = [
            ("fusion_account_id", "=", self.id),
            ("state", "=", "sale"),
            ("fusion_started_at", "!=", False),
            ("fusion_ended_at", "=", False),
        ]
        return self.env["sale.order"].sudo().search(domain, order="fusion_started_at, id")
