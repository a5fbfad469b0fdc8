"""Free-form details of a fee, each broken in every place that shows the fee: the list of fees, its invoice's page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from tests.fuzz.campaign import Campaign, tally
from tests.fuzz.company import Payload
from tests.fuzz.invariants import FORBIDDEN, HARMLESS, QUARANTINED, SHOWN
from tests.fuzz.mutations import Mutation, Records, of_field
from tests.fuzz.places import Path, get_at, paths_in
from tests.fuzz.within import FREE_FORM

PRICE = "plan_amount_cents"
_TIMES = 3

VALUES = ("4900.0", "1e3", "zz", "", [], {}, ["zz"], {"zz": 1}, "1E+999999999", "1e-999999999", "٣٫٥", 49.5, "-5", None)


def test_a_detail_that_cannot_be_read_costs_its_fee_at_the_most(campaign: Campaign) -> None:
    mutations = list(_mutations(campaign.records))
    fields = {one.field for one in mutations}
    assert {"amount_details.plan_amount_cents", "amount_details.rate"} <= fields
    assert any(one.field.startswith("amount_details.graduated_ranges.1.") for one in mutations)
    assert all(len({place.root for place in one.places}) > 1 for one in mutations), "in both places alike"
    verdicts = list(campaign.judged(mutations))
    wrong = [f"{v.kind}: {v.mutation.field} {v.mutation.values}\n    {v.why}" for v in verdicts if v.kind in FORBIDDEN]
    assert not wrong, "\n".join(wrong)
    assert set(tally(verdicts)) <= {QUARANTINED, SHOWN, HARMLESS}
    prices = [v for v in verdicts if v.mutation.field.endswith(PRICE)]
    assert tally(prices)[QUARANTINED] >= 9, "a price that is none"


def _mutations(records: Records) -> Iterator[Mutation]:
    """Every detail that any fee has: a price with each value, any other with some, so that all of them come."""
    details = sorted(_details(records).items(), key=str)
    priced = [(path, fees, value) for path, fees in details if path[-1] == PRICE for value in VALUES]
    others = [(path, fees) for path, fees in details if path[-1] != PRICE]
    turns = zip(range(len(others) * _TIMES), cycle(VALUES), strict=False)
    shown = [(*others[turn % len(others)], value) for turn, value in turns]
    for number, (path, fees, value) in enumerate((*priced, *shown)):
        fee = fees[number % len(fees)]

        def put(payload: Payload, path: Path = path, value: object = value) -> None:
            get_at(payload, path[:-1])[path[-1]] = value

        within = records.within[fee]
        yield of_field(records, ("fee", fee), path, put, within, seed=0, number=number, kind=repr(value)[:20])


def _details(records: Records) -> dict[Path, list[str]]:
    """Path of a detail -> the fees that have it."""
    found: dict[Path, list[str]] = {}
    for fee in records.by_kind["fee"]:
        shown = records.view(records.places["fee", fee][0]).get(FREE_FORM)
        for path, _ in paths_in(shown, (FREE_FORM,)):
            if fee in records.within:
                found.setdefault(path, []).append(fee)
    return found
