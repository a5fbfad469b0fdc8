"""Talk on stderr: progress, and a line now and then. Data is never among it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migrate.masking import KNOWN


def say(line: str) -> None:
    """A line of its own."""
    sys.stderr.write(KNOWN.text(f"{line}\n"))
    sys.stderr.flush()


FEW = 10  # of one kind: more of them hide what else is said


def some_lines(lines: Sequence[str], more: str) -> Iterator[str]:
    """The first of many lines, and ``more`` with the number of the others."""
    yield from lines[:FEW]
    if len(lines) > FEW:
        yield more.format(f"{len(lines) - FEW:,}")


def some_names(names: Sequence[str]) -> str:
    """The first of many names, and how many others there are."""
    named = ", ".join(map(repr, names[:FEW]))
    return f"{named} and {len(names) - FEW:,} more" if len(names) > FEW else named


@dataclass(slots=True)
class Talk:
    """Progress on stderr: one line that moves on a terminal; elsewhere a line every few seconds of long work."""

    every: float = 5.0
    _what: str = ""
    _since: float = 0.0
    _last: float = 0.0
    _open: bool = False

    def progress(self, what: str, done: int, total: int | None = None) -> None:
        """So many of ``what`` are done. Work that is over within seconds stays silent, but on a terminal."""
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if what != self._what:
            self._what, self._since, self._last = what, now, now
        finished = total is not None and done >= total
        wait = 0.1 if terminal else self.every
        if now - (self._since if finished else self._last) < wait:
            return
        self._last = now
        self._write(f"{what}: {done:,}" + (f" of {total:,}" if total is not None else ""), terminal)

    def say(self, line: str) -> None:
        self._write(line, False)

    def _write(self, line: str, moving: bool) -> None:
        start = "\r\033[K" if self._open else ""
        sys.stderr.write(f"{start}{KNOWN.text(line)}{'' if moving else chr(10)}")
        sys.stderr.flush()
        self._open = moving

    def close(self) -> None:
        """Take a moving line away, so that the result begins on a line of its own."""
        if self._open:
            self._write("", True)
            self._open = False
