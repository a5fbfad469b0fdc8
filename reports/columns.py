"""Columns of text for a terminal: what every command that lists something prints."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns in plain text; those that hold numbers are set to the right."""
    cells = [[clean(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [all(not row[i] or row[i].lstrip("+-")[:1].isdigit() for row in cells[1:]) for i in range(len(head))]
    lines = [
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])


def clean(text: str) -> str:
    """One line without control characters: a customer's name must not move the terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
