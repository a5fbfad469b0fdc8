"""Which of Lago's rules apply: behaviour that changed between Lago versions (facts/lago-billing §0.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from mappings.phrases import Phrase
from reconcile.rating.refusal import RerateRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One flag per change of behaviour; true is today's rule."""

    filter_ignored_fix: bool = True  # v1.35.0: charge filters' "ignored" logic, grouping on the default bucket
    removed_items_free_tiers: bool = True  # v1.40.0: prorated graduated, items removed before the period
    adjacent_tiers: bool = True  # v1.45.0: graduated tiers with from == previous to
    prorated_sum_from_events: bool = True  # v1.47.0: carry-over read from raw events, sign kept
    advance_negative_state: bool = True  # v1.51.0: pay-in-advance current usage, negative running state
    first_tier_flat_fee: bool = True  # v1.51.0: flat fee of the first tier billed at 0 units
    strict_subset_filters: bool = True  # v1.51.0: strict subset filters leave the wider filter
    commitment_downgrade_cap: bool = True  # after v1.51.0 (2026-08-12)
    tiling_anniversaries: bool = True  # after v1.51.0 (2026-08-20): 29 February, quarterly/semiannual day >= 29
    whole_period_day_price: bool = True  # after v1.51.0 (2026-08-20): day price divides by the whole period


LATEST = Rules()
NEWEST = (1, 52, 0)  # the release whose rules are today's: of later ones nobody looked

_SINCE: dict[str, tuple[int, int, int]] = {
    "filter_ignored_fix": (1, 35, 0),
    "removed_items_free_tiers": (1, 40, 0),
    "adjacent_tiers": (1, 45, 0),
    "prorated_sum_from_events": (1, 47, 0),
    "advance_negative_state": (1, 51, 0),
    "first_tier_flat_fee": (1, 51, 0),
    "strict_subset_filters": (1, 51, 0),
    "commitment_downgrade_cap": (1, 51, 1),
    "tiling_anniversaries": (1, 51, 1),
    "whole_period_day_price": (1, 51, 1),
}


def versions() -> tuple[str, ...]:
    """One version for each set of rules that is known, the newest first."""
    numbers = sorted({*_SINCE.values(), (1, 0, 0)}, reverse=True)
    return tuple(f"v{'.'.join(map(str, NEWEST if number > (1, 51, 0) else number))}" for number in numbers)


def unknown_before(rule: str, detail: Phrase) -> RerateRefused:
    """The refusal of a number that an older Lago computed in a way that is not known. ``rule`` is one of ``Rules``."""
    version = ".".join(map(str, _SINCE[rule]))
    return RerateRefused(f"rule_before_v{version}", detail)


def doubt_of_version(version: str) -> str:
    """What to say of a Lago whose rules nobody here knows: newer than the newest, or without a number. Else empty."""
    release, newest = _release(version), "v" + ".".join(map(str, NEWEST))
    if release is None:
        return f"Lago calls its version {version!r}: it is rated by the newest rules known here, those of {newest}"
    if release <= NEWEST:
        return ""
    return f"Lago {version} is newer than the newest rules known here, {newest}: it is rated by those"


def _release(version: str) -> tuple[int, int, int] | None:
    """A build after a tag (``v1.51.0-live``, ``v1.51.0-3-gabc``) counts as later than the tag."""
    number = re.match(r"v?(\d+)\.(\d+)\.(\d+)(.*)$", version.strip())
    return (int(number[1]), int(number[2]), int(number[3]) + bool(number[4])) if number else None


def rules_for(version: str) -> Rules:
    """Rules of the Lago that says ``version`` on ``/health``.

    A version without a number (a commit, ``main``) counts as today's.
    """
    release = _release(version)
    return LATEST if release is None else Rules(**{rule.name: release >= _SINCE[rule.name] for rule in fields(Rules)})
