"""Credits of a living Lago: notes that are made, and what invoices take of notes and coupons."""

from __future__ import annotations

from collections.abc import Sequence

from lago2odoo.sandbox.living.documents import told
from lago2odoo.sandbox.living.records import LivingRecords, Record
from mappings.money import round_half_up
from mappings.period import local_date
from mappings.records import Fee, Invoice
from reconcile.rating.bill import Bill
from reconcile.rating.termination_credit import TerminationCredit


def add_note(lago: LivingRecords, invoice: Invoice, fee: Fee, credit: TerminationCredit) -> None:
    """The note for what was paid in advance and is not used."""
    listed = next(raw for raw in lago.listed("invoices") if raw["lago_id"] == invoice.lago_id)
    page = lago.own_page("invoices", listed)
    of_fee = next(raw for raw in page["fees"] if raw["lago_id"] == fee.lago_id)
    count = sum(raw["lago_invoice_id"] == invoice.lago_id for raw in lago.listed("credit_notes")) + 1
    zone = lago.timezone(listed["customer"]["lago_id"])
    note = {
        "lago_id": lago.new_id("credit note"),
        "billing_entity_code": listed["billing_entity_code"],
        "sequential_id": count,
        "number": f"{invoice.number}-CN{count:03}",
        "lago_invoice_id": invoice.lago_id,
        "invoice_number": invoice.number,
        "issuing_date": f"{local_date(lago.now, zone)}",
        "credit_status": "available" if credit.credit_cents else None,
        "refund_status": "pending" if credit.refund_cents else None,
        "reason": "order_cancellation",
        "description": None,
        "currency": invoice.currency,
        "total_amount_cents": credit.total_cents,
        "precise_total_amount_cents": f"{credit.total_precise}",
        "taxes_amount_cents": credit.taxes_cents,
        "precise_taxes_amount_cents": f"{credit.taxes_precise}",
        "sub_total_excluding_taxes_amount_cents": credit.net_cents,
        "balance_amount_cents": credit.credit_cents,
        "credit_amount_cents": credit.credit_cents,
        "refund_amount_cents": credit.refund_cents,
        "offset_amount_cents": credit.offset_cents,
        "coupons_adjustment_amount_cents": credit.coupons_cents,
        "taxes_rate": credit.taxes_rate,
        "created_at": told(lago.now),
        "updated_at": told(lago.now),
        "self_billed": False,
        "customer": listed["customer"],
        "items": [_item(lago, credit, invoice, of_fee)],
        "applied_taxes": [],
    }
    lago.add("credit_notes", note)


def _item(lago: LivingRecords, credit: TerminationCredit, invoice: Invoice, fee: Record) -> Record:
    return {
        "lago_id": lago.new_id("credit note item"),
        "amount_cents": int(round_half_up(credit.item_precise)),
        "precise_amount_cents": f"{credit.item_precise}",
        "amount_currency": invoice.currency,
        "fee": fee,
    }


def usable_notes(lago: LivingRecords, invoice: Invoice) -> list[Record]:
    """Notes of the customer with something left, oldest first."""
    holder = invoice.customer.lago_id if invoice.customer else ""
    ours = (n for n in lago.listed("credit_notes") if n["customer"]["lago_id"] == holder)
    usable = [n for n in ours if n["balance_amount_cents"] > 0 and n["currency"] == invoice.currency]
    return sorted(usable, key=lambda note: str(note["created_at"]))


def use_credits(lago: LivingRecords, page: Record, notes: Sequence[Record], made: Bill) -> None:
    """What an invoice took of notes and coupons is not there for the next one."""
    for note, cents in zip(notes, made.credit_notes, strict=True):
        left = note["balance_amount_cents"] - cents
        lago.change("credit_notes", note, balance_amount_cents=left, credit_status="available" if left else "consumed")
    credits_by_code = {c["item"]["code"]: c for c in page["credits"] if c["item"]["type"] == "coupon"}
    after = {coupon.code: coupon for coupon in made.coupons.held}
    holder = page["customer"]["lago_id"]
    for applied in [raw for raw in lago.listed("applied_coupons") if raw["lago_customer_id"] == holder]:
        used = credits_by_code.get(applied["coupon_code"])
        if used and applied["status"] == "active":
            ended = after[applied["coupon_code"]].ended
            lago.change(
                "applied_coupons",
                applied,
                credits=[*applied["credits"], used],
                status="terminated" if ended else "active",
                terminated_at=told(lago.now) if ended else None,
            )
