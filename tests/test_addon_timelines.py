"""Whole lives of subscriptions, as a running Lago billed them, through the addon's own rating.

``LAGO_TIMELINES=DIR pytest tests/test_addon_timelines.py`` runs another directory. All fees of an invoice are compared
before coupons and taxes, which are Odoo's to compute. The table is printed at the end (``tests/conftest.py``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.timelines.addon import AddonLife
from tests.timelines.known_addon import KNOWN
from tests.timelines.life import Life
from tests.vectors_support.load import Case, area_files, cases

OWN = Path(__file__).parent / "data" / "timelines"
GIVEN = os.environ.get("LAGO_TIMELINES")
FILES = area_files(Path(GIVEN or OWN))


def unequal(case: Case, tally: Counter[str]) -> Iterator[str]:
    for rated in AddonLife(Life(case)).invoices():
        tally[rated.outcome] += 1
        if rated.outcome != "equal":
            yield f"{case['id']} {rated.invoice.lago_id}"


@pytest.mark.parametrize("area", FILES)
def test_lives(area: str, record_property: Callable[[str, object], None]) -> None:
    """Every invoice is equal, but for those whose rule is known to be missing: they are listed by what is missing."""
    tally: Counter[str] = Counter()
    found = {name for case in cases(FILES[area]) for name in unequal(case, tally)}
    record_property("timelines", [f"addon {area}", sum(tally.values()), tally["equal"], tally["refused"]])
    known = set() if GIVEN else {name for names in KNOWN.values() for name in names if name.startswith(f"{area}-")}
    assert not found - known, f"differ: {sorted(found - known)[:20]}"
    assert not known - found, f"equal now, take them off the list: {sorted(known - found)}"
