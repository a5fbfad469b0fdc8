"""What may go by itself, what needs a person, and the usage that is no correction."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.target import Desired, Phase, Source
from mappings.usage import MODEL, EventIds, UsageRow
from migrate.change_set.changes import Action, Change, ChangeSet, FieldDiff, Known, LineChange, Removal
from migrate.change_set.removals import count_removals, require_consent
from migrate.errors import Blocked
from migrate.preview import preview
from migrate.state import events
from migrate.state.kept_usage import find_kept_usage


def removal(number: int, model: str = "res.partner", res_id: int | None = 7) -> Change:
    return Change(Action.REMOVE, Phase.CUSTOMERS, model, f"lago.{model}_{number}", f"{model} {number}", res_id=res_id)


def known(model: str = "res.partner", **more: Any) -> Known:
    return Known(model, 7, {}, **more)


def base(number: int, model: str = "res.partner") -> dict[str, Known]:
    return {f"lago.{model}_{n}": known(model) for n in range(number)}


def changes_of(*changes: Change, applied: dict[str, Known]) -> ChangeSet:
    return ChangeSet(changes, removals=count_removals(changes, applied))


def test_up_to_five_percent_of_a_kind_goes_by_itself_one_more_does_not() -> None:
    applied = base(40) | base(10, MODEL)
    require_consent(changes_of(removal(1), removal(2), applied=applied), 0)
    with pytest.raises(
        Blocked, match=r"3 records would be removed or archived .*\(3 of 40 res.partner\); nothing was written"
    ) as no:
        require_consent(changes_of(removal(1), removal(2), removal(3), applied=applied), 0)
    assert "lago2odoo apply --allow-removals 3'" in str(no.value)
    assert no.value.exit_code == 1


def test_a_single_usage_record_needs_a_person() -> None:
    changes = changes_of(removal(1, MODEL), removal(1), applied=base(5000) | base(5000, MODEL))
    assert changes.removals == (
        Removal(model=MODEL, number=1, known=5000, needs_consent=True),
        Removal(model="res.partner", number=1, known=5000, needs_consent=False),
    )
    with pytest.raises(Blocked, match=r"2 records .*, and --allow-removals 1 is not enough"):
        require_consent(changes, 1)
    require_consent(changes, 2)


def test_lines_count_and_what_is_gone_anyway_does_not() -> None:
    lines = tuple(LineChange("order_line", "sale.order.line", f"lago.line_{n}", Action.REMOVE) for n in range(2))
    kept = LineChange("order_line", "sale.order.line", "lago.line_2", Action.UNCHANGED)
    update = Change(Action.UPDATE, Phase.SUBSCRIPTIONS, "sale.order", "lago.order", "order", lines=(*lines, kept))
    order = known("sale.order", lines={f"lago.line_{n}": known("sale.order.line") for n in range(3)})
    applied = base(1) | {"lago.order": order}
    changes = changes_of(update, removal(0, res_id=None), applied=applied)
    assert changes.removals == (Removal(model="sale.order.line", number=2, known=3, needs_consent=True),)
    untouched = replace(update, action=Action.CONFLICT)
    assert changes_of(untouched, applied=applied).removals == (), "nothing of a conflict is written"
    require_consent(changes_of(untouched, applied=applied), 0)


def test_a_customer_that_is_archived_counts() -> None:
    def update(number: int, active: bool) -> Change:
        diff = FieldDiff("active", not active, active, Action.UPDATE)
        return Change(Action.UPDATE, Phase.CUSTOMERS, "res.partner", f"lago.res.partner_{number}", "c", diffs=(diff,))

    assert changes_of(update(1, True), applied=base(3)).removals == ()
    archived = changes_of(update(1, False), applied=base(3))
    assert archived.removals == (Removal(model="res.partner", number=1, known=3, needs_consent=True),)


@given(st.integers(1, 400), st.data())
def test_whatever_is_not_agreed_to_is_at_most_one_in_twenty(number: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, number))
    changes = changes_of(*map(removal, range(gone)), applied=base(number))
    try:
        require_consent(changes, 0)
    except Blocked:
        assert gone / number > 0.05
    else:
        assert gone / number <= 0.05


def test_apply_writes_nothing_at_all_before_a_person_agrees(world: Any, faulty: Any) -> None:
    world.apply(world.all())
    fewer = [world.product(), *(world.partner(n, city="Ottawa") for n in range(4)), *world.all()[7:11]]
    shown = preview(world.door, world.ledger, fewer)
    # two of six partners, two of six orders; their lines go with them
    assert {r.model: (r.number, r.known) for r in shown.removals} == {"sale.order": (2, 6), "res.partner": (2, 6)}
    writes, progress = faulty.writes(), world.ledger.phases()
    for allowed in (0, 3):
        with pytest.raises(Blocked, match="4 records would be removed or archived"):
            world.apply(fewer, allow_removals=allowed)
    assert (faulty.writes(), world.ledger.phases()) == (writes, progress)
    assert world.apply(fewer, allow_removals=4).ok
    assert world.ours("res.partner") == world.ours("sale.order") == 4


def row(number: int, moment: datetime) -> UsageRow:
    return UsageRow(
        transaction_id=f"t{number}",
        external_subscription_id="sub",
        code="api",
        timestamp=moment,
        lago_id=None if number % 2 else f"id-{number}",
    )


def write_events(folder: Path, *rows: UsageRow) -> None:
    columns = [
        {name: getattr(each, name) for name in events.SCHEMA.names} | {"created_at": each.timestamp} for each in rows
    ]
    events.write_parquet(pa.Table.from_pylist(columns, schema=events.SCHEMA), folder / "month=2026-07/events.parquet")


def test_usage_that_lago_forgot_or_that_no_period_needs_is_no_correction(tmp_path: Path) -> None:
    first, later = datetime.fromisoformat("2026-07-03 08:00:00.25"), datetime.fromisoformat("2026-07-20")
    write_events(tmp_path, row(1, later), row(2, first))

    def applied(moment: str | None) -> Known:
        return known(MODEL) if moment is None else Known(MODEL, 7, {"timestamp": moment})

    vanished = {
        EventIds().take(row(1, later))[1]: applied("2026-07-20 00:00:00"),  # still an event of Lago's
        EventIds().take(row(2, first))[1]: applied("2026-07-03 08:00:00"),
        "lago.event_forgotten": applied("2026-07-03 07:59:59"),
        "lago.event_taken_back": applied("2026-07-03 08:00:00"),
        "lago.event_under_way": applied(None),  # nothing is known of it: a person looks
    }
    taken_back = {"lago.event_taken_back", "lago.event_under_way"}
    assert find_kept_usage(tmp_path, vanished) == vanished.keys() - taken_back
    assert find_kept_usage(tmp_path, {}) == frozenset()


def test_an_extract_without_any_event_says_nothing_of_older_ones(tmp_path: Path) -> None:
    vanished = {"lago.event_1": Known(MODEL, 7, {"timestamp": "2026-07-03 08:00:00"})}
    assert find_kept_usage(tmp_path, vanished) == vanished.keys()


def coupons(*entries: tuple[str, int]) -> str:
    """Entries of an order: a coupon's id, and how many invoices it reduced."""
    return json.dumps(
        [{"lago_id": i, "credits": [{"at": f"2026-0{n}-01"} for n in range(1, k + 1)]} for i, k in entries]
    )


