"""What every command shares: the configuration, the clients made from it, and the way to speak."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate import config as settings
from migrate.config import Config

Progress = Callable[[str, int, int | None], None]  # what, how many done, of how many (None: unknown)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found: ``data`` for ``--format json``, ``text`` for people, and the exit code."""

    data: Mapping[str, Any]
    text: str
    exit_code: int = 0


@dataclass(slots=True)
class Talk:
    """Progress on stderr: one line that moves on a terminal, a line every few seconds elsewhere."""

    every: float = 5.0
    _last: float = 0.0
    _open: bool = field(default=False)

    def progress(self, what: str, done: int, total: int | None = None) -> None:
        finished = total is not None and done >= total
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if not finished and now - self._last < (0.1 if terminal else self.every):
            return
        self._last = now
        self._write(f"{what}: {done:,}" + (f" of {total:,}" if total is not None else ""), terminal and not finished)

    def say(self, line: str) -> None:
        self._write(line, False)

    def _write(self, line: str, moving: bool) -> None:
        start = "\r\033[K" if self._open else ""
        sys.stderr.write(f"{start}{line}{'' if moving else chr(10)}")
        sys.stderr.flush()
        self._open = moving


@dataclass(frozen=True, slots=True)
class Context:
    """One command's surroundings."""

    config: Config
    config_file: Path
    talk: Talk

    @property
    def events(self) -> Path:
        return self.config.path(self.config.store.events)

    def lago_key(self) -> str:
        lago = self.config.lago
        return settings.secret(lago.api_key_env, lago.api_key_file, self.config.folder, "Lago API key")

    def odoo_key(self) -> str:
        odoo = self.config.odoo
        return settings.secret(odoo.key_env, odoo.key_file, self.config.folder, "Odoo API key")


def open_context(config_file: Path) -> Context:
    """Read the configuration and be ready to speak."""
    return Context(config=settings.load(config_file), config_file=config_file, talk=Talk())
