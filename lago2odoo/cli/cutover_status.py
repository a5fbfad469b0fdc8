"""What ``status`` says of the cut-over: cohorts by stages, and the command that comes next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from migrate.state.columns import CutoverStage
from migrate.state.cutover_stages import StageNote
from reports.columns import table

_NEXT = (  # the first stage that a cohort has subscriptions in says what comes next
    (CutoverStage.SETTING, "end"),
    (CutoverStage.ENDING, "confirm"),
    (CutoverStage.BACK, "check"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortStages:
    """How many subscriptions of a cohort are at each stage; ``next``: the command, empty where all ended."""

    cohort: str
    counts: dict[str, int]
    next: str


def cohort_stages(notes: Iterable[StageNote]) -> Iterator[CohortStages]:
    """By cohort."""
    by_cohort: defaultdict[str, Counter[CutoverStage]] = defaultdict(Counter)
    for note in notes:
        by_cohort[note.cohort][note.stage] += 1
    for cohort, counts in sorted(by_cohort.items()):
        step = next((step for stage, step in _NEXT if counts[stage]), "")
        told = f"lago2odoo cutover --cohort {cohort} --{step}" if step else ""
        yield CohortStages(cohort=cohort, counts={stage.value: counts[stage] for stage in CutoverStage}, next=told)


def cohort_lines(cohorts: Sequence[CohortStages]) -> Iterator[str]:
    """A table of all of them."""
    if cohorts:
        heads = ("cut-over of cohort", *(stage.value for stage in CutoverStage), "next")
        yield ""
        yield table(heads, [(c.cohort, *(f"{n:,}" for n in c.counts.values()), c.next) for c in cohorts])
