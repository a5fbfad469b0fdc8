"""What Odoo refuses costs itself and what refers to it, in whatever phase; all the rest is written in the same run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mappings.target import Desired, Phase, Ref
from migrate.errors import Blocked, OdooError
from migrate.phases import Cohort


def branch(world: Any, number: int, parent: str | None, **values: Any) -> Desired:
    """A partner that refers to another one, or to none, with the same columns: they go to Odoo in one call."""
    made: Desired = world.partner(number, parent_id=Ref(parent) if parent else None, **values)
    return made


def broken(world: Any) -> list[Desired]:
    """Customer 1 has no name, and customer 3 and order 3 refer to it in the end; customers 2 and 4 have orders."""
    partners = [world.partner(1, name=None), world.partner(2), branch(world, 3, "lago.customer_1"), world.partner(4)]
    later = replace(world.partner(5), phase=Phase.BALANCES)
    return [world.product(), *partners, *(world.order(n, "1", "2") for n in (1, 2, 3, 4)), later]


def mended(world: Any) -> list[Desired]:
    return [world.partner(1) if d.xid == "lago.customer_1" else d for d in broken(world)]


def finished(world: Any) -> dict[str, bool]:
    return {p.phase.value: p.finished for p in world.ledger.phases()}


def test_later_phases_are_written_without_what_refers_to_a_refused_record(world: Any) -> None:
    applied = world.apply(broken(world))
    assert applied.written == {
        "catalog": {"create": 1},
        "customers": {"create": 2},
        "subscriptions": {"create": 2},
        "balances": {"create": 1},
    }
    assert [(f.change.xid, f.because) for f in applied.failures] == [
        ("lago.customer_1", ""),
        ("lago.customer_3", "lago.customer_1"),
        ("lago.subscription_1", "lago.customer_1"),
        ("lago.subscription_3", "lago.customer_1"),
    ]
    assert applied.failures[3].reason == "needs customer NX-3, which failed"
    assert (world.count("sale.order", ["name", "=", "LAGO/2"]), world.ours("sale.order")) == (1, 2)


def test_the_error_names_the_record_the_sentence_what_waits_and_the_way_out(world: Any) -> None:
    applied = world.apply(broken(world))
    with pytest.raises(OdooError) as caught:
        applied.raise_if_failed()
    said = str(caught.value)
    assert said.startswith("1 record was not taken: customer NX-1 (res.partner lago.customer_1): ")
    assert "; what needs it waits (3: customer NX-3, subscription 1, subscription 3); everything else is " in said
    assert said.endswith("mend it in Lago or in Odoo, then run 'lago2odoo extract' and 'lago2odoo apply'")
    assert "\n" not in said


def test_a_phase_stays_unfinished_only_where_something_lacks(world: Any) -> None:
    world.apply(broken(world))
    state = finished(world)
    assert {name for name, done in state.items() if not done} == {"customers", "subscriptions"}
    assert state["balances"]


def test_a_second_run_tries_again_writes_nothing_and_completes_once_it_is_mended(world: Any) -> None:
    first = world.apply(broken(world))
    again = world.apply(broken(world))
    assert (again.written, [str(f) for f in again.failures]) == ({}, [str(f) for f in first.failures])
    whole = world.apply(mended(world))
    assert (whole.ok, whole.written) == (True, {"customers": {"create": 2}, "subscriptions": {"create": 2}})
    assert all(finished(world).values())
    assert not world.apply(mended(world)).changes.pending


def test_what_refers_to_a_refused_record_of_the_same_call_waits_for_it(world: Any) -> None:
    """It fails because its reference leads nowhere: that is no second record to mend."""
    guilty = branch(world, 1, None, name=None)
    applied = world.apply([guilty, branch(world, 2, "lago.customer_1"), branch(world, 3, "lago.customer_2")])
    assert [f.because for f in applied.failures] == ["", "lago.customer_1", "lago.customer_1"]
    (only,) = applied.refused
    assert [f.change.source for f in only.waiting] == ["customer NX-2", "customer NX-3"]


def test_what_refers_to_a_line_of_a_refused_record_waits_for_it(world: Any) -> None:
    order = world.order(1, "1", partner_id=None)
    child = replace(world.partner(2), phase=Phase.BALANCES)
    child = replace(child, values={**child.values, "parent_id": Ref("lago.line_1_0")})
    applied = world.apply([world.product(), world.partner(1), order, child])
    assert [f.because for f in applied.failures] == ["", "lago.subscription_1"]


def test_a_refused_change_of_what_stands_lets_the_others_through(world: Any) -> None:
    world.apply(world.all(2))
    named = [replace(d, values={**d.values, "name": f"{d.values['name']}b"}) for d in world.all(2)]
    applied = world.apply([world.partner(1, name=None) if d.xid == "lago.customer_1" else d for d in named])
    assert [(f.change.xid, f.because) for f in applied.failures] == [
        ("lago.customer_1", ""),
        ("lago.subscription_1", "lago.customer_1"),
    ]
    done = {phase: {"update": 1} for phase in ("catalog", "customers", "subscriptions")}
    assert applied.written == done


def test_what_left_lago_goes_although_something_was_refused(world: Any) -> None:
    world.apply(mended(world))
    left = [d for d in mended(world) if d.xid not in ("lago.subscription_4", "lago.customer_4")]
    applied = world.apply([*left, world.partner(9, name=None)])
    assert applied.written == {"customers": {"remove": 1}, "subscriptions": {"remove": 1}}
    assert [f.change.xid for f in applied.failures] == ["lago.customer_9"]


@pytest.mark.parametrize("cohort", [Cohort("", None), Cohort("pilot", frozenset({"NX-1", "NX-2"}))])
def test_a_phase_alone_waits_for_those_before_it(world: Any, cohort: Cohort) -> None:
    """Both for one that was never begun and for one of which something lacks, which is named."""
    with pytest.raises(Blocked, match="phase subscriptions must wait: catalog is unfinished; run"):
        world.apply(broken(world), phases=[Phase.SUBSCRIPTIONS], cohort=cohort)
    world.apply(broken(world), cohort=cohort)
    with pytest.raises(Blocked, match=r"customers is unfinished \(\d records refused, first customer NX-1 "):
        world.apply(broken(world), phases=[Phase.SUBSCRIPTIONS], cohort=cohort)
