"""Subscriptions that start or end within a second, by lives that a running Lago billed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from mappings.records import Fee, Snapshot
from reconcile.billed import BilledLine
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.invoices import rerate
from reconcile.sides.lago import lago_invoices
from tests.timelines.documents import with_documents
from tests.timelines.life import Life
from tests.vectors_support.load import area_files, cases

LIVES = area_files(Path(__file__).parent.parent / "data" / "timelines")
ENDED, STARTED = ("mixed", "mixed-monthly-0164", "invoice-2"), ("weak", "weak-wsum_rec-007", "invoice-3")


def life_of(area: str, name: str) -> Life:
    return Life(next(case for case in cases(LIVES[area]) if case["id"] == name))


def usage(life: Life, snapshot: Snapshot, lago_id: str) -> list[BilledLine]:
    with EventSource.from_events(life.events) as source:
        billed = rerate(snapshot, source)(lago_invoices(snapshot, "all"))
    return [line for line in billed[lago_id].lines if line.key.kind == "charge"]


def stored(snapshot: Snapshot, lago_id: str) -> list[Fee]:
    (invoice,) = (each for each in snapshot.invoices if each.lago_id == lago_id)
    return [fee for fee in invoice.fees if fee.item.type == "charge"]


def with_units(snapshot: Snapshot, lago_id: str, change: Callable[[Fee], Fee]) -> Snapshot:
    invoices = tuple(
        replace(each, fees=tuple(map(change, each.fees))) if each.lago_id == lago_id else each
        for each in snapshot.invoices
    )
    return replace(snapshot, invoices=invoices)


@pytest.mark.parametrize(("area", "name", "lago_id"), [ENDED, STARTED])
def test_the_fraction_is_the_one_that_lagos_units_follow_from(area: str, name: str, lago_id: str) -> None:
    life = life_of(area, name)
    snapshot = with_documents(life)
    (line,), (fee,) = usage(life, snapshot, lago_id), stored(snapshot, lago_id)
    assert (line.units, line.amount_cents) == (fee.units, fee.amount_cents)


@pytest.mark.parametrize(("area", "name", "lago_id"), [ENDED, STARTED])
@pytest.mark.parametrize("share", ["0.00000000001", "-0.00000000001", "0.01", "-0.01"])
def test_units_that_no_fraction_gives_are_not_taken(area: str, name: str, lago_id: str, share: str) -> None:
    """However near they are: then the whole second stands, and the difference is seen."""
    life = life_of(area, name)
    snapshot = with_documents(life)

    def otherwise(fee: Fee) -> Fee:
        return replace(fee, units=fee.units * (1 + Decimal(share)))

    (line,) = usage(life, with_units(snapshot, lago_id, otherwise), lago_id)
    (fee,) = stored(snapshot, lago_id)
    assert line.units not in (fee.units, otherwise(fee).units)
