"""An invoice that was lost between Lago and the snapshot is named, with its money; one that Lago hides is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from lago2odoo.cli import show, show_control
from lago2odoo.cli.status import DriftReport, render
from mappings.lost import lost_invoices
from mappings.money import from_subunits
from mappings.records import Credit, CreditItem, Invoice, Snapshot
from migrate.lago.control_totals import invoice_sums, lost_sums
from migrate.odoo.door import Door
from reconcile import dual_run as run
from reconcile.rerate.noise_floor import control
from reconcile.sides.lago import lago_invoices
from reports.data import ReportData
from reports.registers import by_currency
from reports.verdict import judge
from tests.reconciling.fake_odoo import FakeOdoo, rerates
from tests.reconciling.test_facts import TAX_NAMES
from tests.reconciling.test_run import settings

JULY = "2026-07"


def without(snapshot: Snapshot, invoice: Invoice) -> Snapshot:
    return replace(snapshot, invoices=tuple(i for i in snapshot.invoices if i.lago_id != invoice.lago_id))


def billed_in_july(snapshot: Snapshot) -> Invoice:
    return next(
        i
        for i in snapshot.invoices
        if i.issuing_date.strftime("%Y-%m") == JULY and i.status == "finalized" and i.coupons_amount_cents
    )


def both(snapshot: Snapshot, *, migrated: Snapshot | None = None, period: str = JULY) -> tuple[ReportData, ReportData]:
    """A run against an Odoo that bills what was ``migrated``, and a control run."""
    odoo = FakeOdoo(lago_invoices(migrated or snapshot, period), TAX_NAMES)
    return (
        run.dual_run(snapshot, settings(period=period), odoo=Door(odoo), rerate=rerates),
        run.dual_run(snapshot, settings(period=period), odoo=None, rerate=rerates),
    )


def test_a_lost_invoice_is_not_compared_and_its_money_is_counted(snapshot: Snapshot) -> None:
    gone = billed_in_july(snapshot)
    for data in both(without(snapshot, gone)):
        (shown,) = [i for i in data.invoices if i.id == gone.lago_id]
        assert [(r.side, r.reason) for r in shown.refusals] == [("lago", "invoice_lost")]
        net, tax = gone.sub_total_excluding_taxes_amount_cents, gone.taxes_amount_cents
        assert (shown.registers["lago"].net_cents, shown.customer) == (net, gone.customer and gone.customer.external_id)
        assert abs(shown.registers["lago"].tax_cents - tax) <= len(gone.fees)  # Lago rounds the sum, not each fee
        assert (judge(data).exit_code, data.run.period) == (2, JULY)
        (register,) = [r for r in by_currency(data) if r.currency == gone.currency]
        assert (register.not_compared, register.left.not_compared_cents) == (1, shown.registers["lago"].gross_cents)
        assert not register.whole


def test_the_whole_snapshot_has_lost_nothing(snapshot: Snapshot) -> None:
    """Five invoices of nothing are hidden: their customer wants none."""
    shown = {i.lago_id for i in snapshot.invoices}
    assert len({f.lago_invoice_id for f in snapshot.fees} - shown) == 5
    assert lost_invoices(snapshot) == ()


@pytest.mark.parametrize(
    ("own", "entity", "lost"), [("finalize", False, 5), ("inherit", True, 5), ("inherit", False, 0)]
)
def test_an_invoice_of_nothing_is_hidden_by_the_settings_alone(
    snapshot: Snapshot, own: str, entity: bool, lost: int
) -> None:
    told = replace(
        snapshot,
        customers=tuple(replace(c, finalize_zero_amount_invoice=own) for c in snapshot.customers),
        billing_entities=tuple(replace(e, finalize_zero_amount_invoice=entity) for e in snapshot.billing_entities),
    )
    assert len(lost_invoices(told)) == lost


def test_what_bills_something_is_never_hidden(snapshot: Snapshot) -> None:
    """Not even of a customer who wants no empty invoices."""
    gone = billed_in_july(snapshot)
    skips = tuple(replace(c, finalize_zero_amount_invoice="skip") for c in snapshot.customers)
    (lost,) = lost_invoices(replace(without(snapshot, gone), customers=skips))
    assert (lost.lago_id, lost.day) == (gone.lago_id, gone.issuing_date)
    assert str(lost.named_by[0]).endswith(("fee", "fees"))


def test_credit_notes_and_payments_name_an_invoice_too(snapshot: Snapshot) -> None:
    note = next(n for n in snapshot.credit_notes if n.invoice_number)
    gone = next(i for i in snapshot.invoices if i.lago_id == note.lago_invoice_id)
    bare = replace(
        without(snapshot, gone),
        fees=tuple(f for f in snapshot.fees if f.lago_invoice_id != gone.lago_id),
        applied_coupons=(),
        payments=(),
    )
    (lost,) = lost_invoices(bare)
    assert (lost.number, tuple(map(str, lost.named_by))) == (gone.number, ("1 credit note",))

    paid = next(p for p in snapshot.payments if p.payment_status == "succeeded")
    gone = next(i for i in snapshot.invoices if i.lago_id in paid.invoice_ids)
    bare = replace(without(snapshot, gone), fees=(), credit_notes=(), applied_coupons=(), wallet_transactions=())
    (lost,) = lost_invoices(replace(bare, payments=(paid,)))
    assert (lost.lago_id, tuple(map(str, lost.named_by)), lost.day, lost.fees) == (
        gone.lago_id,
        ("1 payment",),
        None,
        (),
    )
    assert lost_invoices(replace(bare, payments=(replace(paid, payment_status="failed"),))) == ()
    data = both(replace(bare, payments=(paid,)))[1]
    (shown,) = [i for i in data.invoices if i.id == gone.lago_id]  # no day: in every period
    assert (shown.registers, shown.issued_on, judge(data).exit_code) == ({}, date(2026, 7, 1), 2)


def test_an_invoice_that_waits_for_its_first_payment_is_hidden(snapshot: Snapshot) -> None:
    gone = billed_in_july(snapshot)
    own = {p.lago_subscription_id for p in gone.billing_periods}
    waiting = tuple(replace(s, status="incomplete") if s.lago_id in own else s for s in snapshot.subscriptions)
    left = replace(without(snapshot, gone), applied_coupons=(), payments=(), subscriptions=waiting)
    unpaid = tuple(replace(f, payment_status="pending") for f in left.fees)
    assert lost_invoices(replace(left, fees=unpaid)) == ()
    paid = tuple(replace(f, payment_status="succeeded") for f in left.fees)
    assert [lost.lago_id for lost in lost_invoices(replace(left, fees=paid))] == [gone.lago_id]


def test_the_control_run_calls_it_refused(nexasystems: tuple[Snapshot, Path]) -> None:
    snapshot, events = nexasystems
    gone = billed_in_july(snapshot)
    (check,) = [c for c in control(without(snapshot, gone), events, period=JULY) if c.lago_id == gone.lago_id]
    assert (check.header, check.is_equal, check.refusals[-1].reason) == ("refused", False, "invoice_lost")
    (shown,) = show_control.document([check], ())["invoices"]
    assert [r["detail"] for r in shown["refusals"]] == [str(r.detail) for r in check.refusals], "texts, as ever"


def test_extract_and_status_name_it_with_its_money(snapshot: Snapshot) -> None:
    gone = billed_in_july(snapshot)
    lost = lost_invoices(without(snapshot, gone))
    head, line = show.lost(lost)
    net = f"{from_subunits(gone.sub_total_excluding_taxes_amount_cents, gone.currency):,} {gone.currency}"
    assert head.startswith("lost: 1 invoices that Lago names are not in the snapshot")
    assert f"{gone.lago_id}: {net} and " in line
    (told,) = show.lost_data(lost)
    assert (told["id"], told["net_cents"]) == (gone.lago_id, gone.sub_total_excluding_taxes_amount_cents)
    assert list(show.lost(())) == []


def test_a_credit_of_a_progressive_invoice_names_it(snapshot: Snapshot) -> None:
    """Lago deletes no invoice that another one took off: it was lost, also where none of its fees is there."""
    later = billed_in_july(snapshot)
    item = CreditItem(type="invoice", lago_item_id="gone", code="NX-GONE")
    credit = Credit(lago_id="c", amount_cents=500, amount_currency=later.currency, item=item)

    def crediting(credit: Credit) -> Snapshot:
        changed = replace(later, credits=(*later.credits, credit))
        return replace(snapshot, invoices=tuple(changed if i is later else i for i in snapshot.invoices))

    (lost,) = lost_invoices(crediting(credit))
    assert (lost.lago_id, lost.name, [str(by) for by in lost.named_by]) == ("gone", "NX-GONE", ["1 progressive credit"])
    assert later.customer
    assert (lost.customer, lost.currency) == (later.customer.external_id, later.currency)
    there = replace(item, lago_item_id=snapshot.invoices[0].lago_id)
    for harmless in (replace(credit, amount_cents=0), replace(credit, item=there)):
        assert lost_invoices(crediting(harmless)) == ()


def test_status_ties_what_was_lost_to_the_total_of_the_month(snapshot: Snapshot) -> None:
    """``reconcile`` has what was lost in its total, ``status`` beside its own: one line says how both tie."""
    gone = billed_in_july(snapshot)
    bare = without(snapshot, gone)
    missing = lost_invoices(bare)
    beside, cents = lost_sums(missing), sum(each.net_cents + each.tax_cents for each in missing)
    assert beside == [{"month": JULY, "currency": gone.currency, "invoices": 1, "billed_cents": cents}]
    told = {"counts": {}, "taken_at": "", "lago_version": ""}
    data = {"snapshot": told, "unclaimed": [], "unread": [], "lost_sums": beside}
    shown = render(data, invoice_sums(bare.invoices), (), DriftReport())
    money = f"{from_subunits(cents, gone.currency):,}"
    assert f"in none of these sums: 1 of {JULY} lost ({money} {gone.currency})" in shown
    report = both(bare)[0]
    (register,) = [r for r in by_currency(report) if r.currency == gone.currency]
    billed = f"{from_subunits(register.left.gross_cents, gone.currency):,}"
    assert f" + {money} = {billed} {gone.currency} billed" in shown
