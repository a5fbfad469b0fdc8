"""Where a process can be killed so that it matters: right before and right after everything that lasts.

A commit of the state, a file that gets its name, is deleted or is written through, and a call that changes Odoo (before
it is sent, and after its answer came). ``arm`` counts them, and kills the process at one.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from migrate.odoo.door import Door

FILE_CALLS = ("replace", "rename", "link", "unlink", "fsync")


class Boundaries:
    """Counts, and kills at number ``at`` (never at 0). The names of those met are kept in ``log``."""

    def __init__(self, at: int, log: Path) -> None:
        self.at, self.log, self.met = at, log, 0
        self._lock = threading.Lock()

    def hit(self, name: str) -> None:
        with self._lock:
            self.met += 1
            with self.log.open("a") as file:
                file.write(f"{self.met} {name}\n")
            if self.met == self.at:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **more: Any) -> Any:
            self.hit(f"before {name}")
            result = call(*arguments, **more)
            self.hit(f"after {name}")
            return result

        return act


def arm(at: int, log: Path) -> None:
    """From here on this process counts its boundaries, and is killed at number ``at``."""
    boundaries = Boundaries(at, log)
    for name in FILE_CALLS:
        setattr(os, name, boundaries.around(f"os.{name}", getattr(os, name)))
    DefaultDialect.do_commit = boundaries.around("commit", DefaultDialect.do_commit)  # type: ignore[method-assign]
    send = Door.send

    def sent(door: Door, model: str, method: str, *arguments: Any, **more: Any) -> Any:
        boundaries.hit(f"before {model}.{method}")
        answer = send(door, model, method, *arguments, **more)
        boundaries.hit(f"after {model}.{method}")
        return answer

    Door.send = sent  # type: ignore[method-assign]
