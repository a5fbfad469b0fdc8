"""One record that cannot be billed, however it came to be there, stops no scheduled job; a person hears of it, once.

What the API refuses can still be written by a user, an import or a module: that is how the records here are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from migrate.odoo.errors import OdooRefused
from tests.odoo.small import Small, day_of_last_month, small

pytestmark = pytest.mark.odoo

ROBOT = 1  # OdooBot
GOOD = [30.15]


@pytest.fixture(scope="module")
def company(kept_database: Any) -> Small:
    return small(kept_database.settings())


@pytest.fixture(scope="module")
def client(company: Small) -> Iterator[httpx.Client]:
    with company.http() as opened:
        yield opened


def order(company: Small, subscription: str) -> int:
    return int(company.one("sale.order", [["fusion_external_id", "=", subscription]], "id"))


def own_price(company: Small, subscription: str, **vals: Any) -> None:
    """A price that somebody wrote for this order alone."""
    charge = company.call("fusion.billing.charge", "search", domain=[["fusion_lago_id", "=", company.charge("calls")]])
    own = company.call("fusion.billing.charge", "copy", charge)
    where = {"order_id": order(company, subscription), "plan_id": False, "fusion_lago_id": company.charge("calls")}
    company.call("fusion.billing.charge", "write", own, vals={**where, **vals})


def usage(company: Small, subscription: str, code: str, **vals: Any) -> None:
    row = company.event(subscription, code)["event"]
    own = {name: row[name] for name in ("transaction_id", "external_subscription_id", "code")}
    moment = day_of_last_month(15)
    company.make("fusion.billing.usage", **own, timestamp=moment, received_at=moment, **vals)


def break_it(company: Small, subscription: str, how: str) -> None:
    """One fault of each kind, as a user or another module may leave it."""
    number = order(company, subscription)
    if how == "a price that is no number":
        own_price(company, subscription, properties=json.dumps({"amount": "abc"}))
    elif how == "a package of nothing":
        own_price(company, subscription, charge_model="package", properties='{"amount": "1", "package_size": 0}')
    elif how == "tiers that are none":
        tiers = '{"graduated_ranges": [{"from_value": "abc"}]}'
        own_price(company, subscription, charge_model="graduated", properties=tiers)
    elif how == "a number of 400 digits":
        usage(company, subscription, "bytes", properties=json.dumps({"bytes": "9" * 400}))
    elif how == "an exponent":
        usage(company, subscription, "bytes", properties='{"bytes": 1e50000000}')
    elif how == "a trial of ages":
        company.call("sale.order", "write", [number], vals={"fusion_trial_days": "9" * 15})
    elif how == "a coupon that is none":
        company.call("sale.order", "write", [number], vals={"fusion_coupons": "[5]"})
    elif how == "days of grace beyond time":
        link = company.call("fusion.billing.account.link", "search", domain=[["external_id", "=", subscription]])
        company.call("fusion.billing.account.link", "write", link, vals={"grace_days": 10**9})


FAULTS = (
    "a price that is no number", "a package of nothing", "tiers that are none", "a number of 400 digits", "an exponent",
    "a trial of ages", "a coupon that is none", "days of grace beyond time",
)  # fmt: skip


@pytest.fixture(scope="module")
def billed(company: Small, client: httpx.Client) -> dict[str, str]:
    """Fault -> the subscription that has it; the jobs have run over all of them, twice."""
    made = {}
    for number, how in enumerate(("sound", *FAULTS)):
        made[how] = company.subscribe(client, f"isolated-{number}")
        company.use(client, made[how], 3)
        break_it(company, made[how], how)
    made["beside a broken one"] = company.subscribe(
        client, "isolated-beside", external_customer_id=made["a price that is no number"]
    )
    company.use(client, made["beside a broken one"], 3)
    company.call("fusion.billing.service", "write", [company.service], vals={"webhook_url": "http://127.0.0.1:9/"})
    company.run()
    company.run("cron_invoice", "cron_check_events", "cron_lifecycle")
    return made


def test_a_sound_order_is_billed_beside_broken_ones(company: Small, billed: dict[str, str]) -> None:
    assert company.invoices(billed["sound"]) == GOOD
    assert company.activities(billed["sound"]) == []


def test_of_one_customer_only_the_broken_order_waits(company: Small, billed: dict[str, str]) -> None:
    """They would have shared an invoice."""
    assert company.invoices(billed["beside a broken one"]) == GOOD
    assert company.activities(billed["beside a broken one"]) == []


@pytest.mark.parametrize("how", FAULTS)
def test_a_person_hears_of_each_once(company: Small, billed: dict[str, str], how: str) -> None:
    assert company.invoices(billed[how]) == []
    (told,) = company.activities(billed[how])
    assert told["user_id"][0] != ROBOT
    assert told["note"]
    assert "9" * 50 not in told["note"]  # it names the number, it does not write it out


def test_the_end_of_a_broken_one_is_an_end_all_the_same(
    company: Small, client: httpx.Client, billed: dict[str, str]
) -> None:
    """Asked for by the app or planned: it ends, what it cannot bill is told, and the app is answered."""
    asked, planned = billed["an exponent"], billed["a package of nothing"]
    answer = client.delete(f"subscriptions/{asked}")
    assert (answer.status_code, answer.json()["subscription"]["status"]) == (200, "terminated")
    past = {"fusion_ending_at": day_of_last_month(20)}
    company.call("sale.order", "write", [order(company, planned)], vals=past)
    company.run("cron_lifecycle")
    company.run("cron_lifecycle")
    for subscription in (asked, planned):
        assert company.one("sale.order", [["fusion_external_id", "=", subscription]], "fusion_ended_at")
        assert len(company.activities(subscription)) == 1


def test_a_metric_of_no_shape_is_refused_where_it_is_entered(company: Small, billed: dict[str, str]) -> None:
    """Its filters would have held up the check of every service's events."""
    assert billed
    metric = company.call("fusion.billing.metric", "search", domain=[["code", "=", company.name("calls")]])
    with pytest.raises(OdooRefused, match=r"field filters\[0\] is 5, must be an object"):
        company.call("fusion.billing.metric", "write", metric, vals={"filters": "[5]"})
    company.run("cron_check_events")
