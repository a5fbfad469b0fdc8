"""Causes of lines: records that differ, then rules whose amounts fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.billed import LineKey
from reconcile.causes.case import Candidate, Case, Cause, Proposal
from reconcile.causes.changes import minimums, touched_charge
from reconcile.causes.recompute import movement
from reconcile.causes.record_causes import differing_records, suspected_records
from reconcile.compare.positions import Key

Hit = tuple[Cause, Proposal, Mapping[Key, int]]


def line_causes(case: Case, causes: Sequence[Cause]) -> list[Candidate]:
    """The records that give the lines, and causes whose lines hit exactly.

    Each deviating line is explained once, by the first that hits it.
    """
    told = (Candidate(cause.name, proposal) for cause in causes if cause.record for proposal in cause.propose(case))
    records = differing_records(case, [*suspected_records(case, causes, header=False), *told])
    return [*records, *_by_rules(case, [cause for cause in causes if not cause.header], records)]


def _by_rules(case: Case, causes: Sequence[Cause], records: Sequence[Candidate]) -> list[Candidate]:
    open_lines: dict[Key, int] = {key: cents for key, cents in case.deviation.items() if isinstance(key, LineKey)}
    for key, cents in (movement(case, records, LineKey) or {}).items():
        if open_lines.get(key) == cents:
            del open_lines[key]
    found: list[Hit] = []
    why = [c for c in causes if not c.describes]
    for tier in ([c for c in why if not c.last], [c for c in why if c.last], [c for c in causes if c.describes]):
        found += _taken([hit for c in tier for hit in _hits(case, c, open_lines)], open_lines)
    return [Candidate(cause.name, proposal) for cause, proposal, _ in found]


def _hits(case: Case, cause: Cause, open_lines: Mapping[Key, int]) -> Iterator[Hit]:
    for proposal in cause.propose(case) if open_lines else ():
        for variant in _variants(proposal, case):
            moved = movement(case, [Candidate(cause.name, variant)], LineKey)
            if moved and all(open_lines.get(key) == cents for key, cents in moved.items()):
                yield cause, variant, moved
                break


def _taken(hits: Sequence[Hit], open_lines: dict[Key, int]) -> list[Hit]:
    """The first hit of each line, records before amounts. Another cause that hits the same lines makes a near tie."""
    taken = []
    for cause, proposal, moved in sorted(hits, key=lambda hit: not hit[1].observed):
        if all(key in open_lines for key in moved):
            rivals = [
                other.name
                for other, _, same in hits
                if other.name != cause.name
                and not (other.describes or proposal.observed)
                and same.keys() == moved.keys()
            ]
            taken.append((cause, replace(proposal, others=tuple(dict.fromkeys(rivals))), moved))
            for key in moved:
                del open_lines[key]
    return taken


def _variants(proposal: Proposal, case: Case) -> Iterator[Proposal]:
    """The proposal with charge minimums that follow it, then as it is (a fault may leave the minimum alone)."""
    touched = {touched_charge(change) for change in proposal.changes}
    following = tuple(minimum for minimum in minimums(case.baseline) if minimum.true_up.item in touched)
    if following:
        yield replace(proposal, changes=(*proposal.changes, *following))
    yield proposal
