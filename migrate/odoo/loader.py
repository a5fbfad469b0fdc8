"""Writing in batches, so that every record ends up in Odoo once, or is named.

    create   ``load`` with external ids: the same call again finds its own work
    update   ``load`` of the changed columns; ``write`` on the record where lines change or go
    after    methods such as action_confirm, only on records that do not show their effect yet

A batch that Odoo refuses is halved until the guilty records stand alone; the rest goes through. Concurrent updates are
repeated. When no answer came, we look, and repeat what is not there. Nothing counts before it was read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from mappings.target import Desired, Find, Ref
from migrate.changes import (
    Action,
    Change,
    FieldDiff,
    LineChange,
    Observed,
    Seen,
    against,
    compared,
    each_line,
    exempt,
)
from migrate.errors import OdooError
from migrate.odoo.errors import (
    AccessDenied,
    DatabaseMissing,
    NoSuchMethod,
    NotOdoo,
    OdooUnreachable,
    OutcomeUnknown,
    Refused,
    Retryable,
    Unauthorized,
    is_concurrent,
    one_line,
)
from migrate.odoo.methods import MOVED_ALONG, done_field, write_arguments
from migrate.odoo.resolve import Reader, wanted_of
from migrate.odoo.rows import matrix, written
from migrate.odoo.values import Canon

# These are not about one record: halving the batch would only repeat them.
FATAL = (Unauthorized, AccessDenied, NoSuchMethod, DatabaseMissing, NotOdoo, OdooUnreachable)
ATTEMPTS = 6
TEXTS = frozenset({"char", "text", "html"})  # where Odoo may normalise; anything else must be stored as sent

# Lines that Odoo refuses to delete once their record is confirmed, and the field that takes them out of account.
ZERO: Mapping[str, tuple[str, Canon]] = {"sale.order.line": ("product_uom_qty", "0")}


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that Odoo did not take, and why."""

    change: Change
    reason: str

    def __str__(self) -> str:
        return f"{self.change.source} ({self.change.model} {self.change.xid}): {self.reason}"


@dataclass(slots=True)
class Size:
    """Records per call: grows to keep calls near ``seconds``, far below any server's time limit."""

    now: int = 100
    most: int = 400
    seconds: float = 8.0

    def learn(self, records: int, took: float) -> None:
        """After a call of ``records`` that took so many seconds."""
        ideal = int(records * self.seconds / max(took, 0.001))
        self.now = max(1, min(self.most, ideal, self.now * 2))


