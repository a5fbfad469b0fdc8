"""What a look at Odoo before the first write says: one finding a line, each with its remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from migrate.errors import OdooError


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """``level``: error (nothing may be written), warning, or ok. ``remedy`` says what a person does in Odoo.

    ``name``: how the configuration waives it ([waive] checks); empty where nobody can sensibly want it so.
    ``unasked``: a check that may fail by such a name could not be made.
    """

    level: str
    what: str
    remedy: str = ""
    name: str = ""
    unasked: bool = False


def waived(findings: Iterable[CheckFinding], names: Collection[str]) -> tuple[CheckFinding, ...]:
    """The same, with the errors that someone accepted by name as warnings."""
    return tuple(_accepted(f) if f.level == "error" and f.name and f.name in names else f for f in findings)


def _accepted(finding: CheckFinding) -> CheckFinding:
    return replace(finding, level="warning", what=f"{finding.what} (waived: {finding.name})")


def raise_on_errors(findings: Iterable[CheckFinding]) -> None:
    """OdooError with every finding of level error and its remedy, in one line."""
    errors = [f"{f.what}: {f.remedy}" for f in findings if f.level == "error"]
    if errors:
        raise OdooError("; ".join(errors))
