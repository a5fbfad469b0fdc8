"""How a reason is spelled that people write into waivers: ``language_not_installed``. Pure.

Until 0.1 the mappers and the addon wrote ``language-not-installed``. Configurations, waiver files, reports and addons
of that time are still read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# What the server at hand lacks, a module or a field: it costs everybody, so that ``apply`` begins with nobody.
OF_THE_SERVER = frozenset(
    {
        "anchor_needs_addon",
        "arrears_needs_addon",
        "charge_needs_addon",
        "commitment_needs_addon",
        "coupon_needs_addon",
        "field_missing",
        "monthly_parts_need_addon",
        "trial_needs_addon",
        "usage_needs_addon",
        "wallet_needs_loyalty",
    }
)

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def spell(reason: str) -> str:
    """The reason, or the rule ``refused:<reason>``, as it is spelled now; the id of a record as it is."""
    return reason if _ID.fullmatch(reason) else reason.replace("-", "_")


def note_old_spellings(reasons: Iterable[str], place: str) -> Iterator[str]:
    """One line for people about each reason in ``place`` that is not spelled as it is now."""
    for reason in reasons:
        if reason != spell(reason):
            yield f"{place}: the reason {reason!r} is read as {spell(reason)!r}, its new spelling: please change it"
