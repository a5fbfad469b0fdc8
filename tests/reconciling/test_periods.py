"""Another period is refused unless a proven cause of Odoo's, on a line of that very subscription, says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.billed import Refusal
from reconcile.causes.periods import with_periods
from reconcile.compare.positions import HeaderKey, Key, compare_invoice
from reports.data import LAGO, ODOO, Finding
from tests.reconciling import build

REFUSAL = Refusal(reason="other_period", detail="another month")
MOVED = Finding(cause="period_boundary", side="odoo", delta_cents=20, proven=True)


@pytest.mark.parametrize(
    ("finding", "at", "explained"),
    [
        (MOVED, build.key(), True),
        (replace(MOVED, cause="time_zone"), build.key(), True),
        (replace(MOVED, cause="price"), build.key(), False),
        (replace(MOVED, proven=False), build.key(), False),
        (replace(MOVED, side="lago"), build.key(), False),
        (MOVED, build.key(subscription="s2"), False),
        (MOVED, HeaderKey("tax"), False),
    ],
    ids=["its cause", "its zone", "a price", "a candidate", "of Lago's", "of another subscription", "of the header"],
)
def test_what_explains_another_period(finding: Finding, at: Key, explained: bool) -> None:
    sides = {LAGO: build.invoice(build.line(100)), ODOO: build.invoice(build.line(120))}
    compared = compare_invoice(sides)
    findings = {at: (finding,)}
    after, left = with_periods(compared, findings, {"s1": (REFUSAL,)}, 0)
    assert after.sides[ODOO].refusals == (() if explained else (REFUSAL,))
    if explained:
        assert (after, left) == (compared, findings)
    else:
        assert {p.key for p in after.positions if p.status == "refused"} == {HeaderKey("tax", "hst")}
        assert left == {key: named for key, named in findings.items() if key == build.key()}
