"""``reconcile --push``: Odoo holds the month's verdicts, no more, no less, and is written to only when one changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lago2odoo.shipped_addon import version
from mappings.context import partner_ref
from mappings.subscriptions import order_ref
from migrate.change_set.verdicts import MODEL, Owners, verdicts
from migrate.errors import Blocked
from migrate.odoo.discover import addon_version
from migrate.odoo.door import Door
from migrate.odoo.push import Pushed, PushScope, push, require_addon
from reports.data import ReportData
from tests.reporting.sample import HOSTILE, RUN, finding, invoice, position, sample

FIELDS = ("position", "lago_amount", "odoo_amount", "rerate_amount", "stated", "delta", "status", "verdict", "side", "cause", "waiver", "is_open", "run", "active", "currency_id")  # fmt: skip  # noqa: E501


@pytest.fixture
def month() -> str:
    """Every test has a month of its own: databases are shared."""
    return f"{next(YEARS)}-07"


YEARS = iter(range(2100, 9999))


def of_month(data: ReportData, month: str) -> ReportData:
    """The sample, billed in another month; ids of its own, so that tests do not meet."""
    invoices = tuple(replace(i, month=month, id=f"{month}-{i.id}", number=f"{month} {i.number}") for i in data.invoices)
    return replace(data, run=replace(data.run, period=month), invoices=invoices)


@pytest.fixture
def pushed(odoo: Any, month: str) -> Callable[..., Pushed]:
    """Push a report as its month's."""

    def run(data: ReportData, owners: Owners = Owners(partners={}), customers: frozenset[str] | None = None) -> Pushed:  # noqa: B008
        done = push(Door(odoo), verdicts(of_month(data, month), owners), PushScope(period=month, customers=customers))
        done.raise_if_failed()
        return done

    return run


def held(shop: Any, month: str) -> dict[str, dict[str, Any]]:
    """Position -> what Odoo holds, archived ones too."""
    context = {"active_test": False}
    rows = shop.call(MODEL, "search_read", domain=[["period", "=", month]], fields=[*FIELDS], context=context)
    return {row["position"].removeprefix("Usage: "): row for row in rows}


def counts(done: Pushed) -> tuple[int, int, int, int]:
    return done.created, done.updated, done.unchanged, done.archived


def test_every_status_and_currency_arrives_and_a_second_push_writes_nothing(
    shop: Any, pushed: Callable[..., Pushed], month: str
) -> None:
    assert counts(pushed(sample())) == (10, 0, 0, 0)
    rows = held(shop, month)
    odd, tax, refused = rows["API calls"], rows["Tax: hst_on"], rows["Line 7"]
    assert (odd["lago_amount"], odd["odoo_amount"], odd["rerate_amount"], odd["delta"]) == (100.0, 90.0, 100.0, -10.0)
    assert (odd["status"], odd["verdict"], odd["side"], odd["cause"]) == ("differs", "odoo", "odoo", "missing_usage")
    assert (odd["is_open"], odd["stated"], odd["run"]) == (True, "lago, odoo, rerate", "2026-08-20 23:50:00 UTC")
    assert (tax["delta"], rows["Line 3"]["waiver"], rows["Line 3"]["is_open"]) == (-1.3, "tax_rounding", False)
    assert (refused["status"], refused["stated"], refused["delta"]) == ("refused", "lago, rerate", 0.0)
    assert [rows[f"Line {n}"]["status"] for n in (4, 5, 6, 8)] == ["only_lago", "only_odoo", "equal", "outside"]
    assert (rows["Line 9"]["lago_amount"], rows["Line 9"]["currency_id"][1]) == (6992.0, "JPY")
    assert (rows["Line 10"]["lago_amount"], rows["Line 10"]["currency_id"][1]) == (12.345, "KWD")
    again = pushed(replace(sample(), run=replace(RUN, compared_at=RUN.compared_at.replace(day=21))))
    assert (counts(again), again.calls, held(shop, month)) == ((0, 0, 10, 0), 0, rows)


def test_a_rerun_updates_what_changed_and_archives_what_is_gone(
    shop: Any, pushed: Callable[..., Pushed], month: str
) -> None:
    later = replace(RUN, compared_at=RUN.compared_at.replace(day=22))
    first = ReportData(run=RUN, invoices=(invoice(1, position(1, 100, 90, 100), position(2, 5, 5, 5)),))
    second = ReportData(run=later, invoices=(invoice(1, position(1, 100, 100, 100)),))
    pushed(first)
    assert counts(pushed(second)) == (0, 1, 0, 1)
    rows = held(shop, month)
    mended, gone = rows["Line 1"], rows["Line 2"]
    assert (mended["status"], mended["cause"], mended["delta"], mended["is_open"]) == ("equal", False, 0.0, False)
    assert (mended["run"], gone["active"], gone["run"]) == ("2026-08-22 23:50:00 UTC", False, "2026-08-20 23:50:00 UTC")
    assert counts(pushed(second)) == (0, 0, 1, 0)
    assert counts(pushed(first)) == (0, 2, 0, 0), "a position that is back is no new one"
    assert [row["active"] for row in held(shop, month).values()] == [True, True]


