from odoo.tests import tagged
from odoo.tools import verify_hash_signed

from ..models.gateway.customers import PORTAL_SCOPE
from .common import FusionCase

FULL = {
    "external_id": "c-1",
    "name": "Oak Ltd",
    "firstname": "Ann",
    "lastname": "Lee",
    "legal_name": "Oak Limited",
    "customer_type": "company",
    "email": "ap@oak.example",
    "phone": "+1 416 555 0100",
    "url": "https://oak.example",
    "legal_number": "BN-1",
    "logo_url": "https://oak.example/logo.png",
    "address_line1": "1 King St W",
    "city": "Toronto",
    "zipcode": "M5V 1A1",
    "state": "ON",
    "country": "CA",
    "currency": "USD",
    "timezone": "America/Toronto",
    "net_payment_term": 37,
    "finalize_zero_amount_invoice": "skip",
    "shipping_address": {"address_line1": "9 Dock Rd", "city": "Hamilton", "country": "CA", "state": "Ontario"},
    "billing_configuration": {
        "invoice_grace_period": 3,
        "payment_provider": "stripe",
        "provider_customer_id": "cus_1",
        "provider_payment_methods": ["card"],
        "document_locale": "en",
    },
    "metadata": [{"key": "crm", "value": "77", "display_in_invoice": True}],
}


