"""Invoices as Lago's API shows them. Amounts of what is given are integers in cents of the invoice's currency."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .answers import seconds
from .rows import Answer, BilledOrder, FeeRow, InvoiceParts, InvoiceRow, Metadata, OwnedMetadata
from .texts import scalar

Query = Mapping[str, str | list[str]]  # a name that ends with [] has a list

STATUSES = {"draft": "draft", "finalized": "posted", "voided": "cancel"}
PAYMENT_STATUSES = ("pending", "succeeded", "failed")
ITEMS = {
    "subscription": ("subscription", "Subscription"),
    "charge": ("charge", "BillableMetric"),
    "true_up": ("charge", "BillableMetric"),
    "fixed_charge": ("fixed_charge", "AddOn"),
    "commitment": ("commitment", "Subscription"),
    "": ("add_on", "AddOn"),
}
FIRST_YEAR = 1000  # the database takes earlier ones for years of another century


@dataclass(frozen=True, slots=True)
class Owner:
    """Who reads or writes on an invoice: id of the service, and whether the invoice bills its customers only."""

    service: int
    alone: bool


def asked(query: Query, name: str, plural: str) -> list[str]:
    """The values of a filter that takes one (``status=``) or several (``statuses[]=``)."""
    single = query.get(name)
    return [*([single] if single else []), *query.get(f"{name}[]", []), *query.get(f"{plural}[]", [])]


def day(text: object) -> str | None:
    """``2026-07-01`` of a date or a moment, or None."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00")).date() if isinstance(text, str) else None
    except ValueError:
        return None
    return found.isoformat() if found and found.year >= FIRST_YEAR else None


def metadata(before: str | None, sent: Sequence[object], now: str, owner: Owner) -> str:
    """JSON of the list as sent; an entry keeps its id and moment when its id or key is known.

    What other services keep with the invoice stays as it is.
    """
    old, others = kept_metadata(before, owner), [item for item in _stored(before) if not _is_of(item, owner)]
    known = {item["lago_id"]: item for item in old} | {item["key"]: item for item in old}
    found: dict[str, Metadata] = {}
    for item in sent:
        entry = item if isinstance(item, Mapping) else {}
        key = scalar(entry.get("key"))
        if key:
            same = known.get(str(entry.get("id") or "")) or known.get(key) or {}
            found[key] = {
                "lago_id": same.get("lago_id") or str(uuid.uuid4()),
                "key": key,
                "value": scalar(entry.get("value")) or "",
                "created_at": same.get("created_at") or now,
            }
    own = [{**item, "service": owner.service} for item in found.values()]
    return json.dumps([*others, *own], ensure_ascii=False)


def kept_metadata(text: str | None, owner: Owner) -> list[Metadata]:
    """What this service keeps with the invoice, as Lago shows it."""
    return [
        {"lago_id": item["lago_id"], "key": item["key"], "value": item["value"], "created_at": item["created_at"]}
        for item in _stored(text)
        if _is_of(item, owner)
    ]


def _stored(text: str | None) -> list[OwnedMetadata]:
    return list(json.loads(text)) if text else []


def _is_of(item: OwnedMetadata, owner: Owner) -> bool:
    """Entries that say no service are from before there were several on one invoice."""
    return item.get("service") == owner.service or ("service" not in item and owner.alone)


def show(row: InvoiceRow) -> Answer:
    """The header. ``fees``, ``coupons``, ``taxes``, ``total``, ``paid``, ``due``: cents."""
    net = row["fees"] - row["coupons"]
    return {
        "lago_id": row["lago_id"],
        "billing_entity_code": row["billing_entity_code"],
        "sequential_id": row["sequential_id"],
        "number": row["number"],
        "purchase_order_number": row["purchase_order_number"],
        "issuing_date": row["issuing_date"],
        "payment_due_date": row["payment_due_date"],
        "net_payment_term": row["net_payment_term"],
        "invoice_type": row["invoice_type"],
        "status": row["status"],
        "payment_status": row["payment_status"],
        "payment_dispute_lost_at": None,
        "payment_overdue": row["payment_overdue"],
        "currency": row["currency"],
        "fees_amount_cents": row["fees"],
        "taxes_amount_cents": row["taxes"],
        "progressive_billing_credit_amount_cents": 0,
        "coupons_amount_cents": row["coupons"],
        "credit_notes_amount_cents": 0,
        "sub_total_excluding_taxes_amount_cents": net,
        "sub_total_including_taxes_amount_cents": net + row["taxes"],
        "total_amount_cents": row["total"],
        "total_due_amount_cents": row["due"],
        "total_paid_amount_cents": row["paid"],
        "total_offsetted_credit_note_amount_cents": row["offset"],
        "prepaid_credit_amount_cents": 0,
        "prepaid_granted_credit_amount_cents": 0,
        "prepaid_purchased_credit_amount_cents": 0,
        "file_url": row["file_url"],
        "xml_url": None,
        "web_url": row["web_url"],
        "version_number": 4,
        "self_billed": False,
        "created_at": seconds(row["created_at"]),
        "updated_at": seconds(row["updated_at"]),
        "voided_at": seconds(row["updated_at"]) if row["status"] == "voided" else None,
        "customer": row["customer"],
        "metadata": row["metadata"],
        "applied_taxes": row["applied_taxes"],
    }


