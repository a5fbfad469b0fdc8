"""What somebody changed in Odoo between our reading and our writing: it stays as it stands there, and is named. Pure.

    spare_moved     before the call: whatever we compared and is not as it was then
    spare_edited    after it: whatever is neither as it stood, nor as sent, nor what Odoo makes of that by itself

What is spared becomes kept (Lago wants what it wanted) or a conflict (it wants something else now); the rest of its
record is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum

from mappings.money import round_half_up
from mappings.target import Desired
from migrate.change_set.changes import Action, Change, FieldDiff, LineChange, Observed, Seen
from migrate.change_set.compare import compared
from migrate.values import Canon, OdooField

TEXTS = frozenset({"char", "text", "html"})  # where Odoo may normalise; anything else must be stored as sent
_RELATIONS = frozenset({"many2one", "many2many", "one2many"})
_THEIRS = (Action.KEPT, Action.CONFLICT)


class Leads(IntEnum):
    """What a write may make Odoo compute anew beside it: a text nothing, a number no texts, a relation everything."""

    NOTHING = 0
    VALUES = 1
    EVERYTHING = 2


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """A change as it was written in the end, without the ``fields`` that somebody changed while it was."""

    change: Change
    fields: tuple[str, ...]

    @property
    def what(self) -> str:
        """What was changed and stays."""
        return f"changed in Odoo a moment ago, and kept: {'; '.join(self.fields)}"

    def __str__(self) -> str:
        return f"{self.change.source} ({self.change.model} {self.change.xid}): {self.what}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A record or a line: how it stood at the last read, and now."""

    want: Mapping[str, Canon]
    diffs: tuple[FieldDiff, ...]
    stood: Seen
    stands: Seen
    fields: Mapping[str, OdooField]
    leads: Leads

    @property
    def updates(self) -> frozenset[str]:
        return frozenset(d.field for d in self.diffs if d.verdict is Action.UPDATE)

    def moved(self) -> Iterator[str]:
        """Fields that are neither as they stood nor as they are wanted, and of which nobody knew."""
        theirs = {d.field for d in self.diffs if d.verdict in _THEIRS}
        for name, value in self.want.items():
            if name in theirs or name not in self.stood.values or name not in self.stands.values:
                continue
            if self.stands.values[name] not in (value, self.stood.values[name]):
                yield name


def spare_moved(change: Change, stood: Seen | None, now: Seen, observed: Observed) -> Change:
    """The change without what moved since it was compared: in any field of it, and of its lines."""
    spared = _spare(change, stood, now, observed, lambda part: frozenset(part.moved()))
    if change.desired is None:
        return spared
    return replace(spared, lines=tuple(_spare_leaving(line, stood, now) for line in spared.lines))


def spare_edited(change: Change, stood: Seen | None, now: Seen, observed: Observed) -> Change:
    """The change without what somebody changed since the last look, just before we wrote."""
    return _spare(change, stood, now, observed, lambda part: frozenset(n for n in part.moved() if _is_edited(part, n)))


def leads_of(change: Change | LineChange, fields: Mapping[str, OdooField]) -> Leads:
    """What writing the fields that differ may move beside them."""
    late = change.desired.late if change.desired else frozenset()
    kinds = [d.field in late or fields[d.field].type for d in change.diffs if _is_field_to_write(d)]
    if any(kind is True or kind in _RELATIONS for kind in kinds):
        return Leads.EVERYTHING
    return Leads.NOTHING if all(kind in TEXTS for kind in kinds) else Leads.VALUES


def meanwhile(planned: Change, written: Change) -> Meanwhile | None:
    """What was spared of a change, by name and with what stands there."""
    before = {line.xid: line for line in planned.lines}
    named = list(_spared(planned.diffs, written.diffs, ""))
    for line in written.lines:
        named += _spared(before[line.xid].diffs, line.diffs, f"line {line.xid}: ")
    return Meanwhile(written, tuple(named)) if named else None


def is_form_of(stored: Canon, sent: Canon, field: OdooField) -> bool:
    """Whether Odoo may have made this of what was sent by itself: case, spaces, signs, a prefix, a cut, a rounding."""
    if field.type == "html":
        return True  # cleaned in ways of its own
    if field.type in TEXTS:
        return _is_same_text(_bare(stored), _bare(sent)) or _is_address(str(stored or ""), str(sent or ""))
    if field.type in ("float", "monetary"):
        number, exact = Decimal(str(stored or 0)), Decimal(str(sent or 0))
        digits = field.digits if field.digits is not None else len(str(stored).partition(".")[2])
        return number == round_half_up(exact, digits)
    return False


def _is_field_to_write(diff: FieldDiff) -> bool:
    return diff.verdict is Action.UPDATE and not diff.field.endswith("()")


def _spared(planned: tuple[FieldDiff, ...], written: tuple[FieldDiff, ...], place: str) -> Iterator[str]:
    known = {d.field for d in planned if d.verdict in _THEIRS}
    for d in written:
        if d.verdict in _THEIRS and d.field not in known:
            yield f"{place}{d.field} is {d.before!r} now"


