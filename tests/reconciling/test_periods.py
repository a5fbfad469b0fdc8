"""Another period is refused unless a proven cause of Odoo's, on a line of that very subscription, says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.billed import Refusal
from reconcile.causes.observed import Place, Suspect
from reconcile.causes.periods import with_givers, with_periods, with_refused_givers
from reconcile.compare.positions import HeaderKey, Key, compare_invoice
from reconcile.rerate.suppositions import OtherRecords
from reports.data import LAGO, ODOO, Finding
from tests.reconciling import build

REFUSAL = Refusal(reason="other_period", detail="another month")
MOVED = Finding(cause="period_boundary", side="odoo", delta_cents=20, proven=True)


GIVER = Suspect(
    cause="time_zone",
    place=Place("sale.order", "S2", "fusion_timezone"),
    lago="America/Vancouver",
    odoo="America/Toronto",
    suppose=OtherRecords(changes=(), calendar=True),
)


@pytest.mark.parametrize(
    ("proven", "givers", "explained"),
    [
        (replace(MOVED, cause="time_zone"), {"s2": (GIVER,)}, True),
        (replace(MOVED, cause="time_zone"), {}, False),
        (replace(MOVED, cause="time_zone"), {"s1": (GIVER,)}, False),
        (replace(MOVED, cause="time_zone", proven=False), {"s2": (GIVER,)}, False),
        (replace(MOVED, cause="time_zone", side="lago"), {"s2": (GIVER,)}, False),
        (MOVED, {"s2": (GIVER,)}, False),
        (replace(MOVED, cause="price"), {"s2": (GIVER,)}, False),
    ],
    ids=["a sister's", "none gives it", "a sister's gives it", "a candidate", "of Lago's", "another cause", "a price"],
)
def test_a_record_gives_another_period_of_which_no_amount_says_so(
    proven: Finding, givers: dict[str, tuple[Suspect, ...]], explained: bool
) -> None:
    """It is told, with its remedy, where the same is proven of another subscription of the invoice; else refused."""
    second = build.line(100, subscription="s2")
    sides = {LAGO: build.invoice(build.line(100), second), ODOO: build.invoice(build.line(120), second)}
    compared, findings, others = compare_invoice(sides), {build.key(): (proven,)}, {"s2": (REFUSAL,)}
    told = with_givers(compared, findings, others, givers)
    after, _ = with_periods(compared, told, others, 0)
    assert after.sides[ODOO].refusals == (() if explained else (REFUSAL,))
    (named,) = told.get(build.key(subscription="s2"), ()) or (None,)
    assert (named is not None) == explained
    if named:
        assert (named.cause, named.side, named.delta_cents, named.proven) == ("time_zone", "odoo", 0, True)
        assert named.remedy is not None
        assert str(named.remedy.values["where"]) == "sale.order S2"


def test_what_it_takes_beside_a_proven_record_of_its_own_order_is_told_too() -> None:
    """The zone is proven by amounts; that another month is billed only the second record says."""
    month = replace(GIVER, cause="period_boundary", place=Place("sale.order", "S1", "fusion_pay_in_advance"))
    sides = {LAGO: build.invoice(build.line(100)), ODOO: build.invoice(build.line(120))}
    findings = {build.key(): (replace(MOVED, cause="time_zone"),)}
    for givers, causes in (((GIVER, month), ["time_zone", "period_boundary"]), ((GIVER,), ["time_zone"])):
        told = with_givers(compare_invoice(sides), findings, {"s1": (REFUSAL,)}, {"s1": givers})
        assert [finding.cause for finding in told[build.key()]] == causes


@pytest.mark.parametrize(
    ("givers", "is_told"),
    [({"s1": (GIVER,)}, True), ({"s2": (GIVER,)}, False), ({}, False)],
    ids=["its own", "a sister's record", "no record"],
)
def test_a_refused_period_is_told_with_the_record_that_gives_just_that_one(
    givers: dict[str, tuple[Suspect, ...]], is_told: bool
) -> None:
    """The amounts are equal: the record is told beside the refusal, which stands."""
    compared = compare_invoice({LAGO: build.invoice(build.line(100)), ODOO: build.invoice(build.line(100))})
    others = {"s1": (REFUSAL,)}
    refused, left = with_periods(compared, {}, others, 0)
    told = with_refused_givers(refused, left, others, givers)
    assert refused.sides[ODOO].refusals == (REFUSAL,)
    assert [(f.cause, f.delta_cents, f.proven) for f in told.get(build.key(), ())] == (
        [("time_zone", 0, True)] if is_told else []
    )
    again = with_refused_givers(refused, told, others, givers)
    assert again == told, "once"


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
