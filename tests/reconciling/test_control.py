"""The control run: every invoice of a recorded company, re-rated; and what cannot be re-rated is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lago2odoo.cli.show_control import render
from mappings.money import to_subunits
from mappings.records import Fee, Invoice, Snapshot
from reconcile.billed import BilledInvoice
from reconcile.rerate.held_coupons import held_coupons
from reconcile.rerate.hidden_invoices import hidden_invoices
from reconcile.rerate.history import History
from reconcile.rerate.invoices import rerate
from reconcile.rerate.noise_floor import InvoiceCheck, control
from reconcile.rerate.termination_notes import control_credit_notes
from reconcile.sides.lago import lago_invoices
from tests.reconciling.build import terms_by_invoice, under

Change = Callable[[Invoice], Invoice]


@pytest.fixture(scope="module")
def checks(nexasystems: tuple[Snapshot, Path]) -> tuple[InvoiceCheck, ...]:
    return control(*nexasystems)


def test_every_fee_and_header_is_equal(checks: tuple[InvoiceCheck, ...]) -> None:
    wrong = [
        (one.number, one.header, [f for f in one.fees if f.outcome != "equal"]) for one in checks if not one.is_equal
    ]
    assert not wrong, wrong[:3]
    assert Counter(one.header for one in checks) == {"equal": 479, "hidden": 5}
    assert sum(len(one.fees) for one in checks) == 2252
    states = Counter((one.type, one.state) for one in checks)
    assert states["subscription", "draft"] == 1
    assert states["subscription", "voided"] == 2
    assert states["one_off", "finalized"] == 6
    assert states["credit", "finalized"] == 3


def test_the_calendar_leads_to_the_stored_boundaries(checks: tuple[InvoiceCheck, ...]) -> None:
    assert [one.calendar for one in checks if one.calendar] == []


def test_a_month_is_a_part_of_the_whole(nexasystems: tuple[Snapshot, Path], checks: tuple[InvoiceCheck, ...]) -> None:
    july = {one.lago_id for one in control(*nexasystems, period="2026-07")}
    assert july
    assert july < {one.lago_id for one in checks}


def altered(
    nexasystems: tuple[Snapshot, Path], wanted: Callable[[Invoice], bool], change: Change
) -> tuple[InvoiceCheck, Snapshot]:
    """The check of the first wanted invoice, after it was changed in Lago's data."""
    snapshot, events = nexasystems
    chosen = next(one for one in snapshot.invoices if wanted(one))
    invoices = tuple(change(one) if one is chosen else one for one in snapshot.invoices)
    changed = replace(snapshot, invoices=invoices)
    month = f"{chosen.issuing_date:%Y-%m}"
    return next(one for one in control(changed, events, period=month) if one.lago_id == chosen.lago_id), changed


def has(kind: str) -> Callable[[Invoice], bool]:
    return lambda invoice: any(fee.item.type == kind for fee in invoice.fees)


def first(kind: str, **changes: object) -> Change:
    """Change the first fee of a kind."""

    def change(invoice: Invoice) -> Invoice:
        chosen = next(fee for fee in invoice.fees if fee.item.type == kind)
        fees = tuple(replace(fee, **changes) if fee is chosen else fee for fee in invoice.fees)  # type: ignore[arg-type]
        return replace(invoice, fees=fees)

    return change


@pytest.mark.parametrize("kind", ["subscription", "charge", "fixed_charge", "add_on", "credit"])
def test_a_wrong_amount_is_seen(nexasystems: tuple[Snapshot, Path], kind: str) -> None:
    check, _ = altered(nexasystems, has(kind), first(kind, amount_cents=123_456_789))
    assert [fee.kind for fee in check.fees if fee.outcome == "differs"] == [kind]


def test_wrong_units_and_numbers_of_events_are_seen(nexasystems: tuple[Snapshot, Path]) -> None:
    units, _ = altered(nexasystems, has("charge"), first("charge", units=Decimal("0.125")))
    assert [fee.outcome for fee in units.fees].count("differs") == 1
    (wrong,) = (fee for fee in units.fees if fee.outcome == "differs")
    assert wrong.rerate is not None and wrong.rerate.units is not None
    (told,) = (line for line in render([units], ()).splitlines() if line.startswith("    "))
    assert told.endswith(f": units: Lago 0.125, re-rate {wrong.rerate.units.normalize():f}"), told
    events, _ = altered(nexasystems, has("charge"), first("charge", events_count=99_999))
    assert [fee.outcome for fee in events.fees].count("differs") == 1


