"""``plan_overrides`` of a subscription: what of it an order can hold, and what is no price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import amounts, charge_properties
from .rows import Given
from .texts import NAME, Errors, scalar, too_long

KNOWN = ("amount_cents", "invoice_display_name", "name", "trial_period", "minimum_commitment", "charges", "description")
# of a charge: what names it is read, what prices it is kept
OF_CHARGE = (
    "id", "billable_metric_id", "billable_metric_code", "charge_model", "code", "invoice_display_name", "properties",
    "min_amount_cents",
)  # fmt: skip
MOST_TRIAL_DAYS = 3650
UNSUPPORTED, INVALID = ["not_supported_by_native_orders"], ["value_is_invalid"]


def errors(overrides: Given) -> Errors:
    """What is wrong with them, whatever the plan: {path: [code]}."""
    found = {name: UNSUPPORTED for name, value in overrides.items() if value is not None and name not in KNOWN}
    found |= too_long(overrides, ("name", "invoice_display_name"))
    commitment = overrides.get("minimum_commitment")
    if overrides.get("amount_cents") is not None and not is_cents(overrides["amount_cents"]):
        found["amount_cents"] = INVALID
    if overrides.get("trial_period") is not None and not _is_trial(overrides["trial_period"]):
        found["trial_period"] = INVALID
    if commitment is not None and not (isinstance(commitment, Mapping) and is_cents(commitment.get("amount_cents"))):
        found["minimum_commitment"] = INVALID
    if overrides.get("charges") is not None and not _is_charges(overrides["charges"]):
        found["charges"] = ["invalid_format"]
    return {f"plan_overrides.{name}": codes for name, codes in found.items()}


def charge_errors(charges: Sequence[Given], models: Mapping[str, str]) -> Errors:
    """What is wrong with the prices of the plan's charges. ``models``: id of a charge -> its charge model."""
    found: Errors = {}
    for index, given in enumerate(charges):
        model = models.get(str(given["id"]))
        problems = {"id": ["charge_not_found"]} if model is None else _charge_errors(given, model)
        found |= {f"plan_overrides.charges.{index}.{field}": codes for field, codes in problems.items()}
    return found


def _charge_errors(given: Given, model: str) -> Errors:
    found = {name: UNSUPPORTED for name, value in given.items() if value and name not in OF_CHARGE}
    if given.get("charge_model") not in (None, "", model):
        found["charge_model"] = INVALID
    if len(scalar(given.get("invoice_display_name")) or "") > NAME:
        found["invoice_display_name"] = ["value_is_too_long"]
    if given.get("min_amount_cents") is not None and not is_cents(given["min_amount_cents"]):
        found["min_amount_cents"] = INVALID
    if given.get("properties") is None:
        return found
    wrong = charge_properties.errors(model, given["properties"])
    return found | {f"properties.{field}" if field != "properties" else field: codes for field, codes in wrong.items()}


def is_cents(value: object) -> bool:
    """Whole cents of an amount that is not negative."""
    number = amounts.given(value)
    return number is not None and number >= 0 and number == number.to_integral_value()


def _is_trial(value: object) -> bool:
    number = amounts.given(value)
    return number is not None and 0 <= number <= MOST_TRIAL_DAYS


def _is_charges(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) and item.get("id") for item in value)