def test_a_cohort_speaks_for_its_customers_only(shop: Any, pushed: Callable[..., Pushed], month: str) -> None:
    both = (invoice(1, position(1, 100, 90, 100)), invoice(2, position(2, 5, 5, 5)))
    pushed(ReportData(run=RUN, invoices=both))
    one = ReportData(run=RUN, invoices=(invoice(1, position(3, 7, 7, 7)),))
    assert counts(pushed(one, customers=frozenset({"NX-1"}))) == (1, 0, 0, 1)
    assert {name: row["active"] for name, row in held(shop, month).items()} == {
        "Line 1": False, "Line 2": True, "Line 3": True,
    }  # fmt: skip


def test_verdicts_stand_at_their_customer_and_order(shop: Any, pushed: Callable[..., Pushed], month: str) -> None:
    partner, order = shop.partner(), shop.order()
    for ref, model, number in ((partner_ref(month), "res.partner", partner), (order_ref(month), "sale.order", order)):
        module, _, name = ref.xid.partition(".")
        shop.make("ir.model.data", module=module, name=name, model=model, res_id=number)
    own = {"subscription": month, "kind": "charge", "item": "c"}
    tax = position(2, 13, 12, 13, header=True, kind="tax", label="hst", key={"part": "tax"})
    stranger = invoice(2, position(3, 1, 1, 1))
    data = ReportData(run=RUN, invoices=(invoice(1, position(1, 100, 90, 100, key=own), tax), stranger))
    owners = Owners(partners={"NX-1": partner_ref(month), "NX-2": partner_ref("nobody")})
    assert counts(pushed(data, owners)) == (3, 0, 0, 0)
    rows = shop.call(MODEL, "search_read", domain=[["period", "=", month]], fields=["partner_id", "order_id"])
    found = sorted(((r["partner_id"] or [0])[0], (r["order_id"] or [0])[0]) for r in rows)
    assert found == [(0, 0), (partner, order), (partner, order)]
    assert counts(pushed(data, owners)) == (0, 0, 3, 0)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_want_to_break_out_stay_names(pushed: Callable[..., Pushed], name: str) -> None:
    pushed(sample(name))
    assert pushed(sample(name)).calls == 0, "Odoo keeps each text as it was sent"


def test_what_odoo_refuses_is_named_and_the_others_arrive(odoo: Any, shop: Any, month: str) -> None:
    good, bad = invoice(1, position(1, 1, 1, 1)), invoice(2, position(2, 1, 2, 1, verdict="nonsense"))
    wanted = verdicts(of_month(ReportData(run=RUN, invoices=(good, bad)), month), Owners(partners={}))
    done = push(Door(odoo), wanted, PushScope(period=month))
    assert (done.created, [f.change.source for f in done.failures]) == (1, [f"verdict {month} NEX-002 000000000002"])
    assert list(held(shop, month)) == ["Line 1"]


def test_another_version_of_the_addon_is_refused_with_the_way_out(odoo: Any) -> None:
    assert addon_version(Door(odoo)) == version()
    require_addon(Door(odoo), version())
    with pytest.raises(Blocked, match="then upgrade the module"):
        require_addon(Door(odoo), "20.0.1.0.0")
    with pytest.raises(Blocked, match="install the lago2odoo that came with that addon"):
        require_addon(Door(odoo), "19.0.0.9.9")


def test_two_causes_are_both_told(shop: Any, pushed: Callable[..., Pushed], month: str) -> None:
    two = (finding(-8), finding(-2, "price", "lago", proven=False, evidence=()))
    pushed(ReportData(run=RUN, invoices=(invoice(1, position(1, 100, 90, 95, findings=two)),)))
    row = shop.call(
        MODEL,
        "search_read",
        domain=[["period", "=", month]],
        fields=["cause", "cause_label", "side", "proven", "detail"],
    )[0]
    assert (row["cause"], row["cause_label"]) == ("missing_usage + price", "Usage missing + Another price")
    assert (row["side"], row["proven"]) == ("unknown", False)
    assert "9.5 units (9 events) instead of 1,234.567 units (10 events)" in row["detail"]
    assert "→" in row["detail"]