@dataclass(slots=True)
class Loader:
    """Writes batches of changes of one model through one reader's connection."""

    reader: Reader
    observed: Observed  # over the reader's growing maps
    calls: int = 0  # writing calls, for the proof that nothing was written
    altered: dict[tuple[str, str], str] = field(default_factory=dict)  # texts that Odoo keeps in another form
    zeroed: dict[str, Mapping[str, Canon]] = field(default_factory=dict)

    # --- the three ways of writing -----------------------------------------------------------------------------

    def create(self, batch: Sequence[Change]) -> tuple[dict[str, Seen], list[Failure]]:
        """Create, verify, call the methods, write the late fields, look again."""
        failures = self._halving(batch, self._load_new)
        seen, more = self._verify(_without(batch, failures), self._expected_new, self._load_again)
        failures += more
        return self._finish(_without(batch, failures), seen, failures, late=True)

    def update(self, batch: Sequence[Change]) -> tuple[dict[str, Seen], list[Failure]]:
        """Write what differs, verify, call the methods that are still due.

        A record that was deleted since the preview is created again; one that was changed since is left alone.
        """
        now = self._look(batch)
        gone = [c for c in batch if c.xid not in now]
        failures = [Failure(c, text) for c in batch if (s := now.get(c.xid)) and (text := _moved_since(c, s))]
        some = _without([c for c in batch if c not in gone], failures)
        failures += self._halving(some, self._write_changes)
        seen, more = self._verify(_without(some, failures), self._expected_update, self._write_all)
        failures += more
        seen, failures = self._finish(_without(some, failures), seen, failures, late=False)
        if gone:
            seen_again, more = self.create([replace(c, after=c.desired.after) for c in gone if c.desired])
            seen.update(seen_again)
            failures += more
        return seen, failures

    def _finish(
        self, good: Sequence[Change], seen: dict[str, Seen], failures: list[Failure], *, late: bool
    ) -> tuple[dict[str, Seen], list[Failure]]:
        due = [c for c in good if c.after or (late and _late(c))]
        if due:

            def act(batch: Sequence[Change]) -> None:
                self._complete(batch, late=late)

            failures += self._halving(due, act)
            seen_again, more = self._verify(_without(due, failures), self._expected_final, act)
            seen.update(seen_again)
            failures += more
        return {c.xid: seen[c.xid] for c in _without(good, failures)}, failures

    def _complete(self, batch: Sequence[Change], *, late: bool) -> None:
        """The methods in order, then what they would have overwritten."""
        moving = [c for c in batch if _late(c) and not late]
        before = self._look(moving) if moving else {}
        for method in dict.fromkeys(m for c in batch for m in c.after):
            self._call_method([c for c in batch if method in c.after], method)
        belated = [c for c in batch if late and _late(c)]
        self._load_fields(belated, _late)
        self._write_late(moving, before)

    # --- calls -------------------------------------------------------------------------------------------------

    def _load_new(self, batch: Sequence[Change]) -> None:
        records = [(d, d.values.keys() - d.late, d.children) for c in batch if (d := c.desired)]
        self._load(batch, records)

    def _load_again(self, batch: Sequence[Change]) -> None:
        """What is not there is sent again. Of what is there only that is written which is unlike: a ``load`` that was
        repeated, because its answer was lost, may have made Odoo compute prices anew, and would once more."""
        seen = self._look(batch)
        missing = [c for c in batch if c.xid not in seen]
        if missing:
            self._load_new(missing)
        self._write_changes(
            [against(d, seen[c.xid], self.observed) for c in batch if c.xid in seen and (d := c.desired)]
        )

    def _write_changes(self, batch: Sequence[Change]) -> None:
        """``load`` for fields; ``write`` on the record where lines change; last what is to be late."""
        moving = [c for c in batch if _late(c) and _early_to_write(c)]
        before = self._look(moving) if moving else {}
        self._load_fields([c for c in batch if not _lines_to_write(c)], _early_to_write)
        for change in batch:
            if _lines_to_write(change):
                self._write_lines(change)
        self._write_late(batch, before)

    def _write_late(self, batch: Sequence[Change], before: Mapping[str, Seen]) -> None:
        """The late fields that differ, and those that Odoo moved just now, when it saw the others: a stage that starts
        a subscription dates it today. What someone else had set there is put back as it stood."""
        after = self._look([c for c in batch if c.xid in before]) if before else {}

        def moved(change: Change) -> frozenset[str]:
            stood, stands = before.get(change.xid), after.get(change.xid)
            return frozenset(n for n in _late(change) if stood and stands and stood.values[n] != stands.values[n])

        def names(change: Change) -> frozenset[str]:
            return (_fields_to_write(change) & _late(change)) | (moved(change) - exempt(change.diffs))

        self._load_fields(batch, names)
        for change in batch:
            theirs = moved(change) & exempt(change.diffs) & frozenset(MOVED_ALONG.get(change.model, ()))
            if theirs:
                self._write(change, {n: before[change.xid].values[n] or False for n in theirs})  # dates are their text

    def _load_fields(self, batch: Sequence[Change], names_of: Callable[[Change], frozenset[str]]) -> None:
        """One call per set of columns: an empty cell would clear a field that is not ours to change."""
        for names, some in _grouped([c for c in batch if names_of(c)], names_of).items():
            self._load(some, [(_with_active(d), names, {}) for c in some if (d := c.desired)], by_id=True)

    def _write_all(self, batch: Sequence[Change]) -> None:
        """The second attempt writes whatever is ours: Odoo computed some of it anew when we wrote the rest."""
        self._write_changes([replace(c, diffs=_all_fields(c, self.observed), lines=_all_lines(c)) for c in batch])

    def _load(self, batch: Sequence[Change], records: Sequence[tuple[Desired, Any, Any]], by_id: bool = False) -> None:
        """``by_id``: only onto records that exist. By external id, a deleted one would come back half empty."""
        columns, rows = matrix(records, self.id_of, by_id=by_id)
        # Archived records are found by database id only if we say so; by external id they always are.
        context = {"active_test": False} if by_id else {}
        self._settled(lambda: self._load_once(batch[0].model, columns, rows, context))

    def _load_once(self, model: str, columns: list[str], rows: list[list[str]], context: Mapping[str, Any]) -> None:
        answer = self._call(model, "load", None, fields=columns, data=rows, more_context=context)
        if answer["ids"] is False:
            texts = [one_line(str(m.get("message"))) for m in answer["messages"] if m.get("type") == "error"]
            if any(is_concurrent(text) for text in texts):
                raise Retryable(f"{model}.load: {texts[0]}")
            raise Refused(texts[0] if texts else f"{model}.load: refused without a reason")

    def _write_lines(self, change: Change) -> None:
        """Fields, changed and vanished lines in one transaction through the record (lines alone would leave its totals
        behind); then new lines, by external id."""
        self._settled(lambda: self._write_one(change))
        children: dict[str, list[Desired]] = {}
        for line in change.lines:
            if line.action is Action.CREATE and line.desired:
                children.setdefault(line.field, []).append(line.desired)
        if children and change.desired:
            self._load([change], [(change.desired, (), children)], by_id=True)

    def _write_one(self, change: Change) -> None:
        values = self._values(change.desired, _early_to_write(change)) if change.desired else {}
        commands: dict[str, list[Any]] = {}
        for line in change.lines:
            if line.desired and line.action is Action.UPDATE:
                # The whole line: a new quantity alone would make Odoo compute its price anew.
                names = frozenset(compared(line.desired, self.observed)) - exempt(line.diffs)
                commands.setdefault(line.field, []).append([1, line.res_id, self._values(line.desired, names)])
        removals = self._standing([line for line in change.lines if line.action is Action.REMOVE])
        deletions = [(line.field, [2, line.res_id, 0]) for line in removals]
        try:
            self._write(change, {**values, **_joined(commands, deletions)})
        except Refused:
            if not removals or any(line.model not in ZERO for line in removals):
                raise
            self._write(change, {**values, **_joined(commands, self._zeroing(removals))})

    def _standing(self, lines: Sequence[LineChange]) -> list[LineChange]:
        """Those that still exist: an earlier attempt may have removed them without our hearing of it."""
        if not lines:
            return []
        ids = [line.res_id for line in lines]
        found = set(self.reader.ask(lines[0].model, "search", domain=[["id", "in", ids]]))
        return [line for line in lines if line.res_id in found]

    def _zeroing(self, removals: Sequence[LineChange]) -> list[tuple[str, list[Any]]]:
        """Odoo keeps the lines of a confirmed order: they are taken out of account instead, and the ledger says so."""
        commands = []
        for line in removals:
            name, zero = ZERO[line.model]
            commands.append((line.field, [1, line.res_id, {name: 0}]))
            self.zeroed[line.xid] = {name: zero}
        return commands

    def _write(self, change: Change, values: Mapping[str, Any]) -> None:
        if values:
            arguments = write_arguments(change.model, values)
            self._call(change.model, "write", [self.reader.ids[change.xid][1]], **arguments)

    def _values(self, desired: Desired, names: frozenset[str]) -> dict[str, Any]:
        return written(_with_active(desired), names, self.reader.fields[desired.model], self.id_of)

    def _call_method(self, batch: Sequence[Change], method: str) -> None:
        """Only where the effect does not show: the answer to an earlier call may have been lost."""
        check = done_field(batch[0].model, method)

        def attempt() -> None:
            ids = [self.reader.ids[c.xid][1] for c in batch]
            rows = self.reader.ask(batch[0].model, "read", ids, fields=[check.field], load="")
            missing = [row["id"] for row in rows if row[check.field] not in check.values]
            if missing:
                self._call(batch[0].model, method, missing)

        self._settled(attempt)

    # --- robustness --------------------------------------------------------------------------------------------

    def _call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        /,
        more_context: Mapping[str, Any] = MappingProxyType({}),
        **arguments: Any,
    ) -> Any:
        self.calls += 1
        context = {**self.reader.context, **more_context}
        return self.reader.odoo.call(model, method, ids, context=context, **arguments)

    def _settled(self, attempt: Callable[[], Any]) -> None:
        """Repeat while the outcome is unknown or nothing was committed. Every attempt must bear repetition."""
        for number in range(ATTEMPTS):
            try:
                attempt()
            except Retryable:
                if number == ATTEMPTS - 1:
                    raise
                self.reader.patience.sleep(min(0.1 * 2**number, 5.0))
            except (OutcomeUnknown, OdooUnreachable):
                if number == ATTEMPTS - 1:
                    raise
                self.reader.patience.until_up(self.reader.odoo)
            else:
                return

    def _halving(self, batch: Sequence[Change], act: Callable[[Sequence[Change]], None]) -> list[Failure]:
        """Do ``act`` on all; on refusal on halves, until the guilty stand alone."""
        if not batch:
            return []
        try:
            act(batch)
        except FATAL:
            raise
        except OdooError as error:
            if len(batch) == 1:
                return [Failure(batch[0], one_line(str(error)))]
            middle = len(batch) // 2
            return self._halving(batch[:middle], act) + self._halving(batch[middle:], act)
        return []

    # --- read-back ---------------------------------------------------------------------------------------------

    def _verify(
        self,
        batch: Sequence[Change],
        expected: Callable[[Change, Desired], Mapping[str, Canon]],
        again: Callable[[Sequence[Change]], None],
    ) -> tuple[dict[str, Seen], list[Failure]]:
        """Read everything back. What is not there although Odoo said so (an answer during its shutdown is a lie, facts
        §2h) is sent once more; what is unlike what we sent even then has failed."""
        seen = self._look(batch)
        wrong = [c for c in batch if self._unlike(c, seen.get(c.xid), expected)]
        failures: list[Failure] = []
        if wrong:
            self.reader.patience.until_up(self.reader.odoo)
            failures = self._halving(wrong, again)
            seen.update(self._look(wrong))
        for change in _without(wrong, failures):
            if reason := self._unlike(change, seen.get(change.xid), expected):
                failures.append(Failure(change, reason))
        return seen, failures

    def _look(self, batch: Sequence[Change]) -> dict[str, Seen]:
        wishes = {c.xid: wanted_of(c.desired) for c in batch if c.desired}
        lines = [line.xid for c in batch if c.desired for _, line in each_line(c.desired)]
        self.reader.learn_xids([*wishes, *lines])
        return self.reader.look(wishes)

    def _unlike(
        self, change: Change, seen: Seen | None, expected: Callable[[Change, Desired], Mapping[str, Canon]]
    ) -> str | None:
        """Why the record does not count as written; None if it does."""
        if seen is None or change.desired is None:
            return "Odoo reported success, but the record is not there"
        reasons = self._differences(change, change.model, expected(change, change.desired), seen)
        diffs = {line.xid: line for line in change.lines}
        for name, line in each_line(change.desired):
            found = seen.lines.get(name, {}).get(line.xid)
            if found is None:
                return f"Odoo reported success, but its line {line.xid} is not there"
            want = self._expected_line(line, diffs.get(line.xid))
            reasons += [f"line {line.xid}: {r}" for r in self._differences(change, line.model, want, found)]
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

    def _expected_new(self, change: Change, desired: Desired) -> Mapping[str, Canon]:
        values = compared(desired, self.observed, creation=True)
        return {n: v for n, v in values.items() if n not in desired.late and not n.endswith("()")}

    def _expected_update(self, change: Change, desired: Desired) -> Mapping[str, Canon]:
        stay = exempt(change.diffs)
        values = {**compared(desired, self.observed), **{n: v for n, v in _updates(change) if n in desired.late}}
        return {n: v for n, v in values.items() if n not in stay and not n.endswith("()")}

    def _expected_final(self, change: Change, desired: Desired) -> Mapping[str, Canon]:
        """After the methods only what was written late is ours to insist on; the rest may move with the state."""
        values = compared(desired, self.observed)
        late = desired.late if change.action is Action.CREATE or change.res_id is None else frozenset()
        return {n: v for n, v in values.items() if n in late or n[:-2] in change.after}

    def _expected_line(self, line: Desired, change: LineChange | None) -> Mapping[str, Canon]:
        stay = exempt(change.diffs) if change else frozenset()
        return {n: v for n, v in compared(line, self.observed).items() if n not in stay}

    def id_of(self, target: Ref | Find) -> int:
        """Database id of something that exists by now."""
        if isinstance(target, Find):
            return self.reader.found[target]
        if target.xid not in self.reader.ids:
            self.reader.learn_xids([target.xid])
        place = self.reader.ids.get(target.xid)
        if place is None:
            raise Refused(f"{target.xid} is not in Odoo")
        return place[1]


