"""What the re-rate will not compute: a named reason, never a guess and never 0."""

from __future__ import annotations


class Refused(Exception):
    """The re-rate cannot give this number. Caught where a fee or invoice is built and shown as a ``Refusal``.

    ``reason`` is a stable snake_case name (it is counted), ``detail`` says which charge, range, event... and why.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
