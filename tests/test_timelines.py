"""Whole lives of subscriptions, as a running Lago billed them: the control run over each.

``LAGO_TIMELINES=DIR pytest tests/test_timelines.py`` runs another directory. The table is printed at the end
(``tests/conftest.py``). A refused invoice is not an equal one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconcile.rerate.coverage import lapses_of
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.lapses import PERIOD_TWICE
from reconcile.rerate.noise_floor import InvoiceCheck, control
from tests.timelines.documents import with_documents
from tests.timelines.known import KNOWN
from tests.timelines.life import Life
from tests.vectors_support.load import Case, area_files, cases

OWN = Path(__file__).parent / "data" / "timelines"
GIVEN = os.environ.get("LAGO_TIMELINES")
FILES = area_files(Path(GIVEN or OWN))


def checks(case: Case) -> tuple[InvoiceCheck, ...]:
    life = Life(case)
    with EventSource.from_events(life.events) as source:
        return control(with_documents(life), source)


def outcome(check: InvoiceCheck) -> str:
    if check.is_equal:
        return "equal"
    differs = any(fee.outcome == "differs" for fee in check.fees)
    return "refused" if check.refusals and not differs else "differs"


def unequal(case: Case, tally: Counter[str]) -> Iterator[str]:
    for check in checks(case):
        result = outcome(check)
        tally[result] += 1
        if result != "equal":
            yield f"{case['id']} {check.lago_id}"


@pytest.mark.parametrize("area", FILES)
def test_lives(area: str, record_property: Callable[[str, object], None]) -> None:
    """Every invoice is equal, but for those whose rule is known to be missing: they are listed by what is missing."""
    tally: Counter[str] = Counter()
    found = {name for case in cases(FILES[area]) for name in unequal(case, tally)}
    record_property("timelines", [area, sum(tally.values()), tally["equal"], tally["refused"]])
    known = set() if GIVEN else {name for names in KNOWN.values() for name in names if name.startswith(f"{area}-")}
    assert not found - known, f"differ: {sorted(found - known)[:20]}"
    assert not known - found, f"equal now, take them off the list: {sorted(known - found)}"


def test_no_life_has_days_that_were_billed_twice() -> None:
    """Ends, plan changes, trials, commitments and fixed charges, as Lago bills them: nothing of it is a lapse."""
    found = []
    for area in (area for area in FILES if not GIVEN):
        for case in cases(FILES[area]):
            life = Life(case)
            with EventSource.from_events(life.events) as source:
                found += [(case["id"], lapse) for lapse in lapses_of(with_documents(life), source)]
    assert [each for each in found if each[1].kind == PERIOD_TWICE] == []
