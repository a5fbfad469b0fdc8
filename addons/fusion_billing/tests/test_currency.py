from odoo.tests import tagged

from ..models.currency import NOT_KEPT
from ..models.gathered import Reader
from ..rating.exact import exponent
from .common import FusionCase

# Odoo keeps fewer digits of these than Lago counts in: whole Taiwan dollars, and a rouble that is no more
FEWER = {"TWD", "BYR"}
MORE = {"HUF", "MGA", "UYI", "UYW"}


@tagged("post_install", "-at_install")
class TestCurrency(FusionCase):
    """Lago's cents and Odoo's amounts, over every currency that Odoo knows."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.all = cls.env["res.currency"].with_context(active_test=False).search([])
        cls.gateway = cls.env["fusion.billing.gateway"]

    def currency(self, code):
        found = self.all.filtered(lambda currency: currency.name == code)
        found.active = True
        return found

    def test_every_currency_is_the_same_or_named(self):
        self.assertGreater(len(self.all), 160)
        different = {c.name for c in self.all if c.decimal_places != exponent(c.name)}
        self.assertEqual(different, FEWER | MORE)
        self.assertEqual({c.name for c in self.all if not c._fusion_keeps()}, FEWER)

    def test_there_and_back_again(self):
        for currency in self.all:
            for cents in (0, 1, -1, 5, 99, 100, 12345, 2**40 + 1):
                units = currency._fusion_units(cents)
                self.assertEqual(currency._fusion_cents(units), cents, currency.name)
                if currency._fusion_keeps():
                    self.assertEqual(currency.compare_amounts(currency.round(units), units), 0, currency.name)

    def test_what_odoo_would_round_is_refused_by_name(self):
        given = {"external_id": "twd", "currency": "TWD"}
        body = self.refused(422, self.gateway.upsert_customer, self.service, {"customer": given})
        self.assertEqual(body["error_details"], {"currency": [NOT_KEPT]})
        self.plan.product_tmpl_id.fusion_currency_id = self.currency("TWD")
        given = {"external_customer_id": "twd", "external_id": "twd", "plan_code": "starter"}
        body = self.refused(422, self.gateway.create_subscription, self.service, {"subscription": given})
        self.assertEqual(body["error_details"], {"currency": [NOT_KEPT]})

    def test_a_coupon_on_forints_took_off_whole_ones(self):
        """Odoo keeps two decimals of what Lago counts in whole ones: 1,000 were 100,000."""
        order = self.subscription("huf")
        line = {"name": "Coupon", "quantity": 1, "price_unit": -1000.0, "tax_ids": [(5,)],
                "fusion_key": '{"kind": "coupon", "item": "held-1"}'}  # fmt: skip
        fee = {"name": "Fee", "quantity": 1, "price_unit": 5000.0, "tax_ids": [(5,)]}
        move = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": order.partner_id.id, "currency_id": self.currency("HUF").id,
             "invoice_line_ids": [(0, 0, fee), (0, 0, line)]}
        )  # fmt: skip
        self.env["fusion.billing.period"].create(
            {"order_id": order.id, "move_id": move.id, "at": "2026-07-01 00:00:00", "reason": "subscription_periodic"}
        )
        uses = Reader(self.env, self.env.company).coupon_uses([order.partner_id.id])
        self.assertEqual([cents for _at, cents in uses["held-1"]], [1000])
