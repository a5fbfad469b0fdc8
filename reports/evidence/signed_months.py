"""Which months somebody signed, and what was still open in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from reports.evidence.project_chain import IntactPack
from reports.evidence.report_facts import Fact
from reports.verdict import State


@dataclass(frozen=True, slots=True)
class SignedMonth:
    """The last pack of a month. ``problem``: why it shows no equal month; empty if it does."""

    period: str
    pack: str
    problem: str


def signed_months(chain: Iterable[IntactPack], cohort: str) -> dict[str, SignedMonth]:
    """Month -> the last pack of it that holds the cohort: its own, or one of everybody."""
    of_cohort = (each for each in chain if each.facts.get("cohort") in (None, cohort))
    return {pack.link.period: SignedMonth(pack.link.period, pack.link.pack, _problem(pack)) for pack in of_cohort}


def _problem(pack: IntactPack) -> str:
    facts = pack.facts
    if reason := facts.get("accepted_open"):
        return f"was signed with open differences ({reason})"
    open_ones = {"not compared": "not_compared", "billed twice or never": "lapses", "unexplained": "unexplained"}
    told = [f"{facts[name]} {words}" for words, name in open_ones.items() if _number(facts.get(name))]
    if told:
        return ", ".join(told)
    return "is to act on" if facts.get("state", State.TO_ACT) == State.TO_ACT else ""


def _number(fact: Fact) -> bool:
    """Whether a fact counts something; one that an older pack does not state may."""
    return fact != 0


def months_before(day: date, number: int) -> tuple[str, ...]:
    """The whole months before a day, the last one first: ``2026-07``."""
    months, first = [], day.replace(day=1)
    for _ in range(number):
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(f"{first:%Y-%m}")
    return tuple(months)
