"""What a no of Lago's means for what was asked: nothing there, not to be had, or something wrong."""

from __future__ import annotations

from collections.abc import Mapping

from migrate.errors import LagoRefused
from migrate.lago.resources import Resource
from migrate.lago.source import LagoRefusal

_PREMIUM = ("feature_unavailable", "endpoint_not_available")


def is_of_licence(refusal: LagoRefusal) -> bool:
    """Whether Lago has it for organizations with a licence only."""
    return refusal.status == 403 and (refusal.code in _PREMIUM or refusal.code.endswith("_not_enabled"))


def is_missing(resource: Resource, refusal: LagoRefusal, parent: Mapping[str, object]) -> bool:
    """Whether a no means that something is not shown that is there: no licence is needed for it, or it must exist."""
    of_licence = is_of_licence(refusal) and not resource.premium
    return of_licence or (refusal.status == 404 and resource.shown_for(parent))


def left_out(resource: Resource, refusal: LagoRefusal) -> str | None:
    """The note for the report, None for a plain absence. Raises the refusal if it must stop the extract."""
    if is_of_licence(refusal):
        if resource.premium:
            return f"refused: {refusal.code} (needs a premium licence)"
        raise LagoRefused(
            f"Lago refuses {resource.name} ({refusal.code}), which no licence is needed for: ask whoever runs it why"
        ) from None
    if refusal.status == 403:
        raise LagoRefused(
            f"the API key may not read {resource.name} ({refusal.code or 403}); give it that permission in Lago"
        ) from None
    if refusal.status in (404, 405) and (
        resource.absent == "none" or (resource.absent == "parent gone" and refusal.status == 404)
    ):
        return None
    raise refusal
