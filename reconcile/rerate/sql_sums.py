"""Plain aggregations answered inside DuckDB, for any number of demands in one pass, in exact decimals.

Plain means: one bucket, no groups, no proration, nothing priced event by event. Everything else, and every demand with
a value that does not fit the decimal type in use, is answered event by event (``reconcile.aggregate``), which gives
the same units: a test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext

import duckdb

from mappings.money import round_up
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.demand import Demand
from reconcile.rating.pg_numeric import JSON_NUMBERS, WIDE
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.tiers import ZERO
from reconcile.rating.usage_keys import group_keys

# (type, digits before and after the point): tried in this order; 64-bit integers first, they are twice as fast
_DECIMALS = (("decimal(18,6)", 11, 6), ("decimal(28,15)", 12, 15))
_QUERY_OF = {
    "sum_agg": "numbers",
    "max_agg": "numbers",
    "count_agg": "numbers",
    "latest_agg": "numbers",
    "unique_count_agg": "unique",
    "weighted_sum_agg": "weighted",
}
_EVENT_BY_EVENT = (
    "free_units_per_events",
    "free_units_per_total_aggregation",
    "per_transaction_min_amount",
    "per_transaction_max_amount",
)
Answers = Iterator[tuple[int, Aggregation | None]]


def plain_kind(demand: Demand, rules: Rules = LATEST) -> str | None:
    """Which query answers a demand (``numbers``, ``unique``, ``weighted``), None if none does.

    Of the demand only the charge and the metric count.
    """
    charge, kind = demand.charge, demand.metric.aggregation_type
    if charge.pay_in_advance and not rules.advance_negative_state:
        return None  # needs the running total of every event
    if charge.filters or charge.prorated or charge.charge_model in ("dynamic", "custom"):
        return None
    if group_keys(charge.properties) or any(charge.properties.get(key) not in (None, "") for key in _EVENT_BY_EVENT):
        return None
    if kind == "weighted_sum_agg" and demand.metric.recurring:
        return None
    return _QUERY_OF.get(kind)


def answer(db: duckdb.DuckDBPyConnection, kind: str, pointer: str, paired: str) -> Answers:
    """(demand, its units before rounding) for every demand with events; None where no decimal type fits.

    ``paired`` selects the events of the pairs in the table ``demands``, ``pointer`` is the property's JSON pointer.
    """
    if kind == "unique":
        yield from _read(db, _UNIQUE.format(paired=paired), pointer)
    elif kind == "weighted":
        decimal_type, whole, digits = _DECIMALS[0]
        yield from _weighted(db, _fitting(_WEIGHTED, paired, decimal_type, whole, digits), pointer)
    else:
        yield from _numbers(db, pointer, paired)


def _numbers(db: duckdb.DuckDBPyConnection, pointer: str, paired: str) -> Answers:
    only, misfits = "", list[int]()
    for decimal_type, whole, digits in _DECIMALS:
        misfits = []
        for demand, aggregation in _read(db, _fitting(_NUMBERS, paired + only, decimal_type, whole, digits), pointer):
            if aggregation is None:
                misfits.append(demand)
            else:
                yield demand, aggregation
        if not misfits:
            return
        numbers = ",".join(map(str, misfits))
        only = f" and w.first + m.number in (select pair from demands where demand in ({numbers}))"  # noqa: S608 (numbers)
    yield from ((demand, None) for demand in misfits)


def _read(db: duckdb.DuckDBPyConnection, query: str, pointer: str) -> Answers:
    # in columns, units as texts: cheaper than rows of decimals, and no longer than the list of demands
    columns = db.sql(_AS_TEXT.format(query=query), params=[pointer]).to_arrow_table().to_pydict()
    for demand, units, events, fits in zip(*columns.values(), strict=True):
        if fits:
            yield demand, Aggregation(units=ZERO if units is None else Decimal(units), events_count=events)
        else:
            yield demand, None


def _weighted(db: duckdb.DuckDBPyConnection, query: str, pointer: str) -> Answers:
    result = db.execute(query, [pointer])
    while rows := result.fetchmany(100_000):
        for demand, scales, parts, events, last, fits in rows:
            yield demand, _weighted_units(scales, parts, events, last) if fits else None


def _weighted_units(scales: Sequence[int], parts: Sequence[int], events: int, last: Decimal) -> Aggregation:
    with localcontext(WIDE):
        units = sum((Decimal(part).scaleb(-scale) for scale, part in zip(scales, parts, strict=True)), ZERO)
        return Aggregation(units=round_up(units, 20), events_count=events, total_aggregated_units=last)


# --- the queries ---
#
# ``small``: the text fits the decimal type; ``counts``: Lago counts it; ``big``: true where it counts and does not fit.
# A text is a number by its form, a JSON number by its type, in whatever form it was written (facts §5.1). CASE, unlike
# OR, looks at the rare case only where needed; all else follows from ``number``, so that each text is matched once.

_AS_TEXT = "select demand, units::varchar as units, events, fits from ({query}) answers(demand, units, events, fits)"
_TYPES = ", ".join(f"'{name}'" for name in sorted(JSON_NUMBERS))
_LIKE_NUMBER = "(regexp_full_match(text, '-?[0-9]+(\\.[0-9]+)?') or json_type(properties, $1) in (TYPES))".replace(
    "TYPES", _TYPES
)
_VALUES = (
    "select *, number is not null as small,"
    " case when number is not null then true when text is null then false else LIKE_NUMBER end as counts,"
    " case when number is null and text is not null and LIKE_NUMBER then true end as big"
    " from (select *, case when regexp_full_match(text, '-?[0-9]{{1,WHOLE}}(\\.[0-9]{{1,DIGITS}})?')"
    " then text::TYPE end as number"
    " from (select *, case when kind <> 'count_agg' then json_extract_string(properties, $1) end as text"
    " from ({paired})))"
).replace("LIKE_NUMBER", _LIKE_NUMBER)

_ORDER = (
    "epoch_us(timestamp)::hugeint * 10000000000000000000000"
    " + coalesce(epoch_us(created_at), 0)::hugeint * 1000000 + position % 1000000"
)

_NUMBERS = (
    "select demand, case kind when 'count_agg' then counted when 'sum_agg' then summed when 'max_agg' then greatest_one"
    " else greatest(last_one, 0) end, case kind when 'count_agg' then counted else numbers end, fits"
    " from (select pair, count(*) as counted, sum(number) as summed, max(number) as greatest_one,"
    " arg_max(number, case when kind = 'latest_agg' then ORDER_KEY end) as last_one,"
    " count(number) as numbers, count(big) = 0 as fits"
    " from ({values}) group by pair) join demands using (pair)"
).replace("ORDER_KEY", _ORDER)

# A value's adds and removes add up to whether the last one was an add (facts §5.4).
_UNIQUE = (
    "select demand, present, present, true from (select pair, count(*) filter (present) as present from ("
    " select pair, json_extract_string(properties, $1) as value, arg_max(coalesce("
    "nullif(json_extract_string(properties, '/operation_type'), ''), 'add') = 'add',"
    " ORDER_KEY) as present"
    " from ({paired}) group by pair, value) group by pair) join demands using (pair)"
).replace("ORDER_KEY", _ORDER)

# PostgreSQL divides each stretch (level × seconds) by the period and rounds it to a scale that depends on its size
# (see ``exact.divide_numeric``): reproduced in integers. ``area`` is level × microseconds in 1e-12, ``weight`` the
# position of its first base-10000 digit ``lead``; the period's is always 1. The stretch before the first event is 0.
_WEIGHTED = (
    "with powers as (select list(power order by n) as p from (select n, ('1' || repeat('0', n))::hugeint as power"
    " from range(0, 38) t(n))),"
    " valued as ({values}),"
    " levels as (select pair, seconds, ending, timestamp, counts, small,"
    " sum(number) over w as level,"
    " max(case when small and instr(text, '.') > 0 then length(text) - instr(text, '.') else 0 end) over w as decimals,"
    " coalesce(lead(timestamp) over o, ending) as following from valued where counts"
    " window w as (partition by pair order by timestamp, created_at, position"
    " rows between unbounded preceding and current row),"
    " o as (partition by pair order by timestamp, created_at, position)),"
    " areas as (select *, (level * 1000000)::hugeint * (epoch_us(following) - epoch_us(timestamp)) as area"
    " from levels),"
    " sized as (select *, floor((length(abs(area)::varchar) - 13) / 4.0)::int as weight from areas),"
    " scaled as (select *, greatest(16 - 4 * (weight - 1"
    " - (abs(area) // p[13 + 4 * weight] <= seconds // 10000)::int), decimals + 6, 0) as scale from sized, powers),"
    " parted as (select pair, scale, small, counts, timestamp, level,"
    " abs(area) * p[1 + greatest(scale - 12, 0)] as dividend, seconds * p[1 + greatest(12 - scale, 0)] as divisor,"
    " case when area < 0 then -1 else 1 end * ((2 * dividend + divisor) // (2 * divisor)) as part from scaled),"
    " summed as (select pair, scale, sum(part)::hugeint as part from parted group by pair, scale),"
    " answers as (select pair, any_value(scales) as scales, any_value(parts) as parts, count(*) as events,"
    " sum(number) as last, not bool_or(not small) as fits"
    " from valued join (select pair, list(scale order by scale) as scales, list(part order by scale) as parts"
    " from summed group by pair) using (pair) where counts group by pair)"
    " select demand, scales, parts, events, last, fits from answers join demands using (pair)"
)


def _fitting(query: str, paired: str, decimal_type: str, whole: int, digits: int) -> str:
    values = _VALUES.replace("TYPE", decimal_type).replace("WHOLE", str(whole)).replace("DIGITS", str(digits))
    return query.replace("{values}", values.format(paired=paired))