@tagged("post_install", "-at_install")
class TestCustomers(FusionCase):
    def setUp(self):
        super().setUp()
        self.gateway = self.env["fusion.billing.gateway"]
        self.other = self.env["fusion.billing.service"].create({"name": "Other", "code": "fusion_test_other"})

    def upsert(self, **given):
        return self.gateway.upsert_customer(self.service, {"customer": given})["customer"]

    def link(self, external_id="c-1"):
        return self.gateway._links(self.service, external_id)

    def test_everything_given_is_kept_and_shown(self):
        shown = self.upsert(**FULL)
        for name in set(FULL) - {"shipping_address", "billing_configuration", "metadata", "state"}:
            self.assertEqual(shown[name], FULL[name], name)
        self.assertEqual(shown["state"], "ON")
        self.assertEqual(shown["shipping_address"]["address_line1"], "9 Dock Rd")
        self.assertEqual(shown["shipping_address"]["state"], "Ontario")
        for name, value in FULL["billing_configuration"].items():
            self.assertEqual(shown["billing_configuration"][name], value, name)
        self.assertEqual([(m["key"], m["value"]) for m in shown["metadata"]], [("crm", "77")])
        self.assertEqual(self.gateway.find_customer(self.service, {}, "c-1")["customer"], shown)

    def test_the_partner_is_a_native_one(self):
        self.upsert(**FULL)
        partner = self.link().partner_id
        self.assertTrue(partner.is_company)
        self.assertEqual(partner.ref, "c-1")
        self.assertEqual(partner.specific_property_product_pricelist.currency_id.name, "USD")
        self.assertEqual(partner.property_payment_term_id.line_ids.nb_days, 37)
        self.assertEqual(len(set(partner.address_get(["invoice", "delivery"]).values())), 3)
        self.assertEqual(partner.child_ids.filtered(lambda c: c.type == "invoice").name, "Ann Lee")
        self.assertEqual(self.link().grace_days, 3)
        self.assertFalse(self.link().finalize_zero)

    def test_an_update_leaves_the_rest_alone(self):
        first = self.upsert(**FULL)
        again = self.upsert(
            external_id="c-1",
            email=None,
            metadata=[{"id": first["metadata"][0]["lago_id"], "key": "crm", "value": "78"}],
        )
        self.assertIsNone(again["email"])
        self.assertEqual(again["name"], "Oak Ltd")
        self.assertEqual(again["metadata"][0]["lago_id"], first["metadata"][0]["lago_id"])
        self.assertEqual(again["metadata"][0]["value"], "78")
        self.assertEqual(self.env["res.partner"].search_count([("ref", "=", "c-1")]), 1)

    def test_nothing_but_an_id_is_enough(self):
        shown = self.upsert(external_id="bare")
        self.assertEqual(shown["name"], "bare")
        self.assertEqual(shown["applicable_timezone"], "UTC")
        self.assertEqual(shown["metadata"], [])

    def test_a_person_without_company(self):
        self.assertEqual(self.upsert(external_id="p", firstname="Bo", lastname="Ek")["name"], "Bo Ek")
        self.assertFalse(self.link("p").partner_id.is_company)

    def test_mistakes_are_named_all_at_once(self):
        body = self.refused(
            422, self.gateway.upsert_customer, self.service,
            {"customer": {"external_id": " ", "currency": "XXY", "timezone": "Nowhere", "country": "QQ",
                          "customer_type": "robot", "net_payment_term": -3}},
        )  # fmt: skip
        self.assertEqual(
            set(body["error_details"]),
            {"external_id", "currency", "timezone", "country", "customer_type", "net_payment_term"},
        )

    def test_the_currency_stays_once_there_are_subscriptions(self):
        self.upsert(external_id="c-1", currency="USD")
        self.subscription("s-1", partner=self.link().partner_id)
        body = self.refused(
            422, self.gateway.upsert_customer, self.service, {"customer": {"external_id": "c-1", "currency": "EUR"}}
        )
        self.assertEqual(body["error_details"], {"currency": ["currencies_does_not_match"]})

    def test_tax_codes_become_native_taxes(self):
        code = self.env["fusion.billing.tax"].create({"name": "HST", "code": "fusion_hst", "rate": "13"})
        given = {"external_id": "c-1", "tax_codes": ["fusion_hst"]}
        self.assertEqual(
            self.refused(422, self.gateway.upsert_customer, self.service, {"customer": given})["error_details"],
            {"tax_codes": ["no_native_tax"]},
        )
        code.tax_ids = self.tax
        self.upsert(**given)
        self.assertEqual(self.link().tax_ids, self.tax)
        body = {"customer": {"external_id": "c-1", "tax_codes": ["fusion_unknown"]}}
        self.assertEqual(self.refused(404, self.gateway.upsert_customer, self.service, body)["code"], "tax_not_found")

    def test_list_filters(self):
        self.upsert(external_id="c-1", name="Oak", currency="USD")
        self.upsert(external_id="c-2", name="Elm", currency="EUR", country="FR")
        ids = lambda **query: [c["external_id"] for c in self.gateway.list_customers(self.service, query)["customers"]]  # noqa: E731
        self.assertEqual(ids(), ["c-2", "c-1"])
        self.assertEqual(ids(search_term="oak"), ["c-1"])
        self.assertEqual(ids(**{"currencies[]": ["EUR"]}), ["c-2"])
        self.assertEqual(ids(**{"countries[]": ["FR", "DE"]}), ["c-2"])

    def test_delete_ends_what_runs_and_frees_the_id(self):
        self.upsert(**FULL)
        link, partner = self.link(), self.link().partner_id
        running = self.subscription("s-1", partner=partner)
        self.refused(404, self.gateway.delete_customer, self.other, {}, "c-1")
        shown = self.gateway.delete_customer(self.service, {}, "c-1")["customer"]
        self.assertEqual(shown["lago_id"], link.fusion_lago_id)
        self.assertEqual(self.gateway._status(running), "terminated")
        self.assertFalse(link.active)
        self.assertFalse(partner.active)
        self.refused(404, self.gateway.find_customer, self.service, {}, "c-1")
        again = self.upsert(external_id="c-1", name="Oak again")
        self.assertNotEqual(again["lago_id"], link.fusion_lago_id)

    def test_a_partner_that_others_need_is_not_archived(self):
        self.upsert(external_id="c-1")
        partner = self.link().partner_id
        self.env["fusion.billing.account.link"].create(
            {"service_id": self.other.id, "partner_id": partner.id, "external_id": "theirs"}
        )
        self.gateway.delete_customer(self.service, {}, "c-1")
        self.assertTrue(partner.active)

    def test_portal_url_is_signed_and_ends(self):
        self.upsert(external_id="c-1")
        url = self.gateway.portal_url(self.service, {}, "c-1")["customer"]["portal_url"]
        token = url.rsplit("/", 1)[-1]
        self.assertEqual(verify_hash_signed(self.env, PORTAL_SCOPE, token), self.link().id)
        self.assertIsNone(verify_hash_signed(self.env, "another", token))
        self.refused(404, self.gateway.portal_url, self.other, {}, "c-1")

    def test_checkout_is_refused_by_name(self):
        self.upsert(external_id="c-1")
        body = self.refused(422, self.gateway.checkout_url, self.service, {}, "c-1")
        self.assertEqual(body["error_details"], {"base": ["no_linked_payment_provider"]})
