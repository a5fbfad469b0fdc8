"""Checks of text fields that hold JSON or exact decimals."""

import json
import re
from contextlib import suppress

from odoo.exceptions import ValidationError

from .rating.moments import zone
from .rating.shapes import first_flaw

DECIMAL = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)


def check_json(records, name, kind, shape=None):
    """Every record's ``name`` is empty or JSON of type ``kind``, and of a ``rating.shapes``.

    Else ValidationError naming record, field and place.
    """
    for record in records.filtered(name):
        try:
            value = json.loads(record[name])
        except ValueError as error:
            raise ValidationError(
                records.env._(
                    "%(record)s: field %(field)s is not JSON (%(error)s).",
                    record=record.display_name,
                    field=name,
                    error=error,
                )
            ) from error
        if not isinstance(value, kind):
            raise ValidationError(
                records.env._(
                    "%(record)s: field %(field)s must be a JSON %(kind)s.",
                    record=record.display_name,
                    field=name,
                    kind=kind.__name__,
                )
            )
        if shape and (flaw := first_flaw(shape, value, name)):
            raise ValidationError(records.env._("%(record)s: field %(flaw)s.", record=record.display_name, flaw=flaw))


def check_decimal(records, name):
    """Every record's ``name`` is empty or a decimal in plain notation."""
    for record in records.filtered(name):
        if not DECIMAL.match(record[name]):
            raise ValidationError(
                records.env._(
                    "%(record)s: field %(field)s must be a plain decimal such as 12.50, not %(value)s.",
                    record=record.display_name,
                    field=name,
                    value=record[name],
                )
            )


def check_timezone(records, name):
    """Every record's ``name`` is empty or an IANA time zone: an unknown one would stop its billing."""
    for record in records.filtered(name):
        if not is_timezone(record[name]):
            raise ValidationError(
                records.env._(
                    "%(record)s: field %(field)s must be an IANA time zone such as America/Toronto, not %(value)s.",
                    record=record.display_name,
                    field=name,
                    value=record[name],
                )
            )


def is_timezone(name):
    """Whether rating knows the zone."""
    with suppress(KeyError, ValueError, OSError):  # unknown, no path below the zones, a folder of them
        return bool(zone(name))
    return False
