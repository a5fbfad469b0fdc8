"""Customers as Lago's API takes and shows them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

from .answers import NAMES, seconds
from .rows import Answer, Configuration, CustomerRow, Details, Given, Metadata
from .texts import ADDRESS as WEB_ADDRESS
from .texts import Errors, scalar, too_long

ADDRESS = ("address_line1", "address_line2", "city", "zipcode", "state", "country")
# what Odoo has no field for: kept as JSON beside the account
DETAILS = ("firstname", "lastname", "legal_name", "logo_url", "customer_type", "external_salesforce_id", "state")
CONFIGURATION = (
    "payment_provider",
    "payment_provider_code",
    "document_locale",
    "provider_customer_id",
    "sync_with_provider",
    "subscription_invoice_issuing_date_anchor",
    "subscription_invoice_issuing_date_adjustment",
)
FINALIZE = ("inherit", "skip", "finalize")
MOST_DAYS = 3650  # of grace and of payment terms: what is beyond is a mistake
TEXTS = (
    "external_id", "name", "email", "phone", "legal_number", "tax_identification_number", "timezone", "currency",
    *ADDRESS, *(name for name in DETAILS if name != "logo_url"),
)  # fmt: skip


def given_texts(given: Given, names: Sequence[str]) -> dict[str, str | None]:
    """Only what was sent, blank as None: an upsert leaves the rest alone."""
    return {name: scalar(given[name]) or None for name in names if name in given}


def days(value: object) -> int | None:
    """A whole number of days that somebody may mean, or None."""
    text = scalar(value) or ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else -1
    return number if 0 <= number <= MOST_DAYS else None


def shape_errors(given: Given, external_id: str) -> Errors:
    """What is wrong whatever the database holds: {field: [code]}."""
    errors: Errors = {}
    if not external_id:
        errors["external_id"] = ["value_is_mandatory"]
    if given.get("customer_type") not in (None, "", "company", "individual"):
        errors["customer_type"] = ["value_is_invalid"]
    if given.get("finalize_zero_amount_invoice") not in (None, *FINALIZE):
        errors["finalize_zero_amount_invoice"] = ["value_is_invalid"]
    if given.get("net_payment_term") is not None and days(given["net_payment_term"]) is None:
        errors["net_payment_term"] = ["value_is_out_of_range"]
    grace = configuration(given).get("invoice_grace_period")
    if grace is not None and days(grace) is None:
        errors["invoice_grace_period"] = ["value_is_out_of_range"]
    return errors | text_errors(given)


def text_errors(given: Given) -> Errors:
    """Texts that are too long, those of the shipping address under its name."""
    errors = too_long(given, TEXTS) | too_long(given, ("url", "logo_url"), WEB_ADDRESS)
    shipping = given.get("shipping_address")
    if isinstance(shipping, Mapping) and too_long(shipping, ADDRESS):
        errors["shipping_address"] = ["value_is_too_long"]
    return errors


def configuration(given: Given) -> Given:
    found = given.get("billing_configuration")
    return found if isinstance(found, Mapping) else {}


def person(details: Given) -> str | None:
    return " ".join(text for name in ("firstname", "lastname") if (text := scalar(details.get(name)))) or None


def is_company(given: Given, details: Given) -> bool:
    """As the customer type says; where it does not, only someone with nothing but a first and last name is a person."""
    if details.get("customer_type"):
        return bool(details["customer_type"] == "company")
    named = given.get("name") or details.get("legal_name") or given.get("tax_identification_number")
    return bool(named) or not person(details)


def display_name(name: str | None, details: Given, external_id: str) -> str:
    """Odoo requires a name, Lago does not."""
    return name or scalar(details.get("legal_name")) or person(details) or external_id


def details(before: str | None, given: Given, account: str, now: str) -> dict[str, object]:
    """What is kept beside the account after an upsert. ``before``: the JSON so far; ``now``: ISO.

    ``account``: Lago id of the customer; empty: a new one.
    """
    stored: Details = json.loads(before or "{}")
    kept: dict[str, object] = {**stored, **given_texts(given, DETAILS)}
    inherited = stored.get("inherited") or ([] if account else ["timezone"])
    kept["inherited"] = [name for name in inherited if not given.get(name)]
    shipping = given.get("shipping_address")
    if isinstance(shipping, Mapping) and "state" in shipping:
        kept["shipping_state"] = scalar(shipping["state"])
    kept["billing_configuration"] = configured(stored.get("billing_configuration") or {}, configuration(given))
    entries, codes = given.get("metadata"), given.get("tax_codes")
    if isinstance(entries, list):
        kept["metadata"] = metadata(kept_metadata(stored, account, now), entries, now)
    if isinstance(codes, list):
        kept["tax_codes"] = [str(code) for code in codes]
    if given.get("finalize_zero_amount_invoice") in FINALIZE:
        kept["finalize_zero_amount_invoice"] = given["finalize_zero_amount_invoice"]
    return {name: value for name, value in kept.items() if value not in (None, {}, [])}


def configured(before: Configuration, sent: Given) -> dict[str, object]:
    """The configuration so far with what was sent of it."""
    given = {name: sent[name] for name in CONFIGURATION if isinstance(sent.get(name), (str, bool))}
    methods = sent.get("provider_payment_methods")
    listed = {"provider_payment_methods": [str(method) for method in methods]} if isinstance(methods, list) else {}
    return {**before, **given, **listed}


def kept_metadata(kept: Details, account: str, since: str | None) -> list[Metadata]:
    """The entries with what those from Lago lack. ``account``: Lago id of the customer; ``since``: when it began."""
    return [
        {
            "lago_id": item.get("lago_id") or str(uuid.uuid5(NAMES, f"metadata-{account}-{item['key']}")),
            "key": item["key"],
            "value": item["value"],
            "display_in_invoice": item.get("display_in_invoice", False),
            "created_at": item.get("created_at") or since,
        }
        for item in kept.get("metadata") or []
    ]


def metadata(before: Sequence[Metadata], sent: Sequence[object], now: str) -> list[Metadata]:
    """The list as sent; an entry keeps its id and moment when the id or the key is known."""
    known = {item["lago_id"]: item for item in before} | {item["key"]: item for item in before}
    found: dict[str, Metadata] = {}
    for item in sent:
        if not isinstance(item, Mapping) or not scalar(item.get("key")):
            continue
        key = str(scalar(item["key"]))
        old = known.get(str(item.get("id") or "")) or known.get(key) or {}
        found[key] = {
            "lago_id": old.get("lago_id") or str(uuid.uuid4()),
            "key": key,
            "value": scalar(item.get("value")) or "",
            "display_in_invoice": bool(item.get("display_in_invoice", old.get("display_in_invoice", False))),
            "created_at": old.get("created_at") or now,
        }
    return list(found.values())


def show(row: CustomerRow) -> Answer:
    """``row``: the account and its partner as plain values; ``details`` parsed, addresses as dicts of ``ADDRESS``."""
    kept = row["details"]
    inherited = kept.get("inherited") or []
    return {
        **{name: row[name] for name in ("lago_id", "external_id")},
        "billing_entity_code": row["billing_entity_code"],
        "account_type": "customer",
        "name": row["name"] or None,
        **{name: kept.get(name) for name in ("firstname", "lastname")},
        "customer_type": kept.get("customer_type") or ("company" if row["is_company"] else None),
        "sequential_id": row["id"],
        "slug": f"{row['service'].upper()}-{row['id']}",
        "created_at": seconds(row["created_at"]),
        "updated_at": seconds(row["updated_at"]),
        **row["address"],
        "state": shown_state(kept.get("state"), row["states"]["billing"]),
        **{name: row[name] or None for name in ("email", "url", "phone", "legal_number", "tax_identification_number")},
        **{name: kept.get(name) for name in ("logo_url", "legal_name", "external_salesforce_id")},
        "currency": row["currency"] or None,
        "timezone": row["timezone"] if row["timezone"] and "timezone" not in inherited else None,
        "applicable_timezone": row["timezone"] or "UTC",
        "net_payment_term": None if "net_payment_term" in inherited else row["net_payment_term"],
        "finalize_zero_amount_invoice": kept.get("finalize_zero_amount_invoice") or row["finalize_zero"],
        "billing_configuration": shown_configuration(kept.get("billing_configuration") or {}, row["grace_days"]),
        "shipping_address": {
            **row["shipping_address"],
            "state": shown_state(kept.get("shipping_state"), row["states"]["shipping"]),
        },
        "skip_invoice_custom_sections": False,
        "metadata": kept_metadata(kept, row["lago_id"], seconds(row["created_at"])),
        "integration_customers": [],
    }


def shown_state(sent: str | None, known: Sequence[str]) -> str | None:
    """A state as it was sent, as long as Odoo's (code, name; none) is still that one."""
    if not known or (sent and sent.strip().casefold() in [name.casefold() for name in known]):
        return sent
    return known[-1]


def whole(shown: Given, taxes: Sequence[Given]) -> Answer:
    """A customer as Lago shows a single one."""
    return {**shown, "taxes": list(taxes), "applicable_invoice_custom_sections": [], "error_details": []}


def shown_configuration(kept: Configuration, grace_days: int) -> Answer:
    """The last three only beside a payment provider, as in Lago."""
    provider = {
        "provider_customer_id": kept.get("provider_customer_id"),
        "provider_payment_methods": list(kept.get("provider_payment_methods") or []),
        "sync_with_provider": kept.get("sync_with_provider", False),
    }
    return {
        "invoice_grace_period": grace_days or None,
        **{name: kept.get(name) for name in CONFIGURATION if name not in provider},
        **(provider if kept.get("payment_provider") else {}),
    }
