"""A left fold over values by time, kept so that values may come one by one.

A value that arrives in order costs one step; a late one costs the steps from its place on, once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import datetime
from sys import maxsize
from typing import Generic, TypeVar

Key = tuple[datetime, int]  # when an event was, and how many arrived before it: at one moment the order of arrival
Value = TypeVar("Value")
State = TypeVar("State")


class Fold(Generic[Value, State]):
    """``step`` over the values in the order of their keys. ``steps`` counts the work done."""

    def __init__(self, start: State, step: Callable[[State, Value], State]) -> None:
        self._step = step
        self._keys: list[Key] = []
        self._values: list[Value] = []
        self._states = [start]
        self.steps = 0

    def insert(self, key: Key, value: Value) -> None:
        """Add a value under a key that is not there yet."""
        place = bisect_left(self._keys, key)
        self._keys.insert(place, key)
        self._values.insert(place, value)
        del self._states[place + 1 :]

    def replace(self, key: Key, value: Value) -> None:
        """Set another value under a key that is there."""
        place = bisect_left(self._keys, key)
        self._values[place] = value
        del self._states[place + 1 :]

    def count(self, moment: datetime) -> int:
        """How many values there are up to ``moment``, which counts itself."""
        return bisect_right(self._keys, (moment, maxsize))

    def after(self, count: int) -> State:
        """The state after the first ``count`` values."""
        while len(self._states) <= count:
            self._states.append(self._step(self._states[-1], self._values[len(self._states) - 1]))
            self.steps += 1
        return self._states[count]

    def until(self, moment: datetime) -> State:
        """The state with all values up to ``moment``."""
        return self.after(self.count(moment))
