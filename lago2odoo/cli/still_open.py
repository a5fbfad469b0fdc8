"""What ``status`` finds that somebody must still decide, each with its remedy, and the exit code that it makes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lago2odoo.cli import show
from lago2odoo.cli.moved_on import MovedOn
from mappings.errors import Lago2OdooError
from mappings.lost import LostInvoice
from mappings.quarantine import Quarantined, tally
from mappings.records import Fee
from migrate.errors import Blocked, OdooError
from migrate.preview import Drift
from migrate.state.records import PhaseProgress
from reconcile.compare.waivers import REFUSED, Waiver
from reconcile.sides.extras import LOST_ORDER, NAME_ORDER, Extra


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOpen:
    """Only what nobody waived. ``drift``: named as the configuration takes it; ``unknown``: why Odoo was not asked."""

    quarantined: tuple[Quarantined, ...]
    lost: tuple[LostInvoice, ...]
    unlisted: tuple[Fee, ...]
    drift: tuple[str, ...]
    extras: tuple[Extra, ...]
    phases: tuple[PhaseProgress, ...]
    moved_on: MovedOn
    unknown: str

    @property
    def exit_code(self) -> int:
        """Of what is no error: 2 for changes that are pending, or differences."""
        return 2 if self.drift or self.extras or self.phases or self.moved_on.ahead else 0

    @property
    def error(self) -> Lago2OdooError | None:
        """Something is left out, or not known: exit code 1, whatever else there is."""
        told = (show.remedies_of_unread(self.quarantined, self.lost), show.remedy_of_unlisted(self.unlisted))
        if remedies := "; ".join(filter(None, told)):
            also = f"; drift is not known: {self.unknown}" if self.unknown else ""
            return Blocked(f"{remedies}; next: lago2odoo preview{also}")
        if self.unknown:
            return OdooError(f"drift is not known: {self.unknown}; next: lago2odoo status, once Odoo can be asked")
        if self.moved_on.unknown:
            return Blocked(f"what moved on in Lago is not known: {self.moved_on.unknown}; next: lago2odoo preview")
        return None

    def counts(self) -> dict[str, object]:
        """For machines."""
        return {
            "quarantined": tally(self.quarantined),
            "lost": len(self.lost),
            "unlisted_fees": len(self.unlisted),
            "drift": list(self.drift),
            "only_odoo": [extra.record for extra in self.extras],
            "unfinished": [p.phase.value for p in self.phases],
            "moved_on": len(self.moved_on.ahead),
        }

    def lines(self) -> Iterator[str]:
        """One line a kind, with the way out."""
        if self.drift:
            named = ", ".join(json.dumps(name, ensure_ascii=False) for name in self.drift[:3])
            named += ", ..." if len(self.drift) > 3 else ""
            yield (
                f"{len(self.drift):,} changes in Odoo are NOT waived: set them back there, or add to the configuration "
                f"[waive] drift = [{named}]; next: lago2odoo preview"
            )
        yield from _of_extras(self.extras)
        if number := len(self.moved_on.ahead):
            ended = sum(bool(record.ended) for record in self.moved_on.ahead)
            still = f", {ended:,} of them of what ended in Lago and still runs in Odoo" if ended else ""
            yield f"{number:,} changes of Lago's are not in Odoo yet{still}; next: lago2odoo preview, then apply"
        if self.phases:
            names = ", ".join(dict.fromkeys(p.phase.value for p in self.phases))
            yield f"unfinished: {names}; next: lago2odoo apply"


def _of_extras(extras: Sequence[Extra]) -> Iterator[str]:
    """What Lago has, or had before the snapshot lost it, is nothing to end."""
    lost, unnamed = sum(e.kind == LOST_ORDER for e in extras), sum(e.remedy == NAME_ORDER for e in extras)
    if number := len(extras) - lost - unnamed:
        yield (
            f"{number:,} that only Odoo has are NOT waived: end them there, or add a [[waiver]] of their "
            "name to the file of [reconcile] waivers; next: lago2odoo reconcile --period MONTH"
        )
    if unnamed:
        yield f"{unnamed:,} running orders have lost their external ids: end none of them, give them back in Odoo"
    if lost:
        yield (
            f"{lost:,} running orders were made of subscriptions that the snapshot lacks: end none of them; look for "
            "these in Lago; next: lago2odoo extract"
        )


def names_of(drift: Drift) -> Iterator[str]:
    """``customer acme: street``, as somebody may waive it: this change of this record, and no other."""
    if drift.deleted:
        yield f"{drift.source}: deleted"
    yield from (f"{drift.source}: {diff.field}" for diff in drift.diffs)


def is_waived(extra: Extra, waivers: Sequence[Waiver]) -> bool:
    """By the rule that waives it in a reconciled month: its kind, or a refusal of that name where it has no amount."""
    rule, cents = (extra.kind, extra.gross_cents) if extra.gross_cents else (REFUSED + extra.kind, 0)
    today = datetime.now(UTC).date()
    return any(w.holds(today) and w.covers(rule, extra.customer, cents) for w in waivers)


def unfinished(phases: Sequence[PhaseProgress]) -> tuple[PhaseProgress, ...]:
    """Those that an apply did not bring to an end, neither for their cohort nor since then for everyone."""
    whole = {p.phase: p.updated_at for p in phases if p.finished and not p.cohort}
    return tuple(p for p in phases if not p.finished and whole.get(p.phase, "") <= p.updated_at)
