"""On which line of a TOML file a key stands, for messages about it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from mappings.toml import KEY_PART, NotTomlError, read_toml

_KEY = rf"{KEY_PART}(?:[ \t]*+\.[ \t]*+{KEY_PART})*+"
_HEADER = re.compile(rf"[ \t]*+(\[\[?)[ \t]*+({_KEY})[ \t]*+\]")
_ASSIGNMENT = re.compile(rf"[ \t]*+({_KEY})[ \t]*+=")
_QUOTES = re.compile(r'"""|' + "'''")


@dataclass(frozen=True)
class TomlLines:
    """The lines of a TOML text. ``entry`` counts the ``[[entries]]`` of a table from 1; 0: whichever."""

    text: str

    def of(self, key: str, entry: int = 0) -> int:
        """The line of a dotted key, from 1; of the nearest table around it if it has no line of its own."""
        for number in (entry, 0):  # entries may be written as one list
            name = key
            while name:
                if line := self._lines.get((name, number)):
                    return line
                name = name.rpartition(".")[0]
        return 1

    @cached_property
    def _lines(self) -> dict[tuple[str, int], int]:
        """(dotted key, entry) -> the first line that writes it, or a part of it."""
        lines: dict[tuple[str, int], int] = {}
        entries = Counter[str]()
        table: tuple[str, ...] = ()
        for number, line in _outside_of_texts(self.text):
            parts: tuple[str, ...] = ()
            if header := _HEADER.match(line):
                parts = table = _parts(header[2])
                entries[table[0]] += header[1] == "[[" and len(table) == 1
            elif assigned := _ASSIGNMENT.match(line):
                parts = (*table, *_parts(assigned[1]))
            for name in accumulate(parts, "{}.{}".format):
                lines.setdefault((name, entries[parts[0]]), number)
                lines.setdefault((name, 0), number)
        return lines


def _outside_of_texts(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without those that begin within a text of several lines."""
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not closing:
            yield number, line
        for quotes in _QUOTES.findall(line):
            if closing in ("", quotes):
                closing = "" if closing else quotes


def _parts(key: str) -> tuple[str, ...]:
    """The parts of a key as TOML reads them."""
    try:
        table = read_toml(f"{key} = 0")
    except NotTomlError:  # of more parts than are read
        return (key,)
    parts = []
    while isinstance(table, dict):
        part, table = next(iter(table.items()))
        parts.append(part)
    return tuple(parts)