def test_a_wrong_header_is_seen(nexasystems: tuple[Snapshot, Path]) -> None:
    names = ("taxes_amount_cents", "sub_total_including_taxes_amount_cents", "total_amount_cents")

    def taxed_more(one: Invoice) -> Invoice:
        return replace(one, **{name: getattr(one, name) + 1 for name in names})

    check, _ = altered(nexasystems, has("charge"), taxed_more)
    assert check.header == "differs"
    assert all(fee.outcome == "equal" for fee in check.fees)
    assert check.lago is not None
    (told,) = (line for line in render([check], ()).splitlines() if "header: tax:" in line)
    assert told.endswith(f"tax: Lago {check.lago.tax_cents} cents, re-rate {check.lago.tax_cents - 1} cents")


def test_a_header_against_its_own_parts_is_refused_and_not_equal(nexasystems: tuple[Snapshot, Path]) -> None:
    check, _ = altered(nexasystems, has("charge"), lambda one: replace(one, total_amount_cents=1))
    assert check.header == "refused"
    assert [refusal.reason for refusal in check.refusals] == ["header_does_not_add_up"]
    check, _ = altered(nexasystems, has("charge"), lambda one: replace(one, invoice_type="mystery"))
    assert (check.header, check.is_equal) == ("refused", False)


def test_a_missing_fee_is_seen(nexasystems: tuple[Snapshot, Path]) -> None:
    def periodic(one: Invoice) -> bool:
        return has("subscription")(one) and has("charge")(one)

    check, _ = altered(nexasystems, periodic, lambda one: replace(one, fees=one.fees[1:]))
    assert [(fee.outcome, fee.lago, fee.reason) for fee in check.fees if fee.fee == ""] == [
        ("differs", None, "only ours")
    ]


def test_a_moved_boundary_is_seen_by_the_calendar(nexasystems: tuple[Snapshot, Path]) -> None:
    def later(invoice: Invoice) -> Invoice:
        period, *others = invoice.billing_periods
        assert period.subscription_from_datetime is not None
        moved = replace(period, subscription_from_datetime=period.subscription_from_datetime + timedelta(hours=1))
        return replace(invoice, billing_periods=(moved, *others))

    check, _ = altered(nexasystems, lambda one: bool(one.billing_periods), later)
    assert len(check.calendar) == 1
    assert "base fee" in check.calendar[0]


def test_the_credit_of_a_progressive_invoice_that_is_not_there_is_refused(nexasystems: tuple[Snapshot, Path]) -> None:
    names = ("sub_total_excluding_taxes_amount_cents", "sub_total_including_taxes_amount_cents", "total_amount_cents")

    def credited(one: Invoice) -> Invoice:
        less = {name: getattr(one, name) - 100 for name in names}
        return replace(one, progressive_billing_credit_amount_cents=100, **less)

    check, _ = altered(nexasystems, has("charge"), credited)
    assert check.header == "refused"
    assert [refusal.reason for refusal in check.refusals] == ["progressive_credit"]


def test_a_deleted_charge_is_refused(nexasystems: tuple[Snapshot, Path]) -> None:
    check, _ = altered(nexasystems, has("charge"), first("charge", lago_charge_id="gone", pay_in_advance=False))
    assert "charge_deleted" in {refusal.reason for refusal in check.refusals}
    assert check.header == "refused"


def test_a_tax_provider_is_refused(nexasystems: tuple[Snapshot, Path]) -> None:
    snapshot, events = nexasystems
    customers = tuple(replace(one, integration_customers=({"type": "anrok"},)) for one in snapshot.customers)
    found = control(replace(snapshot, customers=customers), events, period="2026-07")
    assert {
        one.header for one in found if one.state != "closed" and one.customer in {c.external_id for c in customers}
    } == {"refused"}


def test_a_missing_subscription_is_refused(nexasystems: tuple[Snapshot, Path]) -> None:
    snapshot, events = nexasystems
    found = control(replace(snapshot, subscriptions=()), events, period="2026-07")
    reasons = Counter(refusal.reason for one in found for refusal in one.refusals)
    assert reasons["subscription_missing"] > 0
    assert all(one.header == "refused" for one in found if one.type == "subscription" and one.header != "hidden")


def test_late_events_are_not_counted_unless_asked(nexasystems: tuple[Snapshot, Path]) -> None:
    snapshot, events = nexasystems
    lago = lago_invoices(snapshot)
    late = rerate(snapshot, events, late=True)(lago)
    more = [one for one in lago if one.totals and late[one.lago_id].totals != one.totals]
    assert more, "the recording has events that came after finalisation"


@pytest.fixture(scope="module")
def again(nexasystems: tuple[Snapshot, Path]) -> Mapping[str, BilledInvoice]:
    """All invoices, re-rated."""
    snapshot, events = nexasystems
    return rerate(snapshot, events)(lago_invoices(snapshot))


