"""Mutations by the thousand: none may end in a traceback, change money unseen, hang, or stop anybody else.

``make fuzz`` tries 20,000 (``make fuzz NUMBER=... SEED=...``); a line of a failure says how to see that one alone.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fuzz.campaign import Campaign, rows, tally
from tests.fuzz.conftest import blocks, seed
from tests.fuzz.invariants import FORBIDDEN


def test_the_company_is_equal_to_the_cent_before_anything_is_broken(campaign: Campaign) -> None:
    undisturbed = campaign.driver.undisturbed
    assert (undisturbed.bug, undisturbed.stopped, undisturbed.quarantined) == ("", "", ())
    assert undisturbed.codes == {"extract": 0, "preview": 0, "control": 0, "reconcile": 0}


@pytest.mark.parametrize("numbers", blocks(), ids=lambda numbers: f"{numbers.start}-{numbers.stop - 1}")
def test_one_broken_field_costs_one_record(
    campaign: Campaign, numbers: range, record_property: Callable[[str, object], None]
) -> None:
    verdicts = list(campaign.verdicts(seed(), numbers))
    record_property("fuzz", rows(tally(verdicts)))
    wrong = [
        f"{verdict.kind}: {verdict.mutation}\n    {verdict.why}" for verdict in verdicts if verdict.kind in FORBIDDEN
    ]
    assert len(verdicts) == len(numbers)
    assert not wrong, "\n".join(wrong)
