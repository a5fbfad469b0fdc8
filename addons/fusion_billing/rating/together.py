"""One invoice: several billings of one customer, and its coupons."""

from __future__ import annotations

from collections.abc import Sequence

from . import coupons
from .exact import decimal, precise
from .inputs import MOST_DAYS
from .invoice import named, prepare
from .lines import Line
from .moments import moment, zone
from .periods import PER_YEAR
from .rows import BilledLineRow, BillingRow, Coupon, Invoice, OrderRow, Refusal, Windows
from .run import Run, refusal
from .unratable import Unratable


@precise
def bill_together(billings: Sequence[BillingRow], *, premium: bool = True) -> Invoice:
    """The lines of one invoice: several billings of one customer, and its coupons.

    ``billings``: dicts with the arguments of ``bill`` (``order``, ``charges``, ``metrics``, ``usage``, ``at``,
    ``reason``, optionally ``known_until``, ``event`` and ``billed``) and ``taxes`` (charge's Lago id or "" for the base
    fee -> any value that is equal for lines taxed alike), so that a coupon can be taken off each kind of taxation;
    ``kinds``, if given, are the kinds of lines that are due. Coupons are those of the orders' ``fusion_coupons``.
    Returns ``lines`` as ``bill`` does, each with ``billing`` (index), ``refusals``, and ``windows`` (one per billing).
    """
    found: list[tuple[int, Line]] = []
    refusals: list[Refusal] = []
    windows: list[Windows] = []
    for index, given in enumerate(billings):
        due, (lines, refused) = lines_of(given, premium)
        windows.append(due)
        kinds = given.get("kinds")
        found += [(index, line) for line in lines if not kinds or line.kind in kinds]
        refusals += refused
    try:
        held = held_coupons(billings) if found else []
        refusals += [
            refusal("coupon_history", f"coupon {name(c)} was used in part") for c in held if coupons.partly_used(c)
        ]
        found += coupon_lines(billings, found, [c for c in held if not coupons.partly_used(c)])
    except Unratable as error:
        refusals.append(refusal(error.reason, error.detail))
    rows: list[BilledLineRow] = [{**line.row(), "billing": index} for index, line in found]
    return {"lines": rows, "refusals": refusals, "windows": windows}


def lines_of(given: BillingRow, premium: bool) -> tuple[Windows, tuple[list[Line], list[Refusal]]]:
    """(windows, (lines, refusals)) of one billing."""
    missing = None
    try:
        missing = incomplete(given["order"])
        run = None if missing else run_of(given, premium)
        if run is not None:
            return named(run.windows), run.lines()
    except Unratable as error:
        missing = refusal(error.reason, error.detail)
    return {}, ([], [missing or refusal("not_started", "the order has no start")])


def incomplete(row: OrderRow) -> Refusal | None:
    """What an order lacks to have a calendar. Raises Unratable."""
    name = row.get("fusion_external_id") or row.get("fusion_lago_id") or "the order"
    if row.get("fusion_interval") not in PER_YEAR or row.get("fusion_billing_time") not in ("calendar", "anniversary"):
        return refusal("order_incomplete", f"{name} has no interval or billing time")
    try:
        zone(row.get("fusion_timezone") or "UTC")
    except (KeyError, ValueError):
        return refusal("time_zone", f"{name}: there is no time zone {row['fusion_timezone']}")
    if decimal(row.get("fusion_trial_days") or None) > MOST_DAYS:
        return refusal("number_out_of_range", f"{name}: a trial of more than {MOST_DAYS} days")
    return None


def run_of(given: BillingRow, premium: bool) -> Run | None:
    return prepare(
        given["order"],
        given["charges"],
        given["metrics"],
        given["usage"],
        given["at"],
        given["reason"],
        given.get("billed"),
        given.get("known_until"),
        premium,
        given.get("event") or "",
    )


def name(coupon: Coupon) -> str:
    return str(coupon.get("coupon_code") or coupon.get("code") or coupon.get("lago_id") or "")


def held_coupons(billings: Sequence[BillingRow]) -> list[Coupon]:
    """The coupons in force that the billed orders carry, each once."""
    held: dict[str, Coupon] = {}
    for given in billings:
        for coupon in coupons.read_coupons(given["order"].get("fusion_coupons")):
            held[str(coupon.get("lago_id") or coupon)] = coupon
    at = moment(billings[0]["at"])
    return [coupon for coupon in held.values() if at and coupons.in_force(coupon, at)]


def coupon_lines(
    billings: Sequence[BillingRow], found: Sequence[tuple[int, Line]], held: Sequence[Coupon]
) -> list[tuple[int, Line]]:
    """Negative lines of the coupons, each with the billing it is taxed like."""
    at, currency = moment(billings[0]["at"]), billings[0]["order"]["currency"]
    if not held or at is None:
        return []
    billed = [coupons.Billed(line, billings[index]["order"].get("fusion_plan_code") or "") for index, line in found]
    taxes = [tax_kind(billings[index], line) for index, line in found]
    credits = coupons.apply(held, billed, currency, at)
    return [(found[like][0], line) for line, like in coupons.lines(credits, billed, taxes, currency)]


def tax_kind(given: BillingRow, line: Line) -> str:
    kinds = given.get("taxes") or {}
    return repr(kinds.get(line.charge, kinds.get("")))
