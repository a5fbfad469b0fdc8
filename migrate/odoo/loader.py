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
from migrate.change_set.changes import (
    Action,
    Change,
    LineChange,
    Observed,
    Seen,
    exempt,
)
from migrate.change_set.compare import against
from migrate.errors import OdooError
from migrate.odoo.answers import is_loaded, shown
from migrate.odoo.errors import OdooRefused, OdooUnreachable, OutcomeUnknown, Retryable, is_concurrent, one_line
from migrate.odoo.meanwhile import Meanwhile, spare_edited, spare_moved
from migrate.odoo.methods import MOVED_ALONG, done_field, write_arguments
from migrate.odoo.read_back import ReadBack
from migrate.odoo.resolve import QUIETLY, OdooReader
from migrate.odoo.rows import matrix, written
from migrate.odoo.what_to_write import (
    all_fields,
    all_lines,
    early_fields_to_write,
    fields_to_write,
    group_by_fields,
    has_lines_to_write,
    join_commands,
    late_fields,
    names_of_line,
    with_active,
)
from migrate.odoo.withheld import is_of_all
from migrate.values import Canon

ATTEMPTS = 6

# Lines that Odoo refuses to delete once their record is confirmed, and the field that takes them out of account.
ZERO: Mapping[str, tuple[str, Canon]] = {"sale.order.line": ("product_uom_qty", "0")}


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that Odoo did not take, and why. ``because``: external id of the refused one that it waits for."""

    change: Change
    reason: str
    because: str = ""

    def __str__(self) -> str:
        return f"{self.change.source} ({self.change.model} {self.change.xid}): {self.reason}"

    def waits(self, change: Change) -> Failure:
        """That of a change which refers to this one's record."""
        return Failure(change, f"needs {self.change.source}, which failed", self.because or self.change.xid)


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

    reader: OdooReader
    observed: Observed  # over the reader's growing maps
    calls: int = 0  # writing calls, for the proof that nothing was written
    read_back: ReadBack = field(init=False)

    def __post_init__(self) -> None:
        self.read_back = ReadBack(self.reader, self.observed)

    @property
    def altered(self) -> Mapping[tuple[str, str], str]:
        """Texts that Odoo keeps in another form."""
        return self.read_back.altered

    @property
    def zeroed(self) -> dict[str, Mapping[str, Canon]]:
        """Lines that Odoo would not delete, and the values with which they stay."""
        return self.read_back.zeroed

    @property
    def meanwhile(self) -> dict[str, Meanwhile]:
        """Records of which somebody changed something in Odoo while they were written."""
        return self.read_back.meanwhile

    # --- the three ways of writing -----------------------------------------------------------------------------

    def create(self, batch: Sequence[Change]) -> tuple[dict[str, Seen], list[Failure]]:
        """Create, verify, call the methods, write the late fields, look again."""
        failures = self._halving(batch, self._load_new)
        seen, more = self._verify(without(batch, failures), self.read_back.expect_new, self._load_again)
        failures += more
        return self._finish(without(batch, failures), seen, failures, late=True)

    def update(self, batch: Sequence[Change]) -> tuple[dict[str, Seen], list[Failure]]:
        """Write what differs, verify, call the methods that are still due.

        A record that was deleted since the preview is created again; what of it was changed since is left alone.
        """
        now = self.read_back.look(batch)
        gone = [c for c in batch if c.xid not in now]
        standing = [c for c in batch if c.xid in now]
        some = self.read_back.spare(standing, self.observed.records, now, spare_moved)
        failures = self._halving(some, self._write_changes)
        seen, more = self._verify(without(some, failures), self.read_back.expect_update, self._write_all, now)
        failures += more
        seen, failures = self._finish(self.read_back.as_written(without(some, failures)), seen, failures, late=False)
        if gone:
            seen_again, more = self.create([replace(c, after=c.desired.after) for c in gone if c.desired])
            seen.update(seen_again)
            failures += more
        return seen, failures

    def _finish(
        self, good: Sequence[Change], seen: dict[str, Seen], failures: list[Failure], *, late: bool
    ) -> tuple[dict[str, Seen], list[Failure]]:
        due = [c for c in good if c.after or (late and late_fields(c))]
        if due:

            def act(batch: Sequence[Change]) -> None:
                self._complete(batch, late=late)

            failures += self._halving(due, act)
            seen_again, more = self._verify(without(due, failures), self.read_back.expect_final, act)
            seen.update(seen_again)
            failures += more
        return {c.xid: seen[c.xid] for c in without(good, failures)}, failures

    def _complete(self, batch: Sequence[Change], *, late: bool) -> None:
        """The methods in order, then what they would have overwritten."""
        moving = [c for c in batch if late_fields(c) and not late]
        before = self.read_back.look(moving) if moving else {}
        for method in dict.fromkeys(m for c in batch for m in c.after):
            self._call_method([c for c in batch if method in c.after], method)
        belated = [c for c in batch if late and late_fields(c)]
        self._load_fields(belated, late_fields)
        self._write_late(moving, before)

    # --- calls -------------------------------------------------------------------------------------------------

    def _load_new(self, batch: Sequence[Change]) -> None:
        records = [(d, d.values.keys() - d.late, d.children) for c in batch if (d := c.desired)]
        self._load(batch, records)

    def _load_again(self, batch: Sequence[Change]) -> None:
        """What is not there is sent again; of what is there only that is written which is unlike.

        A ``load`` that was repeated, because its answer was lost, may have made Odoo compute prices anew, and would
        once more.
        """
        seen = self.read_back.look(batch)
        missing = [c for c in batch if c.xid not in seen]
        if missing:
            self._load_new(missing)
        self._write_changes(
            [against(d, seen[c.xid], self.observed) for c in batch if c.xid in seen and (d := c.desired)]
        )

    def _write_changes(self, batch: Sequence[Change]) -> None:
        """``load`` for fields; ``write`` on the record where lines change; last what is to be late."""
        moving = [c for c in batch if late_fields(c) and early_fields_to_write(c)]
        before = self.read_back.look(moving) if moving else {}
        self._load_fields([c for c in batch if not has_lines_to_write(c)], early_fields_to_write)
        for change in batch:
            if has_lines_to_write(change):
                self._write_lines(change)
        self._write_late(batch, before)

    def _write_late(self, batch: Sequence[Change], before: Mapping[str, Seen]) -> None:
        """The late fields that differ, and those that Odoo moved just now, when it saw the others.

        A stage that starts a subscription dates it today. What someone else had set there is put back as it stood.
        """
        after = self.read_back.look([c for c in batch if c.xid in before]) if before else {}

        def moved(change: Change) -> frozenset[str]:
            stood, stands = before.get(change.xid), after.get(change.xid)
            return frozenset(n for n in late_fields(change) if stood and stands and stood.values[n] != stands.values[n])

        def names(change: Change) -> frozenset[str]:
            return (fields_to_write(change) & late_fields(change)) | (moved(change) - exempt(change.diffs))

        self._load_fields(batch, names)
        for change in batch:
            theirs = moved(change) & exempt(change.diffs) & frozenset(MOVED_ALONG.get(change.model, ()))
            if theirs:
                self._write(change, {n: before[change.xid].values[n] or False for n in theirs})  # dates are their text

    def _load_fields(self, batch: Sequence[Change], names_of: Callable[[Change], frozenset[str]]) -> None:
        """One call per set of columns: an empty cell would clear a field that is not ours to change."""
        for names, some in group_by_fields([c for c in batch if names_of(c)], names_of).items():
            self._load(some, [(with_active(d), names, {}) for c in some if (d := c.desired)], by_id=True)

    def _write_all(self, batch: Sequence[Change]) -> None:
        """The second attempt writes whatever is ours: Odoo computed some of it anew when we wrote the rest."""
        self._write_changes(
            [replace(c, diffs=all_fields(c, self.observed), lines=all_lines(c, self.observed)) for c in batch]
        )

    def _load(self, batch: Sequence[Change], records: Sequence[tuple[Desired, Any, Any]], by_id: bool = False) -> None:
        """``by_id``: only onto records that exist. By external id, a deleted one would come back half empty."""
        columns, rows = matrix(records, self.id_of, by_id=by_id)
        # Archived records are found by database id only if we say so; by external id they always are.
        context = {"active_test": False} if by_id else {}
        self._settle(lambda: self._load_once(batch[0].model, columns, rows, context))

    def _load_once(self, model: str, columns: list[str], rows: list[list[str]], context: Mapping[str, Any]) -> None:
        answer = self._call(model, "load", None, fields=columns, data=rows, more_context=context)
        if not is_loaded(answer):
            raise OutcomeUnknown(f"{model}.load: {shown(answer)} is no answer to it")
        if answer["ids"] is False:
            texts = [one_line(str(m.get("message"))) for m in answer["messages"] if m.get("type") == "error"]
            if any(is_concurrent(text) for text in texts):
                raise Retryable(f"{model}.load: {texts[0]}")
            raise OdooRefused(texts[0] if texts else f"{model}.load: refused without a reason")

    def _write_lines(self, change: Change) -> None:
        """Fields, changed and vanished lines in one transaction through the record; then new lines, by external id.

        Lines written alone would leave the record's totals behind.
        """
        self._settle(lambda: self._write_one(change))
        children: dict[str, list[Desired]] = {}
        for line in change.lines:
            if line.action is Action.CREATE and line.desired:
                children.setdefault(line.field, []).append(line.desired)
        if children and change.desired:
            self._load([change], [(change.desired, (), children)], by_id=True)

    def _write_one(self, change: Change) -> None:
        values = self._values(change.desired, early_fields_to_write(change)) if change.desired else {}
        commands: dict[str, list[Any]] = {}
        for line in change.lines:
            if line.desired and line.action is Action.UPDATE:
                names = names_of_line(line, self.observed)
                commands.setdefault(line.field, []).append([1, line.res_id, self._values(line.desired, names)])
        removals = self._standing([line for line in change.lines if line.action is Action.REMOVE])
        deletions = [(line.field, [2, line.res_id, 0]) for line in removals]
        try:
            self._write(change, {**values, **join_commands(commands, deletions)})
        except OdooRefused:
            if not removals or any(line.model not in ZERO for line in removals):
                raise
            self._write(change, {**values, **join_commands(commands, self._zeroing(removals))})

    def _standing(self, lines: Sequence[LineChange]) -> list[LineChange]:
        """Those that still exist: an earlier attempt may have removed them without our hearing of it."""
        if not lines:
            return []
        ids = [line.res_id for line in lines if line.res_id]
        existing = self.reader.door.existing(lines[0].model, ids)
        return [line for line in lines if line.res_id in existing]

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
        return written(with_active(desired), names, self.reader.fields[desired.model], self.id_of)

    def _call_method(self, batch: Sequence[Change], method: str) -> None:
        """Only where the effect does not show: the answer to an earlier call may have been lost."""
        check = done_field(batch[0].model, method)

        def attempt() -> None:
            ids = [self.reader.ids[c.xid][1] for c in batch]
            rows = self.reader.door.read(batch[0].model, ids, [check.field])
            missing = [row["id"] for row in rows if row[check.field] not in check.values]
            if missing:
                self._call(batch[0].model, method, missing)

        self._settle(attempt)

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
        return self.reader.door.send(model, method, ids, {**QUIETLY, **more_context}, **arguments)

    def _settle(self, attempt: Callable[[], Any]) -> None:
        """Repeat while the outcome is unknown or nothing was committed. Every attempt must bear repetition."""
        for number in range(ATTEMPTS):
            try:
                attempt()
            except Retryable:
                if number == ATTEMPTS - 1:
                    raise
                self.reader.door.patience.sleep(min(0.1 * 2**number, 5.0))
            except (OutcomeUnknown, OdooUnreachable):
                if number == ATTEMPTS - 1:
                    raise
                self.reader.door.wait_until_up()
            else:
                return

    def _halving(self, batch: Sequence[Change], act: Callable[[Sequence[Change]], None]) -> list[Failure]:
        """Do ``act`` on all; on refusal on halves, until the guilty stand alone."""
        if not batch:
            return []
        try:
            act(batch)
        except OdooError as error:
            if is_of_all(error, self.reader.door, batch[0].model, "create", "write"):
                raise
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
        before: Mapping[str, Seen] = MappingProxyType({}),
    ) -> tuple[dict[str, Seen], list[Failure]]:
        """Read everything back; what is unlike what we sent is sent once more, and has failed if it stays so.

        An answer during Odoo's shutdown is a lie (facts §2h): the record may not be there.
        ``before``: how each stood just before it was written; what somebody changed since is not ours to insist on.
        """
        seen = self.read_back.look(batch)
        batch = self.read_back.spare(batch, before, seen, spare_edited)
        wrong = [c for c in batch if self.read_back.unlike(c, seen.get(c.xid), expected)]
        failures: list[Failure] = []
        if wrong:
            self.reader.door.wait_until_up()
            failures = self._halving(wrong, again)
            before, seen = {xid: seen[xid] for xid in before if xid in seen}, {**seen, **self.read_back.look(wrong)}
            wrong = self.read_back.spare(wrong, before, seen, spare_edited)
        for change in without(wrong, failures):
            if reason := self.read_back.unlike(change, seen.get(change.xid), expected):
                failures.append(Failure(change, reason))
        return seen, failures

    def id_of(self, target: Ref | Find) -> int:
        """Database id of something that exists by now."""
        if isinstance(target, Find):
            return self.reader.found[target]
        if target.xid not in self.reader.ids:
            self.reader.learn_xids([target.xid])
        place = self.reader.ids.get(target.xid)
        if place is None:
            raise OdooRefused(f"{target.xid} is not in Odoo")
        return place[1]


def without(batch: Sequence[Change], failures: Sequence[Failure]) -> list[Change]:
    """Those of the batch that did not fail."""
    guilty = {f.change.xid for f in failures}
    return [c for c in batch if c.xid not in guilty]
