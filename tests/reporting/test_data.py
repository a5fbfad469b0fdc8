"""The frozen data: outcomes, sums and the tie-out."""

from dataclasses import replace

import pytest

from reports.tallies import TieOutBroken, check_ties, tie_levels, total_causes
from reports.verdict import RunOutcome, judge
from tests.reporting.sample import equal, finding, invoice, nothing, position, sample


def test_outcomes() -> None:
    outcomes = [judge(data).outcome for data in (equal(), nothing(), sample())]
    assert outcomes == [RunOutcome.EQUAL, RunOutcome.EQUAL, RunOutcome.DIFFERENT]
    waived = position(1, 5, 6, 5, findings=(finding(1, waiver="w"),))
    assert judge(replace(equal(), invoices=(invoice(1, waived),))).outcome is RunOutcome.WAIVED


def test_every_level_is_added_up_on_its_own() -> None:
    found = check_ties(sample())
    cad = {t.level: (t.groups, t.sum) for t in found if t.sum.currency == "CAD"}
    assert {level: groups for level, (groups, _) in cad.items()} == {
        "line": 8, "invoice": 4, "customer": 4, "service": 2, "month": 1, "all": 1,
    }  # fmt: skip
    assert len({s for _, s in cad.values()}) == 1
    total = cad["all"][1]
    assert (total.left_cents, total.right_cents, total.delta_cents, total.explained_cents) == (
        12055,
        10926,
        -1129,
        -1129,
    )
    assert (total.equal, total.differs, total.only_left, total.only_right, total.refused, total.outside) == (
        1,
        3,
        1,
        1,
        1,
        1,
    )
    assert total.apart_cents == 1299
    assert total.positions == 8


def test_currencies_are_never_added() -> None:
    assert {t.sum.currency for t in tie_levels(sample())} == {"CAD", "JPY", "KWD"}


def test_a_position_that_a_level_loses_is_a_bug() -> None:
    data = sample()
    lost = replace(data.invoices[0], customer=None)  # type: ignore[arg-type]
    with pytest.raises(TieOutBroken, match="customer adds up to"):
        check_ties(replace(data, invoices=(lost, *data.invoices[1:])))


@pytest.mark.parametrize("cents", [2**53 + 1, 2**62, 2**70 + 1])
def test_sums_are_exact_whatever_their_size(cents: int) -> None:
    rows = [position(n, cents + n, cents, cents, findings=(finding(-n, proven=True),)) for n in (1, 2, 3)]
    data = replace(sample(), invoices=(invoice(1, *rows),))
    (total,) = (tie.sum for tie in check_ties(data) if tie.level == "all")
    assert (total.left_cents, total.right_cents, total.delta_cents) == (3 * cents + 6, 3 * cents, -6)


def test_nothing_adds_up_to_nothing() -> None:
    assert (tie_levels(nothing()), total_causes(nothing())) == ((), ())


def test_causes_that_cancel_out_are_still_seen() -> None:
    data = sample()
    pair = (position(1, 5, 9, 5), position(2, 9, 5, 9))
    totals = total_causes(replace(data, invoices=(invoice(1, *pair),)))
    assert [(t.delta_cents, t.gross_cents, t.count) for t in totals] == [(0, 8, 2)]


def test_the_largest_cause_comes_first() -> None:
    sizes = [t.gross_cents for t in total_causes(sample())]
    assert sizes == sorted(sizes, reverse=True)


def test_an_invoice_total_is_unknown_where_a_position_is() -> None:
    invoices = {i.id: i for i in sample().invoices}
    assert (invoices["invoice-1"].total("lago"), invoices["invoice-1"].total("odoo")) == (11300, 10170)
    assert invoices["invoice-5"].total("odoo") is None
    assert invoices["invoice-6"].total("odoo") == 0
    assert invoices["invoice-5"].differs
    assert not invoices["invoice-4"].differs
