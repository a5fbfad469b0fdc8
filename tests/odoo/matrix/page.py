"""The table of the matrix as a page: ``docs/faults-odoo.md``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.odoo.matrix.judge import HEAD, row
from tests.odoo.matrix.kept import Kept, Which, code
from tests.odoo.matrix.kinds import FLAVOURS, Kind

PAGE = Path(__file__).parents[3] / "docs" / "faults-odoo.md"
BEGIN = "<!-- make faults-odoo writes what follows -->"


def everything(kinds: Sequence[Kind]) -> list[Which]:
    """All that is to be planted, in the order of the page."""
    return [(kind.name, flavour) for flavour in FLAVOURS for kind in kinds if flavour in kind.flavours]


def summary(rows: Sequence[Kept], asked: int) -> str:
    """What was planted, how it came out, and what it took."""
    states = Counter(kept.verdict.state for kept in rows)
    counted = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    text = f"{len(rows)} faults planted: {counted}. Remedies: {_remedies(rows)}."
    if rows:
        seconds, cpu = (sum(value) / len(rows) for value in zip(*((k.seconds, k.cpu) for k in rows), strict=True))
        text += f" {seconds:.0f} seconds each, {cpu:.0f} of them this program's own CPU."
    older = sum(kept.code != code() for kept in rows)
    if older:
        text += f" {older} rows were given by the code of an earlier day: it changed since."
    if len(rows) < asked:
        text += f" {asked - len(rows)} of {asked} are not planted yet: `make faults-odoo` goes on."
    return text


def _remedies(rows: Sequence[Kept]) -> str:
    kinds = Counter(re.split(r"[ :]", kept.verdict.remedy)[0] for kept in rows if kept.verdict.remedy)
    words = {"yes": "work", "no": "do not", "none": "say that there is nothing to mend", "by": "need a person"}
    return ", ".join(f"{kinds[kind]} {said}" for kind, said in words.items() if kinds[kind]) or "none was named"


def write(kinds: Sequence[Kind], results: Mapping[Which, Kept]) -> None:
    """The part of the page below the mark."""
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    asked = everything(kinds)
    rows = [results[which] for which in asked if which in results]
    table = "\n".join([BEGIN, "", summary(rows, len(asked)), "", HEAD, *(row(kept.verdict) for kept in rows), ""])
    PAGE.write_text(text + table, encoding="utf-8")
