"""Anything may stand in Odoo's fields: reading it back never fails, and what cannot be read is told from nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings import fields, read_back
from mappings.fields import UNREADABLE, decimal_of, loaded, moment_of, written
from mappings.read_back import DefinedCoupon
from mappings.usage import UsageRow
from tests.mapping.build import coupon, held, mapped, metric, of, plan, snapshot, subscription
from tests.mapping.test_read_back import charges_of, row_of, terms_in

TEXTS: tuple[str, ...] = ("", "zz", "{", "[", "null", "[]", "[1]", '["zz"]', "[null]", "\0", "19,5")
TEXTS += ('{"amount": "zz"}', '{"amount": NaN}')
TEXTS += ("1e999999999", "9" * 5000, "٣", "9999-12-31T23:59:59-12:00", "2026-02-30", "[" * 5000, '[{"lago_id": 5}]')
TEXTS += ('[{"credits": [{"amount_cents": "zz"}, {}, 5]}]', '[{"values": 5, "key": []}]', "12 000", "True", "-0")
garbage = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20), st.none(), st.booleans(), st.integers(), st.floats())
rows = st.dictionaries(st.sampled_from(range(40)), garbage, min_size=1, max_size=4)
often = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SNAP = snapshot(plans=(plan(),), subscriptions=(subscription("s1"),))
ITEMS = mapped(SNAP)
(ORDER,) = of(ITEMS, "sale.order")


def spoilt(row: dict[str, object], broken: dict[int, object]) -> dict[str, object]:
    """The row with garbage in some of its fields, by their places."""
    names = sorted(name for name in row if name not in ("id", "fusion_lago_id"))
    return {**row, **{names[place % len(names)]: value for place, value in broken.items()}}


@often
@given(rows, rows)
def test_orders_and_charges_of_anything(order: dict[int, object], charges: dict[int, object]) -> None:
    lago = terms_in(SNAP, SNAP.subscriptions[0])
    shown = [spoilt(dict(row), charges) for row in charges_of(ORDER, ITEMS)]
    found = read_back.terms(lago, spoilt(row_of(ORDER), order), shown)
    written(fields.SUBSCRIPTION, found.subscription, lago.plan.amount_currency)
    for charge in found.plan.charges:
        written(fields.CHARGE, charge, lago.plan.amount_currency)


@often
@given(garbage, garbage)
def test_coupons_of_anything(text: object, value: object) -> None:
    known = {"h1": DefinedCoupon(applied=held("h1"), coupon=coupon("k1"))}
    entries = [*read_back.coupon_entries(text), {"lago_id": "h1", "credits": value, "created_at": value}]
    assert set(read_back.coupons(known, "c1", entries)) >= {"h1"}


@often
@given(rows)
def test_metrics_and_usage_of_anything(broken: dict[int, object]) -> None:
    row: dict[str, Any] = {"filters": "[]", **dict.fromkeys(fields.columns(fields.METRIC))}
    assert read_back.metric(metric("m1"), spoilt(row, broken)).lago_id == metric("m1").lago_id
    usage: dict[str, Any] = {**dict.fromkeys(fields.columns(fields.USAGE)), "transaction_id": "t"}
    assert len(read_back.usage(dict[str, UsageRow](), [spoilt(usage, broken)])) == 1


@pytest.mark.parametrize("text", ["zz", "{", "[1, 2", "[" * 100_000, "9" * 5000])
def test_a_text_that_is_no_json_is_not_nothing(text: str) -> None:
    assert loaded(text) == {UNREADABLE: text}


def test_numbers_and_times_that_are_none() -> None:
    assert [decimal_of(text) for text in ("1e999999999", "9" * 300, "zz", "NaN")] == [None] * 4
    assert [moment_of(text) for text in ("zz", "2026-02-30", "9999-12-31T23:59:59-12:00", 5)] == [None] * 4
