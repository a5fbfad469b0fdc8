"""What every command shares: the configuration, the clients made from it, and the way to speak."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mappings import tables
from mappings.tables import TableError, Tables
from migrate import config as settings
from migrate.config import Config
from migrate.errors import ConfigError, Lago2OdooError
from migrate.lago.client import LagoClient
from migrate.lago.recorded import RecordingSource
from migrate.lago.source import Source
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.protocol import Odoo
from migrate.store import Store

Progress = Callable[[str, int, int | None], None]  # what, how many done, of how many (None: unknown)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found: ``data`` for ``--format json``, ``text`` for people, and the exit code; or the ``error``
    that it ends with, told on stderr after them.

    Data that is large is given as a function: it is built only if it was asked for.
    """

    data: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    text: str
    exit_code: int = 0
    error: Lago2OdooError | None = None


@dataclass(slots=True)
class Talk:
    """Progress on stderr: one line that moves on a terminal; elsewhere a line every few seconds of long work."""

    every: float = 5.0
    _what: str = ""
    _since: float = 0.0
    _last: float = 0.0
    _open: bool = False

    def progress(self, what: str, done: int, total: int | None = None) -> None:
        """So many of ``what`` are done. Work that is over within seconds stays silent, but on a terminal."""
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if what != self._what:
            self._what, self._since, self._last = what, now, now
        finished = total is not None and done >= total
        wait = 0.1 if terminal else self.every
        if now - (self._since if finished else self._last) < wait:
            return
        self._last = now
        self._write(f"{what}: {done:,}" + (f" of {total:,}" if total is not None else ""), terminal)

    def say(self, line: str) -> None:
        self._write(line, False)

    def _write(self, line: str, moving: bool) -> None:
        start = "\r\033[K" if self._open else ""
        sys.stderr.write(f"{start}{line}{'' if moving else chr(10)}")
        sys.stderr.flush()
        self._open = moving

    def close(self) -> None:
        """Take a moving line away, so that the result begins on a line of its own."""
        if self._open:
            self._write("", True)
            self._open = False


@dataclass(frozen=True, slots=True)
class Context:
    """One command's surroundings."""

    config: Config
    config_file: Path
    talk: Talk

    @property
    def events(self) -> Path:
        """Folder of the usage events."""
        return self.config.path(self.config.store.events)

    def reports(self, out: Path | None) -> Path:
        """Folder of the reports: as given, or ``report`` beside the configuration."""
        return out or self.config.path("report")

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The open state; a SQLite path counts from the configuration's folder."""
        with Store.open(state_url(self.config)) as store:
            yield store

    @contextmanager
    def source(self, recording: Path | None) -> Iterator[Source]:
        """Lago: the recording given here or in the configuration, else the server."""
        lago = self.config.lago
        if recording is not None or lago.recording is not None:
            with closing(RecordingSource.open(recording or self.config.path(str(lago.recording)))) as source:
                yield source
            return
        if lago.url is None:
            raise ConfigError(f"{self.config_file}: lago.url is missing (or name a recording: lago.recording)")
        key = settings.secret(lago.api_key_env, lago.api_key_file, self.config.folder, "Lago API key")
        with LagoClient(
            lago.url,
            key,
            requests_per_second=lago.requests_per_second,
            connections=lago.connections,
            timeout=lago.timeout,
        ) as client:
            yield client

    @contextmanager
    def odoo(self) -> Iterator[Odoo]:
        """The connection to Odoo."""
        odoo = self.config.odoo
        for name in ("url", "database"):
            if getattr(odoo, name) is None:
                raise ConfigError(f"{self.config_file}: odoo.{name} is missing")
        key = settings.secret(odoo.key_env, odoo.key_file, self.config.folder, "Odoo API key")
        access = OdooSettings(
            url=str(odoo.url),
            database=str(odoo.database),
            user=odoo.user,
            key=key,
            transport=odoo.transport,
            timeout=odoo.timeout,
        )
        with closing(connect(access)) as connection:
            yield connection

    def tables(self) -> Tables:
        """Finance's look-ups: the file of the configuration over the shipped ones."""
        name = self.config.mapping.tables
        base = tables.shipped()
        if name is None:
            return base
        path = self.config.path(name)
        try:
            return tables.parse(path.read_text(encoding="utf-8"), name, base)
        except TableError as error:
            raise ConfigError(str(error)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: the mapping tables cannot be read: {error}") from None


def state_url(config: Config) -> str:
    """The state's URL, with a relative SQLite path made absolute."""
    prefix, url = "sqlite:///", config.store.url
    if not url.startswith(prefix):
        return url
    return f"{prefix}{config.path(url.removeprefix(prefix))}"


def open_context(config_file: Path) -> Context:
    """Read the configuration and be ready to speak."""
    return Context(config=settings.load(config_file), config_file=config_file, talk=Talk())
