from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged

from ..models.gathered import Gathered
from ..models.service import is_person
from .common import FusionCase


class AccountCase(FusionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.env["fusion.billing.gateway"]
        cls.other = cls.env["fusion.billing.service"].create({"name": "Other", "code": "fusion_test_other"})

    def customer(self, external_id, service=None, **given):
        service = service or self.service
        self.gateway.upsert_customer(service, {"customer": {"external_id": external_id, **given}})
        return self.gateway._links(service, external_id)

    def merge(self, partners, into):
        """As a person does it: Odoo's own wizard."""
        wizard = self.env["base.partner.merge.automatic.wizard"]
        opened = wizard.with_context(active_model="res.partner", active_ids=partners.ids).create({})
        opened.dst_partner_id = into
        opened.action_merge()
        self.assertEqual(partners.exists(), into)


@tagged("post_install", "-at_install")
class TestMergedContacts(AccountCase):
    def setUp(self):
        super().setUp()
        self.first, self.second = self.customer("lc", name="Lee"), self.customer("ld", name="Lee")
        self.mine = self.subscription("w-1", partner=self.first.partner_id)
        self.theirs = self.subscription("w-2", partner=self.second.partner_id)
        self.merge((self.first | self.second).partner_id, self.first.partner_id)
        self.env.invalidate_all()

    def invoiced(self, orders, **more):
        orders.write({"fusion_billed_until": "2026-06-30 00:00:00", **more})
        return orders.with_context(fusion_at="2026-07-01 01:00:00")._create_invoices()

    def test_the_contacts_are_one_and_the_accounts_two(self):
        self.assertEqual(self.mine.partner_id, self.theirs.partner_id)
        self.assertEqual((self.mine.fusion_account_id, self.theirs.fusion_account_id), (self.first, self.second))

    def test_deleting_a_customer_ends_its_own_subscriptions_only(self):
        self.gateway.delete_customer(self.service, {}, "lc")
        self.assertEqual(self.gateway._status(self.mine), "terminated")
        self.assertEqual(self.gateway._status(self.theirs), "active")
        self.assertTrue(self.theirs.partner_id.active)

    def test_each_customer_shows_its_own_subscriptions(self):
        for account, order in ((self.first, self.mine), (self.second, self.theirs)):
            query = {"external_customer_id": account.external_id}
            shown = self.gateway.list_subscriptions(self.service, query)["subscriptions"]
            self.assertEqual([one["external_id"] for one in shown], [order.fusion_external_id])
            self.assertEqual(shown[0]["external_customer_id"], account.external_id)
            usage = {"external_subscription_id": order.fusion_external_id}
            self.assertIn("customer_usage", self.gateway.current_usage(self.service, usage, account.external_id))
        crossed = {"external_subscription_id": "w-2"}
        body = self.refused(405, self.gateway.current_usage, self.service, crossed, "lc")
        self.assertEqual(body["code"], "no_active_subscription")

    def test_each_customer_has_its_own_invoices(self):
        moves = self.invoiced(self.mine | self.theirs)
        self.assertEqual(sorted(moves.mapped("fusion_customer")), ["lc", "ld"])
        moves.action_post()
        for account, order in ((self.first, self.mine), (self.second, self.theirs)):
            query = {"external_customer_id": account.external_id}
            (shown,) = self.gateway.list_invoices(self.service, query)["invoices"]
            self.assertEqual(shown["customer"]["external_id"], account.external_id)
            self.assertEqual(account._fusion_portal_invoices(), order.invoice_ids)
            self.assertEqual(account._fusion_portal_orders(), order)
            whole = self.gateway.find_invoice(self.service, {}, shown["lago_id"])["invoice"]
            self.assertEqual([one["external_id"] for one in whole["subscriptions"]], [order.fusion_external_id])
            self.assertEqual({fee["external_customer_id"] for fee in whole["fees"]}, {account.external_id})

    def test_each_customer_holds_its_own_coupons(self):
        self.env["fusion.billing.coupon"].create(
            {"name": "Ten", "code": "fusion_ten", "coupon_type": "percentage", "percentage_rate": "10"}
        )
        given = {"external_customer_id": "ld", "coupon_code": "fusion_ten"}
        self.gateway.apply_coupon(self.service, {"applied_coupon": given})
        self.assertFalse(self.mine.fusion_coupons)
        held = {
            name: self.gateway.list_applied_coupons(self.service, {"external_customer_id": name})["applied_coupons"]
            for name in ("lc", "ld")
        }
        self.assertEqual({name: len(found) for name, found in held.items()}, {"lc": 0, "ld": 1})

    def test_each_customer_has_its_own_days_of_grace(self):
        self.second.grace_days = 3
        gathered = Gathered(self.mine | self.theirs)
        self.assertEqual([gathered.grace(order.id).days for order in (self.mine, self.theirs)], [0, 3])
        (self.mine | self.theirs).fusion_billed_until = "2026-06-30 00:00:00"
        bill = self.env["sale.order"]._fusion_bill_now
        at = fields.Datetime.to_datetime("2026-07-01 01:00:00")
        states = [bill([(order, at, "subscription_periodic")]).state for order in (self.mine, self.theirs)]
        self.assertEqual(states, ["posted", "draft"])

    def test_each_customer_was_told_what_is_its_own(self):
        self.service.webhook_url = "https://app.example/hooks"
        self.invoiced(self.theirs).action_post()
        self.theirs.invoice_ids._fusion_tell("invoice.payment_overdue")
        self.assertEqual(self.second.control_type, "invoice.payment_overdue")
        self.assertFalse(self.first.control_type)

    def test_a_card_of_the_other_customer_is_not_charged(self):
        provider = self.env["payment.provider"].create({"name": "P", "code": "none"})
        method = self.env["payment.method"].create({"name": "Card", "code": "fusion_test_card"})
        token = self.env["payment.token"].create(
            {"provider_id": provider.id, "payment_method_id": method.id, "partner_id": self.mine.partner_id.id,
             "provider_ref": "r", "fusion_order_ids": [(6, 0, self.theirs.ids)]}
        )  # fmt: skip
        own, others = self.invoiced(self.mine), self.invoiced(self.theirs)
        self.assertFalse(token._fusion_paying(own))
        self.assertEqual(token._fusion_paying(others), token)
        token.fusion_order_ids = False
        self.assertEqual(token._fusion_paying(own), token)


@tagged("post_install", "-at_install")
class TestWhoseOrder(AccountCase):
    def test_an_order_finds_the_only_account_of_its_contact(self):
        account = self.customer("o-1")
        self.customer("o-1", self.other, name="the same contact's").partner_id = account.partner_id
        self.assertEqual(self.subscription("o-1", partner=account.partner_id).fusion_account_id, account)
        self.assertFalse(self.subscription("o-2").fusion_account_id, "nobody knows this contact")

    def test_of_two_accounts_a_person_says_which(self):
        first, second = self.customer("o-1"), self.customer("o-2")
        second.partner_id = first.partner_id
        order = self.subscription("o-1", partner=first.partner_id)
        self.assertFalse(order.fusion_account_id)
        order.fusion_account_id = second
        order.partner_id = first.partner_id.copy()
        self.assertFalse(order.fusion_account_id, "another contact, nobody's")

    def test_an_account_of_another_service_is_refused(self):
        order = self.subscription("o-1", partner=self.customer("o-1").partner_id)
        with self.assertRaises(ValidationError):
            order.fusion_account_id = self.customer("o-2", self.other)

    def test_customers_of_one_id_share_an_invoice_as_in_lago(self):
        account = self.customer("o-1")
        twin = self.customer("o-1", self.other)
        twin.partner_id = account.partner_id
        first = self.subscription("o-1", partner=account.partner_id)
        second = self.subscription("o-2", partner=account.partner_id, fusion_service_id=self.other.id)
        self.assertEqual((first.fusion_account_id, second.fusion_account_id), (account, twin))
        (first | second).fusion_billed_until = "2026-06-30 00:00:00"
        move = (first | second).with_context(fusion_at="2026-07-01 01:00:00")._create_invoices()
        self.assertEqual(len(move), 1)


@tagged("post_install", "-at_install")
class TestKnownCustomers(AccountCase):
    def known(self, **values):
        return self.env["res.partner"].create({"name": "Oak", "is_company": True, **values})

    def asked(self, account):
        kind = self.env.ref("fusion_billing.activity_known_customer")
        return account.partner_id.activity_ids.filtered(lambda activity: activity.activity_type_id == kind)

    def test_same_mail_tax_number_or_reference_is_proposed_and_nothing_is_tied(self):
        cases = (
            ({"email": "AP@oak.example"}, {"email": "ap@oak.example"}),
            ({"vat": "BE0477472701"}, {"tax_identification_number": "BE0477472701"}),
            ({"ref": "k-2"}, {}),
        )
        for number, (values, given) in enumerate(cases):
            with self.subTest(values):
                known = self.known(**values)
                account = self.customer(f"k-{number}", name="Oak", **given)
                self.assertNotEqual(account.partner_id, known)
                self.assertEqual(account.candidate_ids, known)
                activity = self.asked(account)
                self.assertEqual(len(activity), 1)
                self.assertTrue(is_person(activity.user_id))
                self.assertIn("Oak", activity.note)
                self.customer(f"k-{number}", name="Oak again", **given)
                self.assertEqual(self.asked(account), activity, "asked once")

    def test_a_contact_of_a_company_proposes_the_company(self):
        known = self.known()
        self.env["res.partner"].create({"name": "Ann", "parent_id": known.id, "email": "ann@oak.example"})
        self.assertEqual(self.customer("k", email="ann@oak.example").candidate_ids, known)

    def test_nobody_is_asked_about_own_contacts_or_archived_ones(self):
        self.known(email="gone@oak.example", active=False)
        self.assertFalse(self.customer("k", email="gone@oak.example").candidate_ids)
        person = {"email": "own@oak.example", "customer_type": "company", "firstname": "Ann", "lastname": "Lee"}
        account = self.customer("k-own", name="Oak", **person)
        self.customer("k-own", name="Oak", **person)
        self.assertTrue(account.partner_id.child_ids)
        self.assertFalse(account.candidate_ids)

    def test_a_later_mail_is_noticed_too(self):
        known = self.known(email="later@oak.example")
        account = self.customer("k")
        self.assertFalse(account.candidate_ids)
        self.customer("k", email="later@oak.example")
        self.assertEqual(account.candidate_ids, known)

    def test_the_same_customer_is_merged_by_odoo(self):
        known = self.known(email="ap@oak.example", phone="1")
        account = self.customer("k", email="ap@oak.example", phone="2")
        made, order = account.partner_id, self.subscription("k-1", partner=account.partner_id)
        activity = self.asked(account)
        manager = new_test_user(self.env, "k-manager", groups="fusion_billing.group_manager")
        account.with_user(manager).action_same_customer()
        self.env.invalidate_all()
        self.assertFalse(made.exists())
        self.assertEqual((account.partner_id, order.partner_id), (known, known))
        self.assertEqual(order.fusion_account_id, account)
        self.assertEqual(known.phone, "1", "what was known stays")
        self.assertFalse(account.candidate_ids)
        self.assertFalse(activity.exists().filtered("active"))

    def test_of_several_one_must_be_left(self):
        for _twice in range(2):
            self.known(email="ap@oak.example")
        account = self.customer("k", email="ap@oak.example")
        with self.assertRaises(UserError):
            account.action_same_customer()
        self.assertEqual(len(account.candidate_ids), 2)

    def test_another_customer_is_not_asked_about_again(self):
        self.known(email="ap@oak.example")
        account = self.customer("k", email="ap@oak.example")
        account.action_other_customer()
        self.assertFalse(self.asked(account))
        self.customer("k", email="ap@oak.example", name="Oak 2")
        self.assertFalse(account.candidate_ids)
