"""A customer that a service creates may be known already: a person is asked, nothing is tied together by itself."""

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools.mail import plaintext2html

SAME = ("email_normalized", "vat", "ref")  # of two contacts that may be one customer


class AccountLink(models.Model):
    _inherit = "fusion.billing.account.link"

    candidate_ids = fields.Many2many(
        "res.partner",
        "fusion_billing_account_candidate",
        "account_id",
        "partner_id",
        "Perhaps the same customer",
        copy=False,
        help="Contacts with the same e-mail, tax number or reference. Say whether one of them is this customer",
    )
    apart_ids = fields.Many2many(
        "res.partner",
        "fusion_billing_account_apart",
        "account_id",
        "partner_id",
        "Other customers",
        copy=False,
        help="Contacts that a person said are not this customer, although they look like it",
    )

    def _fusion_propose(self):
        """Ask a person about contacts that may be this customer and that nobody was asked about."""
        account = self.sudo()
        found = account._fusion_lookalikes() - account.candidate_ids - account.apart_ids
        if not found:
            return
        account.candidate_ids |= found
        names = ", ".join(partner.display_name for partner in found)
        account.partner_id.activity_schedule(
            "fusion_billing.activity_known_customer",
            summary=self.env._("Is %s a customer you know already?", account.partner_id.display_name),
            note=plaintext2html(
                self.env._(
                    "%(service)s created the customer %(id)s. The e-mail, tax number or reference is also that of: "
                    "%(names)s. Under Services, Accounts, say whether they are the same.",
                    service=account.service_id.name,
                    id=account.external_id,
                    names=names,
                )
            ),
            user_id=account.service_id._escalation_user().id,
        )

    def _fusion_lookalikes(self):
        """Customers, other than this one and its contacts, with the same e-mail, tax number or reference."""
        partner = self.partner_id
        same = [[(name, "=", partner[name])] for name in SAME if partner[name]]
        if not same:
            return partner.browse()
        known = partner.search(
            [*fields.Domain.OR(same), ("company_id", "in", (False, self.company_id.id)), ("id", "!=", partner.id)],
            order="id",
        )
        return known.commercial_partner_id.filtered("active") - partner - partner.commercial_partner_id

    def action_same_customer(self):
        """The account is the only candidate's: Odoo's own merge moves what the new contact has got so far to it."""
        self.ensure_one()
        self.check_access("write")
        known = self.sudo().candidate_ids
        if len(known) != 1:
            raise UserError(self.env._("Leave the one contact that is this customer; there are %s.", len(known)))
        new = self.sudo().partner_id
        self._fusion_decided()
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        wizard._merge([new.id, known.id], known, extra_checks=False)

    def action_other_customer(self):
        """None of the candidates is this customer; nobody is asked about them again."""
        self.check_access("write")
        for account in self.sudo():
            account.apart_ids |= account.candidate_ids
            account._fusion_decided()

    def _fusion_decided(self):
        for account in self.sudo():
            account.candidate_ids = False
            asked = account.partner_id.activity_ids.filtered(
                lambda activity: activity.activity_type_id == self.env.ref("fusion_billing.activity_known_customer")
            )
            asked.action_feedback(feedback=self.env._("Decided on the account %s.", account.external_id))
