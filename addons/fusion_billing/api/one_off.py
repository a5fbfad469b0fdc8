"""An invoice of add-ons as Lago's API takes it."""

from __future__ import annotations

from collections.abc import Mapping

from . import amounts
from .catalog_given import INVALID, wrong_codes
from .overrides import is_cents
from .rows import Given
from .texts import Errors, scalar, too_long

MOST_FEES = 1000


def errors(given: Given) -> Errors:
    """What is wrong whatever the catalogue holds: {path: [code]}."""
    found: Errors = {}
    if not scalar(given.get("external_customer_id")):
        found["external_customer_id"] = ["value_is_mandatory"]
    fees = given.get("fees")
    if not isinstance(fees, list) or not fees or not all(isinstance(fee, Mapping) for fee in fees):
        return found | {"fees": ["value_is_mandatory" if not fees else "invalid_format"]}
    if len(fees) > MOST_FEES:
        return found | {"fees": ["value_is_out_of_range"]}
    for place, fee in enumerate(fees):
        found |= {f"fees.{place}.{name}": codes for name, codes in fee_errors(fee).items()}
    if given.get("skip_psp"):
        found["skip_psp"] = ["not_supported_by_odoo"]
    return found


def fee_errors(fee: Given) -> Errors:
    found = too_long(fee, ("add_on_code", "invoice_display_name", "name", "description"))
    if not scalar(fee.get("add_on_code")) and not scalar(fee.get("add_on_id")):
        found["add_on_code"] = ["value_is_mandatory"]
    units = amounts.given(fee["units"]) if fee.get("units") is not None else 1
    if units is None or units < 0:
        found["units"] = INVALID
    if fee.get("unit_amount_cents") is not None and not is_cents(fee["unit_amount_cents"]):
        found["unit_amount_cents"] = INVALID
    return found | wrong_codes(fee, "tax_codes")
