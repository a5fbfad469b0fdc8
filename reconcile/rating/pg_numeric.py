"""Numbers as PostgreSQL has them: which texts are numbers, and its division (where Lago aggregates in SQL)."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from mappings.money import CONTEXT
from mappings.phrases import Told
from reconcile.rating.refusal import RerateRefused

NUMERIC = r"-?[0-9]+(\.[0-9]+)?"
JSON_NUMBERS = frozenset({"DOUBLE", "UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT"})  # DuckDB's json_type
_NUMERIC = re.compile(NUMERIC)
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_STRICT = re.compile(rf"\s*([+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?[0-9]{{1,4}})?)\s*", re.ASCII)
WIDE = CONTEXT.copy()  # for sums of values with any number of digits
WIDE.prec = 400
MOST_DIGITS = WIDE.prec // 2  # on either side of the point: no sum of such values loses one


def numeric(text: str | None, json_type: str | None = "VARCHAR") -> Decimal | None:
    """The value a numeric aggregation counts, None for what it ignores.

    A text must be digits with an optional sign and fraction; JSON numbers count in whatever form they were written,
    since jsonb normalises them (facts §5.1). Raises RerateRefused for one of so many digits that no amount could hold
    it: written out, ``1e50000000`` would be 50 MB.
    """
    if text is None:
        return None
    if _NUMERIC.fullmatch(text) or json_type in JSON_NUMBERS:
        return plain(of_few_digits(text))
    return None


def of_few_digits(text: str) -> Decimal:
    """The number of a text, if it can be written out. Raises RerateRefused."""
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MOST_DIGITS or value.adjusted() > MOST_DIGITS:
        raise RerateRefused("number_out_of_range", Told.MANY_DIGITS.of(repr(text[:20]), MOST_DIGITS))
    return value


def strict_numeric(text: str | None, json_type: str | None = "VARCHAR") -> Decimal | None:
    """The value of an event that is charged at once: Lago reads it in Ruby, which knows more forms than SQL.

    Measured on a running Lago: "1e3" and "1_000" are 1000; "1,5" is no number, and makes no fee.
    """
    written = _STRICT.fullmatch(text) if text is not None else None
    if written is None:
        return numeric(text, json_type)
    return plain(of_few_digits(written[1].replace("_", "")))


def plain(value: Decimal) -> Decimal:
    """Without exponent, as PostgreSQL's numeric: 1E+3 -> 1000."""
    exponent = value.as_tuple().exponent
    return value.quantize(Decimal(1), context=WIDE) if isinstance(exponent, int) and exponent > 0 else value


def divide_numeric(dividend: Decimal, divisor: Decimal) -> Decimal:
    """PostgreSQL's numeric division: at least 16 significant digits, counted in groups of four."""
    weight1, first1 = _leading(dividend)
    weight2, first2 = _leading(divisor)
    weight = weight1 - weight2 - (first1 <= first2)
    scale = max(16 - 4 * weight, _scale(dividend), _scale(divisor), 0)
    quotient = WIDE.divide(dividend, divisor)
    return quotient.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, WIDE)


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _leading(value: Decimal) -> tuple[int, int]:
    """Position and value of the first base-10000 digit."""
    if not value:
        return 0, 0
    weight = value.adjusted() // 4
    return weight, int(abs(value).scaleb(-4 * weight, WIDE))
