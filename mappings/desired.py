"""The whole map in one function: a Lago snapshot -> the records Odoo should have, phase after phase.

snapshot, usage, target, tables, options
    -> catalog -> customers -> subscriptions -> usage -> balances -> tokens
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from mappings.balances import balances
from mappings.charges import metrics
from mappings.context import Context, Options, context
from mappings.counted import counted_gaps
from mappings.coupons import coupon_definitions, coupon_gaps
from mappings.customers import customers
from mappings.decode import NOT_UNIQUE
from mappings.payment_terms import payment_terms
from mappings.plans import add_ons, currencies, intervals, plans
from mappings.records import Snapshot
from mappings.services import services
from mappings.subscriptions import subscriptions
from mappings.tables import Tables
from mappings.target import Desired, Mapped, Phase, Skipped, Source, Target, Value
from mappings.taxes import tax_codes
from mappings.tokens import tokens
from mappings.unread import unread_records
from mappings.usage import UsageRow, usage
from mappings.wallets import wallets

# In this order; a record refers only to records above it.
MAPPERS: tuple[tuple[Phase, Callable[[Context], Iterator[Mapped]]], ...] = (
    (Phase.CATALOG, counted_gaps),
    (Phase.CATALOG, currencies),
    (Phase.CATALOG, payment_terms),
    (Phase.CATALOG, services),
    (Phase.CATALOG, intervals),
    (Phase.CATALOG, metrics),
    (Phase.CATALOG, add_ons),
    (Phase.CATALOG, plans),
    (Phase.CATALOG, tax_codes),
    (Phase.CATALOG, coupon_definitions),
    (Phase.CUSTOMERS, customers),
    (Phase.SUBSCRIPTIONS, subscriptions),
    (Phase.SUBSCRIPTIONS, coupon_gaps),
    (Phase.BALANCES, balances),
    (Phase.BALANCES, wallets),
    (Phase.TOKENS, tokens),
)
_EMPTY: tuple[Value, ...] = (None, False, "", (), "[]")


def desired(
    snapshot: Snapshot, usage: Iterable[UsageRow], target: Target, tables: Tables, options: Options
) -> tuple[Mapped, ...]:
    """All mapped records. ``usage`` are the events at hand, in a stable order; which of them move is decided here."""
    return tuple(iterate(snapshot, usage, target, tables, options))


def iterate(
    snapshot: Snapshot,
    rows: Iterable[UsageRow],
    target: Target,
    tables: Tables,
    options: Options,
    phases: frozenset[Phase] = frozenset(Phase),
) -> Iterator[Mapped]:
    """The same as a stream, for ``phases`` only: events are neither counted nor kept beforehand."""
    inputs = context(snapshot, target, tables, options)
    lost: dict[tuple[Phase, str, str], int] = {}
    seen: set[str] = set()
    for phase in Phase:
        if phase in phases:
            for item in chain(unread_records(inputs, phase), _once(_phase(inputs, phase, rows), seen)):
                yield _known_fields(item, inputs, lost) if isinstance(item, Desired) else item
    yield from (_lost(key, count) for key, count in lost.items())


def _phase(inputs: Context, phase: Phase, rows: Iterable[UsageRow]) -> Iterator[Mapped]:
    if phase is Phase.USAGE:
        yield from usage(inputs, rows)
    for of_phase, mapper in MAPPERS:
        if of_phase is phase:
            yield from mapper(inputs)


def _once(items: Iterable[Mapped], seen: set[str]) -> Iterator[Mapped]:
    """Each external id once, of records and of their lines: a second one under it would overwrite the first one."""
    for item in items:
        xids = _xids(item) if isinstance(item, Desired) else ()
        twice = next((xid for place, xid in enumerate(xids) if xid in seen or xid in xids[:place]), "")
        if twice:
            detail = f"is the second record that would be {twice} in Odoo"
            yield Skipped(
                phase=item.phase, source=item.source, reason=NOT_UNIQUE, detail=detail, customer=item.customer
            )
            continue
        seen.update(xids)
        yield item


def _xids(item: Desired) -> tuple[str, ...]:
    return (item.xid, *(line.xid for lines in item.children.values() for line in lines))


def _known_fields(item: Desired, inputs: Context, lost: dict[tuple[Phase, str, str], int]) -> Desired:
    """Without the fields this server lacks; those that would have said something are counted."""
    missing = {name for name in item.values if not inputs.has(item.model, name)}
    for name in missing:
        if item.values[name] not in _EMPTY:
            key = (item.phase, item.model, name)
            lost[key] = lost.get(key, 0) + 1
    children = {
        name: tuple(_known_fields(line, inputs, lost) for line in lines) for name, lines in item.children.items()
    }
    if not missing:
        return replace(item, children=children) if children else item
    values = {name: value for name, value in item.values.items() if name not in missing}
    return replace(item, values=values, children=children, once=item.once - missing, late=item.late - missing)


def _lost(key: tuple[Phase, str, str], count: int) -> Skipped:
    phase, model, name = key
    detail = f"{count} records need the field {name} of {model}, which this server lacks"
    return Skipped(
        phase=phase, source=Source("field", f"{model}.{name}"), reason="field_missing", detail=detail, count=count
    )
