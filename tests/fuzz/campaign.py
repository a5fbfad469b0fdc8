"""Many mutations: several at a time where they concern different customers, and each alone where something is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.fuzz.company import Company, small_company
from tests.fuzz.driver import Driver, Result, driving
from tests.fuzz.invariants import CLASSES, CLEAN, FORBIDDEN, Judge, Owners, Verdict
from tests.fuzz.mutations import Mutation, Records, broken_files, mutation

WIDEST = 16  # mutations in one run
_AHEAD = 500  # mutations among which those that go together are looked for


@dataclass(frozen=True)
class Campaign:
    """Mutations of one company, by seed and number."""

    driver: Driver

    @property
    def company(self) -> Company:
        return self.driver.company

    @cached_property
    def records(self) -> Records:
        return Records(self.company)

    @cached_property
    def judge(self) -> Judge:
        return Judge(Owners(self.records), self.driver.undisturbed)

    def verdicts(self, seed: int, numbers: Iterable[int]) -> Iterator[Verdict]:
        """A verdict on each number."""
        yield from self.judged([mutation(self.records, seed, number) for number in numbers])

    def judged(self, mutations: Sequence[Mutation]) -> Iterator[Verdict]:
        """A verdict on each. What must not be is found out alone: one mutation in a run of its own."""
        for together in self._together(mutations):
            verdicts = self.judge.judge(together, self.run_of(together))
            if len(together) > 1 and any(v.kind in FORBIDDEN or v.kind == CLEAN for v in verdicts):
                verdicts = [v for one in together for v in self.judge.judge([one], self.run_of([one]))]
            yield from verdicts

    def run_of(self, mutations: Sequence[Mutation]) -> Result:
        """What comes of them together."""
        return self.driver.run(broken_files(self.company, mutations))

    def _together(self, mutations: Sequence[Mutation]) -> Iterator[list[Mutation]]:
        """Groups in which no two concern the same customer; who concerns everybody, or a file, is alone.

        Those that concern many come first: what concerns one customer only finds a place beside them.
        """
        concerns = {one.number: self.judge.owners.of(one) for one in mutations}
        waiting = sorted(mutations, key=lambda one: -len(concerns[one.number]))
        while waiting:
            group: list[Mutation] = []
            taken: set[str] = set()
            for one in waiting[:_AHEAD]:
                concerned = concerns[one.number]
                alone = one.is_of_file or concerned >= self.judge.owners.customers
                if not group or not (alone or concerned & taken):
                    group.append(one)
                    taken |= concerned
                if (alone and len(group) == 1) or len(group) == WIDEST:
                    break
            chosen = {one.number for one in group}
            waiting = [one for one in waiting if one.number not in chosen]
            yield group


@contextmanager
def driven(folder: Path) -> Iterator[Campaign]:
    """The small company, migrated, and ready to be broken."""
    with driving(small_company(), folder) as driver:
        yield Campaign(driver)


def tally(verdicts: Iterable[Verdict]) -> Counter[str]:
    """How many mutations of each class."""
    return Counter(verdict.kind for verdict in verdicts)


def rows(counts: Counter[str]) -> list[tuple[str, int]]:
    """Every class, and how many."""
    return [(name, counts[name]) for name in CLASSES]
