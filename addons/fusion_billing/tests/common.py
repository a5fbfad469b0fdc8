import json

from odoo.tests import TransactionCase

from ..api.answers import Refused


class FusionCase(TransactionCase):
    """A small company's catalog: one plan of 30.00 a month in arrears, with calls at 0.05 each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax = cls.env["account.tax"].create(
            {"name": "Fusion 13%", "amount": 13.0, "amount_type": "percent", "type_tax_use": "sale"}
        )
        cls.service = cls.env["fusion.billing.service"].create({"name": "App", "code": "fusion_test_app"})
        cls.plan = cls.env["product.product"].create(
            {
                "name": "Starter",
                "type": "service",
                "default_code": "starter",
                "list_price": 30.0,
                "invoice_policy": "order",
                "taxes_id": [(6, 0, cls.tax.ids)],
            }
        )
        cls.plan.product_tmpl_id.write(
            {
                "fusion_lago_id": "plan-1",
                "fusion_kind": "plan",
                "fusion_interval": "monthly",
                "fusion_amount": "30.00",
                "fusion_currency_id": cls.env.company.currency_id.id,
            }
        )
        cls.metric = cls.env["fusion.billing.metric"].create(
            {"name": "Calls", "code": "fusion_test_calls", "aggregation": "count_agg"}
        )
        cls.charge = cls.env["fusion.billing.charge"].create(
            {
                "name": "Calls",
                "code": "fusion_test_calls",
                "kind": "usage",
                "metric_id": cls.metric.id,
                "product_id": cls.plan.id,
                "plan_id": cls.plan.product_tmpl_id.id,
                "charge_model": "standard",
                "properties": json.dumps({"amount": "0.05"}),
                "fusion_lago_id": "charge-1",
            }
        )

    @classmethod
    def subscription(cls, external_id, **values):
        partner = values.pop("partner", None) or cls.env["res.partner"].create({"name": f"Customer {external_id}"})
        order = cls.env["sale.order"].create(
            {
                "partner_id": partner.id,
                "order_line": [
                    (
                        0,
                        0,
                        {
                            "product_id": cls.plan.id,
                            "product_uom_qty": 1,
                            "price_unit": 30.0,
                            "tax_ids": [(6, 0, cls.tax.ids)],
                        },
                    )
                ],
                "fusion_service_id": cls.service.id,
                "fusion_external_id": external_id,
                "fusion_lago_id": f"lago-{external_id}",
                "fusion_plan_code": "starter",
                "fusion_interval": "monthly",
                "fusion_billing_time": "calendar",
                "fusion_anchor": "2026-05-01 00:00:00",
                "fusion_started_at": "2026-05-01 00:00:00",
                "fusion_created_at": "2026-05-01 00:00:00",
                "fusion_plan_amount": "30.00",
                "fusion_timezone": "UTC",
                "fusion_billed_until": "2026-07-01 00:00:00",
                **values,
            }
        )
        order.action_confirm()
        return order

    @classmethod
    def other_plan(cls, code, amount, **values):
        """A plan of another price, with the same metric at 0.02."""
        product = cls.env["product.product"].create(
            {"name": code.title(), "type": "service", "default_code": code, "taxes_id": [(6, 0, cls.tax.ids)]}
        )
        product.product_tmpl_id.write(
            {
                "fusion_lago_id": f"lago-{code}",
                "fusion_kind": "plan",
                "fusion_interval": "monthly",
                "fusion_amount": amount,
                "fusion_currency_id": cls.env.company.currency_id.id,
                **values,
            }
        )
        cls.charge.copy(
            {
                "plan_id": product.product_tmpl_id.id,
                "fusion_lago_id": f"charge-{code}",
                "properties": json.dumps({"amount": "0.02"}),
            }
        )
        return product.product_tmpl_id

    def refused(self, status, call, *args, **kwargs):
        """The body of the answer ``status`` that the gateway's ``call`` gives."""
        with self.assertRaises(Refused) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.status, status)
        return caught.exception.body

    @classmethod
    def use(cls, external_id, times, code="fusion_test_calls", **values):
        return cls.env["fusion.billing.usage"].create(
            [
                {
                    "transaction_id": f"{external_id}-{code}-{number}-{at}",
                    "external_subscription_id": external_id,
                    "code": code,
                    "timestamp": at,
                    "received_at": at,
                    "properties": "{}",
                    **values,
                }
                for number, at in enumerate(times)
            ]
        )
