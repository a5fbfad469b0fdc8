"""NexaSystems with 50 records broken at random: every other record arrives, every broken one is named, money adds up.

The seed is ``LAGO2ODOO_FUZZ_SEED`` (default 11).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lago2odoo.sandbox import odoo as embedded_odoo
from mappings import records as r
from migrate.lago.recording import bundled
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from reconcile.sides.unread import NO_CURRENCY
from tests.cli.conftest import ODOO_KEY, WAIVED, Project, new_project
from tests.fuzz.company import Company, whole_company
from tests.fuzz.conftest import seed
from tests.fuzz.invariants import Owners
from tests.fuzz.mutations import Mutation, Place, Records, broken_files
from tests.fuzz.values import IMPOSSIBLE

MONTH, UNTIL = "2026-04", "2026-05-01"  # what is reconciled, and the usage that it needs
# What is broken, and how often: of what there is much, much; and the record whose required fields are.
KINDS: Mapping[str, tuple[int, str, type]] = {
    "invoice": (14, "invoices", r.Invoice),
    "event": (10, "events", r.Event),
    "fee": (6, "fees", r.Fee),
    "subscription": (6, "subscriptions", r.Subscription),
    "customer": (5, "customers", r.Customer),
    "payment": (3, "payments", r.Payment),
    "credit_note": (2, "credit_notes", r.CreditNote),
    "applied_coupon": (1, "applied_coupons", r.AppliedCoupon),
    "wallet": (1, "wallets", r.Wallet),
    "coupon": (1, "coupons", r.Coupon),
    "plan": (1, "plans", r.Plan),
}

# An id names what is broken; an event without a subscription is one that Lago has, and never bills.
NOT_BROKEN = ("lago_id", "external_subscription_id")


def broken(records: Records, number: int) -> list[Mutation]:
    """That many records, each with a required field that says something no Lago can say."""
    rng = Random(f"nexasystems/{number}")
    return [
        _broken(records, kind, record, cls, rng)
        for kind, (times, _, cls) in KINDS.items()
        for record in rng.sample(sorted(records.by_kind[kind]), times)
    ]


def _broken(records: Records, kind: str, record: str, cls: type, rng: Random) -> Mutation:
    needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    places = records.places[kind, record]
    shown = [name for name in needed if name not in NOT_BROKEN and name in records.view(places[0])]
    name = rng.choice(shown)
    payloads: dict[Place, Any] = {place: records.at(place) for place in places}
    value = rng.choice(
        [IMPOSSIBLE["other type"].make(rng, records.view(places[0])[name]), None, f"zz\0{name}", "zz\ud800"]
    )
    for payload in payloads.values():
        payload[name] = value
    return Mutation(
        seed=0, number=0, kind="broken", resource=kind, record=record, field=name, impossible=True, places=payloads
    )


@dataclass(frozen=True, slots=True)
class World:
    """The broken company, extracted and applied."""

    project: Project
    mutations: list[Mutation]
    touched: frozenset[str]
    door: Door


@pytest.fixture(scope="module")
def company() -> Company:
    return whole_company(bundled(), UNTIL)


@pytest.fixture
def world(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("LAGO_API_KEY", "any")
    monkeypatch.setenv("ODOO_KEY", ODOO_KEY)
    records = Records(company)
    mutations = broken(records, seed())
    assert len(mutations) == 50
    folder = tmp_path / "recording"
    folder.mkdir()
    for name, text in {**company.texts, **broken_files(company, mutations)}.items():
        (folder / name).write_bytes(text)
    owners = Owners(records)
    server = embedded_odoo.serve(tmp_path / "odoo.db", api_key=ODOO_KEY)
    try:
        project = new_project(tmp_path, "", server.url)
        project.replace('url = ""', f'recording = "{folder}"')
        project.replace("requests_per_second = 5000\n", "")
        project.replace("usage_since = 2025-01-01\n", "")
        access = OdooSettings(url=server.url, database=server.database_name, user=server.user, key=ODOO_KEY)
        touched = frozenset(c for mutation in mutations for c in owners.of(mutation))
        yield World(project, mutations, touched, Door(connect(access)))
    finally:
        server.close()


def loaded(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.mark.whole
def test_every_other_record_arrives_every_broken_one_is_named_and_money_adds_up(world: World, company: Company) -> None:
    run = world.project.run
    extracted = run("extract")
    assert (extracted.code, "everything else is read; " in extracted.err) == (1, True)
    named = {(q["resource"], q["id"]) for q in loaded(run("status", "--format", "json").out)["quarantined"]}
    unnamed = [m for m in world.mutations if (KINDS[m.resource][1], m.record) not in named]
    assert [(m.resource, m.record, m.field) for m in unnamed] == []

    applied = run("apply")
    assert applied.code == 1
    assert "everything else is written" in applied.err
    missing = [xid for xid in expected(company, world.touched) if xid not in external_ids(world.door)]
    assert missing == []
    shown = loaded(run("preview", "--format", "json").out)
    assert {c["action"] for c in shown["changes"]} <= {"unchanged", "skipped"}

    assert run("reconcile", "--period", MONTH).code == 2
    report = loaded((world.project.folder / "report" / f"{MONTH}.json").read_text("utf-8"))
    refused = {i["id"] for i in report["invoices"] if i.get("refusals")}
    assert {m.record for m in world.mutations if m.resource == "invoice" and concerns(m, company)} <= refused
    for register in report["registers"]:
        left = register["left"]
        parts = left["compared_cents"] + left["not_compared_cents"] + left["outside_cents"]
        assert parts == left["gross_cents"]
    assert registered(report) == billed(company, world.mutations)

    reasons = sorted({c["skipped"]["reason"] for c in shown["changes"] if c["skipped"]})
    text = world.project.config.read_text("utf-8")
    world.project.config.write_text(text.replace(f"skipped = {list(WAIVED)}", f"skipped = {reasons}"), "utf-8")
    assert run("apply").code == 0


def registered(report: dict[str, Any]) -> dict[str, int]:
    """Lago's registers by currency, but for what bills nothing and whose currency nobody can read."""
    sums = {register["currency"]: register["left"]["gross_cents"] for register in report["registers"]}
    return {currency: cents for currency, cents in sums.items() if cents or currency != NO_CURRENCY}


