"""Payment methods at Stripe as what they are: Odoo charges a token by the kind that it names."""

from __future__ import annotations

import pytest

from mappings.records import BillingConfiguration, PaymentMethod
from mappings.target import Desired, Find
from tests.mapping.build import customer, mapped, skips, snapshot


def moved(*kinds: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Codes of Odoo's methods, and what is left out."""
    billing = BillingConfiguration(
        payment_provider="stripe", provider_customer_id="cus_1", provider_payment_methods=kinds or None
    )
    method = PaymentMethod(lago_id="m1", external_customer_id="klant-c1", provider_method_id="pm_1", is_default=True)
    items = mapped(snapshot(customers=(customer(billing_configuration=billing),), payment_methods=(method,)))
    methods = [d.values["payment_method_id"] for d in items if isinstance(d, Desired) and d.model == "payment.token"]
    codes = [str(value) for wish in methods if isinstance(wish, Find) for _, _, value in wish.domain]
    return codes, [reason for reason in skips(items) if reason[0].startswith("payment_method")]


@pytest.mark.parametrize(("kinds", "code"), [((), "card"), (("card",), "card"), (("sepa_debit",), "sepa_direct_debit")])
def test_what_odoo_can_keep(kinds: tuple[str, ...], code: str) -> None:
    assert moved(*kinds) == ([code], [])


@pytest.mark.parametrize(
    "kind", ["bacs_debit", "us_bank_account", "link", "boleto", "crypto", "customer_balance", "new"]
)
def test_what_odoo_keeps_no_token_of_is_named(kind: str) -> None:
    assert moved(kind) == ([], [("payment_method klant-c1/pm_1", "payment_method_not_card")])


@pytest.mark.parametrize("kinds", [("card", "link"), ("card", "sepa_debit"), ("sepa_debit", "bacs_debit")])
def test_one_of_several_is_not_guessed(kinds: tuple[str, ...]) -> None:
    assert moved(*kinds) == ([], [("payment_method klant-c1/pm_1", "payment_method_unclear")])
