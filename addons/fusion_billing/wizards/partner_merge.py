"""Contacts that are merged: whose each eWallet card was is kept with the accounts."""

from odoo import models


class PartnerMerge(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        """Extends ``base``: merged contacts have one list of cards."""
        partners = self.env["res.partner"].browse(partner_ids) | (dst_partner or self.env["res.partner"])
        accounts = self.env["fusion.billing.account.link"].sudo().with_context(active_test=False)
        accounts.search([("partner_id", "in", partners.ids)])._fusion_claim_cards()
        return super()._merge(partner_ids, dst_partner, extra_checks)
