"""Rows of the ledger at the moments that are easily mistaken: what wins where two memories of a field meet. Pure."""

from __future__ import annotations

from dataclasses import replace

from mappings.target import Desired, Phase, Source
from migrate.change_set.changes import Change, Observed, Seen
from migrate.change_set.compare import against
from migrate.state.entries import APPLIED, WRITING, ZEROED, Entry, finish_change, put_to_sleep
from migrate.values import OdooField

XID, LINE = "lago.order_1", "lago.line_1"
FIELDS = {
    "sale.order": {name: OdooField("char") for name in ("client_order_ref", "partner_invoice_id", "stage_id")},
}
ORDER = Entry(
    XID, 4, "", "sale.order", 7, "subscriptions", "C1", "order 1", WRITING, created=False,
    sent={"client_order_ref": "A"}, stored={"partner_invoice_id": "Ada"}, before={"client_order_ref": "theirs"}, run=1,
)  # fmt: skip


def wish(text: str, **more: str) -> Desired:
    values = {"client_order_ref": text, **more}
    return Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order",
        xid=XID,
        source=Source("order", "1"),
        customer="C1",
        values=values,
    )


def new(change: Change, xid: str, parent: str, model: str) -> Entry:
    return Entry(xid, 9, parent, model, 0, change.phase.value, change.customer, change.source, APPLIED, created=False)


def finished(old: Entry, stands: Seen, then: Seen, *, looked: bool = True) -> Entry:
    """The row after an update that was read back as ``then``."""
    observed = Observed(FIELDS, {XID: stands} if looked else {})
    change = against(wish("B"), stands, observed)
    (entry,) = finish_change(change, then, observed, {XID: old}, new)
    return entry


def order(text: str, payer: str) -> Seen:
    return Seen("sale.order", 7, {"client_order_ref": text, "partner_invoice_id": payer})


def test_what_stood_before_us_is_kept_where_nobody_looked_before_this_write() -> None:
    entry = finished(ORDER, order("A", "Ada"), order("B", "Ada"), looked=False)
    assert (entry.before, entry.created, entry.seq) == ({"client_order_ref": "theirs"}, False, 4)


def test_the_first_memory_of_before_wins_over_a_later_one() -> None:
    entry = finished(ORDER, order("A", "Ada"), order("B", "Bo"))
    assert entry.before == {"client_order_ref": "theirs"}, (
        "a watched field that we do not write is nobody's work of ours"
    )
    assert finished(replace(ORDER, before={}), order("A", "Ada"), order("B", "Ada")).before == {"client_order_ref": "A"}
    assert finished(replace(ORDER, created=True), order("A", "Ada"), order("B", "Ada")).before == ORDER.before


def test_a_watched_field_that_somebody_moved_is_not_learned_by_our_next_write() -> None:
    """Else drift would never show it."""
    entry = finished(ORDER, order("A", "Eve"), order("B", "Eve"))
    assert entry.stored == {"partner_invoice_id": "Ada"}


def test_what_odoo_moves_by_itself_with_our_write_is_learned_anew() -> None:
    """A stage brings other watched fields with it: they are Odoo's doing, and no drift."""
    stands = replace(order("A", "Ada"), values={**order("A", "Ada").values, "stage_id": "1"})
    then = replace(order("A", "Bo"), values={**order("A", "Bo").values, "stage_id": "2"})
    observed = Observed(FIELDS, {XID: stands})
    change = against(wish("A", stage_id="2"), stands, observed)
    (entry,) = finish_change(change, then, observed, {XID: ORDER}, new)
    assert entry.stored == {"partner_invoice_id": "Bo"}


def test_what_odoo_makes_of_our_value_wins_over_every_older_memory() -> None:
    old = replace(ORDER, stored={"client_order_ref": "old", "partner_invoice_id": "Ada"})
    assert finished(old, order("A", "Ada"), order("b", "Ada")).stored == {
        "client_order_ref": "b",
        "partner_invoice_id": "Ada",
    }


def test_a_line_that_stays_is_remembered_as_it_was_put_to_sleep() -> None:
    line = replace(
        ORDER, xid=LINE, parent=XID, model="sale.order.line", sent={"product_uom_qty": "3", "name": "Seats"},
        stored={"x": "y"},
    )  # fmt: skip
    slept = put_to_sleep(line, {"product_uom_qty": "0"}, {})
    assert (slept.state, slept.sent, slept.stored) == (ZEROED, {"product_uom_qty": "0", "name": "Seats"}, {})
    standing = Seen("sale.order.line", 8, {"product_uom_qty": "0", "name": "Seats (ended)"})
    seen = {XID: Seen("sale.order", 7, {}, {"order_line": {LINE: standing}})}
    assert put_to_sleep(line, {"product_uom_qty": "0"}, seen).sent == {"product_uom_qty": "0", "name": "Seats (ended)"}
