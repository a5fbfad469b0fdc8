import json

from freezegun import freeze_time
from odoo.tests import tagged

from ..api import answers
from .common import FusionCase
from .test_gateway import EVENT


class TwoServices(FusionCase):
    """Two services of one company that know the same contact under the same id."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.env["fusion.billing.gateway"]
        cls.other = cls.env["fusion.billing.service"].create({"name": "Other", "code": "fusion_test_other"})
        cls.partner = cls.env["res.partner"].create({"name": "Shared"})
        cls.links = {
            service: cls.env["fusion.billing.account.link"].create(
                {"service_id": service.id, "partner_id": cls.partner.id, "external_id": "c-1"}
            )
            for service in (cls.service, cls.other)
        }

    def order(self, service, external_id, **values):
        return self.subscription(external_id, partner=self.partner, fusion_service_id=service.id, **values)


@tagged("post_install", "-at_install")
class TestEventsOfTwoServices(TwoServices):
    def send(self, service, **more):
        return self.gateway.create_event(service, {"event": {**EVENT, **more}})["event"]

    def units(self, service, external_id="api-1"):
        query = {"external_subscription_id": external_id}
        usage = self.gateway.current_usage(service, query, external_id="c-1")["customer_usage"]
        return usage["charges_usage"][0]["units"]

    @freeze_time("2026-07-11 10:00:00")
    def test_an_event_is_of_its_sender(self):
        self.order(self.service, "api-1")
        now = {"timestamp": 1783764000}
        self.send(self.other, transaction_id="theirs", **now)  # an id that is the other's is unknown here
        self.assertEqual(self.units(self.service), "0.0")
        self.send(self.service, transaction_id="mine", **now)
        self.assertEqual(self.units(self.service), "1.0")
        self.refused(404, self.gateway.find_event, self.service, {}, "theirs")
        self.refused(404, self.gateway.find_event, self.other, {}, "mine")

    @freeze_time("2026-07-11 10:00:00")
    def test_the_same_ids_are_two_subscriptions_and_two_events(self):
        mine, theirs = self.order(self.service, "api-1"), self.order(self.other, "api-1")
        for service in (self.service, self.other, self.other):
            given = {"timestamp": 1783764000, "transaction_id": "t1"}
            if service == self.other and self.env["fusion.billing.usage"].search_count(
                [("service_id", "=", service.id)]
            ):
                self.refused(422, self.gateway.create_event, service, {"event": {**EVENT, **given}})
            else:
                self.send(service, **given)
        self.assertEqual((self.units(self.service), self.units(self.other)), ("1.0", "1.0"))
        for order in (mine, theirs):
            answer = order.fusion_rerun([{"order": order.id, "at": "2026-08-01 04:10:00",
                                          "reason": "subscription_periodic"}])  # fmt: skip
            (charge,) = [line for line in answer[0]["lines"] if line["key"]["kind"] == "charge"]
            self.assertEqual((charge["units"], charge["events"]), ("1", 1))

    def test_what_was_sent_before_another_service_took_the_id_is_not_its_usage(self):
        self.send(self.other, transaction_id="early")
        order = self.order(self.service, "api-1")
        moves = order.with_context(fusion_at=order.fusion_started_at.replace(month=8, hour=6))._create_invoices()
        self.assertEqual(moves.invoice_line_ids.filtered(lambda line: line.fusion_kind == "charge"), moves.line_ids[:0])

    def test_what_was_brought_along_is_not_sent_again(self):
        self.order(self.service, "api-1")
        self.use("api-1", ["2026-07-03 10:00:00"], transaction_id="t1")  # nobody sent it: it was loaded
        body = self.refused(422, self.gateway.create_event, self.service, {"event": EVENT})
        self.assertEqual(body["error_details"], {"transaction_id": ["value_already_exist"]})
        self.assertEqual(self.gateway.find_event(self.service, {}, "t1")["event"]["transaction_id"], "t1")
        self.refused(404, self.gateway.find_event, self.other, {}, "t1")
        self.assertTrue(self.send(self.other))  # for whom it is an id as any other

    def test_what_was_sent_is_not_brought_along_again(self):
        self.order(self.service, "api-1")
        self.send(self.service)
        with self.assertRaisesRegex(Exception, "transaction id already"):
            self.use("api-1", ["2026-07-03 10:00:00"], transaction_id="t1")

    def test_a_late_mark_is_of_ones_own(self):
        mine = self.order(self.service, "api-1")
        self.order(self.other, "api-1")
        mine.with_context(fusion_at=mine.fusion_started_at.replace(month=8, hour=6))._create_invoices()
        self.send(self.service, transaction_id="late")
        self.send(self.other, transaction_id="in time")
        usage = self.env["fusion.billing.usage"].search([("transaction_id", "in", ("late", "in time"))])
        self.assertEqual({event.transaction_id: event.late for event in usage}, {"late": True, "in time": False})


@tagged("post_install", "-at_install")
class TestSubscriptionsOfTwoServices(TwoServices):
    def test_an_id_is_each_services_own(self):
        given = {"external_customer_id": "c-1", "external_id": "s-1", "plan_code": "starter"}
        shown = [
            self.gateway.create_subscription(service, {"subscription": given})["subscription"]["lago_id"]
            for service in (self.service, self.other)
        ]
        self.assertEqual(len(set(shown)), 2)
        self.gateway.terminate_subscription(self.other, {}, "s-1")
        found = self.gateway.find_subscription(self.service, {}, "s-1")["subscription"]
        self.assertEqual((found["lago_id"], found["status"]), (shown[0], "active"))


@tagged("post_install", "-at_install")
class TestInvoiceOfTwoServices(TwoServices):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        orders = [
            cls.subscription(name, partner=cls.partner, fusion_service_id=service.id)
            for name, service in (("s-1", cls.service), ("s-2", cls.other))
        ]
        cls.use("s-1", ["2026-07-03 10:00:00"])
        together = orders[0] | orders[1]
        at = orders[0].fusion_started_at.replace(month=8, hour=6)
        cls.move = together.with_context(fusion_at=at)._create_invoices()
        cls.move.action_post()
        cls.lago_id = answers.stable_id("invoice", cls.move.id)

    def shown(self, service):
        return self.gateway.find_invoice(service, {}, self.lago_id)["invoice"]

    def test_each_reads_its_own_part(self):
        self.assertEqual(len(self.move), 1)
        mine, theirs = self.shown(self.service), self.shown(self.other)
        self.assertEqual({fee["external_subscription_id"] for fee in mine["fees"]}, {"s-1"})
        self.assertEqual({fee["external_subscription_id"] for fee in theirs["fees"]}, {"s-2"})
        self.assertEqual([one["external_id"] for one in mine["subscriptions"]], ["s-1"])
        self.assertEqual([one["external_subscription_id"] for one in theirs["billing_periods"]], ["s-2"])
        for part in (mine, theirs):
            self.assertEqual(sum(fee["amount_cents"] for fee in part["fees"]), part["fees_amount_cents"])
            self.assertEqual(sum(tax["amount_cents"] for tax in part["applied_taxes"]), part["taxes_amount_cents"])
            self.assertEqual(part["total_due_amount_cents"], part["total_amount_cents"])
        self.assertEqual((mine["fees_amount_cents"], theirs["fees_amount_cents"]), (3005, 3000))
        whole = mine["total_amount_cents"] + theirs["total_amount_cents"]
        self.assertEqual(whole, round(self.move.amount_total * 100))
        (listed,) = self.gateway.list_invoices(self.other, {})["invoices"]
        self.assertEqual(listed["total_amount_cents"], theirs["total_amount_cents"])

    def test_each_keeps_its_own_metadata(self):
        for service, value in ((self.service, "mine"), (self.other, "theirs"), (self.other, "theirs again")):
            body = {"invoice": {"metadata": [{"key": "crm", "value": value}]}}
            self.gateway.update_invoice(service, body, self.lago_id)
        self.assertEqual([one["value"] for one in self.shown(self.service)["metadata"]], ["mine"])
        self.assertEqual([one["value"] for one in self.shown(self.other)["metadata"]], ["theirs again"])
        self.assertEqual(set(self.shown(self.other)["metadata"][0]), {"lago_id", "key", "value", "created_at"})
        self.gateway.update_invoice(self.other, {"invoice": {"metadata": []}}, self.lago_id)
        self.assertEqual(len(self.shown(self.service)["metadata"]), 1)

    def test_what_would_change_the_others_part_is_refused(self):
        paid = {"invoice": {"payment_status": "succeeded"}}
        for call, body in (
            (self.gateway.download_invoice, {}), (self.gateway.payment_url, {}), (self.gateway.retry_payment, {}),
            (self.gateway.update_invoice, paid),
        ):  # fmt: skip
            answer = self.refused(405, call, self.other, body, self.lago_id)
            self.assertEqual(answer["code"], "invoice_shared_with_another_service")


@tagged("post_install", "-at_install")
class TestWalletsOfTwoServices(TwoServices):
    def setUp(self):
        super().setUp()
        if "loyalty.card" not in self.env:
            self.skipTest("sale_loyalty is not installed")

    def give(self, service):
        given = {"external_customer_id": "c-1", "granted_credits": "5", "currency": self.env.company.currency_id.name}
        return self.gateway.create_wallet(service, {"wallet": given})["wallet"]

    def names(self, service, **query):
        return [one["lago_id"] for one in self.gateway.list_wallets(service, query)["wallets"]]

    def test_a_wallet_is_of_who_made_it(self):
        mine, theirs = self.give(self.service), self.give(self.other)
        self.assertEqual((self.names(self.service), self.names(self.other)), ([mine["lago_id"]], [theirs["lago_id"]]))
        self.assertEqual(self.names(self.other, external_customer_id="c-1"), [theirs["lago_id"]])
        for call in (self.gateway.find_wallet, self.gateway.destroy_wallet, self.gateway.list_wallet_transactions):
            self.refused(404, call, self.other, {}, mine["lago_id"])
        void = {"wallet_transaction": {"wallet_id": mine["lago_id"], "voided_credits": "5"}}
        self.refused(404, self.gateway.create_wallet_transactions, self.other, void)
        self.assertEqual(
            self.gateway.find_wallet(self.service, {}, mine["lago_id"])["wallet"]["credits_balance"], "5.0"
        )

    def test_of_what_two_might_have_nobody_has_any(self):
        """A card that was made in Odoo."""
        self.give(self.service)
        programme = self.env["loyalty.program"].search([("program_type", "=", "ewallet")], limit=1)
        self.env["loyalty.card"].create({"program_id": programme.id, "partner_id": self.partner.id, "points": 3})
        self.assertEqual((len(self.names(self.service)), len(self.names(self.other))), (1, 0))
        self.links[self.other].unlink()
        self.assertEqual(len(self.names(self.service)), 2)

    def test_contacts_that_are_merged_keep_their_cards_apart(self):
        apart = self.env["res.partner"].create({"name": "Twin"})
        self.links[self.other].partner_id = apart
        mine = self.give(self.service)
        programme = self.env["loyalty.program"].search([("program_type", "=", "ewallet")], limit=1)
        card = self.env["loyalty.card"].create({"program_id": programme.id, "partner_id": apart.id, "points": 3})
        self.assertEqual(len(self.names(self.other)), 1)
        self.env["base.partner.merge.automatic.wizard"]._merge((apart | self.partner).ids, self.partner)
        self.env.invalidate_all()
        self.assertEqual(card.exists().partner_id, self.partner)
        self.assertEqual(self.names(self.other), [answers.stable_id("wallet", card.id)])
        self.assertEqual(self.names(self.service), [mine["lago_id"]])


@tagged("post_install", "-at_install")
class TestOneIdForACharge(FusionCase):
    @freeze_time("2026-07-11 10:00:00")
    def test_a_catalogue_made_in_odoo_has_one_id_for_a_charge(self):
        gateway = self.env["fusion.billing.gateway"]
        metric = self.metric.copy({"code": "fusion_test_made_here"})
        charge = self.charge.copy({"metric_id": metric.id, "code": "made_here"})
        self.assertNotEqual(charge.fusion_lago_id, self.charge.fusion_lago_id)
        order = self.subscription("s-1")
        self.env["fusion.billing.account.link"].create(
            {"service_id": self.service.id, "partner_id": order.partner_id.id, "external_id": "c-1"}
        )
        self.use("s-1", ["2026-07-03 10:00:00"], code=metric.code)
        planned = {one["code"]: one for one in gateway.find_plan(self.service, {}, "starter")["plan"]["charges"]}
        query = {"external_subscription_id": "s-1"}
        used = gateway.current_usage(self.service, query, external_id="c-1")["customer_usage"]["charges_usage"]
        shown = next(one for one in used if one["charge"]["code"] == "made_here")
        move = order.with_context(fusion_at=order.fusion_started_at.replace(month=8, hour=6))._create_invoices()
        invoice = gateway.find_invoice(self.service, {}, answers.stable_id("invoice", move.id))["invoice"]
        (fee,) = [one for one in invoice["fees"] if one["lago_charge_id"] and one["amount_cents"]]
        ids = {planned["made_here"]["lago_id"], shown["charge"]["lago_id"], fee["lago_charge_id"]}
        self.assertEqual(ids, {charge.fusion_lago_id})
        self.assertEqual((fee["item"]["code"], fee["item"]["lago_item_id"]), (metric.code, metric.fusion_lago_id))
        self.assertEqual(shown["billable_metric"]["lago_id"], planned["made_here"]["lago_billable_metric_id"])
        self.assertTrue(json.loads(charge.properties))

    def test_a_line_that_names_the_code_finds_its_charge(self):
        order = self.subscription("s-1")
        found = self.env["fusion.billing.gateway"]._billed_charge(
            {"kind": "charge", "item": self.charge.code}, order
        )  # fmt: skip
        self.assertEqual(found, self.charge)
