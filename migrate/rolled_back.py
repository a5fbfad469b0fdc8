"""What a rollback did, and what one would do: numbers, and each record that stays, with why."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.errors import OdooError


@dataclass(frozen=True, slots=True)
class RolledBack:
    """``deleted``, ``restored``: numbers of records, as they were read back; the others name each record and why."""

    deleted: int = 0
    restored: int = 0
    archived: tuple[str, ...] = ()
    changed_since: tuple[str, ...] = ()  # left alone: someone else changed them
    refused: tuple[str, ...] = ()  # Odoo does not let them go
    unknown: tuple[str, ...] = ()  # stand in Odoo under our external ids, and nothing tells what they were before
    kept: tuple[str, ...] = ()  # left alone, because one that stays needs them

    @property
    def ok(self) -> bool:
        """Whether nothing of ours is left active."""
        return not (self.changed_since or self.refused or self.unknown or self.kept)

    @property
    def error(self) -> OdooError | None:
        """Names the first records that are still there."""
        if self.ok:
            return None
        named = [f"{text}: changed in Odoo since" for text in self.changed_since[:3]]
        named += [*self.refused[:3], *self.unknown[:3], *self.kept[:3]]
        number = sum(map(len, (self.changed_since, self.refused, self.unknown, self.kept)))
        return OdooError(
            f"{number} records were not undone: {'; '.join(named)}; mend them in Odoo, then run the same command again"
        )

    def raise_if_failed(self) -> None:
        """Raise ``error``, if there is one."""
        if (error := self.error) is not None:
            raise error


@dataclass(frozen=True, slots=True)
class Planned:
    """One record that rollback would delete, or give ``fields`` their values of before back."""

    model: str
    source: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a rollback would do now, newest first. Whether Odoo lets go of each record shows only when it is told to."""

    delete: tuple[Planned, ...] = ()
    restore: tuple[Planned, ...] = ()
    changed_since: tuple[str, ...] = ()  # would be left alone: someone else changed them
    unknown: tuple[str, ...] = ()  # would stand: nothing tells what they were before, or Odoo does not show them
    kept: tuple[str, ...] = ()  # would be left alone, because one that stays needs them

    @property
    def pending(self) -> bool:
        """Whether there is anything to undo, or to decide."""
        return bool(self.delete or self.restore or self.changed_since or self.unknown or self.kept)
