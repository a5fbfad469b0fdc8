"""The last guard: what nobody foresaw costs the invoice at which it came up, by name, and no other one.

It is a mistake of this tool's, and hides none: the refusal says what broke and where, counts, and moves the exit code.
What the machine lacks (memory, disk, a database) is no invoice's fault and ends the command.
"""

from __future__ import annotations

import logging
import traceback

from mappings.phrases import Told
from reconcile.rating.refusal import RerateRefused

REASON = "unforeseen"
LOGGER = "lago2odoo"
# What code raises that meets a value it did not reckon with. RuntimeError is none of these: DuckDB says by it that a
# person interrupted the query, and Python that the machine has no thread left.
OF_DATA = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_LONGEST = 120


def unforeseen(error: Exception) -> RerateRefused:
    """The refusal of what broke with ``error``, which is logged with its traceback (``lago2odoo --debug`` shows it)."""
    logging.getLogger(LOGGER).debug("what nobody foresaw", exc_info=error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {_file(frames[-1].filename)}, line {frames[-1].lineno}, {frames[-1].name}" if frames else ""
    said = " ".join(str(error).split())[:_LONGEST]
    told = f"{type(error).__name__}{place}{f': {said}' if said else ''}"
    return RerateRefused(REASON, Told.UNFORESEEN.of(told))


def _file(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