def expected(company: Company, touched: frozenset[str]) -> set[str]:
    """External ids of the customers and orders of everybody whom nothing broken concerns."""
    records = Records(company)
    orders = {"active", "pending", "terminated", "canceled"}
    found = set()
    for kind, wanted in (("customer", None), ("subscription", orders)):
        for record in records.by_kind[kind]:
            shown = records.view(records.places[kind, record][0])
            owner = shown.get("external_customer_id") or shown["external_id"]
            if owner not in touched and (wanted is None or shown["status"] in wanted):
                found.add(f"lago.{kind}_{record}")
    return found


def external_ids(door: Door) -> set[str]:
    rows = door.search_read("ir.model.data", [["module", "=", "lago"]], ["name"])
    return {f"lago.{row['name']}" for row in rows}


def concerns(mutation: Mutation, company: Company) -> bool:
    """Whether an invoice is the month's, or may be, because nobody can read when it was issued."""
    shown = original(company, mutation.record)
    return mutation.field == "issuing_date" or shown["issuing_date"].startswith(MONTH)


def original(company: Company, invoice: str) -> dict[str, Any]:
    records = Records(company)
    return records.view(records.places["invoice", invoice][0])


def billed(company: Company, mutations: list[Mutation]) -> dict[str, int]:
    """Lago's register of the month by currency: of every invoice whose header can be read, comparable or not."""
    records, sums = Records(company), dict[str, int]()
    fields_by_id = {m.record: m.field for m in mutations if m.resource == "invoice"}
    for record in records.by_kind["invoice"]:
        shown, field = records.view(records.places["invoice", record][0]), fields_by_id.get(record, "")
        in_month = field == "issuing_date" or shown["issuing_date"].startswith(MONTH)
        if in_month and shown["status"] == "finalized" and not field.endswith("_amount_cents"):
            currency = NO_CURRENCY if field == "currency" else shown["currency"]
            sums[currency] = sums.get(currency, 0) + shown["sub_total_including_taxes_amount_cents"]
    return sums
