"""Records of Odoo's that differ: which of them give an invoice's lines to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice

from mappings.phrases import Said
from reconcile.billed import LineKey
from reconcile.causes.case import Candidate, Case, Cause, Deviation, Proposal
from reconcile.causes.changes import AddLine, Change, Suppose
from reconcile.causes.observed import (
    ANOTHER,
    IN_EXCESS,
    LINE,
    NOT_THERE,
    OWN,
    UNIQUE,
    UNITS,
    USAGE,
    Suspect,
    listed,
    tax_names,
)
from reconcile.causes.of_lines import on_line, own_line
from reconcile.causes.recompute import movement
from reconcile.rerate.supposed import Hypothesis
from reconcile.rerate.suppositions import OtherRecords
from reconcile.sides.held_terms import BASE
from reports.data import Evidence, Finding

SINGLES, PAIRS = 16, 40  # how many suspects are tried one by one, and how many pairs of them


def suspected_records(case: Case, causes: Sequence[Cause], *, header: bool) -> Iterator[Candidate]:
    """What was seen to differ and would move lines (or the header), in the order of the causes."""
    for cause in causes:
        for suspect in case.suspects:
            if suspect.cause == cause.name and suspect.header is header:
                yield Candidate(cause.name, _supposing(case, suspect))


def _supposing(case: Case, suspect: Suspect) -> Proposal:
    instead = () if suspect.header else _instead(case, suspect)  # what stands in a header is no line of another
    return Proposal(
        changes=(Suppose(Hypothesis(suspect.suppose), header=suspect.header), *instead),
        evidence=(Evidence(name="held", values=suspect.told),),
        remedy=_remedy_of(case, suspect),
        observed=True,
    )


def _instead(case: Case, suspect: Suspect) -> Iterator[Change]:
    """What Odoo bills instead of the charges that are not there because of this.

    A charge that bears another id bills its lines under that one; the migration's own line of a charge that is gone is
    billed by itself, and so is that of the plan where another line passes for it.
    """
    changes = suspect.suppose.changes if isinstance(suspect.suppose, OtherRecords) else ()
    gone = {change.lago_id for change in changes if not change.path}
    if suspect.place.model == LINE:
        gone.add(BASE)
    for line in case.subject.lines if gone or suspect.other_names else ():
        made = own_line(case, line.key)
        if (made and made.charge in gone) or line.key.item in suspect.other_names:
            yield from (AddLine(line), *on_line(case, line))
    if suspect.place.model == LINE and suspect.place.field == OWN:
        yield from on_line(case, *case.subject.lines)  # another line's taxes come with it


USAGE_REMEDIES: Mapping[Said, str] = {NOT_THERE: "mend_usage", IN_EXCESS: "remove_usage", ANOTHER: "return_usage"}


def _remedy_of(case: Case, suspect: Suspect) -> Evidence:
    """Events are loaded anew or taken away, a price of then passes by itself, any other field is set."""
    place, told = suspect.place, {name: value for name, value in suspect.told.items() if name != "odoo"}
    if suspect.cause == "price_then":
        return Evidence(name="price_passed", values=told)
    if place.model == USAGE:
        values = suspect.told if place.field == ANOTHER else told
        return Evidence(name=USAGE_REMEDIES.get(place.field, "reload_usage"), values=values)
    if suspect.cause == "base_product_swapped":  # Odoo computes the taxes of a line anew with its product,
        return Evidence(name="mend_product", values={**told, "tax": _taxes_of(case, suspect)})
    if suspect.cause == "missing_line" and (place.model, place.field) == (LINE, OWN):  # and with its order
        return Evidence(name="mend_line_order", values={**told, "tax": _taxes_of(case, suspect)})
    if suspect.remedy is not None or place.field in UNIQUE:
        return suspect.remedy or Evidence(name="mend_unique", values=told)
    return Evidence(name="mend_units" if place.field in UNITS else "mend_field", values=told)


def _taxes_of(case: Case, suspect: Suspect) -> Said:
    """Lago's taxes on what the order sells: Odoo takes others, or none, with another product or order."""
    sets = [taxes for key, taxes in case.terms.taxes.items() if key.subscription == suspect.subscription]
    return listed(tax_names(sets or case.terms.taxes.values()))


def by_record(case: Case, left_over: Finding, *, is_line: bool) -> Finding:
    """What is left of a position of Odoo's, where a record of it differs although the amounts do not come out by it.

    It is a candidate, with the record as evidence; where records of several causes differ, nobody can tell which it is.
    A record that moves the header only (a coupon) is none for a line.
    """
    suspects = [suspect for suspect in case.suspects if not (is_line and suspect.header)]
    if len({suspect.cause for suspect in suspects}) != 1:
        return left_over
    proposal = _supposing(case, suspects[0])
    evidence = (*proposal.evidence, Evidence(name="amounts_open"))
    cause = suspects[0].cause
    return replace(left_over, cause=cause, side=case.blamed, evidence=evidence, remedy=proposal.remedy)


def differing_records(case: Case, suspected: list[Candidate]) -> list[Candidate]:
    """The differing records that give the lines: all together, else some one by one, else two of them."""
    if not suspected or not any(isinstance(key, LineKey) for key in case.deviation):
        return []
    for tried in _subsets(case, suspected):
        if _lines_right(case, tried):
            return _needed(case, tried, suspected)
    if _mostly_right(case, suspected):
        return _needed(case, suspected, suspected)
    return []


def _mostly_right(case: Case, candidates: Sequence[Candidate]) -> bool:
    """More lines come out to the cent than do not: those are explained, the others stay open."""
    moved = movement(case, candidates, LineKey) or {}
    right = sum(case.deviation.get(key) == cents for key, cents in moved.items())
    return 2 * right > len(moved)


def _subsets(case: Case, suspected: list[Candidate]) -> Iterator[list[Candidate]]:
    yield suspected
    if len(suspected) > 1:
        right = [candidate for candidate in suspected[:SINGLES] if _lines_right(case, [candidate])]
        yield right
        yield from ([candidate] for candidate in right)
        yield from (list(pair) for pair in islice(combinations(suspected[:SINGLES], 2), PAIRS))


def _lines_right(case: Case, candidates: Sequence[Candidate]) -> bool:
    """They move some lines, and all of them by just what the side deviates."""
    moved = movement(case, candidates, LineKey) or {}
    return bool(moved) and all(case.deviation.get(key) == cents for key, cents in moved.items())


def _needed(case: Case, tried: list[Candidate], suspected: list[Candidate]) -> list[Candidate]:
    """Without those that move nothing. One that another would replace is no proof of either."""
    whole = movement(case, tried)
    kept, before = list(tried), list[Candidate]()
    while len(kept) != len(before):  # what another one needed goes once that one is gone
        before = kept
        for candidate in reversed(before):
            rest = [other for other in kept if other is not candidate]
            if rest and movement(case, rest) == whole:
                kept = rest
    return [_rivalled(case, candidate, kept, suspected, whole) for candidate in kept]


def _rivalled(
    case: Case,
    candidate: Candidate,
    kept: list[Candidate],
    suspected: list[Candidate],
    whole: Deviation | None,
) -> Candidate:
    rest = [other for other in kept if other is not candidate]
    own = {id(other) for other in kept}
    rivals = [
        other.cause
        for other in suspected
        if id(other) not in own and other.cause != candidate.cause and movement(case, [*rest, other]) == whole
    ]
    return replace(candidate, proposal=replace(candidate.proposal, others=tuple(dict.fromkeys(rivals))))
