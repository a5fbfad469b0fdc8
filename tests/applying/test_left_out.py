"""What is left out: what stays in Odoo meanwhile, whom it stops, under which names it is accepted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mappings.quarantine import Quarantined, with_ids
from mappings.reasons import OF_THE_SERVER
from mappings.target import Phase, Skipped, Source
from migrate.change_set.changes import Known
from migrate.errors import Blocked
from migrate.phases import EVERYONE, require_predecessors
from migrate.preview import held_back
from migrate.state.records import PhaseProgress

ROOT = Path(__file__).parents[2]


def skip(
    source: Source, *, reason: str = "custom_aggregation", customer: str | None = None, because: str = ""
) -> Skipped:
    return Skipped(phase=Phase.CATALOG, source=source, reason=reason, detail="", customer=customer, because=because)


def known(xid: str, customer: str | None, phase: str = "usage") -> Known:
    return Known(model="m", source=xid, customer=customer, phase=phase, res_id=1, sent={}, stored={})


VANISHED = {
    "lago.order_charge_c1": known("lago.order_charge_c1", "acme"),
    "lago.charge_c1": known("lago.charge_c1", None),
    "lago.plan_p1": known("lago.plan_p1", None),
    "lago.order_o1": known("lago.order_o1", "other"),
}


def test_only_what_is_its_own_stays_until_it_is_accepted() -> None:
    left = [skip(Source("charge", "p/c (c1)", "c1"))]
    assert held_back(left, VANISHED) == {"lago.order_charge_c1", "lago.charge_c1"}
    assert held_back(left, VANISHED, {"custom_aggregation"}) == frozenset()
    assert held_back(left, VANISHED, {"c1"}) == frozenset()
    assert held_back([skip(Source("customer", "acme", "k1"), customer="acme")], VANISHED) == {"lago.order_charge_c1"}


def test_what_cannot_be_read_keeps_its_own_even_if_it_is_accepted() -> None:
    left = [skip(Source("charge", "c1", "c1"), because="c1")]
    assert held_back(left, VANISHED, {"custom_aggregation", "c1"}) == {"lago.order_charge_c1", "lago.charge_c1"}


def test_it_is_accepted_by_each_of_its_names() -> None:
    item = skip(Source("invoice", "ACM-1 (i1)", "i1"), customer="acme", because="q1")
    assert item.names == {"custom_aggregation", "i1", "acme", "q1"}
    assert all(item.is_waived({name}) for name in item.names)
    assert not item.is_waived({"ACM-1", "i2", ""})
    assert skip(Source("event", "code")).names == {"custom_aggregation", "code"}


def test_what_depends_on_a_waived_customer_in_quarantine_is_waived_with_it() -> None:
    unread = Quarantined(
        resource="customers", id="k1", field="f", reason="r", problem="p", raw="", customer="acme", customer_id="k1"
    )
    for name in ("r", "k1", "acme"):
        assert skip(Source("order", "o"), because="k1").is_waived(with_ids({name}, [unread])), name
    assert with_ids({"another"}, [unread]) == {"another"}


@pytest.mark.parametrize(("left_out", "waits"), [(True, False), (False, True)])
def test_the_next_phases_wait_for_what_failed_and_not_for_what_is_left_out(left_out: bool, waits: bool) -> None:
    progress = [PhaseProgress(Phase.CATALOG, "", False, "3 records", "2026-07-01", left_out)]
    if waits:
        with pytest.raises(Blocked):
            require_predecessors(Phase.CUSTOMERS, EVERYONE, progress)
    else:
        require_predecessors(Phase.CUSTOMERS, EVERYONE, progress)


def test_every_reason_that_blames_the_server_is_known_as_such() -> None:
    texts = {
        node.value
        for path in (ROOT / "mappings").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    }
    blaming = {text for text in texts if text.endswith(("_needs_addon", "_need_addon", "_needs_loyalty"))}
    assert blaming | {"field_missing"} == OF_THE_SERVER
