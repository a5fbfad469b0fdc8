"""What is still open of Lago's documents, and whose they are."""

from __future__ import annotations

import pytest

from mappings.owed import billed_to, credit_cents, credited_to
from tests.mapping.build import credit_note, customer, invoice, subscription


@pytest.mark.parametrize(("status", "cents"), [("available", 650), ("consumed", 0), ("voided", 0), (None, 0)])
def test_of_a_credit_note_only_what_is_available_is_owed(status: str | None, cents: int) -> None:
    assert credit_cents(credit_note(credit_status=status)) == cents


def test_a_document_is_of_whom_it_names_else_of_whom_it_bills() -> None:
    """Lago leaves the customer out of some answers; what is brought of such an invoice is watched like any other."""
    alone = invoice(customer=None, subscriptions=(subscription(lago_customer_id="c7"),))
    assert (billed_to(invoice()), billed_to(alone), billed_to(invoice(customer=None)), billed_to(None)) == (
        "c1", "c7", "", "",
    )  # fmt: skip
    assert credited_to(credit_note(customer=customer("c2")), alone) == "c2"
    assert credited_to(credit_note(), alone) == "c7"
