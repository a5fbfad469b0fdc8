"""Whether a pack is whole: it has the files and facts that one has, and no others. Nothing in it goes unchecked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from reports.evidence.inputs import SETTINGS, SHIPPED_TABLES, TABLES
from reports.evidence.packs import MANIFEST, PAGE, REPORT, WAIVERS, Flaw
from reports.evidence.report_facts import Fact, said_by, waivers_of

ALWAYS = (PAGE, REPORT, SETTINGS, SHIPPED_TABLES)
INPUTS = (SETTINGS, SHIPPED_TABLES, TABLES, WAIVERS)  # each has a fact with its hash
KNOWN = frozenset({MANIFEST, *ALWAYS, *INPUTS})
STATED = (  # by every release; what a report says of itself comes on top
    *("number", "previous", "period", "cohort", "organization", "preparer", "reviewer", "signed_at", "compared_at"),
    *("snapshot_taken_at", "compared", "tool_version", "lago_version", "odoo_version", "tolerance_cents"),
    *("materiality_cents", "customers", "invoices", "outcome", "state", "exit_code", "unexplained", "not_compared"),
    *("lapses", "accepted_open", "report_sha256"),
)
SKEW = timedelta(minutes=5)  # by which the clocks of two sound machines may differ


def whole_flaws(facts: Mapping[str, Fact], files: Mapping[str, bytes], version: str, now: datetime) -> Iterator[Flaw]:
    """Of a pack whose hashes all hold. ``version``: ours, whose facts are known by name."""
    yield from _of_files(facts, files)
    if REPORT in files:
        yield from _of_facts(facts, said_by(files[REPORT]) or {}, of_ours=facts.get("tool_version") == version)
    yield from (Flaw("altered", f"{MANIFEST}: fact {name}", why) for name, why in _impossible(facts, now))


def _impossible(facts: Mapping[str, Fact], now: datetime) -> Iterator[tuple[str, str]]:
    """Facts that no signing ever states, and why."""
    number = facts.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        yield "number", "packs are numbered from 1"
    signed_at, compared_at = moment(facts.get("signed_at")), moment(facts.get("compared_at"))
    if signed_at is None:
        yield "signed_at", "it is no point in time"
    elif signed_at > now + SKEW:
        yield "signed_at", "it is in the future"
    elif compared_at is not None and signed_at < compared_at:
        yield "signed_at", "it is before the month was reconciled"


def _of_files(facts: Mapping[str, Fact], files: Mapping[str, bytes]) -> Iterator[Flaw]:
    yield from (Flaw("added", name, "no part of a pack") for name in sorted(files.keys() - KNOWN))
    noted = [name for name in INPUTS if f"input {name}" in facts]
    listed = [WAIVERS] if REPORT in files and waivers_of(files[REPORT]) else []
    yield from (Flaw("missing", name) for name in dict.fromkeys([*ALWAYS, *noted, *listed]) if name not in files)
    unnoted = [name for name in INPUTS if name in files and name not in noted]
    yield from (Flaw("missing", f"{MANIFEST}: fact input {name}") for name in unnoted)


def _of_facts(facts: Mapping[str, Fact], said: Mapping[str, Fact], *, of_ours: bool) -> Iterator[Flaw]:
    """An older version may not have stated all that its report says, and another one states more than we know."""
    wanted = dict.fromkeys([*STATED, *(said if of_ours else ())])
    yield from (Flaw("missing", f"{MANIFEST}: fact {name}") for name in wanted if name not in facts)
    if of_ours:
        others = [name for name in facts if name not in wanted and not name.startswith("input ")]
        yield from (Flaw("added", f"{MANIFEST}: fact {name}", "no fact of a pack") for name in others)


def moment(text: Fact) -> datetime | None:
    """A point in time as a manifest states it; UTC where it names no zone."""
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
