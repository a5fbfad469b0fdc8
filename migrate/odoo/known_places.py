"""Where records that we wrote stand, by what the state remembers: against that external ids in Odoo are held.

People edit rows of ``ir.model.data``, and merging or importing in Odoo moves them: an external id of ours may name
another record, one that is gone, or nothing. What we wrote stands there all the same. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mappings.target import Desired, is_ours
from migrate.change_set.changes import Known, each_line

Place = tuple[str, int]  # model and id

REMEDY = (
    "set it right there (Settings, Technical, External Identifiers), or delete it and what stands there without it, "
    "then run the same command again"
)


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """``models``: external id -> what it is to name. ``written``: external id -> what it named when we wrote.

    ``owners``: what we wrote -> its external id. ``wanted``: those of what is wanted, lines too.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, Place] = field(default_factory=dict)
    owners: Mapping[Place, str] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()

    @staticmethod
    def of(desired: Iterable[Desired], known: Mapping[str, Known]) -> KnownPlaces:
        """Of what is wanted and what the ledger knows, lines too; what is wanted goes first."""
        models_wanted = {part.xid: part.model for d in desired for part in (d, *(line for _, line in each_line(d)))}
        parts = {xid: k for x, whole in known.items() for xid, k in ((x, whole), *whole.lines.items())}
        written = {xid: (k.model, k.res_id) for xid, k in parts.items() if k.res_id}
        owners = {
            place: xid for xid, place in sorted(written.items(), key=lambda item: (item[0] in models_wanted, item[0]))
        }
        models = {**{xid: k.model for xid, k in parts.items()}, **models_wanted}
        return KnownPlaces(models, written, owners, frozenset(models_wanted))

    def may_name(self, xid: str, model: str) -> bool:
        """Whether records of a model may be called by this external id."""
        return self.models.get(xid, model) == model

    def rank(self, xid: str, place: Place) -> tuple[bool, bool, bool, bool, str]:
        """Which of several external ids a record is called by, the lowest: the one under which we wrote it."""
        elsewhere = self.written.get(xid, place) != place
        return (self.owners.get(place) != xid, elsewhere, not is_ours(xid), xid not in self.models, xid)

    def owner_of(self, model: str, res_id: int) -> str:
        """The external id under which we wrote a record; empty for one of somebody else's."""
        return self.owners.get((model, res_id), "")

    def sharing(self, place: Place, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """External ids that name one record together, each with another one; not the one whose record it is."""
        rightful = self._rightful(place, names) if len(names) > 1 else ""
        for xid in names if len(names) > 1 else ():
            if xid != rightful:
                yield xid, rightful or next(other for other in names if other != xid)

    def _rightful(self, place: Place, sharers: Collection[str]) -> str:
        """Empty where nothing tells."""
        wrote = [xid for xid in sharers if self.written.get(xid) == place]
        some = wrote if len(wrote) == 1 else [xid for xid in wrote or sharers if xid in self.wanted]
        return some[0] if len(some) == 1 else ""

    def left(self, xid: str, now: Place | None) -> Place | None:
        """What we wrote under this external id, where the id names something else by now, or nothing."""
        before = self.written.get(xid)
        return before if before != now else None


def misnamed(xid: str, now: Place, model: str) -> str:
    """Of an id that names what it cannot be."""
    return f"its external id {xid} names {_told(now)} in Odoo, which is no {model}: {REMEDY}"


def left_behind(xid: str, now: Place | None, written: Place) -> str:
    """Of an id that does not name what we wrote, which stands."""
    names = f"names {_told(now)}" if now else "is gone"
    return f"{_told(written)} stands in Odoo, and its external id {xid} {names}: {REMEDY}"


def shared(xid: str, now: Place, other: str) -> str:
    """Of an id that names what another one of ours names, too."""
    return f"its external id {xid} names {_told(now)} in Odoo, as {other} does: {REMEDY}"


def _told(place: Place) -> str:
    model, number = place
    return f"{model} {number}" if number else "no record"
