"""Stripe's provider and tokens (facts/odoo19 §2e)."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

from typing import Any

import pytest

from migrate.odoo.errors import OdooRefused


@pytest.fixture
def stripe(shop: Any) -> Any:
    provider = shop.find("payment.provider", ["code", "=", "stripe"])[0]
    shop.call(
        "payment.provider",
        "write",
        [provider],
        vals={"state": "disabled", "stripe_publishable_key": False, "stripe_secret_key": False},
    )
    yield provider
    shop.call("payment.provider", "write", [provider], vals={"state": "disabled"})


def card(shop: Any) -> int:
    return int(shop.find("payment.method", ["code", "=", "card"], context={"active_test": False})[0])


def test_a_provider_needs_its_keys(shop: Any, stripe: int) -> None:
    with pytest.raises(OdooRefused, match="The following fields must be filled: Publishable Key, Secret Key"):
        shop.call("payment.provider", "write", [stripe], vals={"state": "enabled"})


def test_tokens_and_the_state_of_their_provider(shop: Any, stripe: int) -> None:
    keys = {"stripe_publishable_key": "pk", "stripe_secret_key": "sk"}
    shop.call("payment.provider", "write", [stripe], vals={"state": "test", **keys})
    token = shop.make(
        "payment.token", provider_id=stripe, payment_method_id=card(shop), partner_id=shop.partner(), provider_ref="cus_1",
        stripe_payment_method="pm_1", payment_details="4242",
    )  # fmt: skip
    found = shop.get("payment.token", token, "display_name", "active", "provider_code")
    assert (found["display_name"], found["active"], found["provider_code"]) == ("•••• 4242", True, "stripe")
    shop.call("payment.provider", "write", [stripe], vals={"state": "enabled"})
    assert shop.one("payment.token", token, "active") is False
    shop.call("payment.token", "write", [token], vals={"active": True})
    shop.call("payment.provider", "write", [stripe], vals={"state": "disabled"})
    assert shop.one("payment.token", token, "active") is False
    with pytest.raises(
        OdooRefused, match="You can't unarchive tokens linked to inactive payment methods or disabled providers"
    ):
        shop.call("payment.token", "write", [token], vals={"active": True})


def test_tokens_may_be_made_while_disabled_and_twice(shop: Any, stripe: int) -> None:
    vals = {
        "provider_id": stripe,
        "payment_method_id": card(shop),
        "partner_id": shop.partner(),
        "provider_ref": "cus_2",
    }
    assert shop.make("payment.token", **vals) != shop.make("payment.token", **vals)
    with pytest.raises(
        OdooRefused, match="Missing required value for the field 'Provider Reference' \\(provider_ref\\)"
    ):
        shop.make("payment.token", **{key: value for key, value in vals.items() if key != "provider_ref"})
