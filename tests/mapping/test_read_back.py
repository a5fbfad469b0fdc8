"""The mappers backwards: what they write of generated companies, as Odoo gives it back, is what Lago had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings import fields, read_back
from mappings.fields import FieldPair, Kind, Row, read, written
from mappings.read_back import DefinedCoupon, Terms
from mappings.records import (
    AppliedCoupon,
    ChargeFilter,
    Coupon,
    Credit,
    CreditItem,
    MinimumCommitment,
    Snapshot,
    Subscription,
)
from mappings.target import Desired, Mapped, Ref, xid
from mappings.usage import UsageRow
from tests.mapping import build
from tests.mapping.build import at, coupon, held, mapped, of, plan, snapshot, subscription
from tests.mapping.companies import CURRENCIES, companies, moments, names, prices

# --- what Odoo gives back -----------------------------------------------------------------------------------------


def row_of(record: Desired) -> dict[str, object]:
    """A record as a search_read would answer it: texts for moments, numbers for links, nothing for nothing."""
    return {"id": record.xid, **{name: value_of(value) for name, value in record.values.items()}}


def value_of(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Ref):
        return value.xid
    return None if value is False else value


def charges_of(order: Desired, items: Iterable[Mapped]) -> list[Row]:
    """What rating takes: the order's own charges, else those of its plan's product."""
    metric_rows = {record.xid: record.values for record in of(items, "fusion.billing.metric")}
    rows = [row_of(record) for record in of(items, "fusion.billing.charge")]
    own = [row for row in rows if row.get("order_id") == order.xid]
    shown = own or [row for row in rows if row.get("plan_id") == xid("plan_product", "p1")]
    for row in shown:
        of_metric = metric_rows.get(str(row["metric_id"]), {})
        row |= {"metric": of_metric.get("code"), "metric_lago_id": of_metric.get("fusion_lago_id")}
    return list(shown)


def terms_in(snap: Snapshot, one: Subscription) -> Terms:
    """What Lago bills a subscription by."""
    own = one.plan or snap.plans[0]
    fixed = one.fixed_charges if one.fixed_charges is not None else own.fixed_charges or snap.plans[0].fixed_charges
    price = own.amount_cents if one.plan_amount_cents is None else one.plan_amount_cents
    priced = replace(one, plan_amount_cents=price)
    return Terms(customer=snap.customers[0], subscription=priced, plan=replace(own, fixed_charges=fixed))


companies_of_any_kind = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TARGET: dict[str, Any] = {"currencies": frozenset(CURRENCIES)}


@companies_of_any_kind
@given(companies())
def test_orders_and_charges_come_back(snap: Snapshot) -> None:
    items = mapped(snap, **TARGET)
    orders = {order.values["fusion_lago_id"]: order for order in of(items, "sale.order")}
    assert set(orders) == {"s1", "s2"}
    for one in snap.subscriptions:
        lago, order = terms_in(snap, one), orders[one.lago_id]
        assert read_back.terms(lago, row_of(order), charges_of(order, items)) == lago


@companies_of_any_kind
@given(companies())
def test_they_come_back_from_odoo_alone(snap: Snapshot) -> None:
    """With another Lago at hand, whose every field says something else, what is read is still what was written."""
    items = mapped(snap, **TARGET)
    orders = {order.values["fusion_lago_id"]: order for order in of(items, "sale.order")}
    for one in snap.subscriptions:
        lago, order = terms_in(snap, one), orders[one.lago_id]
        found = read_back.terms(strange_terms(lago), row_of(order), charges_of(order, items))
        currency = lago.plan.amount_currency
        ended = replace(
            one,
            terminated_at=one.terminated_at or one.canceled_at,
            plan_amount_cents=lago.subscription.plan_amount_cents,
        )
        read_end = found.subscription.terminated_at or found.subscription.canceled_at
        assert written(fields.CUSTOMER, found.customer) == written(fields.CUSTOMER, lago.customer)
        assert written(fields.SUBSCRIPTION, replace(found.subscription, terminated_at=read_end), currency) == written(
            fields.SUBSCRIPTION, ended, currency
        )
        assert written(fields.PLAN, found.plan) == written(fields.PLAN, lago.plan)
        due = (lago.plan.minimum_commitment or MinimumCommitment(amount_cents=0)).amount_cents
        assert (found.plan.minimum_commitment or MinimumCommitment(amount_cents=0)).amount_cents == due
        for mine, theirs in zip(lago.plan.charges, found.plan.charges, strict=True):
            assert written(fields.CHARGE, theirs, currency) == written(fields.CHARGE, mine, currency)
            assert theirs.lago_billable_metric_id == mine.lago_billable_metric_id
            assert [f.values for f in theirs.filters] == [f.values for f in mine.filters]
            assert [f.lago_id for f in theirs.filters] == [f.lago_id for f in mine.filters]
            assert [texts(f.properties) for f in theirs.filters] == [texts(f.properties) for f in mine.filters]
        for mine_fixed, theirs_fixed in zip(lago.plan.fixed_charges, found.plan.fixed_charges, strict=True):
            assert written(fields.FIXED_CHARGE, theirs_fixed) == written(fields.FIXED_CHARGE, mine_fixed)


def texts(properties: Mapping[str, object]) -> str:
    return fields.json_text(properties)


@companies_of_any_kind
@given(companies())
def test_metrics_come_back(snap: Snapshot) -> None:
    rows = {row["code"]: row for row in map(row_of, of(mapped(snap, **TARGET), "fusion.billing.metric"))}
    for one in snap.billable_metrics:
        assert read_back.metric(one, rows[one.code]) == one
        other = read_back.metric(replace(strange(fields.METRIC, one), filters=()), rows[one.code])
        assert replace(other, name=one.name) == one


@companies_of_any_kind
@given(companies())
def test_coupons_come_back(snap: Snapshot) -> None:
    """Those that the mapper puts on an order; of the others it says why not."""
    orders = of(mapped(snap, options=build.Options(usage_since=at("2015-01-01 00:00")), **TARGET), "sale.order")
    entries = [entry for order in orders for entry in read_back.coupon_entries(order.values["fusion_coupons"])]
    definitions = {one.lago_id: one for one in snap.coupons}
    lago = {
        one.lago_id: DefinedCoupon(applied=one, coupon=definitions[one.lago_coupon_id]) for one in snap.applied_coupons
    }
    found = read_back.coupons(lago, "c1", entries)
    assert found == {name: lago[name] for name in found}
    assert {str(entry["lago_id"]) for entry in entries} == set(found)
    for name, alone in read_back.coupons({}, "c1", entries).items():
        applied = written(fields.APPLIED_COUPON, alone.applied)
        assert applied == written(fields.APPLIED_COUPON, lago[name].applied)
        assert sorted(alone.coupon.plan_codes) == sorted(lago[name].coupon.plan_codes)
        assert alone.coupon.limited_billable_metrics == lago[name].coupon.limited_billable_metrics


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            build.row,
            transaction_id=names,
            timestamp=st.just("2026-08-05 10:00"),
            created_at=st.none() | moments,
            properties=st.dictionaries(names, prices | st.integers()).map(fields.json_text),
            precise_total_amount_cents=st.none() | prices,
        ).flatmap(lambda row: st.builds(replace, st.just(row), timestamp=moments)),
        unique_by=lambda row: row.transaction_id,
    )
)
def test_usage_comes_back(rows: list[UsageRow]) -> None:
    snap, options = snapshot(), build.Options(usage_since=at("2015-01-01 00:00"))
    held_rows = [row_of(record) for record in of(mapped(snap, rows, options), "fusion.billing.usage")]
    lago = {row.transaction_id: replace(row, created_at=row.created_at or row.timestamp) for row in rows}
    assert read_back.usage(lago, held_rows) == lago
    assert {k: replace(v, lago_id=None) for k, v in lago.items()} == read_back.usage({}, held_rows)


# --- another Lago -------------------------------------------------------------------------------------------------

OTHER: tuple[tuple[Kind, object], ...] = (
    (fields.TEXT, "other"), (fields.NAME, "other"), (fields.ZONE, "Asia/Tokyo"), (fields.NUMBER, Decimal("987.5")),
    (fields.DAYS, Decimal(987)), (fields.MONEY, 98765), (fields.SECONDS, at("2001-01-01 00:00")),
    (fields.JSON, {"other": "1"}),
    (fields.MOMENT, at("2001-01-01 00:00")), (fields.DIGITS, 77), (fields.ISO, at("2001-01-01 00:00")),
    (fields.WHOLE, 98765), (fields.RATE, Decimal(987)),
)  # fmt: skip


def strange(rows: Iterable[FieldPair], record: Any) -> Any:
    """A record in which every field of the table has another value."""
    return replace(record, **{row.lago: other_than(row, getattr(record, row.lago)) for row in rows})


def other_than(row: FieldPair, value: object) -> object:
    return not value if row.kind is fields.FLAG else next(other for kind, other in OTHER if kind is row.kind)


def strange_terms(lago: Terms) -> Terms:
    """Only names, ids and what Odoo does not hold are Lago's."""
    own = lago.subscription
    ended = own.terminated_at is None and own.canceled_at is not None
    odd = strange(fields.SUBSCRIPTION, own)
    return Terms(
        customer=strange(fields.CUSTOMER, lago.customer),
        subscription=replace(odd, terminated_at=None, canceled_at=odd.terminated_at) if ended else odd,
        plan=replace(
            strange(fields.PLAN, lago.plan),
            minimum_commitment=MinimumCommitment(amount_cents=98765),
            charges=tuple(replace(strange(fields.CHARGE, c), filters=()) for c in lago.plan.charges),
            fixed_charges=tuple(strange(fields.FIXED_CHARGE, c) for c in lago.plan.fixed_charges),
        ),
    )


