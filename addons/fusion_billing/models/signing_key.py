from odoo import api, fields, models
from odoo.tools import SQL

from ..api import keypair


class FusionBillingSigningKey(models.Model):
    """The database's key pair for webhooks signed as JWT: one row, which no user reads."""

    _name = "fusion.billing.signing.key"
    _description = "Webhook Signing Key"
    _rec_name = "create_date"

    private_pem = fields.Text(required=True, readonly=True, copy=False, groups=fields.NO_ACCESS)
    public_pem = fields.Text(required=True, readonly=True, copy=False)

    _only_one = models.UniqueIndex("((TRUE))", "There is one signing key per database.")

    @api.model
    def _pair(self):
        """The key pair, made at its first use. Of two transactions that make one, the later is run again."""
        found = self.sudo().search([], limit=1)
        if not found:
            private, public = keypair.generate()
            self.env.cr.execute(
                SQL(
                    """INSERT INTO fusion_billing_signing_key (private_pem, public_pem, create_date, write_date)
                       VALUES (%s, %s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC') ON CONFLICT DO NOTHING""",
                    private,
                    public,
                )
            )
            found = self.sudo().search([], limit=1)
        return found
