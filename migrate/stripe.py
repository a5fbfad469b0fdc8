"""Proof that Lago and Odoo charge through one Stripe account: the ids that Lago holds exist where Odoo's key leads.

Reads only. No card moves: Stripe's customer and payment method ids are all that either side has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import stripe

from mappings.errors import Lago2OdooError
from mappings.records import Snapshot
from migrate.masking import Masked


class StripeError(Lago2OdooError):
    """Stripe refused the key or could not be reached."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What Lago holds of one customer: ``cus_...`` and, if known, ``pm_...``."""

    customer: str  # external id, for people
    provider_customer_id: str
    provider_method_id: str | None = None


def references_of(snapshot: Snapshot) -> list[Reference]:
    """The payment methods that Lago holds, of customers whom Stripe knows."""
    provider_ids = {c.external_id: c.billing_configuration.provider_customer_id for c in snapshot.customers}
    return [
        Reference(method.external_customer_id, provider_id, method.provider_method_id)
        for method in snapshot.payment_methods
        if (provider_id := provider_ids.get(method.external_customer_id))
    ]


@dataclass(frozen=True, slots=True)
class Proof:
    """``proven`` only if every reference was found. ``reason`` says why not, where nothing could be asked at all."""

    account: str | None = None
    checked: int = 0
    missing: tuple[str, ...] = ()
    detached: tuple[str, ...] = ()  # methods that belong to another customer, or to none
    reason: str = ""

    @property
    def proven(self) -> bool:
        """Whether each id of Lago exists in the account of the key."""
        return bool(self.account) and not (self.missing or self.detached or self.reason)

    @property
    def sentence(self) -> str:
        """One sentence for doctor and preview."""
        if self.proven:
            return f"Stripe account {self.account} holds all {self.checked} references of Lago"
        if self.reason:
            return f"not proven: {self.reason}"
        wrong = [*self.missing, *self.detached]
        return f"not proven: {len(wrong)} of {self.checked} references are not in account {self.account}: {wrong[0]}"


class Stripe(Protocol):
    """What is asked of Stripe; ``None`` where it has no such object."""

    def account(self) -> str:
        """The id of the key's account."""

    def customer(self, customer_id: str) -> bool:
        """Whether the customer exists and is not deleted."""

    def method_owner(self, method_id: str) -> str | None:
        """The customer a payment method is attached to ('' if to none); None if it does not exist."""


def prove_same_account(references: Iterable[Reference], client: Stripe | None) -> Proof:
    """Look every reference up. Without a client (no key) nothing is proven, and the proof says so."""
    if client is None:
        return Proof(reason="no Stripe key: set the variable that [stripe] key_env names")
    account = client.account()
    missing, detached, checked = [], [], 0
    customers: dict[str, bool] = {}
    for reference in references:
        checked += 1
        customer_id = reference.provider_customer_id
        if customer_id not in customers:
            customers[customer_id] = client.customer(customer_id)
        if not customers[customer_id]:
            missing.append(f"{customer_id} of {reference.customer}")
            continue
        if reference.provider_method_id:
            owner = client.method_owner(reference.provider_method_id)
            if owner is None:
                missing.append(f"{reference.provider_method_id} of {reference.customer}")
            elif owner != customer_id:
                detached.append(
                    f"{reference.provider_method_id} of {reference.customer} is not attached to {customer_id}"
                )
    return Proof(account, checked, tuple(missing), tuple(detached))


class StripeApi:
    """Stripe's own library behind the protocol."""

    def __init__(self, key: str, base: str | None = None) -> None:
        addresses: Any = {"api": base} if base else {}
        self._masked = Masked(key)
        self._client = stripe.StripeClient(key, base_addresses=addresses, max_network_retries=3)

    def _asked(self, call: Callable[[], Any]) -> Any:
        with self._masked.errors():
            return _asked(call)

    def account(self) -> str:
        account = self._asked(self._client.v1.accounts.retrieve_current)
        if account is None:
            raise StripeError("Stripe does not know the account of this key")
        return str(account.id)

    def customer(self, customer_id: str) -> bool:
        found = self._asked(lambda: self._client.v1.customers.retrieve(customer_id))
        return found is not None and not getattr(found, "deleted", False)

    def method_owner(self, method_id: str) -> str | None:
        """Older cards and sources (``card_...``, ``src_...``) are answered as payment methods too."""
        method = self._asked(lambda: self._client.v1.payment_methods.retrieve(method_id))
        return None if method is None else str(method.customer or "")


def _asked(call: Callable[[], Any]) -> Any:
    """The answer, or None if Stripe has no such object; other errors in one line, without the key."""
    try:
        return call()
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing" or error.http_status == 404:
            return None
        raise StripeError(f"Stripe: {error.user_message or error.code or 'refused'}") from None
    except stripe.AuthenticationError:
        raise StripeError(
            "Stripe refused the key: use a restricted key that may read customers and payment methods"
        ) from None
    except stripe.PermissionError:
        raise StripeError("the Stripe key may not read this: let it read customers and payment methods") from None
    except stripe.StripeError as error:
        raise StripeError(f"Stripe could not be asked ({type(error).__name__}): try again") from None