def test_a_what_if_without_a_change_gives_every_re_rated_invoice_again(
    snapshot: Snapshot, again: Mapping[str, BilledInvoice]
) -> None:
    """Coupons and taxes as Lago stored them lead to the header that the re-rate made of its own."""
    terms = terms_by_invoice(snapshot)
    assert len(again) == 479
    assert sum(1 for invoice in again.values() if invoice.totals and invoice.totals.coupons_cents) == 19
    wrong = [i.number for lago_id, i in again.items() if under(terms[lago_id], i, ()) != i or i.totals is None]
    assert wrong == []


def test_steps_add_up_to_their_line_in_units_of_the_currency(again: Mapping[str, BilledInvoice]) -> None:
    told = [
        (line.key.kind, sum(amounts, Decimal(0)), line.amount_cents, one.currency)
        for one in again.values()
        for line in one.lines
        if (amounts := [step.amount for step in line.steps if step.amount is not None])
    ]
    assert {kind for kind, *_ in told} == {"subscription", "charge", "true_up", "fixed_charge"}
    assert len(told) > 2000
    wrong = [one for one in told if to_subunits(one[1], one[3]) != one[2]]
    assert not wrong, wrong[:3]


def test_hidden_fees_become_invoices(snapshot: Snapshot) -> None:
    hidden = hidden_invoices(snapshot)
    assert {one.status for one in hidden} == {"closed"}
    assert sum(len(one.fees) for one in hidden) == 5
    alone: Fee = replace(snapshot.fees[0], lago_id="alone", lago_invoice_id=None)
    (standalone,) = hidden_invoices(replace(snapshot, fees=(alone,)))
    assert (standalone.status, standalone.lago_id) == ("standalone", "alone")


def test_coupons_stand_as_they_did_before_the_invoice(snapshot: Snapshot) -> None:
    history = History(snapshot)
    once = next(one for one in snapshot.applied_coupons if one.frequency == "once" and len(one.credits) > 1)
    used = []
    for credit in once.credits:
        assert credit.invoice is not None
        invoice = history.invoices[credit.invoice.lago_id]
        held = next(one for one in held_coupons(history, invoice) if one.code == once.coupon_code)
        used.append((invoice.created_at, held.used_cents, credit.amount_cents, held.ended))
    used.sort()
    spent = 0
    for _, before, now, ended in used:
        assert (before, ended) == (spent, False)
        spent += now


def test_credit_notes_of_terminations_are_equal(snapshot: Snapshot) -> None:
    checks = control_credit_notes(snapshot)
    assert [(check.outcome, check.lago_cents, check.rerate_cents) for check in checks] == [
        ("equal", 3751, 3751),
        ("equal", 32_698, 32_698),
        ("equal", 13_492, 13_492),
        ("equal", 5997, 5997),
    ]
    wrong = tuple(replace(note, total_amount_cents=note.total_amount_cents + 1) for note in snapshot.credit_notes)
    assert {check.outcome for check in control_credit_notes(replace(snapshot, credit_notes=wrong))} == {"differs"}
    other = tuple(replace(note, reason="other") for note in snapshot.credit_notes)
    assert control_credit_notes(replace(snapshot, credit_notes=other)) == ()
    months = {note.issuing_date.strftime("%Y-%m") for note in snapshot.credit_notes}
    assert len(months) > 1
    assert sorted(n.number for month in months for n in control_credit_notes(snapshot, month)) == sorted(
        n.number for n in checks
    )


def test_a_credit_note_gives_back_what_earlier_ones_of_the_fee_left(snapshot: Snapshot) -> None:
    """A person had given back 100 cents of it before: Lago's own note is so much less."""
    own = next(note for note in snapshot.credit_notes if note.total_amount_cents == 5997)
    (item,) = own.items
    before = replace(
        own,
        lago_id="by-hand",
        reason="other",
        created_at=own.created_at - timedelta(hours=1),
        items=(replace(item, amount_cents=100),),
    )
    (check,) = control_credit_notes(replace(snapshot, credit_notes=(before, own)))
    assert check.outcome == "differs"
    assert check.rerate_cents is not None
    assert 100 <= 5997 - check.rerate_cents <= 115, "with its taxes"


def test_a_credit_note_of_an_unknown_period_is_refused(snapshot: Snapshot) -> None:
    """It differs from nothing, as nobody can tell what it should be."""
    own = next(note for note in snapshot.credit_notes if note.total_amount_cents == 5997)
    invoices = tuple(
        replace(invoice, billing_periods=()) if invoice.lago_id == own.lago_invoice_id else invoice
        for invoice in snapshot.invoices
    )
    (check,) = control_credit_notes(replace(snapshot, credit_notes=(own,), invoices=invoices))
    assert (check.outcome, check.refusal and check.refusal.reason) == ("refused", "boundaries_missing")
