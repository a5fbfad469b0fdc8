"""Every record of Lago's is in Odoo, or left out for a reason: extracted + refused = loaded + left out."""

from __future__ import annotations

from dataclasses import replace

from mappings.accounting import NOT_APPLIED, NOTHING, RecordsAccount, account
from mappings.quarantine import Quarantined
from mappings.records import Snapshot
from mappings.target import Desired, Mapped
from tests.mapping.build import at, customer, invoice, mapped, snapshot, subscription


def company() -> Snapshot:
    """Three customers, one of whom cannot be placed, and one that is unreadable; three subscriptions, one ended."""
    snap = snapshot(
        customers=(customer(), customer("c2", country="CA"), customer("c3", state="Holland")),
        subscriptions=(
            subscription(),
            subscription("s2", external_id="abo-2", lago_customer_id="c2"),
            subscription("s3", external_id="abo-3", status="terminated", terminated_at=at("2026-05-01 00:00")),
        ),
        invoices=(invoice(), invoice("i2", payment_status="succeeded")),
    )
    broken = Quarantined(
        resource="customers", id="c9", field="name", reason="record_unreadable", problem="no name", raw="{}", label="c9"
    )
    return replace(snap, quarantined=(broken,))


def accounts(snap: Snapshot, items: tuple[Mapped, ...], *, without: str = "") -> dict[str, RecordsAccount]:
    """As if all had been applied that is wanted, but ``without`` the records of one resource."""
    loaded = {item.xid for item in items if isinstance(item, Desired) and item.source.resource != without}
    return {each.resource: each for each in account(snap, items, loaded)}


def balance(each: RecordsAccount) -> int:
    return each.extracted + each.refused - each.loaded - sum(each.left_out.values())


def test_every_record_is_accounted_for() -> None:
    snap = company()
    found = accounts(snap, tuple(mapped(snap)))
    assert {each.resource: balance(each) for each in found.values() if balance(each)} == {}
    people = found["customer"]
    assert (people.extracted, people.refused, people.loaded) == (3, 1, 2)
    assert people.left_out == {"customer_without_province": 1, "record_unreadable": 1}
    assert (found["invoice"].extracted, found["invoice"].left_out.get(NOTHING)) == (2, 1)


def test_what_was_never_applied_is_left_out_and_says_so() -> None:
    snap = company()
    found = accounts(snap, tuple(mapped(snap)), without="subscription")
    assert {each.resource: balance(each) for each in found.values() if balance(each)} == {}
    assert found["subscription"].loaded == 0
    assert found["subscription"].left_out[NOT_APPLIED] == accounts(snap, tuple(mapped(snap)))["subscription"].loaded > 0


def test_a_record_that_no_mapper_takes_is_unaccounted_for() -> None:
    snap = company()
    items = tuple(item for item in mapped(snap) if item.source.resource != "customer")
    assert balance(accounts(snap, items)["customer"]) == 4, "customers have no reason to be passed over in silence"
