"""One billing of one order, or one event that is paid at once: from rows to rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from .advance import advance_line
from .events import events_known, read_events
from .exact import precise
from .implied import implied_billings
from .inputs import Catalog, read_charge, read_metric, read_order
from .moments import moment
from .periods import Boundaries
from .rows import Bill, Billed, ChargeRow, Fees, MetricRow, OrderRow, UsageRow, Windows
from .run import Run, refusal


@precise
def bill(
    order: OrderRow,
    charges: Sequence[ChargeRow],
    metrics: Mapping[str, MetricRow],
    usage: Iterable[UsageRow],
    at: datetime | str,
    reason: str,
    *,
    billed: Sequence[Billed] | None = None,
    known_until: datetime | None = None,
    premium: bool = True,
    event: str = "",
) -> Bill:
    """The lines that billing ``order`` at ``at`` gives (shapes: see the package).

    ``reason``: subscription_starting, subscription_periodic, subscription_terminating, upgrading, or in_advance_charge
    (``event``: its transaction; else the one received just before ``at``). ``billed``: the order's earlier billings;
    None: those its calendar implies. ``known_until``: usage received later is unknown. ``premium``: Lago's licence,
    without which per-transaction bounds do not apply.

    Returns ``lines`` (``Line.row``), ``refusals`` ({"reason", "detail"}: what has no amount, never a guess), and
    ``windows`` (ISO texts of the period of the base fee, of usage, of fixed charges).
    """
    run = prepare(order, charges, metrics, usage, at, reason, billed, known_until, premium, event)
    if run is None:
        return {"lines": [], "refusals": [{"reason": "not_started", "detail": "the order has no start"}], "windows": {}}
    lines, refusals = run.lines()
    return {"lines": [line.row() for line in lines], "refusals": refusals, "windows": named(run.windows)}


def prepare(
    order: OrderRow,
    charges: Sequence[ChargeRow],
    metrics: Mapping[str, MetricRow],
    usage: Iterable[UsageRow],
    at: datetime | str,
    reason: str,
    billed: Sequence[Billed] | None,
    known_until: datetime | None,
    premium: bool,
    event: str = "",
) -> Run | None:
    read, when = read_order(order), moment(at)
    if read is None or when is None:
        return None
    catalog = Catalog(tuple(read_charge(c) for c in charges), {code: read_metric(m) for code, m in metrics.items()})
    events = read_events(row for row in usage if row["external_subscription_id"] == read.external_id)
    if known_until:
        events = {key: events_known(rows, known_until) for key, rows in events.items()}
    earlier = list(billed) if billed is not None else implied_billings(read, when)
    return Run(read, catalog, {code: rows for (_, code), rows in events.items()}, when, reason, earlier, premium, event)


def named(windows: Boundaries) -> Windows:
    return {
        name: value.isoformat() if value else None
        for name, value in (
            ("from", windows.start),
            ("to", windows.end),
            ("charges_from", windows.charges_start),
            ("charges_to", windows.charges_end),
            ("fixed_charges_from", windows.fixed_start),
            ("fixed_charges_to", windows.fixed_end),
        )
    }


@precise
def advance_fees(
    order: OrderRow,
    charge: ChargeRow,
    metric: MetricRow,
    usage: Iterable[UsageRow],
    transaction_id: str,
    *,
    premium: bool = True,
) -> Fees:
    """The line that one event gives on a charge paid in advance: ``lines`` (none or one) and ``refusals``.

    ``usage``: what had arrived up to and including the event, in order of arrival.
    """
    read, priced, known = read_order(order), read_charge(charge), read_metric(metric)
    if read is None:
        return {"lines": [], "refusals": [refusal("not_started", "the order has no start")]}
    events = read_events(usage).get((read.external_id, known.code), [])
    line = advance_line(read, priced, known, events, transaction_id, premium)
    return {"lines": [line.row()] if line else [], "refusals": []}
