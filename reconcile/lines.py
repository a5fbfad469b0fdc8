"""What was billed, in one shape for all three sides (Lago, Odoo, re-rate)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from mappings.explain import Step


@dataclass(frozen=True, slots=True)
class LineKey:
    """What makes two lines of different sides the same line.

    ``kind``: subscription, charge, true_up, fixed_charge, commitment, add_on, credit.
    ``item`` is the Lago id of the charge, fixed charge, add-on or plan; ``filter`` of the charge filter ("" default
    bucket); ``group`` the sorted pricing group; ``event`` the transaction of a pay-in-advance fee.
    """

    subscription: str
    kind: str
    item: str
    filter: str = ""
    group: tuple[tuple[str, str], ...] = ()
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """One line. ``amount_cents`` is net of tax and before coupons; ``precise_cents`` the same before rounding."""

    key: LineKey
    amount_cents: int
    label: str = ""
    units: Decimal | None = None
    events: int | None = None
    precise_cents: Decimal | None = None
    tax_cents: int | None = None
    source: str = ""  # where a person finds it: Lago fee id, Odoo line id
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Header of an invoice, in cents. ``taxes`` per tax code (as far as the side knows it)."""

    fees_cents: int
    coupons_cents: int
    net_cents: int
    tax_cents: int
    gross_cents: int  # net + tax, before credit notes and prepaid credits
    credit_notes_cents: int = 0
    prepaid_cents: int = 0
    total_cents: int = 0
    taxes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A line or invoice one side cannot give. Named, counted, shown; never a guess and never 0."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledInvoice:
    """One invoice of one side. ``lago_id`` and ``number`` are Lago's: they tie the three sides together."""

    lago_id: str
    number: str
    customer: str  # external id
    currency: str
    issued_on: date
    lines: tuple[BilledLine, ...]
    totals: Totals | None
    refusals: tuple[Refusal, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)  # details for people: periods, plan, draft id
