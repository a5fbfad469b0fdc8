"""Ends are set in Lago, read back, confirmed after their day, and taken away again: against a living Lago."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from lago2odoo.sandbox.living.company import customer_snapshot
from lago2odoo.sandbox.living.lago import LivingLago
from mappings.endings import Ending, endings
from migrate.cutover import back, end
from migrate.cutover.back import take_back
from migrate.cutover.confirm import Confirmation, confirm
from migrate.cutover.end import set_ends
from migrate.errors import LagoError
from migrate.lago.client import LagoPatience
from migrate.lago.ends import LagoEnds, timezones
from migrate.state.columns import CutoverStage
from migrate.state.cutover_stages import StageNote, stage_notes
from migrate.state.store import Store
from tests.lago.living_company import CUSTOMER, asked, company

CALLS = {"billable_metric_code": "calls", "charge_model": "standard", "properties": {"amount": "1"}}
PLAN = {"code": "p", "interval": "monthly", "amount_cents": 3100, "pay_in_advance": False, "charges": [CALLS]}
BEGIN = datetime(2026, 9, 15, 9, tzinfo=UTC)
NAMES = ("one", "two", "three")
COHORT = "pilot"
Fault = Callable[[httpx.Request], None]


def living(zone: str | None = None, grace: int | None = None, **of_plan: object) -> LivingLago:
    """Three subscriptions since 15 September 2026."""
    customer = {"timezone": zone, "invoice_grace_period": grace}
    lago = company({"customer": customer, "taxes": ["t10"], "plans": [{**PLAN, **of_plan}]})
    lago.now = BEGIN
    for name in NAMES:
        subscribe(lago, name)
    return lago


def subscribe(lago: LivingLago, name: str, **more: str) -> None:
    body = {"external_customer_id": CUSTOMER, "external_id": name, "plan_code": "p", **more}
    asked(lago, "POST", "/subscriptions", {"subscription": body})


def plan(lago: LivingLago) -> tuple[Ending, ...]:
    return tuple(endings(customer_snapshot(lago, CUSTOMER), None, date(2026, 9, 17)))


def client(lago: LivingLago, before: Fault | None = None, after: Fault | None = None) -> LagoEnds:
    """A client of it, over a transport that may break before or after the answer was made."""

    def answer(request: httpx.Request) -> httpx.Response:
        if before:
            before(request)
        body = json.loads(request.content) if request.content else None
        query = list(request.url.params.multi_items())
        reply = lago.answer(request.method, request.url.raw_path.decode().partition("?")[0], query, body)
        if after:
            after(request)
        return httpx.Response(reply.status, text=reply.text, headers={"content-type": "application/json"})

    patience = LagoPatience(retries=2, first_wait=0)
    return LagoEnds(
        "http://lago", "key", transport=httpx.MockTransport(answer), patience=patience, sleep=lambda _: None
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "state.db") as opened:
        yield opened


def stages(store: Store) -> dict[str, str]:
    return {note.subscription: note.stage.value for note in stage_notes(store).values()}


def shown(lago: LivingLago) -> dict[str, str | None]:
    return {s["external_id"]: s["ending_at"] for s in lago.listed("subscriptions") if s["status"] == "active"}


def problems(store: Store, lago: LivingLago) -> dict[str, str]:
    return {e.subscription: e.problem for e in set_ends(store, client(lago), COHORT, plan(lago)) if e.problem}


def test_ends_are_set_once_and_read_back(store: Store) -> None:
    lago, puts = living("America/New_York"), Counter[str]()
    plans = plan(lago)
    lago_ends = client(lago, before=lambda request: puts.update([request.method]))
    assert {e.written for e in set_ends(store, lago_ends, COHORT, plans)} == {True}
    assert shown(lago) == dict.fromkeys(NAMES, "2026-10-01T04:00:00Z")
    assert (stages(store), puts["PUT"]) == (dict.fromkeys(NAMES, "ending"), 3)
    assert {e.written for e in set_ends(store, lago_ends, COHORT, plans)} == {False}
    assert puts["PUT"] == 3


class Killed(BaseException):
    """As a process that is gone: nothing after it is done."""


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_write_the_same_command_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, when: str, number: int
) -> None:
    """Writes are notes in the state and PUTs: three a subscription."""
    lago, writes = living(), Counter[str]()

    def count(kind: str) -> None:
        writes["all"] += 1
        writes[kind] += 1
        if writes["all"] == number + 1:
            raise Killed

    def counted(request: httpx.Request) -> None:
        if request.method == "PUT":
            count("PUT")

    noting = end.note_stage

    def note(store: Store, noted: StageNote) -> None:
        if when == "before":
            count("note")
        noting(store, noted)
        if when == "after":
            count("note")

    plans = plan(lago)
    with monkeypatch.context() as patched:
        patched.setattr(end, "note_stage", note)
        first = client(lago, counted) if when == "before" else client(lago, after=counted)
        if number < 9:
            with pytest.raises(Killed):
                list(set_ends(store, first, COHORT, plans))
        else:
            list(set_ends(store, first, COHORT, plans))
    puts = Counter[str]()
    again = client(lago, lambda request: puts.update([request.method]))
    assert all(not e.problem for e in set_ends(store, again, COHORT, plans))
    assert (stages(store), shown(lago)) == (
        dict.fromkeys(NAMES, "ending"),
        dict.fromkeys(NAMES, "2026-10-01T00:00:00Z"),
    )
    assert writes["PUT"] + puts["PUT"] <= 4, "only the one at which it was killed may be written twice"


def test_a_reply_that_is_lost_is_asked_for_again(store: Store) -> None:
    lost: list[str] = []

    def lose(request: httpx.Request) -> None:
        if request.method == "PUT" and request.url.path not in lost:
            lost.append(request.url.path)
            raise httpx.ReadTimeout("lost")

    lago = living()
    assert all(e.written for e in set_ends(store, client(lago, after=lose), COHORT, plan(lago)))
    assert (len(lost), stages(store)) == (3, dict.fromkeys(NAMES, "ending"))


def test_one_that_fails_never_stops_the_others(store: Store) -> None:
    lago = living()
    plans = plan(lago)
    one, two, _ = NAMES
    asked(lago, "DELETE", f"/subscriptions/{one}", query={"on_termination_invoice": "skip"})
    asked(lago, "PUT", f"/subscriptions/{two}", {"subscription": {"on_termination_invoice": "skip"}})
    failed = {e.subscription: e.problem for e in set_ends(store, client(lago), COHORT, plans) if e.problem}
    assert failed.keys() == {one, two}
    assert failed[one].startswith("Lago has no active subscription")
    assert failed[two].startswith("Lago would bill no last invoice")
    assert stages(store) == {"three": "ending"}

    subscribe(lago, one)
    asked(lago, "PUT", f"/subscriptions/{two}", {"subscription": {"on_termination_invoice": "generate"}})
    asked(lago, "PUT", f"/subscriptions/{two}", {"subscription": {"ending_at": "2026-09-20T00:00:00Z"}})
    failed = {e.subscription: e.problem for e in set_ends(store, client(lago), COHORT, plans) if e.problem}
    assert failed[one].startswith("Lago has another subscription")
    assert failed[two].startswith("is to end in Lago at 2026-09-20T00:00:00Z by now")


def test_what_lago_refuses_is_told_in_its_words(store: Store) -> None:
    lago = living()
    plans = [replace(each, ending_at=BEGIN) for each in plan(lago)]
    problem = next(e.problem for e in set_ends(store, client(lago), COHORT, plans))
    assert problem.startswith("Lago answers 422 validation_errors to PUT http://lago/api/v1/subscriptions/")
    assert problem.endswith('{"ending_at": ["invalid_date"]}')
    assert set(stages(store).values()) == {"back"}, "it was not set, and nobody has to wonder"


def test_an_end_that_somebody_set_to_the_same_moment_is_not_taken_for_ours(store: Store) -> None:
    """Their customer gave it up: taken for ours, it would go on in Odoo, or be taken away again."""
    lago = living()
    plans = plan(lago)
    asked(lago, "PUT", "/subscriptions/one", {"subscription": {"ending_at": "2026-10-01T00:00:00Z"}})
    (problem,) = problems(store, lago).values()
    assert problem.startswith("is to end at that very moment in Lago already, which was not set here")
    assert stages(store) == {"two": "ending", "three": "ending"}
    (blocked,) = (each for each in plan(lago) if each.subscription == "one")
    assert (blocked.is_set, len(blocked.blocks)) == (True, 1)
    ours = {e.lago_id: e.ending_at for e in plans}
    assert all(not each.blocks for each in endings(customer_snapshot(lago, CUSTOMER), None, date(2026, 9, 17), ours))


def test_an_end_that_was_moved_since_is_no_missed_day(store: Store) -> None:
    """Lago billed the period that closed: nobody may bill it by hand."""
    lago = living()
    assert problems(store, lago) == {}
    asked(lago, "PUT", "/subscriptions/one", {"subscription": {"ending_at": None}})
    asked(lago, "PUT", "/subscriptions/two", {"subscription": {"ending_at": "2026-12-01T00:00:00Z"}})
    lago.move_clock(datetime(2026, 10, 2, 12, tzinfo=UTC))
    found = confirmed(lago, store)
    assert found["one"].problems[0].startswith("is active still, and has no end any more: somebody changed it")
    assert found["two"].problems[0].startswith("is active still, and is to end at 2026-12-01T00:00:00Z: somebody")
    assert found["three"].is_ended


def test_an_end_that_an_upgrade_took_along_is_taken_back(store: Store) -> None:
    """It is ours under another id: left, Lago would end somebody who stays."""
    lago = living()
    assert problems(store, lago) == {}
    notes = [replace(note, lago_id=f"before {note.lago_id}") for note in stage_notes(store).values()]
    taken = list(take_back(store, client(lago), notes, lago.now))
    assert {(t.written, t.problem, t.left) for t in taken} == {(True, "", ())}
    assert shown(lago) == dict.fromkeys(NAMES)


def test_an_end_that_lago_takes_and_does_not_keep_is_told(store: Store) -> None:
    lago = living()
    plans = plan(lago)

    def forget(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(200, json={"subscription": {}})
        return httpx.Response(200, text=lago.answer("GET", request.url.path, ()).text)

    with LagoEnds("http://lago", "key", transport=httpx.MockTransport(forget)) as forgetful:
        told = {e.problem for e in set_ends(store, forgetful, COHORT, plans)}
    assert [problem.partition(";")[0] for problem in told] == ["Lago took the end, and does not show it"]
    assert stages(store) == dict.fromkeys(NAMES, "setting")


def test_a_key_that_is_quoted_back_is_masked(store: Store) -> None:
    lago = living()
    plans = plan(lago)

    def quote(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            details = {"ending_at": [f"not with {request.headers['authorization']}"]}
            return httpx.Response(422, json={"status": 422, "code": "validation_errors", "error_details": details})
        reply = lago.answer("GET", request.url.path, ())
        return httpx.Response(reply.status, text=reply.text)

    with LagoEnds("http://lago", "canary-key-4711", transport=httpx.MockTransport(quote)) as quoting:
        told = " ".join(e.problem for e in set_ends(store, quoting, COHORT, plans))
    assert ("canary" in told, "not with Bearer" in told) == (False, True)


def confirmed(lago: LivingLago, store: Store) -> dict[str, Confirmation]:
    notes = stage_notes(store).values()
    return {note.subscription: confirm(client(lago), note, lago.timezone(CUSTOMER), lago.now) for note in notes}


def ended(store: Store, lago: LivingLago, day: int = 2, month: int = 10) -> dict[str, Confirmation]:
    assert problems(store, lago) == {}
    lago.move_clock(datetime(2026, month, day, 12, tzinfo=UTC))
    return confirmed(lago, store)


@pytest.mark.parametrize("zone", [None, "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("in_advance", [False, True])
def test_one_that_ended_right_is_confirmed(store: Store, zone: str | None, in_advance: bool) -> None:
    lago = living(zone, pay_in_advance=in_advance)
    assert problems(store, lago) == {}
    assert {c.waits[:4] for c in confirmed(lago, store).values()} == {"ends"}
    assert {(c.is_ended, c.problems) for c in ended(store, lago).values()} == {(True, ())}


def test_a_draft_is_waited_for(store: Store) -> None:
    lago = living(grace=3)
    assert {c.waits for c in ended(store, lago).values()} == {
        "its last invoice is a draft until 2026-10-04 (days of grace)"
    }
    lago.move_clock(lago.now + timedelta(days=3))
    assert all(c.is_ended for c in confirmed(lago, store).values())


def told(store: Store, lago: LivingLago) -> str:
    """What lacks to the first of them, the others being as they should."""
    found = confirmed(lago, store)
    assert all(found[name].is_ended for name in NAMES[1:])
    return "; ".join(found["one"].problems)


def test_a_day_without_a_run_is_named(store: Store) -> None:
    lago = living()
    assert problems(store, lago) == {}
    lago.move_clock(datetime(2026, 9, 30, 23, 30, tzinfo=UTC))
    lago.move_clock(datetime(2026, 10, 2, tzinfo=UTC), hours=())
    for found in confirmed(lago, store).values():
        assert found.problems[0].startswith("is active still (2026-10-01T00:00:00Z): Lago's scheduler missed its day")
        assert found.problems[1].startswith("0 last invoices")


def test_an_end_that_somebody_made_otherwise_is_named(store: Store) -> None:
    lago = living()
    assert problems(store, lago) == {}
    lago.move_clock(datetime(2026, 9, 20, 12, tzinfo=UTC))
    asked(lago, "DELETE", "/subscriptions/one")
    lago.move_clock(datetime(2026, 10, 2, 12, tzinfo=UTC))
    assert told(store, lago).startswith("ended at 2026-09-20T12:00:00Z, not on the day of 2026-10-01T00:00:00Z; 0 last")


def test_what_was_made_again_is_named(store: Store) -> None:
    lago = living(pay_in_advance=True)
    assert problems(store, lago) == {}
    lago.move_clock(datetime(2026, 10, 1, 12, tzinfo=UTC))
    subscribe(lago, "one")
    lago.move_clock(datetime(2026, 10, 2, 12, tzinfo=UTC))
    assert told(store, lago).startswith("another subscription is active under its external id")


def test_an_end_at_a_mere_month_shows_in_the_last_invoice(store: Store) -> None:
    """Lago's fault L2: a yearly plan with monthly charges, ended at a month's boundary, is billed the base of a day."""
    lago = living(interval="yearly", bill_charges_monthly=True, amount_cents=36500)
    plans = [replace(each, ending_at=datetime(2026, 10, 1, tzinfo=UTC)) for each in plan(lago)]
    assert all(e.written for e in set_ends(store, client(lago), COHORT, plans))
    lago.move_clock(datetime(2026, 10, 2, 12, tzinfo=UTC))
    (problem,) = confirmed(lago, store)["one"].problems
    assert problem.startswith("the base fee of its last invoice")


def test_before_its_day_it_is_taken_back_without_a_trace(store: Store) -> None:
    lago, other = living(), living()
    assert problems(store, lago) == {}
    taken = list(take_back(store, client(lago), stage_notes(store).values(), lago.now))
    assert {(t.written, t.problem, t.left) for t in taken} == {(True, "", ())}
    assert (stages(store), shown(lago)) == (dict.fromkeys(NAMES, "back"), dict.fromkeys(NAMES))
    again = list(take_back(store, client(lago), stage_notes(store).values(), lago.now))
    assert {t.written for t in again} == {False}
    for each in (lago, other):
        each.move_clock(datetime(2026, 10, 2, tzinfo=UTC))
    assert lago.records == other.records


def test_an_end_that_is_not_ours_stays(store: Store) -> None:
    lago = living()
    assert problems(store, lago) == {}
    asked(lago, "PUT", "/subscriptions/one", {"subscription": {"ending_at": "2026-12-24T00:00:00Z"}})
    taken = {t.note.subscription: t for t in take_back(store, client(lago), stage_notes(store).values(), lago.now)}
    assert taken["one"].problem.startswith("is to end in Lago at 2026-12-24T00:00:00Z by now, which is not ours")
    assert shown(lago) == {"one": "2026-12-24T00:00:00Z", "two": None, "three": None}
    assert stages(store) == {"one": "ending", "two": "back", "three": "back"}


@pytest.mark.parametrize(
    ("day", "words"), [(1, "today that loses nothing"), (2, "is billed no base fee of the running")]
)
def test_after_its_day_only_what_can_be_done_is_told(store: Store, day: int, words: str) -> None:
    lago = living(pay_in_advance=True)
    ended(store, lago, day)
    before = [dict(raw) for raw in lago.listed("subscriptions")]
    for taken in take_back(store, client(lago), stage_notes(store).values(), lago.now):
        assert words in " ".join(taken.left)
        assert f"external_id {taken.note.subscription} and subscription_at 2026-10-01T00:00:00Z" in taken.left[0]
    assert [dict(raw) for raw in lago.listed("subscriptions")] == before
    assert stages(store) == dict.fromkeys(NAMES, "ending")


@pytest.mark.parametrize(("number", "stage"), [(0, CutoverStage.ENDING), (1, CutoverStage.SETTING)])
def test_killed_while_it_is_taken_back_the_same_command_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int, stage: CutoverStage
) -> None:
    lago, noting, count = living(), back.note_stage, Counter[str]()
    assert problems(store, lago) == {}

    def note(store: Store, noted: StageNote) -> None:
        if count["notes"] == number:
            raise Killed
        count["notes"] += 1
        noting(store, noted)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(back, "note_stage", note)
        list(take_back(store, client(lago), stage_notes(store).values(), lago.now))
    assert stage.value in stages(store).values()
    assert all(not t.problem for t in take_back(store, client(lago), stage_notes(store).values(), lago.now))
    assert (stages(store), shown(lago)) == (dict.fromkeys(NAMES, "back"), dict.fromkeys(NAMES))


def test_a_list_that_does_not_say_what_follows_is_no_end_of_it() -> None:
    """That nothing was billed later is believed of Lago's own paging alone."""
    found = living()

    def answer(request: httpx.Request) -> httpx.Response:
        query = list(request.url.params.multi_items())
        reply = found.answer("GET", request.url.raw_path.decode().partition("?")[0], query, None)
        shown = {name: value for name, value in json.loads(reply.text).items() if name != "meta"}
        return httpx.Response(reply.status, json=shown)

    lago = LagoEnds("http://lago", "key", transport=httpx.MockTransport(answer), sleep=lambda _: None)
    with pytest.raises(LagoError, match="customers: a page does not say whether another one follows"):
        timezones(lago)
    assert set(timezones(client(found))) == {CUSTOMER}
