"""Names in a charge's properties and in its events' properties."""

from __future__ import annotations

from mappings.records import Json


def group_keys(properties: Json) -> tuple[str, ...]:
    """Pricing group keys of a bucket, also in their old spelling."""
    return tuple(properties.get("pricing_group_keys") or properties.get("grouped_by") or ())


def pointer(key: str) -> str:
    """A key of an event's properties as a JSON pointer."""
    return "/" + key.replace("~", "~0").replace("/", "~1")
