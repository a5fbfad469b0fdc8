"""What was written, read again: whether a record stands in Odoo as it was sent, and how it stands if it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.target import Desired
from migrate.change_set.changes import Action, Change, LineChange, Observed, Seen, each_line, exempt
from migrate.change_set.compare import compared
from migrate.odoo.meanwhile import TEXTS, Meanwhile, meanwhile
from migrate.odoo.resolve import OdooReader, wanted_of
from migrate.odoo.what_to_write import updates_of
from migrate.values import Canon


@dataclass(slots=True)
class ReadBack:
    """Reads through the loader's own connection, and remembers what it saw that is not as sent."""

    reader: OdooReader
    observed: Observed
    altered: dict[tuple[str, str], str] = field(default_factory=dict)  # texts that Odoo keeps in another form
    zeroed: dict[str, Mapping[str, Canon]] = field(default_factory=dict)  # lines that stay, without a quantity

    meanwhile: dict[str, Meanwhile] = field(default_factory=dict)  # by external id

    def look(self, batch: Sequence[Change]) -> dict[str, Seen]:
        wishes = {c.xid: wanted_of(c.desired) for c in batch if c.desired}
        lines = [line.xid for c in batch if c.desired for _, line in each_line(c.desired)]
        self.reader.learn_xids([*wishes, *lines])
        return self.reader.look(wishes)

    def spare(
        self,
        batch: Sequence[Change],
        before: Mapping[str, Seen],
        seen: Mapping[str, Seen],
        spared: Callable[[Change, Seen | None, Seen, Observed], Change],
    ) -> list[Change]:
        """The changes without what somebody changed in Odoo between two looks, which is noted."""
        left = [spared(c, before.get(c.xid), seen[c.xid], self.observed) if c.xid in seen else c for c in batch]
        for planned, written in zip(batch, left, strict=True):
            if told := meanwhile(planned, written):
                earlier = self.meanwhile[written.xid].fields if written.xid in self.meanwhile else ()
                self.meanwhile[written.xid] = Meanwhile(written, (*earlier, *told.fields))
        return left

    def as_written(self, changes: Sequence[Change]) -> list[Change]:
        """The changes without what somebody changed in Odoo while they were written."""
        return [self.meanwhile[c.xid].change if c.xid in self.meanwhile else c for c in changes]

    def unlike(
        self, change: Change, seen: Seen | None, expected: Callable[[Change, Desired], Mapping[str, Canon]]
    ) -> str | None:
        """Why the record does not count as written; None if it does."""
        if seen is None or change.desired is None:
            return "Odoo reported success, but the record is not there"
        reasons = self._differences(change, change.model, expected(change, change.desired), seen)
        diffs = {line.xid: line for line in change.lines}
        for name, line in each_line(change.desired):
            seen_line = seen.lines.get(name, {}).get(line.xid)
            if seen_line is None:
                return f"Odoo reported success, but its line {line.xid} is not there"
            want = self.expect_line(line, diffs.get(line.xid))
            reasons += [f"line {line.xid}: {r}" for r in self._differences(change, line.model, want, seen_line)]
        present = {xid for lines in seen.lines.values() for xid in lines} - self.zeroed.keys()
        removed = (line.xid for line in change.lines if line.action is Action.REMOVE)
        reasons += [f"line {xid} is still there" for xid in removed if xid in present]
        return "; ".join(reasons[:3]) or None

    def _differences(self, change: Change, model: str, want: Mapping[str, Canon], seen: Seen) -> list[str]:
        reasons = []
        for name, value in want.items():
            stored = seen.values.get(name)
            if stored == value:
                continue
            if name.endswith("()"):
                reasons.append(f"{name} had no effect")
            elif self.reader.fields[model][name].type in TEXTS:
                self.altered[change.xid, name] = f"{change.source}: {name}: sent {value!r}, Odoo keeps {stored!r}"
            else:
                digits = self.reader.fields[model][name].digits
                reasons.append(f"{name}: sent {value!r}, Odoo keeps {stored!r}{_advice(digits)}")
        return reasons

    def expect_new(self, change: Change, desired: Desired) -> Mapping[str, Canon]:
        values = compared(desired, self.observed, creation=True)
        return {n: v for n, v in values.items() if n not in desired.late and not n.endswith("()")}

    def expect_update(self, change: Change, desired: Desired) -> Mapping[str, Canon]:
        stay = exempt(change.diffs)
        values = {**compared(desired, self.observed), **{n: v for n, v in updates_of(change) if n in desired.late}}
        return {n: v for n, v in values.items() if n not in stay and not n.endswith("()")}

    def expect_final(self, change: Change, desired: Desired) -> Mapping[str, Canon]:
        """After the methods only what was written late is ours to insist on; the rest may move with the state."""
        values = compared(desired, self.observed)
        late = desired.late if change.action is Action.CREATE or change.res_id is None else frozenset()
        return {n: v for n, v in values.items() if n in late or n[:-2] in change.after}

    def expect_line(self, line: Desired, change: LineChange | None) -> Mapping[str, Canon]:
        stay = exempt(change.diffs) if change else frozenset()
        return {n: v for n, v in compared(line, self.observed).items() if n not in stay}


def _advice(digits: int | None) -> str:
    if digits is None:
        return ""
    return f" (it keeps {digits} decimals there: raise Odoo's decimal precision, 'lago2odoo doctor' names which)"