@pytest.mark.parametrize(
    ("field", "before", "after", "shown", "missing"),
    [
        ("fusion_coupons", coupons(("a", 2), ("b", 0)), None, (), 2),
        ("fusion_coupons", coupons(("a", 2), ("b", 0)), coupons(("a", 2)), ("a",), 1),
        ("fusion_coupons", coupons(("a", 2), ("b", 0)), coupons(("a", 2)), ("a", "b"), 0),  # ended: Lago shows it
        ("fusion_coupons", coupons(("a", 2)), coupons(("a", 3), ("b", 0)), (), 0),
        ("fusion_coupons", coupons(("a", 3)), coupons(("a", 1)), ("a",), 2),  # invoices that nobody shows
        ("fusion_coupons", "somebody's text", coupons(("a", 1)), ("a",), 0),
        ("fusion_advance_until", "2026-07-02 10:00:00", None, (), 1),
        ("fusion_advance_until", "2026-07-02 10:00:00", "2026-07-01 10:00:00", (), 1),
        ("fusion_advance_until", "2026-07-02 10:00:00", "2026-07-03 10:00:00", (), 0),
        ("fusion_advance_until", None, "2026-07-03 10:00:00", (), 0),
        ("client_order_ref", "PO-1", None, (), 0),  # its record's own
    ],
)
@pytest.mark.parametrize("verdict", [Action.UPDATE, Action.KEPT])
def test_what_lago_did_not_end_leaves_a_field_by_consent_alone(
    field: str, before: str | None, after: str | None, shown: tuple[str, ...], missing: int, verdict: Action
) -> None:
    phase, source = Phase.SUBSCRIPTIONS, Source("subscription", "s", "s1")
    shows = {"fusion_coupons": frozenset(shown)}
    order = Desired(phase=phase, model="sale.order", xid="lago.s1", values={}, source=source, shown=shows)
    diffs = (FieldDiff(field, before, after, verdict),)
    change = Change(verdict, phase, "sale.order", "lago.s1", "subscription s", desired=order, res_id=1, diffs=diffs)
    applied = {f"lago.{n}": Known("sale.order", n, {field: before}) for n in range(1000)}
    removals = changes_of(change, applied=applied).removals
    assert sum(one.number for one in removals) == (missing if verdict is Action.UPDATE else 0)
    assert all(one.needs_consent and one.known >= 1000 and one.model == f"sale.order: {field}" for one in removals)
