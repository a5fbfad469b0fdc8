"""Records that carry money, broken before a first migration: Odoo is empty, and no removal waits that tells of them.

What vanishes or changes there is in quarantine, or named. The seed is ``LAGO2ODOO_FUZZ_SEED`` (default 11).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from tests.fuzz.campaign import Campaign, tally
from tests.fuzz.company import Answer, Company, Payload, small_company
from tests.fuzz.conftest import seed
from tests.fuzz.driver import Result, beginning
from tests.fuzz.invariants import FORBIDDEN, HARMLESS, QUARANTINED, SHOWN, SILENT, Verdict
from tests.fuzz.mutations import Mutation, Records, of_field
from tests.fuzz.places import Path as FieldPath
from tests.fuzz.places import get_at
from tests.fuzz.test_sensitivity import drop, take_for_nothing, verdict_of
from tests.fuzz.values import POSSIBLE

NUMBER = 40  # mutations of each run of the tests
CENTS = ("total_amount_cents", "credit_amount_cents", "refund_amount_cents", "offset_amount_cents")
FIELDS: dict[str, tuple[FieldPath, ...]] = {
    "credit_note": (
        *((name,) for name in (*CENTS, "balance_amount_cents", "credit_status", "currency", "self_billed")),
        ("customer", "lago_id"),
    ),
    "wallet": tuple((n,) for n in ("status", "rate_amount", "credits_balance", "balance_cents", "lago_customer_id")),
    "applied_coupon": (
        *((name,) for name in ("status", "frequency", "credits", "lago_coupon_id", "lago_customer_id")),
        ("credits", 0, "amount_cents"),
        ("credits", 0, "invoice"),
    ),
}
MONEY_OF: dict[str, FieldPath] = {
    "credit_note": ("balance_amount_cents",),
    "wallet": ("balance_cents",),
}
OF_TEXTS = ("empty", "spaces", "right to left", "100 kB", "unknown field")
LEFT = {"status": "active", "balance_cents": 12345, "credits_balance": "123.45", "rate_amount": "1.0"}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with beginning(with_credits(small_company()), tmp_path_factory.mktemp("first")) as driver:
        yield Campaign(driver)


def with_credits(company: Company) -> Company:
    """The same company, whose wallets have something on them."""

    def filled(answer: Answer) -> Answer:
        shown = {root: [{**one, **LEFT} for one in answer.body[root]] for root in answer.body if root == "wallets"}
        return replace(answer, body={**answer.body, **shown})

    return Company({name: tuple(filled(answer) for answer in answers) for name, answers in company.files.items()})


def money(result: Result) -> Counter[tuple[object, ...]]:
    """Open drafts, prepaid credits, and coupons of orders that are not over: whose it is, and how much."""
    held: Counter[tuple[object, ...]] = Counter()
    for item in result.wanted.values():
        values = item.values
        if item.model == "loyalty.card":
            held[values["partner_id"], values["program_id"], values["points"]] += 1
        elif item.model == "account.move":
            lines = (line.values["price_unit"] for line in item.children["invoice_line_ids"])
            held[values["partner_id"], values["move_type"], values["currency_id"], *lines] += 1
        elif item.model == "sale.order":
            coupons = json.loads(str(values.get("fusion_coupons") or "[]"))
            held.update((item.xid, coupon["lago_id"]) for coupon in coupons if coupon["status"] == "active")
    return held


def mutations(records: Records, number: int) -> list[Mutation]:
    """That many, chosen among what a field that money follows from may say: the impossible is judged with a state."""
    kinds = {name: kind for name, kind in POSSIBLE.items() if name not in OF_TEXTS}
    every = [
        (kind, record, path, name)
        for kind, paths in FIELDS.items()
        for record in sorted(records.by_kind[kind])
        for path in paths
        for name in kinds
        if kinds[name].fits(get_at(records.view(records.places[kind, record][0]), path))
    ]
    rng = Random(f"first/{seed()}")
    return [_mutation(records, rng.random(), place, *what) for place, what in enumerate(rng.sample(every, number))]


def _mutation(
    records: Records, inner: float, number: int, kind: str, record: str, path: FieldPath, name: str
) -> Mutation:
    def put(payload: Payload) -> None:
        beside = get_at(payload, path[:-1])
        beside[path[-1]] = POSSIBLE[name].make(Random(inner), beside[path[-1]])

    return of_field(records, (kind, record), path, put, (), seed=seed(), number=number, kind=name)


def test_on_a_first_migration_no_money_vanishes_or_changes_without_a_name(campaign: Campaign) -> None:
    before = money(campaign.driver.undisturbed)
    assert {len(what) for what in before} == {2, 3, 4}, "coupons, prepaid credits and drafts"
    verdicts = [verdict for one in mutations(campaign.records, NUMBER) for verdict in judged(campaign, one, before)]
    wrong = [f"{v.kind}: {v.mutation} {v.mutation.values}\n    {v.why}" for v in verdicts if v.kind in FORBIDDEN]
    assert not wrong, "\n".join(wrong)
    named = tally(verdicts)
    assert len(verdicts) == NUMBER
    assert named[QUARANTINED] + named[SHOWN] > NUMBER / 2, named


def judged(campaign: Campaign, mutation: Mutation, before: Counter[tuple[object, ...]]) -> Iterator[Verdict]:
    """Other dates, names or rates may be right, and nothing tells of them where nothing was before: money is judged."""
    after = campaign.run_of([mutation])
    for verdict in campaign.judge.judge([mutation], after):
        is_same = verdict.kind == SILENT and money(after) == before
        yield replace(verdict, kind=HARMLESS) if is_same else verdict


def test_a_null_that_is_taken_for_a_default_is_seen(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the product, planted: a price that is null becomes 0. Without it the plan is in quarantine."""
    records = campaign.records
    mutation = _mutation(records, 0.5, 0, "plan", records.by_kind["plan"][0], ("amount_cents",), "null")
    assert verdict_of(campaign, mutation).kind == QUARANTINED
    take_for_nothing(monkeypatch)
    verdict = verdict_of(campaign, mutation)
    assert (verdict.kind, "fusion_amount" in verdict.why) == (SILENT, True)


@pytest.mark.parametrize("kind", sorted(MONEY_OF))
def test_credit_that_is_dropped_without_a_word_is_seen(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    records, before = campaign.records, money(campaign.driver.undisturbed)
    mutation = _mutation(records, 0.5, 0, kind, records.by_kind[kind][0], MONEY_OF[kind], "null")
    assert [verdict.kind for verdict in judged(campaign, mutation, before)] == [QUARANTINED]
    drop(monkeypatch)
    assert [verdict.kind for verdict in judged(campaign, mutation, before)] == [SILENT]
