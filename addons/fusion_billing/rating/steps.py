"""How an amount came about: what each step did and with which numbers. No words: those are made where it is read."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from .exact import plain

Step = dict[str, str | dict[str, str]]


def step(kind: str, values: Mapping[str, Decimal | None] | None = None, **amounts: Decimal) -> Step:
    """A step as it is answered and kept: ``kind`` is a stable name, numbers are text.

    ``values`` say more of the kind (the bounds of a tier; one that does not exist is left out), ``amounts`` are
    units, unit_price, flat and amount, in units of the currency.
    """
    told = {name: plain(value) for name, value in (values or {}).items() if value is not None}
    return {"kind": kind, "values": told, **{name: plain(number) for name, number in amounts.items()}}
