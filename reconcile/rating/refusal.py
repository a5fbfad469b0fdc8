"""What the re-rate will not compute: a named reason, never a guess and never 0."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import InvalidOperation

from mappings.phrases import Said, Told


class RerateRefused(Exception):
    """The re-rate cannot give this number. Caught where a fee or invoice is built and shown as a ``Refusal``.

    ``reason`` is a stable snake_case name (it is counted), ``detail`` says which charge, range, event... and why.
    """

    def __init__(self, reason: str, detail: Said = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@contextmanager
def in_range() -> Iterator[None]:
    """Where numbers are rounded: one of more digits than are computed with is refused, else another would come out."""
    try:
        yield
    except InvalidOperation:
        raise RerateRefused("number_out_of_range", Told.TOO_MANY_DIGITS.of()) from None
