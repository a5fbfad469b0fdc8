"""Matching by keys, header parts beside the lines, and sums that always tie out."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.billed import BilledInvoice, BilledLine, LineKey, Refusal, Totals
from reconcile.compare.positions import (
    Compared,
    ComparedInvoice,
    HeaderKey,
    Key,
    compare,
    compare_invoice,
    stated_total,
)
from tests.reconciling.build import invoice, key, line, totals

REFUSAL = Refusal(reason="order_missing", detail="no order")


def both(lago: BilledInvoice, odoo: BilledInvoice, tolerance: int = 0) -> ComparedInvoice:
    return compare_invoice({"lago": lago, "odoo": odoo}, tolerance_cents=tolerance)


def at(compared: ComparedInvoice, wanted: Key) -> Compared:
    return next(p for p in compared.positions if p.key == wanted)


def test_equal_invoices_are_equal_everywhere() -> None:
    same = invoice(line(1000), line(250, "c2"))
    compared = both(same, same)
    assert {p.status for p in compared.positions} == {"equal"}
    assert [p.shape for p in compared.positions] == ["1:1", "1:1", "header"]
    assert compared.delta_cents == 0


def test_a_line_that_differs_moves_its_tax_too() -> None:
    compared = both(invoice(line(1000)), invoice(line(900)))
    assert (at(compared, key()).status, at(compared, key()).delta_cents) == ("differs", -100)
    assert at(compared, HeaderKey("tax", "hst")).delta_cents == -13
    assert compared.delta_cents == -113


def test_lines_on_one_side_only() -> None:
    compared = both(invoice(line(1000), line(5, "c2")), invoice(line(1000), line(7, "c3")))
    assert at(compared, key("c2")).status == "only_left"
    assert at(compared, key("c3")).status == "only_right"


def test_an_absent_line_is_a_line_of_zero() -> None:
    """Lago does not store fees without units; neither side may be blamed for that (facts §10.64)."""
    compared = both(invoice(line(1000)), invoice(line(1000), line(0, "c2")))
    assert at(compared, key("c2")).status == "equal"


def test_tolerance_is_named_and_kept_apart() -> None:
    compared = both(invoice(line(1000)), invoice(line(1001)), tolerance=1)
    assert at(compared, key()).status == "tolerated"
    assert at(compared, key()).delta_cents == 1


def test_a_subscription_needs_no_plan_id() -> None:
    compared = both(invoice(line(5, "plan-a", kind="subscription")), invoice(line(5, "plan-b", kind="subscription")))
    assert at(compared, key("", kind="subscription")).status == "equal"


GROUPS = [line(100, group=(("zone", "a"),)), line(200, group=(("zone", "b"),))]


def test_one_line_against_several_groups() -> None:
    compared = both(invoice(line(300)), invoice(*GROUPS))
    assert [(p.shape, p.status, p.delta_cents) for p in compared.positions[:1]] == [("1:2", "equal", 0)]
    compared = both(invoice(*GROUPS), invoice(line(290)))
    assert [(p.shape, p.status, p.delta_cents) for p in compared.positions[:1]] == [("2:1", "differs", -10)]


def test_one_line_against_filters_events_and_both() -> None:
    events = [line(1, event="e1", filter="f"), line(2, event="e2", filter="g")]
    compared = both(invoice(*events), invoice(line(3)))
    assert (compared.positions[0].shape, compared.positions[0].status) == ("2:1", "equal")


def test_the_re_rate_follows_the_grouping_of_the_pair() -> None:
    compared = compare_invoice({"lago": invoice(*GROUPS), "odoo": invoice(line(300)), "rerate": invoice(*GROUPS)})
    assert compared.positions[0].cents == {"lago": 300, "odoo": 300, "rerate": 300}


def test_the_default_bucket_is_not_taken_for_a_group_of_filters() -> None:
    """Both sides have the line without filter, so that the filtered one is missing, not merged."""
    compared = both(invoice(line(100), line(200, filter="f")), invoice(line(300)))
    assert at(compared, key()).delta_cents == 200
    assert at(compared, key(filter="f")).status == "only_left"


def test_one_renamed_group_is_not_guessed_but_pointed_at() -> None:
    left, right = line(100, group=(("zone", "a"),)), line(100, group=(("zone", "b"),))
    compared = both(invoice(left), invoice(right))
    assert at(compared, left.key).status == "only_left"
    assert at(compared, left.key).lookalikes == (right.key,)
    assert at(compared, right.key).lookalikes == (left.key,)


def test_one_line_with_a_group_is_not_taken_for_one_without() -> None:
    """One against one is no grouping: whether it is the same usage is not for us to guess."""
    grouped = line(100, group=(("zone", "a"),))
    compared = both(invoice(grouped), invoice(line(100)))
    assert at(compared, grouped.key).status == "only_left"
    assert at(compared, grouped.key).lookalikes == (key(),)


def test_groups_that_look_alike_are_no_duplicates() -> None:
    twice = [line(100, group=(("zone", "a"),)), line(100, group=(("zone", "b"),))]
    compared = both(invoice(*twice), invoice(line(100)))
    assert (compared.positions[0].shape, compared.positions[0].delta_cents) == ("2:1", -100)


def test_lines_of_zero_are_no_duplicates() -> None:
    compared = both(invoice(line(0)), invoice(line(0), line(0)))
    assert at(compared, key()).shape == "1:2"


def test_a_near_tie_shows_all_candidates() -> None:
    compared = both(invoice(line(100)), invoice(line(100, "c2"), line(100, "c3")))
    assert at(compared, key()).lookalikes == (key("c2"), key("c3"))


def test_duplicates_are_named() -> None:
    compared = both(invoice(line(100)), invoice(line(100), line(100)))
    assert (at(compared, key()).shape, at(compared, key()).delta_cents) == ("duplicate", 100)


def test_one_line_split_in_two_is_no_duplicate() -> None:
    compared = both(invoice(line(100)), invoice(line(60), line(40)))
    assert (at(compared, key()).shape, at(compared, key()).status) == ("1:2", "equal")


def test_header_that_is_not_the_sum_of_its_lines() -> None:
    """Odoo, round_globally: 100 lines of 0.004 are 0.00 each and 0.40 together (facts/odoo19 §2c)."""
    header = Totals(fees_cents=40, coupons_cents=0, net_cents=40, tax_cents=5, gross_cents=45, total_cents=45)
    compared = both(invoice(line(40)), invoice(line(0), header=header))
    assert at(compared, HeaderKey("adjustment")).delta_cents == 40
    assert compared.delta_cents == 0


def test_taxes_compare_one_by_one_with_the_rounding_of_their_sum() -> None:
    header = replace(totals([line(1000)]), taxes={"gst": 60, "qst": 69})
    compared = both(invoice(line(1000), header=header), invoice(line(1000)))
    assert at(compared, HeaderKey("tax", "qst")).status == "only_left"
    assert at(compared, HeaderKey("tax_rounding")).delta_cents == -1
    assert compared.delta_cents == 0


def test_taxes_without_a_common_name_compare_as_a_sum() -> None:
    odoo = invoice(line(1000), header=replace(totals([line(1000)]), taxes={"13% HST": 130}), unnamed_taxes=("x",))
    compared = both(invoice(line(1000)), odoo)
    assert at(compared, HeaderKey("tax")).status == "equal"


def test_a_refusal_is_never_zero() -> None:
    compared = both(invoice(line(1000)), invoice(silent=True, refusals=[REFUSAL]))
    assert {p.status for p in compared.positions} == {"refused"}
    assert compared.delta_cents == 0
    assert all("odoo" not in p.cents for p in compared.positions)


def test_a_refused_line_leaves_the_others_comparable() -> None:
    compared = both(invoice(line(1000), line(5, "c2")), invoice(line(900), silent=True, refusals=[REFUSAL]))
    assert at(compared, key()).status == "differs"
    assert at(compared, key("c2")).status == "refused"


def test_outside_the_scope_is_not_a_difference() -> None:
    compared = both(invoice(line(1000)), invoice(silent=True, outside="one_off"))
    assert {p.status for p in compared.positions} == {"outside"}


def test_settlements_odoo_makes_elsewhere_are_outside() -> None:
    settled = replace(totals([line(1000)]), prepaid_cents=500, total_cents=630)
    odoo = invoice(line(1000), unstated=("credit_notes", "prepaid"))
    compared = both(invoice(line(1000), header=settled), odoo)
    assert at(compared, HeaderKey("prepaid")).status == "outside"
    assert compared.delta_cents == 0


def test_settlements_that_both_state_are_compared() -> None:
    settled = replace(totals([line(1000)]), credit_notes_cents=500, total_cents=630)
    compared = both(invoice(line(1000), header=settled), invoice(line(1000)))
    assert at(compared, HeaderKey("credit_notes")).delta_cents == 500


def test_an_invoice_of_one_side_only() -> None:
    mine = invoice(line(1000))
    (left,) = compare({"lago": {"i1": mine}, "odoo": {}})
    (right,) = compare({"lago": {}, "odoo": {"i1": mine}})
    assert (left.delta_cents, left.positions[0].status) == (-1130, "only_left")
    assert (right.delta_cents, right.positions[0].status) == (1130, "only_right")
    assert right.base == mine


def test_a_header_that_contradicts_its_own_total_is_a_bug_and_said_so() -> None:
    broken = replace(totals([line(1000)]), gross_cents=9)
    with pytest.raises(AssertionError, match="NX-i1: positions of lago add up to 1130, not 9"):
        both(invoice(line(1000), header=broken), invoice(line(1000)))


def test_a_silent_invoice_has_no_stated_total() -> None:
    with pytest.raises(ValueError, match="NX-i1 has no totals"):
        stated_total(invoice(silent=True))


KEYS = st.builds(
    LineKey,
    subscription=st.sampled_from(["s1", "s2"]),
    kind=st.sampled_from(["charge", "subscription"]),
    item=st.sampled_from(["a", "b"]),
    filter=st.sampled_from(["", "f"]),
    group=st.sampled_from([(), (("z", "1"),), (("z", "2"),)]),
    event=st.sampled_from(["", "e1", "e2"]),
)
LINES = st.lists(st.builds(BilledLine, key=KEYS, amount_cents=st.integers(-50, 500)), max_size=7)


@settings(deadline=None)  # a busy machine is no failure
@given(lago=LINES, odoo=LINES, rerate=LINES)
def test_whatever_is_billed_ties_out(lago: list[BilledLine], odoo: list[BilledLine], rerate: list[BilledLine]) -> None:
    sides = {name: invoice(*own) for name, own in (("lago", lago), ("odoo", odoo), ("rerate", rerate))}
    compared = compare_invoice(sides)
    for name, side in sides.items():
        assert sum(p.cents[name] for p in compared.positions) == stated_total(side)
        assert sum(len(p.lines.get(name, ())) for p in compared.positions) == len(side.lines)
    assert compared.delta_cents == stated_total(sides["odoo"]) - stated_total(sides["lago"])
