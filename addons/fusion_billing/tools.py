"""Checks of text fields that hold JSON or exact decimals."""

import json
import re

from odoo import _
from odoo.exceptions import ValidationError

DECIMAL = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)


def check_json(records, name, kind):
    """Every record's ``name`` is empty or JSON of type ``kind``, else ValidationError naming record and field."""
    for record in records.filtered(name):
        try:
            value = json.loads(record[name])
        except ValueError as error:
            raise ValidationError(
                _(
                    "%(record)s: field %(field)s is not JSON (%(error)s).",
                    record=record.display_name,
                    field=name,
                    error=error,
                )
            ) from error
        if not isinstance(value, kind):
            raise ValidationError(
                _(
                    "%(record)s: field %(field)s must be a JSON %(kind)s.",
                    record=record.display_name,
                    field=name,
                    kind=kind.__name__,
                )
            )


def check_decimal(records, name):
    """Every record's ``name`` is empty or a decimal in plain notation."""
    for record in records.filtered(name):
        if not DECIMAL.match(record[name]):
            raise ValidationError(
                _(
                    "%(record)s: field %(field)s must be a plain decimal such as 12.50, not %(value)s.",
                    record=record.display_name,
                    field=name,
                    value=record[name],
                )
            )
