"""Desired and skipped records as JSON, for saved previews. Pure; types that JSON lacks are tagged objects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mappings.target import Desired, Find, Phase, Ref, Skipped, Value


def desired_to_json(desired: Desired) -> dict[str, Any]:
    """A plain JSON object."""
    return {
        "phase": desired.phase.value,
        "model": desired.model,
        "xid": desired.xid,
        "values": {key: _to_json(value) for key, value in desired.values.items()},
        "source": desired.source,
        "customer": desired.customer,
        "children": {key: [desired_to_json(line) for line in lines] for key, lines in desired.children.items()},
        "once": sorted(desired.once),
        "late": sorted(desired.late),
        "after": list(desired.after),
    }


def desired_from_json(raw: Mapping[str, Any]) -> Desired:
    """The record that ``desired_to_json`` wrote. Raises KeyError, TypeError or ValueError if it did not."""
    return Desired(
        phase=Phase(raw["phase"]),
        model=raw["model"],
        xid=raw["xid"],
        values={key: _from_json(value) for key, value in raw["values"].items()},
        source=raw["source"],
        customer=raw["customer"],
        children={key: tuple(desired_from_json(line) for line in lines) for key, lines in raw["children"].items()},
        once=frozenset(raw["once"]),
        late=frozenset(raw["late"]),
        after=tuple(raw["after"]),
    )


def skipped_to_json(skipped: Skipped) -> dict[str, Any]:
    """A plain JSON object."""
    return {
        "phase": skipped.phase.value,
        "source": skipped.source,
        "reason": skipped.reason,
        "detail": skipped.detail,
        "customer": skipped.customer,
        "count": skipped.count,
    }


def skipped_from_json(raw: Mapping[str, Any]) -> Skipped:
    """The value that ``skipped_to_json`` wrote."""
    return Skipped(**{**raw, "phase": Phase(raw["phase"])})


def _to_json(value: Value) -> Any:
    if isinstance(value, Ref):
        return {"ref": value.xid}
    if isinstance(value, Find):
        return {"find": value.model, "domain": [list(term) for term in value.domain], "hint": value.hint}
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    return {"date": value.isoformat()} if isinstance(value, date) else value


def _from_json(raw: Any) -> Value:
    if isinstance(raw, list):
        return tuple(_from_json(item) for item in raw)  # type: ignore[misc]  # only relations come in lists
    if not isinstance(raw, dict):
        scalar: Value = raw
        return scalar
    if "ref" in raw:
        return Ref(raw["ref"])
    if "find" in raw:
        return Find(raw["find"], tuple((a, b, c) for a, b, c in raw["domain"]), raw["hint"])
    if "decimal" in raw:
        return Decimal(raw["decimal"])
    return datetime.fromisoformat(raw["datetime"]) if "datetime" in raw else date.fromisoformat(raw["date"])
