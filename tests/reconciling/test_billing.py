"""What one of Lago's invoices says about its own moment, at the precision of its API: whole seconds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mappings.records import Credit, CreditItem
from reconcile.rerate.billing import had_coupon
from tests.mapping.build import at, held, invoice

COMPUTED = at("2026-08-01 00:10") + timedelta(milliseconds=200)
OWN = CreditItem(type="coupon", lago_item_id="h1", code="zomer")
CREDIT = Credit(lago_id="cr1", amount_cents=500, amount_currency="EUR", item=OWN)


@pytest.mark.parametrize(
    ("later", "credits", "users", "had"),
    [
        (timedelta(milliseconds=300), (), (), False),
        (timedelta(milliseconds=300), (CREDIT,), (), True),
        (timedelta(milliseconds=300), (), ("i1",), True),
        (timedelta(milliseconds=-100), (), (), False),
        (timedelta(seconds=-1), (), (), True),
        (timedelta(seconds=1), (), (), False),
    ],
)
def test_within_one_second_the_invoices_own_credits_say_whether_it_had_the_coupon(
    later: timedelta, credits: tuple[Credit, ...], users: tuple[str, ...], had: bool
) -> None:
    coupon = held(created_at=COMPUTED + later)
    assert had_coupon(coupon, invoice(credits=credits), COMPUTED, users) is had