# --- the table ----------------------------------------------------------------------------------------------------


def test_a_new_field_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by the mapper, asked of Odoo, and read back; ``test_cause_of`` sees it named."""
    row = FieldPair(lago="accepts_target_wallet", odoo="target_wallet", kind=fields.FLAG)
    monkeypatch.setattr(fields, "CHARGE", (*fields.CHARGE, row))
    own = build.charge(accepts_target_wallet=True)
    snap = snapshot(plans=(plan(charges=(own,)),))
    items = mapped(snap)
    (order,) = of(items, "sale.order")
    (held_charge,) = charges_of(order, items)
    assert held_charge["target_wallet"] is True
    lago = terms_in(snap, snap.subscriptions[0])
    assert read_back.terms(lago, row_of(order), [held_charge]) == lago
    (other,) = read_back.terms(lago, row_of(order), [{**held_charge, "target_wallet": None}]).plan.charges
    assert other == replace(own, accepts_target_wallet=False)


def test_nothing_is_known_where_a_required_field_is_empty() -> None:
    own = subscription(plan_amount_cents=4950)
    assert read(fields.SUBSCRIPTION, {"fusion_external_id": "abo-1"}, own, "EUR") == replace(own, started_at=None)


def test_a_row_that_is_not_there_is_no_charge() -> None:
    lago = terms_in(snapshot(), snapshot().subscriptions[0])
    assert read_back.terms(lago, {}, []).plan.charges == ()


def test_a_charge_of_odoos_own_stands_for_none_of_lagos() -> None:
    """It has no Lago id, and neither has the parent of a charge that overrides nothing."""
    assert read_back.charge_row(build.charge(), [{"fusion_lago_id": None}]) is None
    assert read_back.charge_row(build.charge(lago_parent_id="p"), [{"fusion_lago_id": "p"}]) is not None


@pytest.mark.parametrize(
    ("held_cents", "lago", "expected"),
    [
        (None, None, None),
        ("0.00", None, None),
        ("12.50", None, 1250),
        (None, 1250, None),
        ("12.50", 1250, 1250),
        ("13.00", 1250, 1300),
        (None, 0, 0),
    ],
)
def test_commitments(held_cents: str | None, lago: int | None, expected: int | None) -> None:
    own = None if lago is None else MinimumCommitment(amount_cents=lago, lago_id="mc")
    terms = terms_in(snapshot(), snapshot().subscriptions[0])
    terms = replace(terms, plan=replace(terms.plan, minimum_commitment=own))
    found = read_back.terms(terms, {"fusion_commitment": held_cents}, []).plan.minimum_commitment
    assert (found.amount_cents if found else None) == expected
    assert found is None or own is None or found.lago_id == "mc"


def test_filters_are_found_by_id_else_by_what_they_accept() -> None:
    own = ChargeFilter(lago_id="f1", values={"zone": ("a", "b")}, properties={"amount": "1"}, invoice_display_name="A")
    lago = terms_in(snapshot(), snapshot().subscriptions[0])
    lago = replace(lago, plan=replace(lago.plan, charges=(build.charge(filters=(own,)),)))

    def found(entry: str) -> tuple[ChargeFilter, ...]:
        row = {"fusion_lago_id": "ch1", "filters": f"[{entry}]", "metric": None, "metric_lago_id": None}
        (charge,) = read_back.terms(lago, {}, [row]).plan.charges
        return charge.filters

    assert found('{"values":{"zone":["b","a"]},"properties":{"amount":1}}') == (replace(own, properties={"amount": 1}),)
    assert found('{"lago_id":"f1","values":{"zone":["c"]},"properties":{"amount":"1"}}') == (
        replace(own, values={"zone": ("c",)}),
    )
    (other,) = found('{"lago_id":"f9","values":{"zone":["c"]}}')
    assert (other.lago_id, other.values, other.properties) == ("f9", {"zone": ("c",)}, {})


def test_credits_of_a_coupon_are_the_same_if_their_sum_is() -> None:
    taken = Credit(lago_id="cr", amount_cents=300, amount_currency="EUR", item=CreditItem(type="coupon"))
    lago = DefinedCoupon(applied=held(frequency="once", credits=(taken,)), coupon=coupon())

    def found(applied: AppliedCoupon, credits: object) -> tuple[Credit, ...]:
        entry = {"lago_id": "h1", "frequency": applied.frequency, "credits": credits}
        return read_back.coupons({"h1": replace(lago, applied=applied)}, "c1", [entry])["h1"].applied.credits

    assert found(lago.applied, [{"amount_cents": 300}]) == (taken,)
    assert [c.amount_cents for c in found(lago.applied, [{"amount_cents": 100}, {"amount_cents": 1}])] == [100, 1]
    assert found(lago.applied, []) == ()
    assert found(lago.applied, None) == (taken,)
    assert found(replace(lago.applied, frequency="forever"), []) == (taken,)


def test_a_coupon_that_only_odoo_has() -> None:
    entry = {"coupon_code": "extra", "percentage_rate": "5.0", "frequency": "forever", "plan_codes": ["boot_klein"]}
    extra = read_back.coupons({}, "c1", [entry])["extra"]
    assert (extra.applied.coupon_code, extra.applied.percentage_rate) == ("extra", Decimal(5))
    assert (extra.applied.lago_customer_id, extra.applied.lago_coupon_id) == ("c1", extra.coupon.lago_id)
    assert (extra.coupon.coupon_type, extra.coupon.limited_plans) == ("percentage", True)
    assert (extra.coupon.limited_billable_metrics, extra.coupon.plan_codes) == (False, ("boot_klein",))


def test_definitions_keep_their_flags_if_their_codes_are_the_same() -> None:
    odd: Coupon = coupon(limited_plans=False, plan_codes=("b", "a"))
    entry = {"lago_id": "h1", "plan_codes": ["a", "b"], "billable_metric_codes": []}
    assert read_back.coupons({"h1": DefinedCoupon(applied=held(), coupon=odd)}, "c1", [entry])["h1"].coupon == odd
