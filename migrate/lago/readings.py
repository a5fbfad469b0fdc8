"""Reading a list whose pages shift while they are read, without losing or doubling a record.

Lago pages by offset, without a snapshot. A record that is added in front shifts the later ones down: one is met twice,
which keys make harmless. A record that goes away shifts the later ones up: one of them slips from an unread page to a
page that was read before, and is missed. But then either the record that went was read in this very reading, and the
next reading will not have it; or it was added since, in front, and made some record be met twice. So a reading
without repetitions, all of whose keys are in the next reading, was complete, and so is the next one. Otherwise the
list is read again. A list of one page is one answer, and cannot shift.

A list that gets new records all the time has repetitions in every reading. From the fifth on they are accepted:
then only records that were both created and deleted within one reading could hide another one.

Something between Lago and us may answer every page with the same one, and say that there are more: pages in a row that
bring nothing new end the reading by name (``Repeats``).

Lago counts the list with every page. One that shows fewer than its last page counts is read once more, for what was
deleted meanwhile; if it still does, that is a gap like a page that Lago does not give (``lacking``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrate.errors import LagoError
from migrate.state.records import Page

STRICT_READINGS = 4
MOST_READINGS = 10
MOST_REPEATED = 3  # pages in a row of records that were shown before: as many never shift while three are read


class NeverSettles(LagoError):
    """The list was another one every time it was read."""


class SamePages(NeverSettles):
    """Page after page brought nothing that was not shown before."""


@dataclass
class Repeats:
    """The pages of one reading in a row. ``most``: how many may bring nothing new, one after the other."""

    name: str
    most: int = MOST_REPEATED
    _seen: set[str] = field(default_factory=set)
    _in_vain: int = 0

    def add(self, keys: Sequence[str], number: int) -> None:
        """One page more, after which others are said to come. Raises SamePages; a page of nothing says nothing."""
        new = set(keys) - self._seen
        self._seen |= new
        self._in_vain = 0 if new or not keys else self._in_vain + 1
        if self._in_vain >= self.most:
            raise SamePages(
                f"{self.name}: page {number} and those before it bring nothing that was not shown already, "
                "and Lago says that there are more: something between Lago and this machine does not pass on "
                "which page is asked for (a cache, a proxy); mend that, or ask Lago directly, then run it again"
            )


@dataclass
class Readings:
    """The readings of one list so far. Ask ``wanted`` for the page to read next, ``add`` it, until it is None."""

    name: str
    pages: list[Page] = field(default_factory=list)
    counted: int | None = None  # by Lago, on the latest page; None: it does not say
    _asked_again: bool = False
    _resumed: bool = False
    _repeats: Repeats = field(init=False)

    def __post_init__(self) -> None:
        self._resumed, self._repeats = bool(self.pages), Repeats(self.name)

    def wanted(self) -> tuple[int, int] | None:
        """(reading, page number), both from 1; None once the list is settled. Raises NeverSettles."""
        if not self.pages:
            return 1, 1
        latest = self.pages[-1]
        if not latest.last:
            return latest.reading, latest.number + 1
        if self._settled():
            if self._asked_again or not self._may_lack():
                return None
            self._asked_again = True
        if latest.reading >= MOST_READINGS:
            raise NeverSettles(
                f"{self.name} kept changing while they were read {MOST_READINGS} times; "
                "stop what writes to Lago, or run the same command again at a quieter time"
            )
        return latest.reading + 1, 1

    def add(self, page: Page, counted: int | None = None) -> None:
        """``counted``: how many there are in all, as Lago says on this page."""
        if page.number == 1:
            self._repeats = Repeats(self.name)
        if not page.last:
            self._repeats.add(page.keys, page.number)
        self.pages.append(page)
        if counted is not None or page.number == 1:  # a page that does not say it takes nothing back
            self.counted = counted
        self._resumed = False

    @property
    def lacking(self) -> str:
        """What to say of a list that shows fewer records than Lago counts; empty if it does not."""
        shown = len(self.keys())
        if self.counted is None or self.counted <= shown:
            return ""
        return f"Lago counts {self.counted:,} and shows {shown:,} of them, read twice; extract again"

    def _may_lack(self) -> bool:
        """A reading that was resumed at its end knows no count: Lago is asked again."""
        return self._resumed or bool(self.lacking)

    def keys(self) -> set[str]:
        """The keys of the latest reading."""
        return set(self._keys(self.pages[-1].reading))

    def _settled(self) -> bool:
        reading = self.pages[-1].reading
        if self.pages[-1].number == 1:
            return True
        before = self._keys(reading - 1)
        if reading <= STRICT_READINGS and len(set(before)) < len(before):
            return False
        return reading > 1 and set(before) <= self.keys()

    def _keys(self, reading: int) -> list[str]:
        return [key for page in self.pages if page.reading == reading for key in page.keys]
