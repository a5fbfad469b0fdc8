import hashlib
import hmac
import secrets
from datetime import timedelta

import psycopg2
from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, mute_logger

TOUCH_EVERY = timedelta(minutes=1)  # last use is written at most this often: a hot key would be a hot row


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


class FusionBillingKey(models.Model):
    """An API key of a service. Only its SHA-256 is kept."""

    _name = "fusion.billing.key"
    _description = "Service Key"
    _rec_name = "hint"
    _order = "id desc"

    service_id = fields.Many2one("fusion.billing.service", required=True, ondelete="cascade", index=True, readonly=True)
    digest = fields.Char(required=True, readonly=True, copy=False, groups="base.group_system")
    hint = fields.Char("Key", readonly=True, help="Its last four characters")
    created_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    expires_at = fields.Datetime(readonly=True, help="After a rotation the old key works until then")
    revoked_at = fields.Datetime(readonly=True)
    last_used_at = fields.Datetime(readonly=True)
    company_id = fields.Many2one(related="service_id.company_id", store=True)

    _digest_uniq = models.Constraint("unique (digest)", "This key exists already.")

    @api.model
    def _issue(self, service):
        """A new key for ``service``: the key itself, which is not kept."""
        if not self.env.user.has_group("fusion_billing.group_manager"):
            raise AccessError(self.env._("Only billing managers issue keys."))
        key = secrets.token_hex(24)
        self.sudo().create({"service_id": service.id, "digest": digest(key), "hint": f"…{key[-4:]}"})
        return key

    @api.model
    def _service_of(self, key):
        """The active service whose key this is, else an empty record."""
        wanted, now = digest(key), fields.Datetime.now()
        # only what is needed, in one query: this runs at every call
        read = ["service_id", "digest", "expires_at", "revoked_at", "last_used_at"]
        found = self.sudo().search_fetch([("digest", "=", wanted)], read, limit=1)
        # a miss does the same work as a hit
        same = hmac.compare_digest(found.digest or digest(""), wanted)
        alive = found and same and not found.revoked_at and not (found.expires_at and found.expires_at <= now)
        if not alive or not found.service_id.active:
            return self.env["fusion.billing.service"]
        if not found.last_used_at or now - found.last_used_at >= TOUCH_EVERY:
            found._touch(now)
        return found.service_id

    def _touch(self, now):
        """Note the use. Of requests at the same time one does, the others neither wait for it nor run again."""
        mine = SQL("SELECT FROM fusion_billing_key WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED", self.id)
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                self.env.cr.execute(mine)
                if self.env.cr.rowcount:
                    self.last_used_at = now
        except psycopg2.errors.SerializationFailure:
            return  # written by another request since this one began

    def action_revoke(self):
        """From now on the key opens nothing."""
        self.check_access("write")
        self.sudo().filtered(lambda key: not key.revoked_at).revoked_at = fields.Datetime.now()
