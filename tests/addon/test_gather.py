"""What rating needs of orders, put together from rows that a reader of plain lists gives."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from tests.addon.plain import ADDON, coupon_uses, gather, rows

Row = dict[str, Any]
JULY = "2026-07-01 04:10:00"


@dataclass
class Lists:
    """A reader of what stands in lists; it notes the usage it was asked for."""

    orders_listed: list[Row]
    lines: list[Any] = field(default_factory=list)
    charges_listed: list[Row] = field(default_factory=list)
    metrics_listed: list[Row] = field(default_factory=list)
    usage_listed: list[Row] = field(default_factory=list)
    uses: Mapping[str, Sequence[tuple[datetime, int]]] = field(default_factory=dict)
    days: Mapping[int, int] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def orders(self, ids: Collection[int]) -> Iterable[Row]:
        return [row for row in self.orders_listed if row["id"] in ids]

    def ids_of_external(self, external_ids: Collection[str]) -> Iterable[int]:
        return [row["id"] for row in self.orders_listed if row["fusion_external_id"] in external_ids]

    def ids_replacing(self, ids: Collection[int]) -> Iterable[int]:
        return [row["id"] for row in self.orders_listed if row["fusion_previous_order_id"] in ids]

    def sold_lines(self, orders: Collection[int]) -> Iterable[Any]:
        return [line for line in self.lines if line.order in orders]

    def charges(self, orders: Collection[int], plans: Collection[int]) -> Iterable[Row]:
        return [
            row
            for row in self.charges_listed
            if row["order_id"] in orders or (row["plan_id"] in plans and not row["order_id"])
        ]

    def metrics(self) -> Iterable[Row]:
        return self.metrics_listed

    def usage(self, query: Any) -> Iterable[Row]:
        self.asked.append(query)
        return self.usage_listed

    def coupon_uses(self, _partners: Collection[int]) -> Mapping[str, Sequence[tuple[datetime, int]]]:
        return self.uses

    def grace_days(self, _accounts: Collection[int]) -> Mapping[int, int]:
        return self.days

    def product_taxes(self, order: int, product: int) -> Sequence[int]:
        return [order * 100 + product]


def order(number: int, external_id: str = "sub", **more: Any) -> Row:
    stored: Row = dict.fromkeys((*rows.ORDER_FIELDS, *rows.ORDER_LINKS), False)
    given = {"id": number, "fusion_external_id": external_id, "currency": "CAD", "fusion_plan_code": "pro"}
    life = {"fusion_started_at": f"2026-0{number}-01 00:00:00", "partner_id": 7}
    return {**stored, **given, **life, **more}


def line(order_id: int, product: int, code: str = "", *, charged: bool = False, taxes: tuple[int, ...] = ()) -> Any:
    plan = gather.Plan(id=product + 1000, code=code, name=f"Plan {product}", lago_id=f"p{product}", charged=charged)
    return gather.SoldLine(order=order_id, product=product, taxes=taxes, plan=plan)


def charge(number: int, code: str, **more: Any) -> Row:
    stored: Row = dict.fromkeys((*rows.CHARGE_FIELDS, *rows.CHARGE_LINKS), False)
    return {**stored, "id": number, "code": code, "kind": "usage", "charge_model": "standard", "tax_ids": [], **more}


def test_the_line_of_the_plan_carries_charges_or_its_code_else_it_is_the_first() -> None:
    setup, pro, other = line(1, 1), line(1, 2, "pro"), line(1, 3, charged=True)
    for lines, chosen in (((setup, pro, other), pro), ((setup, other, pro), other), ((setup,), setup)):
        assert gather.plan_line(lines, "pro") is chosen
    assert gather.plan_line((line(1, 1, ""), line(1, 2, "")), "").product == 1
    assert gather.Gathered(Lists([order(1)]), [1]).product(1, None) == 0


def test_an_order_knows_its_neighbours() -> None:
    ended = {"fusion_ended_at": "2026-05-31 00:00:00"}
    chain = [
        order(1, **ended),  # the same id on the same plan, ended before
        order(2, fusion_plan_code="starter", **ended),  # on another plan
        order(3, "other", **ended),  # another id
        order(4, fusion_plan_code="starter"),
        order(5, fusion_previous_order_id=4),
        order(6, "sub-2", fusion_previous_order_id=5),
    ]
    charges = [charge(1, "calls", plan_id=1009, metric_id=5), charge(2, "seats", kind="fixed", plan_id=1009)]
    reader = Lists(chain, [line(6, 9)], charges, [{"id": 5, "code": "api_calls"}])
    gathered = gather.Gathered(reader, [5])
    assert sorted(gathered.orders) == [1, 2, 4, 5, 6]
    shown = gathered.order(5)
    assert (shown["previous"]["id"], shown["next"]["id"], shown["next"]["previous"]) == (4, 6, None)
    assert (shown["next"]["metric_codes"], shown["next"]["plan_name"]) == (["api_calls"], "Plan 9")
    assert [row["id"] for row in shown["earlier"]] == [1]
    assert gathered.order(1)["earlier"] == []


def test_the_orders_that_were_replaced_are_read_back_to_the_first() -> None:
    chain = [order(n, f"sub-{n}", fusion_previous_order_id=n - 1 or False) for n in range(1, 6)]
    shown = gather.Gathered(Lists(chain), [4]).order(4)
    assert (shown["next"]["id"], shown["previous"]["previous"]["previous"]["id"]) == (5, 1)
    assert shown["previous"]["previous"]["previous"]["previous"] is None


def test_charges_of_an_order_replace_those_of_its_plan() -> None:
    listed = [
        charge(1, "calls", plan_id=1001, metric_id=5),
        charge(2, "calls", order_id=2, plan_id=1001, metric_id=6, tax_ids=[31], product_id=77),
        charge(3, "seats", kind="fixed", order_id=2, product_id=78),
    ]
    metrics = [{"id": 5, "code": "api_calls", "recurring": False}]
    reader = Lists([order(1, "a"), order(2, "b")], [line(1, 1, taxes=(4,)), line(2, 1, taxes=(5,))], listed, metrics)
    gathered = gather.Gathered(reader, [1, 2])
    assert [[row["id"] for row in gathered.charges(number)] for number in (1, 2)] == [[1], [2, 3]]
    assert [row["metric"] for row in gathered.billing(1, JULY, "x")["charges"]] == ["api_calls"]
    assert gathered.billing(2, JULY, "x")["charges"][0]["metric"] == ""  # the metric is another company's
    assert gathered.billing(2, JULY, "x")["taxes"] == {"": [5], "calls": [31], "seats": [5]}
    assert [gathered.product(2, row) for row in (*gathered.charges(2), None)] == [77, 78, 1]
    assert (gathered.charge(2, "seats")["id"], gathered.charge(2, ""), gathered.charge(1, "seats")) == (3, None, None)


def test_without_a_line_the_product_is_taxed_as_the_fiscal_position_says() -> None:
    gathered = gather.Gathered(Lists([order(1)], [], [charge(1, "calls", order_id=1, product_id=8)]), [1])
    assert gathered.taxes(1, gathered.charge(1, "calls")) == [108]
    assert gathered.taxes(1) == []


def test_usage_is_read_as_far_back_as_the_earliest_billing_needs() -> None:
    metrics = [{"id": 1, "code": "calls", "recurring": False}, {"id": 2, "code": "seats", "recurring": True}]
    usage = [{"external_subscription_id": "sub", "code": "calls"}, {"external_subscription_id": "x", "code": "calls"}]
    reader = Lists([order(1), order(2, "x"), order(3)], metrics_listed=metrics, usage_listed=usage)
    assert gather.Gathered(reader, [1]).usage(1) == []
    assert reader.asked == []
    gathered = gather.Gathered(reader, [1], [JULY, datetime(2026, 6, 1, 4, 10)])  # noqa: DTZ001 - as Odoo has them
    (query,) = reader.asked
    assert (query.external_ids, query.codes, query.recurring) == ({"sub"}, {"calls", "seats"}, {"seats"})
    assert query.since.isoformat() == "2024-03-23T04:10:00+00:00"
    assert gathered.billing(1, JULY, "x")["usage"] == usage[:1]


@pytest.mark.parametrize(("account", "days"), [(3, 2), (4, 0), (False, 0)])
def test_late_usage_is_known_within_the_days_of_grace(account: int, days: int) -> None:
    reader = Lists([order(1, fusion_account_id=account)], days={3: 2})
    known = gather.Gathered(reader, [1]).billing(1, JULY, "subscription_periodic")["known_until"]
    assert known.isoformat() == f"2026-07-0{1 + days}T04:10:01+00:00"


def test_units_that_changed_before_an_order_are_those_of_its_start() -> None:
    changes = [{"at": "2026-01-15T00:00:00", "was": "1", "units": "2"}, {"at": "2026-02-15", "was": "2", "units": "5"}]
    seats = charge(1, "seats", kind="fixed", order_id=2, units="5", unit_changes=changes)
    (row,) = gather.Gathered(Lists([order(2)], [], [seats]), [2]).billing(2, JULY, "x")["charges"]
    assert row["unit_events"] == ({"at": None, "units": "2"}, {"at": "2026-02-15", "units": "5"})


@pytest.mark.parametrize(
    "changes",
    [
        "[",
        [5],
        [{"at": "yesterday", "units": "2"}],
        [{"at": None, "units": "2"}],
        [{"units": "2"}],
        [{"at": "2026-01-15", "was": "1"}],
        5,
    ],
)
def test_a_history_of_units_that_cannot_be_read_is_left_to_its_invoice(changes: Any) -> None:
    """Orders are gathered together: one that raised here would cost all the others."""
    seats = charge(1, "seats", kind="fixed", order_id=2, units="5", unit_changes=changes)
    (row,) = gather.Gathered(Lists([order(2)], [], [seats]), [2]).billing(2, JULY, "x")["charges"]
    assert row["unit_events"] == ({"at": None, "units": None},)


@pytest.mark.parametrize(
    "held", ["[", [5], [{"lago_id": "c", "frequency": "recurring", "frequency_duration_remaining": "two"}]]
)
def test_coupons_that_cannot_be_read_are_left_to_their_invoice(held: Any) -> None:
    reader = Lists([order(1, fusion_coupons=held)], uses={"c": USES})
    assert gather.Gathered(reader, [1]).order(1)["fusion_coupons"] == held
    assert coupon_uses.from_now_on(held) == held


FIXED = {"lago_id": "c", "frequency": "once", "amount_cents": 700, "created_at": "2026-01-01T00:00:00Z"}
PERCENT = {"lago_id": "c", "frequency": "once", "percentage_rate": "10"}
TWICE = {"lago_id": "c", "frequency": "recurring", "frequency_duration_remaining": 2}
USES = [(datetime(2026, 6, 1), 300), (datetime(2026, 5, 1), 100)]  # noqa: DTZ001 - as Odoo has them


@pytest.mark.parametrize(
    ("coupon", "uses", "changed"),
    [
        ({**FIXED, "frequency": "forever"}, USES, {}),
        (FIXED, [], {}),
        (FIXED, USES, {"credits": [{"at": USES[1][0], "amount_cents": 100}, {"at": USES[0][0], "amount_cents": 300}]}),
        (PERCENT, USES, {"terminated_at": USES[1][0]}),
        (TWICE, USES, {"terminated_at": USES[0][0]}),
        (TWICE, USES[:1], {}),
        ({**TWICE, "frequency_duration_remaining": 0}, USES, None),
    ],
)
def test_coupons_know_what_invoices_took(coupon: Row, uses: Any, changed: Row | None) -> None:
    reader = Lists([order(1, fusion_coupons=[coupon])], uses={"c": uses})
    held = gather.Gathered(reader, [1]).order(1)["fusion_coupons"]
    assert held == ([] if changed is None else [{**coupon, **changed}])


def test_coupons_are_read_again_when_an_invoice_was_made() -> None:
    reader = Lists([order(1, fusion_coupons='[{"lago_id": "c", "frequency": "once", "percentage_rate": "10"}]')])
    gathered = gather.Gathered(reader, [1])
    assert isinstance(gathered.order(1)["fusion_coupons"], str)
    reader.uses = {"c": USES}
    assert isinstance(gathered.order(1)["fusion_coupons"], str)
    gathered.refresh_coupons()
    assert gathered.order(1)["fusion_coupons"][0]["terminated_at"] == USES[1][0]


def test_a_coupon_for_a_new_invoice_says_what_was_taken_though_not_when() -> None:
    partly = {**FIXED, "amount_cents_remaining": 500}
    (shown,) = coupon_uses.from_now_on([partly])
    assert shown["credits"] == [{"at": "2026-01-01T00:00:00Z", "amount_cents": 200}]
    assert coupon_uses.from_now_on([PERCENT, TWICE]) == [{**PERCENT, "credits": []}, TWICE]
    assert coupon_uses.from_now_on(False) == []


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("sale_order", (*rows.ORDER_FIELDS, "fusion_previous_order_id", "fusion_service_id", "fusion_account_id")),
        ("charge", (*rows.CHARGE_FIELDS, *rows.CHARGE_LINKS)),
        ("metric", rows.METRIC_FIELDS),
        ("usage", (*rows.USAGE_FIELDS, *rows.USAGE_LINKS)),
    ],
)
def test_the_fields_that_are_read_are_those_of_the_models(model: str, names: Sequence[str]) -> None:
    source = (ADDON / "models" / f"{model}.py").read_text(encoding="utf-8")
    assert set(names) <= set(re.findall(r"^    (\w+) = fields\.", source, re.MULTILINE))
