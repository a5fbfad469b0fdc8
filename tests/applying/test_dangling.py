"""A reference that leads nowhere costs the customer whose record has it, by name; what tables name is everybody's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mappings.context import Options
from mappings.target import Desired, Mapped, Phase, Ref, Skipped, Source
from migrate.odoo.dangling import REASON, without_dangling
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from tests.applying.conftest import ONTARIO, partner
from tests.mapping.build import mapped, plan, snapshot, subscription


def order_of(number: int) -> Desired:
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order",
        xid=f"lago.subscription_{number}",
        values={"partner_id": Ref(partner(number).xid)},
        source=Source("subscription", f"sub {number}", f"s{number}"),
        customer=f"NX-{number}",
    )


def left_out(items: tuple[Mapped, ...]) -> dict[str, str]:
    return {str(item.source): item.detail for item in items if isinstance(item, Skipped) and item.reason == REASON}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("country_id", Ref("base.zz"), "needs base.zz, which is not in Odoo"),
        ("property_product_pricelist", Ref("lago.pricelist_ZZZ"), "needs lago.pricelist_ZZZ"),
        ("state_id", replace(ONTARIO, domain=(("code", "=", "ZZ"),)), "no res.country.state with code = ZZ"),
    ],
)
def test_a_customer_waits_alone_for_what_odoo_does_not_have(odoo: Odoo, field: str, value: object, said: str) -> None:
    broken = replace(partner(2, **{field: value}), customer="NX-2")
    good = replace(partner(1), customer="NX-1")
    items = without_dangling(Door(odoo), (good, broken, order_of(1), order_of(2)))
    reasons = left_out(items)
    assert set(reasons) == {str(broken.source), "subscription sub 2"}
    assert said in reasons[str(broken.source)]
    assert "which is left out" in reasons["subscription sub 2"]
    assert all(item.because for item in items if isinstance(item, Skipped))


def test_what_finance_s_tables_name_is_not_left_out_record_by_record(odoo: Odoo) -> None:
    wish = replace(partner(1, property_payment_term_id=Ref("account.no_such_term")), customer="NX-1")
    assert without_dangling(Door(odoo), (wish,)) == (wish,)


def test_a_currency_that_odoo_does_not_have(odoo: Odoo) -> None:
    currencies = discover(Door(odoo)).all_currencies
    assert {"HUF", "CAD", "EUR"} <= currencies
    snap = snapshot(plans=(plan(amount_currency="ZZZ"),), subscriptions=(subscription(),))
    items = mapped(snap, options=Options(), all_currencies=currencies)
    assert {item.reason for item in items if isinstance(item, Skipped)} >= {"currency_unknown"}
    assert not [item for item in items if isinstance(item, Desired) and "ZZZ" in item.xid]