def details(row: InvoiceParts) -> Answer:
    """What only a single invoice shows."""
    return {
        "subscriptions": row["subscriptions"],
        "billing_periods": row["billing_periods"],
        "fees": row["fees"],
        "credits": row["credits"],
        "error_details": [],
        "applied_invoice_custom_sections": [],
    }


def fee(row: FeeRow) -> Answer:
    """``row``: an invoice line with its key parsed (``key``, {} for a native line), ``net`` and ``tax`` in cents."""
    key, net, tax, scale = row["key"], row["net"], row["tax"], row["digits"]
    kind = key.get("kind") or ("subscription" if row["lago_subscription_id"] else "")
    units, metered = Decimal(row["units"] or "1"), kind == "charge"
    return {
        "lago_id": row["lago_id"],
        "lago_charge_id": key.get("item") if kind in ("charge", "true_up") else None,
        "lago_charge_filter_id": key.get("filter") or None,
        "lago_fixed_charge_id": key.get("item") if kind == "fixed_charge" else None,
        "lago_invoice_id": row["lago_invoice_id"],
        "lago_subscription_id": row["lago_subscription_id"],
        "external_subscription_id": row["external_subscription_id"],
        "lago_true_up_fee_id": None,
        "lago_true_up_parent_fee_id": None,
        "lago_original_fee_id": None,
        "lago_customer_id": row["lago_customer_id"],
        "external_customer_id": row["external_customer_id"],
        "item": item(row, kind),
        "pay_in_advance": row["pay_in_advance"],
        "invoiceable": True,
        "amount_cents": net,
        "amount_currency": row["currency"],
        "precise_amount": number(Decimal(net).scaleb(-scale)),
        "precise_total_amount": number(Decimal(net + tax).scaleb(-scale)),
        "taxes_amount_cents": tax,
        "taxes_precise_amount": number(Decimal(tax).scaleb(-scale)),
        "taxes_rate": row["taxes_rate"],
        "total_aggregated_units": number(units) if metered else None,
        "total_amount_cents": net + tax,
        "total_amount_currency": row["currency"],
        "units": number(units),
        "description": None,
        "precise_unit_amount": number(Decimal(net).scaleb(-scale) / units if units else Decimal(0)),
        "precise_coupons_amount_cents": "0.0",
        "sub_total_excluding_taxes_amount_cents": net,
        "sub_total_excluding_taxes_precise_amount_cents": number(Decimal(net)),
        "events_count": row["events"] if metered else None,
        "payment_status": row["payment_status"],
        "created_at": seconds(row["created_at"]),
        "succeeded_at": None,
        "failed_at": None,
        "refunded_at": None,
        "amount_details": {},
        "self_billed": False,
        "pricing_unit_details": None,
        "presentation_breakdowns": [],
        "from_date": offset(row["from"]),
        "to_date": offset(row["to"]),
        **({"event_transaction_id": key["event"]} if key.get("event") else {}),
    }


def item(row: FeeRow, kind: str) -> Answer:
    fee_type, item_type = ITEMS.get(kind, ITEMS[""])
    return {
        "type": fee_type,
        "code": row["item_code"],
        "name": row["item_name"],
        "description": None,
        "invoice_display_name": row["name"],
        "filters": None,
        "filter_invoice_display_name": None,
        "lago_item_id": row["item_id"],
        "item_type": item_type,
        "grouped_by": {name: value or None for name, value in row["key"].get("group") or []},
    }


def number(value: Decimal) -> str:
    """As Ruby writes a BigDecimal: ``49.0``; at most fifteen decimals, as Lago's columns hold."""
    text = f"{round(value, 15):f}"
    text = text.rstrip("0") if "." in text else f"{text}."
    return f"{text}0" if text.endswith(".") else text


def offset(at: datetime | None) -> str | None:
    """A fee's moments carry an offset where others have a ``Z``."""
    return at.strftime("%Y-%m-%dT%H:%M:%S+00:00") if at else None


def billing_period(order: BilledOrder, lines: Sequence[FeeRow]) -> Answer | None:
    """The windows that the lines of one order tell; None for lines that tell none."""
    windows = {line["key"].get("kind"): (line["from"], line["to"]) for line in reversed(lines) if line["from"]}
    if not windows:
        return None
    any_window = next(iter(windows.values()))
    base = windows.get("subscription") or windows.get("commitment") or any_window
    usage, fixed = windows.get("charge") or windows.get("true_up") or base, windows.get("fixed_charge")
    return {
        "lago_subscription_id": order["lago_id"],
        "external_subscription_id": order["external_id"],
        "lago_plan_id": order["lago_plan_id"],
        **_window("subscription", base),
        **_window("charges", usage),
        **_window("fixed_charges", fixed or usage),
        "invoicing_reason": order["reason"],
    }


def _window(name: str, window: tuple[datetime | None, datetime | None]) -> Answer:
    return {f"{name}_from_datetime": seconds(window[0]), f"{name}_to_datetime": seconds(window[1])}
