"""What was billed, in one shape for all three sides (Lago, Odoo, re-rate)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from mappings.explain import Step
from mappings.phrases import Said


@dataclass(frozen=True, slots=True)
class LineKey:
    """What makes two lines of different sides the same line.

    ``kind``: subscription, charge, true_up, fixed_charge, commitment, add_on, credit; other: a line of Odoo's that is
    not rated. ``item`` is the Lago id of the charge, fixed charge, add-on or plan (other: Odoo's record); ``filter`` of
    the charge filter ("" default bucket); ``group`` the sorted pricing group; ``event`` the transaction of a
    pay-in-advance fee.
    """

    subscription: str
    kind: str
    item: str
    filter: str = ""
    group: tuple[tuple[str, str], ...] = ()
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a person finds a line: a fee of Lago's, a line of Odoo's (quantity × price), or our own re-rate."""

    fee: str = ""  # Lago id
    quantity: str = ""
    price: str = ""

    def __str__(self) -> str:
        if self.fee:
            return f"fee {self.fee}"
        return f"{self.quantity} × {self.price}" if self.quantity else "re-rate"


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
    origin: Origin | None = None
    steps: tuple[Step, ...] = ()
    window: tuple[datetime, datetime] | None = None  # the period it bills, where its side says so (Odoo)
    tax_ids: tuple[int, ...] = ()  # Odoo's taxes on it
    discount: Decimal = Decimal(0)  # percent that Odoo takes off what was rated


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """One subscription billed by one Lago invoice: when and why."""

    subscription: str  # Lago id
    at: datetime
    reason: str
    event: str = ""  # transaction of a charge paid in advance


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A subscription that a side bills nothing of, by design; ``cause`` is the name of the cause."""

    subscription: str  # Lago id
    cause: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSum:
    """What a side bills in another currency than Lago: ``amount`` in units, taxes included; ``tax`` of it.

    ``orders``: subscription (Lago id) -> the order that bills it so; empty where all of the invoice is. ``refusals``:
    why it would not even make that bill.
    """

    amount: Decimal
    currency: str
    tax: Decimal = Decimal(0)
    orders: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()


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

    @classmethod
    def of(
        cls,
        net_cents: int,
        tax_cents: int | None = None,
        *,
        coupons_cents: int = 0,
        progressive_cents: int = 0,
        taxes: Mapping[str, int] | None = None,
        credit_notes_cents: int = 0,
        prepaid_cents: int = 0,
    ) -> Totals:
        """The one place where the sums of a header are made. ``tax_cents``: that of ``taxes``, where none is told.

        ``progressive_cents``: taken off the fees, with the coupons, for what a progressive invoice billed before.
        """
        by_code = taxes or {}
        tax = sum(by_code.values()) if tax_cents is None else tax_cents
        gross = net_cents + tax
        return cls(
            fees_cents=net_cents + coupons_cents + progressive_cents,
            coupons_cents=coupons_cents,
            net_cents=net_cents,
            tax_cents=tax,
            gross_cents=gross,
            credit_notes_cents=credit_notes_cents,
            prepaid_cents=prepaid_cents,
            total_cents=gross - credit_notes_cents - prepaid_cents,
            taxes=by_code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """The line of an open balance in Odoo, as it stands: made with one unit of what is due, and no tax."""

    quantity: Decimal
    price: Decimal  # in units of the currency
    discount: Decimal
    taxed: bool
    posted: bool = False  # it stands in the books: nothing is written to it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A line or invoice one side cannot give. Named, counted, shown; never a guess and never 0.

    ``detail``: words of ours (a ``Phrase``), or what a server or a file said itself, as it is.
    """

    reason: str
    detail: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledInvoice:
    """One invoice of one side. ``lago_id`` and ``number`` are Lago's: they tie the three sides together.

    Of Lago's side: ``type``, ``state``, ``customer_name``, and what it bills (``billings``). Of Odoo's: ``outside``
    (why no subscription bills this), ``idle``, ``foreign``, ``unnamed_taxes`` (those without a Lago code), ``drafts``
    (ids of shadow drafts that were kept), ``payers`` (ids of the partners who would get it).
    """

    lago_id: str
    number: str
    customer: str  # external id
    currency: str
    issued_on: date
    lines: tuple[BilledLine, ...]
    totals: Totals | None
    refusals: tuple[Refusal, ...] = ()
    register: Totals | None = None  # Lago's own header as stated, whether or not it can be compared
    paid_cents: int = 0  # of Lago's
    open_cents: int | None = None  # what is still due today; None: this side does not say
    open_line: OpenLine | None = None  # of Odoo's: what the open balance consists of
    type: str = ""
    state: str = ""
    customer_name: str = ""
    billings: tuple[Billing, ...] = ()
    unstated: tuple[str, ...] = ()  # header parts that the side settles elsewhere by design: they say nothing here
    settled_cents: int | None = None  # all that was taken off after tax, where a side tells just that
    outside: str = ""
    idle: tuple[Idle, ...] = ()
    foreign: tuple[ForeignSum, ...] = ()
    unnamed_taxes: tuple[str, ...] = ()
    drafts: tuple[int, ...] = ()
    payers: tuple[int, ...] = ()


Side = Mapping[str, BilledInvoice]  # by Lago's invoice id


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeSides:
    """A period as all three billed it."""

    lago: Side
    odoo: Side
    rerate: Side
