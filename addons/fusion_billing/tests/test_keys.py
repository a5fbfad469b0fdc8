from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..models.key import digest
from .common import FusionCase


@tagged("post_install", "-at_install")
class TestKeys(FusionCase):
    def issue(self, overlap_hours=24):
        wizard = self.env["fusion.billing.issue.key"].create(
            {"service_id": self.service.id, "overlap_hours": overlap_hours}
        )
        return wizard.action_issue()["context"]["default_key"]

    def test_only_the_fingerprint_is_kept(self):
        key = self.issue()
        stored = self.env["fusion.billing.key"].search([("service_id", "=", self.service.id)])
        self.assertEqual(stored.digest, digest(key))
        self.env.cr.execute("SELECT * FROM fusion_billing_key")
        self.assertNotIn(key, str(self.env.cr.fetchall()))

    def test_a_key_opens_its_service_and_is_seen_used(self):
        key = self.issue()
        self.assertEqual(self.env["fusion.billing.key"]._service_of(key), self.service)
        self.assertTrue(self.service.key_ids.last_used_at)
        self.assertFalse(self.env["fusion.billing.key"]._service_of(key[:-1]))
        self.assertFalse(self.env["fusion.billing.key"]._service_of(""))

    def test_rotation_overlaps_then_ends(self):
        old, new = self.issue(), self.issue(overlap_hours=2)
        keys = self.env["fusion.billing.key"]
        self.assertEqual((keys._service_of(old), keys._service_of(new)), (self.service, self.service))
        row = keys.search([("digest", "=", digest(old))])
        self.assertAlmostEqual(row.expires_at, fields.Datetime.now() + timedelta(hours=2), delta=timedelta(minutes=1))
        row.expires_at = fields.Datetime.now()
        self.assertFalse(keys._service_of(old))

    def test_revocation_is_immediate(self):
        key = self.issue()
        self.service.key_ids.action_revoke()
        self.assertFalse(self.env["fusion.billing.key"]._service_of(key))

    def test_archived_service_is_locked_out(self):
        key = self.issue()
        self.service.active = False
        self.assertFalse(self.env["fusion.billing.key"]._service_of(key))

    def test_users_read_and_integration_writes_usage_only(self):
        user = new_test_user(self.env, "fusion-user", groups="fusion_billing.group_user")
        robot = new_test_user(self.env, "fusion-robot", groups="base.group_user,fusion_billing.group_integration")
        self.assertTrue(self.metric.with_user(user).code)
        with self.assertRaises(AccessError):
            self.metric.with_user(user).name = "Other"
        with self.assertRaises(AccessError):
            self.env["fusion.billing.key"].with_user(user).search([])
        with self.assertRaises(AccessError):
            self.metric.with_user(robot).name = "Other"
        usage = {"transaction_id": "r1", "external_subscription_id": "s", "code": "fusion_test_calls"}
        self.assertTrue(self.env["fusion.billing.usage"].with_user(robot).create(usage))
        with self.assertRaises(AccessError):
            self.env["fusion.billing.key"].with_user(robot)._issue(self.service)

    def test_other_companies_see_nothing(self):
        other = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env, "fusion-other", groups="fusion_billing.group_user", company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )  # fmt: skip
        self.assertFalse(self.env["fusion.billing.metric"].with_user(user).search([]))