def _advice(digits: int | None) -> str:
    if digits is None:
        return ""
    return f" (it keeps {digits} decimals there: raise Odoo's decimal precision, 'lago2odoo doctor' names which)"


def _moved_since(change: Change, seen: Seen) -> str | None:
    """What someone changed between the preview and now, in what we are about to write."""
    lines = {xid: line for some in seen.lines.values() for xid, line in some.items()}
    pairs = [(change.diffs, seen)] + [(line.diffs, lines[line.xid]) for line in change.lines if line.xid in lines]
    for diffs, stands in pairs:
        for d in diffs:
            if d.verdict is Action.UPDATE and stands.values.get(d.field) not in (d.before, d.after):
                return f"{d.field} was changed in Odoo a moment ago: preview again"
    return None


def _updates(change: Change) -> list[tuple[str, Canon]]:
    return [(d.field, d.after) for d in change.diffs if d.verdict is Action.UPDATE]


def _fields_to_write(change: Change) -> frozenset[str]:
    return frozenset(name for name in change.updates if not name.endswith("()"))


def _late(change: Change) -> frozenset[str]:
    return change.desired.late if change.desired else frozenset()


def _early_to_write(change: Change) -> frozenset[str]:
    return _fields_to_write(change) - _late(change)


def _all_fields(change: Change, observed: Observed) -> tuple[FieldDiff, ...]:
    """The change's diffs, as if every field that is ours had to be written."""
    stay = exempt(change.diffs)
    values = compared(change.desired, observed).items() if change.desired else ()
    ours = (FieldDiff(n, None, v, Action.UPDATE) for n, v in values if n not in stay and not n.endswith("()"))
    return (*(d for d in change.diffs if d.field in stay), *ours)


