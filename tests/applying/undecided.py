"""Fields of the addon that decide no bill, which nobody watches, and why."""

from __future__ import annotations

from collections.abc import Mapping

NEW_ORDERS = (
    "fusion_kind",
    "fusion_interval",
    "fusion_amount",
    "fusion_currency_id",
    "fusion_pay_in_advance",
    "fusion_trial_days",
    "fusion_bill_charges_monthly",
    "fusion_bill_fixed_charges_monthly",
    "fusion_commitment",
    "fusion_invoice_name",
    "fusion_description",
    "fusion_tax_codes",
)
RATING = (
    "fusion_key",
    "fusion_kind",
    "fusion_item",
    "fusion_order_id",
    "fusion_units",
    "fusion_events",
    "fusion_from",
    "fusion_to",
    "fusion_explanation",
)
# The addon's fields on these models that decide no bill, and why.
DECIDES_NOTHING: Mapping[str, Mapping[str, str]] = {
    "sale.order": {
        "fusion_charge_ids": "the charges, which are records of their own",
        "fusion_period_ids": "what was billed, which is Odoo's own to write",
        "fusion_move_line_ids": "what was billed, which is Odoo's own to write",
        "fusion_details": "what only the API shows",
        **dict.fromkeys(("fusion_verdict_ids", "fusion_verdict_count", "fusion_verdict_open_count"), "verdicts"),
    },
    "res.partner": dict.fromkeys(("fusion_verdict_count", "fusion_verdict_open_count"), "verdicts"),
    "fusion.billing.charge": {
        "name": "words on the invoice",
        "price_text": "the properties, as people read them",
        "tax_codes": "a note of where the taxes came from",
    },
    "fusion.billing.metric": {
        "name": "words on the invoice",
        "description": "words",
        "filter_text": "the filters, as people write them",
    },
    "fusion.billing.usage": {
        "service_id": "who sent it",
        "late": "Odoo's own mark: it is set and taken back as invoices come and go",
    },
    "product.product": {
        **dict.fromkeys(NEW_ORDERS, "what new orders of the API are made from: running ones have their own"),
        "fusion_charge_ids": "the charges, which are records of their own",
        "fusion_tax_code_ids": "the tax codes, as people write them",
    },
    "account.move": {
        "fusion_account_id": "which service asked for an invoice that no order made",
        "fusion_customer": "whose it is, as the order says",
        "fusion_finish_on": "when the addon posts its own draft",
        "fusion_lago_number": "the number for people",
        "fusion_metadata": "what services keep with it",
        "fusion_period_ids": "what was billed, which is Odoo's own to write",
        "fusion_overdue_told": "what services were told",
        "fusion_status_told": "what services were told",
    },
    "account.move.line": dict.fromkeys(
        RATING, "what was rated, on Odoo's own invoices: an open balance has none of it"
    ),
}