def _spare(
    change: Change, stood: Seen | None, now: Seen, observed: Observed, moved_of: Callable[[_Part], frozenset[str]]
) -> Change:
    if stood is None or change.desired is None:
        return change
    leading = leads_of(change, observed.fields[change.model])
    below = [_leads_of_line(line, observed) for line in change.lines]
    part = _part(change.desired, change.diffs, (stood, now), observed, max([leading, *below]))
    lines = tuple(_spare_line(line, stood, now, observed, leading, moved_of) for line in change.lines)
    return replace(change, diffs=_without(part, moved_of(part)), lines=lines)


def _leads_of_line(line: LineChange, observed: Observed) -> Leads:
    if line.action in (Action.CREATE, Action.REMOVE):
        return Leads.VALUES
    return min(leads_of(line, observed.fields[line.model]), Leads.VALUES)  # no text of a record is made of its lines


def _spare_line(
    line: LineChange,
    stood: Seen,
    now: Seen,
    observed: Observed,
    above: Leads,
    moved_of: Callable[[_Part], frozenset[str]],
) -> LineChange:
    stood_line, now_line = (seen.lines.get(line.field, {}).get(line.xid) for seen in (stood, now))
    if stood_line is None or now_line is None:
        return line
    if line.desired is None:  # one that goes: our own write takes it out of account where Odoo keeps it
        return line
    leads = max(above, leads_of(line, observed.fields[line.model]))
    part = _part(line.desired, line.diffs, (stood_line, now_line), observed, leads)
    moved = moved_of(part)
    diffs = _without(part, moved)
    if not moved or line.action is not Action.UPDATE:
        return replace(line, diffs=diffs)
    is_left = any(d.verdict is Action.UPDATE for d in diffs)
    return replace(line, diffs=diffs, action=Action.UPDATE if is_left else Action.KEPT)


def _spare_leaving(line: LineChange, stood: Seen | None, now: Seen) -> LineChange:
    """A line that is to go, and that somebody changed, stays."""
    before, stands = (seen and seen.lines.get(line.field, {}).get(line.xid) for seen in (stood, now))
    if line.action is not Action.REMOVE or not before or not stands:
        return line
    values = [(name, stands.values.get(name), value) for name, value in before.values.items()]
    moved = tuple(FieldDiff(name, is_now, value, Action.CONFLICT) for name, is_now, value in values if is_now != value)
    return replace(line, action=Action.CONFLICT, diffs=moved) if moved else line


def _part(
    desired: Desired, diffs: tuple[FieldDiff, ...], seen: tuple[Seen, Seen], observed: Observed, leads: Leads
) -> _Part:
    want = {**compared(desired, observed), **{d.field: d.after for d in diffs if d.verdict is Action.UPDATE}}
    return _Part(want, diffs, *seen, observed.fields[desired.model], leads)


def _without(part: _Part, moved: frozenset[str]) -> tuple[FieldDiff, ...]:
    """The diffs, these fields as they stand now: to be left alone."""
    if not moved:
        return part.diffs
    verdicts = {name: Action.CONFLICT if name in part.updates else Action.KEPT for name in moved}
    spared = (FieldDiff(n, part.stands.values[n], part.want[n], verdicts[n]) for n in part.want if n in moved)
    return (*(d for d in part.diffs if d.field not in moved), *spared)


def _is_edited(part: _Part, name: str) -> bool:
    """Whether a field that moved did not do so by what we wrote."""
    field = part.fields.get(name)
    if field is None or name not in part.updates:  # not sent, or a method's effect
        return part.leads is Leads.NOTHING or (field is not None and field.type in TEXTS)
    if is_form_of(part.stands.values[name], part.want[name], field):
        return False
    return field.type in TEXTS or part.leads is not Leads.EVERYTHING


def _bare(value: Canon) -> str:
    text = unicodedata.normalize("NFKD", str(value or "")).casefold()
    return re.sub(r"[\W_]", "", "".join(c for c in text if not unicodedata.combining(c)))


def _is_same_text(stored: str, sent: str) -> bool:
    """The same letters and digits, cut at the end, or with at most a scheme or the code of a country before them."""
    if not stored or not sent:
        return stored == sent
    return stored.removeprefix("https").removeprefix("http") == sent or (
        _is_prefixed(stored, sent) or (len(stored) >= 64 and sent.startswith(stored))
    )


def _is_prefixed(stored: str, sent: str) -> bool:
    """``BE`` before a VAT number, ``32`` before one of a telephone, whose own 0 goes."""
    digits = sent.lstrip("0") if sent.isdigit() else sent
    return stored == sent or (
        any(c.isdigit() for c in digits) and stored.endswith(digits) and len(stored) - len(digits) <= 3
    )


def _is_address(stored: str, sent: str) -> bool:
    """An e-mail address alone, where it was sent with a name or with others."""
    return "@" in stored and stored.strip().casefold() in re.split(r"[\s,;<>]+", sent.casefold())
