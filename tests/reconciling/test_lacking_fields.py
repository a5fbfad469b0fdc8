"""Each field that may lack, and each status, of each kind of record: the re-rate and the calendar foresee them all."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mappings.records import Fee, Invoice, Plan, Snapshot, Subscription
from reconcile.rating.unforeseen import REASON
from reconcile.rerate.customer_parts import CustomerParts
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.noise_floor import control

PLACES: dict[type[Any], str] = {Subscription: "subscriptions", Invoice: "invoices", Fee: "fees", Plan: "plans"}
STATUSES = {
    Subscription: ("pending", "active", "terminated", "canceled", "incomplete"),
    Invoice: ("draft", "finalized", "voided", "failed", "pending"),
}


def changes() -> Iterator[tuple[type[Any], dict[str, Any]]]:
    for kind in PLACES:
        hints = typing.get_type_hints(kind)
        for field in fields(kind):
            if isinstance(hints[field.name], types.UnionType) and type(None) in typing.get_args(hints[field.name]):
                yield kind, {field.name: None}
                yield from ((kind, {field.name: None, "status": status}) for status in STATUSES.get(kind, ()))
            elif typing.get_origin(hints[field.name]) is tuple:
                yield kind, {field.name: ()}


CHANGES = tuple(changes())


@pytest.fixture(scope="module")
def part(snapshot: Snapshot) -> Snapshot:
    """The customer with the most subscriptions that were billed."""
    billed = {period.lago_subscription_id for invoice in snapshot.invoices for period in invoice.billing_periods}
    owners = [s.lago_customer_id for s in snapshot.subscriptions if s.lago_id in billed]
    return CustomerParts(snapshot).of(max(sorted(set(owners)), key=owners.count))


@pytest.fixture(scope="module")
def usage(nexasystems: tuple[Snapshot, Path]) -> Iterator[EventSource]:
    with EventSource.from_parquet(nexasystems[1]) as source:
        yield source


def lacking(part: Snapshot, kind: type[Any], change: dict[str, Any]) -> Snapshot:
    """All records of the kind without it: also those within others."""
    records = tuple(replace(record, **change) for record in getattr(part, PLACES[kind]))
    whole = replace(part, **{PLACES[kind]: records})
    if kind is Fee:
        whole = replace(
            whole,
            invoices=tuple(
                replace(invoice, fees=tuple(replace(fee, **change) for fee in invoice.fees))
                for invoice in whole.invoices
            ),
        )
    if kind is Plan:
        held = (replace(s, plan=s.plan and replace(s.plan, **change)) for s in whole.subscriptions)
        whole = replace(whole, subscriptions=tuple(held))
    return whole


@pytest.mark.parametrize(("kind", "change"), CHANGES, ids=[f"{kind.__name__}-{change}" for kind, change in CHANGES])
def test_a_field_that_lacks_is_foreseen(
    part: Snapshot, usage: EventSource, kind: type[Any], change: dict[str, Any]
) -> None:
    whole = lacking(part, kind, change)
    unforeseen = [str(r.detail) for check in control(whole, usage) for r in check.refusals if r.reason == REASON]
    assert not unforeseen
