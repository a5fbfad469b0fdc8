from odoo import fields
from odoo.tests import tagged

from .common import FusionCase

AUGUST = fields.Datetime.to_datetime("2026-08-01 06:00:00")


@tagged("post_install", "-at_install")
class TestInvoicing(FusionCase):
    def invoice(self, order, at=AUGUST):
        return order.with_context(fusion_at=at)._create_invoices()

    def test_usage_comes_along_on_the_native_invoice(self):
        order = self.subscription("inv-1")
        self.use("inv-1", ["2026-07-03 10:00:00", "2026-07-04 10:00:00", "2026-08-01 00:00:00"])
        move = self.invoice(order)
        lines = move.invoice_line_ids.sorted("sequence")
        self.assertEqual(lines.mapped("price_subtotal"), [30.0, 0.1])
        usage = lines[1]
        self.assertEqual((usage.fusion_order_id, str(usage.fusion_to)), (order, "2026-07-31 23:59:59"))
        self.assertEqual(usage.tax_ids, self.tax)
        self.assertEqual(move.amount_total, 34.01)

    def test_the_same_usage_is_invoiced_once(self):
        order = self.subscription("inv-2")
        self.use("inv-2", ["2026-07-03 10:00:00"])
        self.invoice(order)
        self.assertFalse(order.with_context(fusion_at=AUGUST)._fusion_due_commands())

    def test_a_cancelled_invoice_frees_its_usage(self):
        order = self.subscription("inv-3")
        self.use("inv-3", ["2026-07-03 10:00:00"])
        self.invoice(order).button_cancel()
        self.assertEqual(len(order.with_context(fusion_at=AUGUST)._fusion_due_commands()), 1)

    def test_usage_alone_makes_an_invoice(self):
        order = self.subscription("inv-4")
        self.use("inv-4", ["2026-06-03 10:00:00"])
        self.invoice(order, fields.Datetime.to_datetime("2026-07-01 06:00:00"))
        self.use("inv-4", ["2026-07-03 10:00:00"])
        move = self.invoice(order)
        self.assertEqual(move.invoice_line_ids.mapped("price_subtotal"), [0.05])
        self.assertEqual(move.partner_id, order.partner_id)

    def test_rerun_drafts_do_not_count_as_invoiced(self):
        journal = self.env["account.journal"].create({"name": "Shadow", "code": "FT2", "type": "sale"})
        order = self.subscription("inv-5")
        self.use("inv-5", ["2026-07-03 10:00:00"])
        order.fusion_rerun(
            [{"order": order.id, "at": "2026-08-01 06:00:00", "reason": "subscription_periodic"}],
            keep=True, journal_id=journal.id,
        )  # fmt: skip
        self.assertEqual(len(order.with_context(fusion_at=AUGUST)._fusion_due_commands()), 1)

    def test_other_orders_are_left_alone(self):
        order = self.env["sale.order"].create(
            {"partner_id": self.env["res.partner"].create({"name": "P"}).id,
             "order_line": [(0, 0, {"product_id": self.plan.id, "product_uom_qty": 2})]}
        )  # fmt: skip
        order.action_confirm()
        self.assertEqual(len(order._create_invoices().invoice_line_ids), 1)