def _all_lines(change: Change) -> tuple[LineChange, ...]:
    """Every standing line as one to be written, if any line is."""
    standing = (Action.UNCHANGED, Action.KEPT)
    if not _lines_to_write(change):
        return change.lines
    return tuple(replace(line, action=Action.UPDATE) if line.action in standing else line for line in change.lines)


def _lines_to_write(change: Change) -> bool:
    return any(line.action in (Action.CREATE, Action.UPDATE, Action.REMOVE) for line in change.lines)


def _grouped(batch: Sequence[Change], key: Callable[[Change], frozenset[str]]) -> dict[frozenset[str], list[Change]]:
    groups: dict[frozenset[str], list[Change]] = {}
    for change in batch:
        groups.setdefault(key(change), []).append(change)
    return groups


def _joined(commands: Mapping[str, list[Any]], more: Sequence[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    joined = {name: list(some) for name, some in commands.items()}
    for name, command in more:
        joined.setdefault(name, []).append(command)
    return joined


def _with_active(desired: Desired) -> Desired:
    """A wanted record is wanted active although no mapper says so (see ``migrate.changes.compared``)."""
    if "active" in desired.values:
        return desired
    values = {**desired.values, "active": True}
    return Desired(phase=desired.phase, model=desired.model, xid=desired.xid, values=values, source=desired.source)


def _without(batch: Sequence[Change], failures: Sequence[Failure]) -> list[Change]:
    guilty = {f.change.xid for f in failures}
    return [c for c in batch if c.xid not in guilty]
