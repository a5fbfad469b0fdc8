"""Plain aggregations answered inside DuckDB, for any number of demands in one pass, in exact decimals.

Plain means: one bucket, no groups, no proration, nothing priced event by event. Everything else, and every demand with
a value that does not fit the decimal type in use, is answered event by event (``reconcile.aggregate``), which gives
the same units: a test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from reconcile.exact import JSON_NUMBERS
from reconcile.rate import Aggregation
from reconcile.tiers import ZERO
from reconcile.usage_keys import group_keys
from reconcile.windows import Demand

# (type, decimals): tried in this order; int64 arithmetic first, it is twice as fast
_DECIMALS = (("decimal(18,6)", 6), ("decimal(28,15)", 15))
_NUMERIC_KINDS = ("sum_agg", "max_agg", "latest_agg")
_PER_EVENT = ("free_units_per_events", "free_units_per_total_aggregation")
_BOUNDS = ("per_transaction_min_amount", "per_transaction_max_amount")


@dataclass(frozen=True, slots=True)
class Plain:
    """Demands that one query answers: the same aggregation of the same property."""

    kind: str
    field: str | None


def plain_class(demand: Demand) -> Plain | None:
    """The class of a plain demand, None for the others."""
    charge, metric = demand.charge, demand.metric
    if (
        charge.filters
        or charge.prorated
        or group_keys(charge.properties)
        or charge.charge_model in ("dynamic", "custom")
    ):
        return None
    if any(charge.properties.get(key) not in (None, "") for key in (*_PER_EVENT, *_BOUNDS)):
        return None
    if metric.aggregation_type in (*_NUMERIC_KINDS, "count_agg", "unique_count_agg"):
        return Plain(metric.aggregation_type, metric.field_name)
    return None


def answer(
    db: duckdb.DuckDBPyConnection, plain: Plain, pointer: str, source: str
) -> Iterator[tuple[int, Aggregation | None]]:
    """(demand, its units before rounding) for every demand with events; None where no decimal type fits.

    ``source`` is the joined selection of events and demands (see ``usage.joined``), ``pointer`` the JSON pointer of
    the property.
    """
    if plain.kind not in _NUMERIC_KINDS:
        query = _COUNT if plain.kind == "count_agg" else _UNIQUE
        yield from _rows(db, query.format(source=source), [] if plain.kind == "count_agg" else [pointer])
        return
    yield from _numeric(db, plain.kind, pointer, source)


def _numeric(
    db: duckdb.DuckDBPyConnection, kind: str, pointer: str, source: str
) -> Iterator[tuple[int, Aggregation | None]]:
    only = ""
    for decimal_type, digits in _DECIMALS:
        query = _NUMBERS.format(
            source=source,
            type=decimal_type,
            digits=digits,
            units=_UNITS[kind],
            key=_ORDER if kind == "latest_agg" else "0",
        )
        misfits: list[int] = []
        for demand, found in _rows(db, query + only, [pointer]):
            if found is None:
                misfits.append(demand)
            else:
                yield demand, found
        if not misfits:
            return
        only = _only(misfits)
    for demand in misfits:
        yield demand, None


def _only(demands: Sequence[int]) -> str:
    return f" having demand in ({','.join(map(str, demands))})"


def _rows(
    db: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any]
) -> Iterator[tuple[int, Aggregation | None]]:
    result = db.execute(query, list(parameters))
    while rows := result.fetchmany(100_000):
        for demand, units, events, fits in rows:
            yield demand, Aggregation(units=_exact(units), events_count=events) if fits else None


def _exact(units: Any) -> Decimal:
    if units is None:
        return ZERO
    return units if isinstance(units, Decimal) else Decimal(units)


_COUNT = "select demand, count(*), count(*), true from ({source}) group by demand"

# The effects of a value's adds and removes add up to whether the last one was an add (facts §5.4).
_ORDER = (
    "epoch_us(timestamp)::hugeint * 10000000000000000000000 "
    "+ coalesce(epoch_us(created_at), 0)::hugeint * 1000000 + position % 1000000"
)
_UNIQUE = f"""
    select demand, count(*) filter (present), count(*) filter (present), true from (
        select demand, json_extract_string(properties, $1) as value,
               arg_max(coalesce(nullif(json_extract_string(properties, '/operation_type'), ''), 'add') = 'add', {_ORDER})
                   as present
        from ({{source}}) group by demand, value
    ) group by demand"""

_UNITS: Mapping[str, str] = {
    "sum_agg": "sum(number)",
    "max_agg": "max(number)",
    "latest_agg": "greatest(arg_max(number, moment), 0)",
}

# A text is a number by its form; a JSON number by its type, in whatever form it was written (facts §5.1).
_JSON_NUMBER = ", ".join(f"'{name}'" for name in sorted(JSON_NUMBERS))
_NUMBERS = (
    """
    select demand, {units}, count(*) filter (counts), not coalesce(bool_or(counts and not fits), false) from (
        select demand, moment, counts, number,
               number is not null and length(text) - coalesce(nullif(instr(text, '.'), 0), length(text)) <= {digits}
                   and instr(text, 'e') = 0 and instr(text, 'E') = 0 as fits
        from (
            select demand, {key} as moment, text,
                   coalesce(regexp_full_match(text, '-?[0-9]+(\\.[0-9]+)?'), false) as plain_text,
                   plain_text or (text is not null and json_type(properties, $1) in ("""
    + _JSON_NUMBER
    + """)) as counts,
                   case when counts then try_cast(text as {type}) end as number
            from (select *, json_extract_string(properties, $1) as text from ({source}))
        )
    ) group by demand"""
)
