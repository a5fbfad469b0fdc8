"""The fuzz itself: of each thing that must not be, a fault is put into the product, and the driver has to say it.

One mutation a test, chosen by record and field. Without the fault each of them is in quarantine, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from mappings.decode import DecodeError
from mappings.errors import Lago2OdooError
from migrate.lago import snapshot
from reconcile.rerate import invoices
from reconcile.sides import unread
from reports.data import ReportData
from tests.fuzz import driver
from tests.fuzz.campaign import Campaign
from tests.fuzz.company import Payload
from tests.fuzz.invariants import HANG, QUARANTINED, SILENT, STOPS, TRACEBACK, Verdict
from tests.fuzz.mutations import Mutation, of_field
from tests.fuzz.places import Path, get_at

NO_VALUE = ["zz"]  # in no field of Lago's that is read
INVOICE, PAYMENT, NOTE = (
    ("invoice", "total_amount_cents"),
    ("payment", "amount_cents"),
    ("credit_note", "balance_amount_cents"),
)
COUPON, PLAN, SUBSCRIPTION = ("applied_coupon", "amount_cents"), ("plan", "amount_cents"), ("subscription", "plan_code")
WALLET = ("wallet", "balance_cents")
Where = tuple[str, str]  # kind of record, field of it
Fault = Callable[[pytest.MonkeyPatch], None]


def mutated(campaign: Campaign, where: Where, record: str = "") -> Mutation:
    kind, name = where
    path: Path = (name,)

    def put(payload: Payload) -> None:
        get_at(payload, path[:-1])[name] = NO_VALUE

    chosen = record or campaign.records.by_kind[kind][0]
    return of_field(campaign.records, (kind, chosen), path, put, (), seed=0, number=0, kind="other type")


def verdict_of(campaign: Campaign, mutation: Mutation) -> Verdict:
    (verdict,) = campaign.judge.judge([mutation], campaign.run_of([mutation]))
    return verdict


# --- faults of the product ---


def at_what_cannot_be_read(
    patch: pytest.MonkeyPatch, then: Callable[[type, Mapping[str, Any], DecodeError], Any]
) -> None:
    """Put ``then`` in the place of the quarantine."""
    real = snapshot.decode

    def decode(cls: type, payload: Mapping[str, Any], resource: str) -> Any:
        try:
            return real(cls, payload, resource)
        except DecodeError as error:
            return then(cls, payload, error)

    patch.setattr(snapshot, "decode", decode)


def let_through(patch: pytest.MonkeyPatch) -> None:
    def then(_cls: type, payload: Mapping[str, Any], _error: DecodeError) -> None:
        raise KeyError(payload["lago_id"])

    at_what_cannot_be_read(patch, then)


def end_for_all(patch: pytest.MonkeyPatch) -> None:
    def then(_cls: type, _payload: Mapping[str, Any], error: DecodeError) -> None:
        raise Lago2OdooError(str(error))

    at_what_cannot_be_read(patch, then)


def say_it_in_many_lines(patch: pytest.MonkeyPatch) -> None:
    def then(_cls: type, _payload: Mapping[str, Any], error: DecodeError) -> None:
        raise Lago2OdooError(f"{error}\n  in a frame")

    at_what_cannot_be_read(patch, then)


def never_end(patch: pytest.MonkeyPatch) -> None:
    def then(_cls: type, _payload: Mapping[str, Any], _error: DecodeError) -> None:
        while True:
            pass

    patch.setattr(driver, "SECONDS", 3)
    at_what_cannot_be_read(patch, then)


def take_for_nothing(patch: pytest.MonkeyPatch) -> None:
    """An amount that cannot be read is 0."""
    at_what_cannot_be_read(
        patch, lambda cls, payload, error: snapshot.__dict__["decode"](cls, {**payload, error.path: 0}, "any")
    )


def take_the_others_along(patch: pytest.MonkeyPatch) -> None:
    """One record that cannot be read costs all of its kind."""
    real = snapshot._Loading._decoded

    def decoded(self: Any, cls: Any, resource: str, raws: Any) -> Any:
        before = len(self.quarantined)
        records = real(self, cls, resource, raws)
        return records if len(self.quarantined) == before else ()

    patch.setattr(snapshot._Loading, "_decoded", decoded)


def drop(patch: pytest.MonkeyPatch) -> None:
    """What cannot be read is left out without a word."""
    patch.setattr(snapshot._Loading, "_refuse", lambda *_: None)


def tell_no_month(*names: str) -> Fault:
    """The month does not say what is in quarantine."""

    def nothing(*_: object) -> Iterator[object]:
        return iter(())

    def put(patch: pytest.MonkeyPatch) -> None:
        for name in names:
            patch.setattr(unread, name, nothing)

    return put


def refuse_no_bill(patch: pytest.MonkeyPatch) -> None:
    """The report shows what was refused as if it had been compared."""
    real = driver.dual_run

    def shown(*given: Any, **named: Any) -> ReportData:
        data = real(*given, **named)
        return replace(data, invoices=tuple(replace(view, refusals=()) for view in data.invoices))

    patch.setattr(driver, "dual_run", shown)


FAULTS: tuple[tuple[Where, Fault, str, str], ...] = (
    (INVOICE, let_through, TRACEBACK, "KeyError"),
    (INVOICE, say_it_in_many_lines, TRACEBACK, "an error of several lines"),
    (INVOICE, never_end, HANG, "more than 3 seconds of processor time"),
    (INVOICE, end_for_all, STOPS, "ended: "),
    (INVOICE, take_the_others_along, STOPS, " of others is "),
    (PLAN, take_for_nothing, SILENT, "an impossible value was taken for something"),
    (INVOICE, drop, SILENT, "is read no more, and nothing says so"),
    (PAYMENT, drop, SILENT, "is read no more, and nothing says so"),
    (NOTE, drop, SILENT, "is read no more, and nothing says so"),
    (INVOICE, tell_no_month("_shown"), SILENT, "is in quarantine"),
    (NOTE, tell_no_month("_shown"), SILENT, "is in quarantine"),
    (COUPON, tell_no_month("_held_credit"), SILENT, "applied_coupons "),
    (WALLET, tell_no_month("_held_credit"), SILENT, "wallets "),
    (PAYMENT, tell_no_month("_payments"), SILENT, "payments "),
)


@pytest.mark.parametrize("where", sorted({where for where, *_ in FAULTS}), ids=lambda where: where[0])
def test_without_a_fault_each_of_these_is_in_quarantine(campaign: Campaign, where: Where) -> None:
    verdict = verdict_of(campaign, mutated(campaign, where))
    assert (verdict.kind, verdict.why) == (QUARANTINED, "")


@pytest.mark.parametrize(
    ("where", "fault", "kind", "why"), FAULTS, ids=[f"{where[0]}-{number}" for number, (where, *_) in enumerate(FAULTS)]
)
def test_a_fault_of_the_product_is_seen(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, where: Where, fault: Fault, kind: str, why: str
) -> None:
    fault(monkeypatch)
    verdict = verdict_of(campaign, mutated(campaign, where))
    assert (verdict.kind, why in verdict.why) == (kind, True), verdict.why


def test_bills_of_a_subscription_in_quarantine_that_are_compared_are_seen(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = campaign.records
    bills = (records.view(records.places["fee", fee][0]) for fee in records.by_kind["fee"])
    billed = next(str(fee["lago_subscription_id"]) for fee in bills if fee.get("lago_subscription_id"))
    mutation = mutated(campaign, SUBSCRIPTION, billed)
    assert verdict_of(campaign, mutation).kind == QUARANTINED
    refuse_no_bill(monkeypatch)
    verdict = verdict_of(campaign, mutation)
    assert (verdict.kind, "subscriptions " in verdict.why) == (SILENT, True)


def test_a_mistake_that_the_last_guard_caught_is_a_traceback(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("planted")

    monkeypatch.setattr(invoices, "_finished", fail)
    verdict = verdict_of(campaign, mutated(campaign, PAYMENT))
    assert (verdict.kind, "planted" in verdict.why) == (TRACEBACK, True)
