"""The packs of a project, one after the other: the file that notes them, and what several of them say of each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from reports.errors import ReportError
from reports.evidence.packs import Flaw, Verified
from reports.paths import whole_file

CHAIN = "chain.jsonl"  # the packs of a project, beside them
PENDING = "chain.pending"  # the line of a pack that is being written


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One signed pack as the project remembers it (a line of ``chain.jsonl``)."""

    number: int
    period: str
    pack: str
    seal: str


class ChainError(ReportError):
    """The project's chain of packs is damaged; ``str()`` is one line with file, line and remedy."""


def read_chain(path: Path) -> tuple[Link, ...]:
    """The packs signed so far, the oldest first; nothing if there is no such file. Raises ChainError."""
    try:
        lines = whole_file(path).splitlines() if path.exists() else []
    except OSError as error:
        told = f"{path}: cannot be read: {error.strerror}; restore the file from a backup"
        raise ChainError(told) from None
    links = []
    for number, line in enumerate(lines, 1):
        link = _link_of(line)
        if link is None:
            raise ChainError(f"{path}:{number}: not a signed pack; restore the file from a backup")
        if link.number != number:
            raise ChainError(f"{path}:{number}: pack {number} is missing; restore the file from a backup")
        links.append(link)
    return tuple(links)


def _link_of(line: bytes) -> Link | None:
    try:
        link = Link(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (link.period, link.pack, link.seal)
    return link if type(link.number) is int and all(isinstance(text, str) and text for text in texts) else None


def chain_line(link: Link) -> str:
    """The line to append to ``chain.jsonl``."""
    fields = {"number": link.number, "period": link.period, "pack": link.pack, "seal": link.seal}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def chain_flaws(pack: Verified, chain: Sequence[Link], name: str | None = None) -> Iterator[Flaw]:
    """Whether a pack is the one that the project's chain notes under its number, and under its file's ``name``.

    A file may have been renamed, but not to what another pack is called.
    """
    link = next((link for link in chain if link.number == pack.facts.get("number")), None)
    called = next((link for link in chain if link.pack == name), link)
    if link is None:
        yield Flaw("added", "the pack as a whole", f"{CHAIN} beside it does not know it")
    elif link.seal != pack.seal:
        yield Flaw("altered", "the pack as a whole", f"{CHAIN} beside it notes another seal")
    elif called is not None and called.number != link.number:
        yield Flaw("reordered", f"pack {link.number}", f"{CHAIN} beside it notes pack {called.number} under this name")


def link_flaws(packs: Sequence[tuple[str, Verified]]) -> list[Flaw]:
    """Check the chain over several packs of one project, given as (name, what ``verify`` found)."""
    ordered = sorted(packs, key=lambda pack: number_of(pack[1]))
    flaws: list[Flaw] = []
    for (_, before), (name, pack) in pairwise(ordered):
        number, expected = number_of(pack), number_of(before) + 1
        if number > expected:
            flaws.append(Flaw("missing", f"pack {expected}", f"before {name}"))
        elif number < expected:
            flaws.append(Flaw("added", name, f"number {number} a second time"))
        elif pack.facts.get("previous") != before.seal:
            flaws.append(Flaw("altered", f"pack {number - 1}", f"{name} was signed after another one"))
    return flaws


def number_of(pack: Verified) -> int:
    """Its place in the project's chain; 0 where it says none."""
    number = pack.facts.get("number")
    return number if isinstance(number, int) else 0
