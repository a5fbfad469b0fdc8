"""What every command shares: the configuration, the clients made from it, and the way to speak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from lago2odoo.cli.talk import Talk
from lago2odoo.cli.waiver_file import read_waivers
from mappings import tables
from mappings.reasons import note_old_spellings
from mappings.records import Snapshot
from mappings.tables import TableError, Tables
from mappings.text import NotTextError, composed, decode_text
from migrate import config as settings
from migrate.config import Config
from migrate.errors import ConfigError
from migrate.lago.client import LagoClient, LagoPatience
from migrate.lago.ends import LagoEnds
from migrate.lago.recorded import RecordingSource
from migrate.lago.snapshot import load_snapshot
from migrate.lago.source import LagoSource
from migrate.masking import KNOWN
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from migrate.shipped_tables import shipped
from migrate.state.small_tables import require_sound
from migrate.state.store import Store, require_not_emptied
from reconcile.compare.waivers import Waiver
from reports.paths import NotReadableError, read_file

LagoOf = TypeVar("LagoOf", bound=LagoClient)


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One command's surroundings."""

    config: Config
    config_file: Path
    talk: Talk

    def say_all(self, lines: Iterable[str]) -> None:
        """Each line on stderr."""
        for line in lines:
            self.talk.say(line)

    def warn(self, line: str) -> None:
        """What is odd and stops nothing, on stderr."""
        self.talk.say(f"warning: {line}")

    @property
    def events(self) -> Path:
        """Folder of the usage events."""
        return self.config.path(self.config.store.events)

    def reports(self, out: Path | None) -> Path:
        """Folder of the reports: as given, or ``report`` beside the configuration."""
        return out or self.config.path("report")

    def place(self, folder: Path) -> str:
        """A folder as the configuration's folder sees it: the same wherever the project stands."""
        whole, own = folder.resolve(), self.config.folder.resolve()
        return whole.relative_to(own).as_posix() if whole.is_relative_to(own) else whole.as_posix()

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The open state, with its small tables looked at. Raises StoreError."""
        with self.unchecked_store() as store:
            require_sound(store)
            yield store

    @contextmanager
    def unchecked_store(self) -> Iterator[Store]:
        """The open state as it is; a SQLite path counts from the configuration's folder."""
        require_not_emptied(state_url(self.config), (self.events, self.reports(None) / "history"))
        with Store.open(state_url(self.config)) as store:
            yield store

    def snapshot(self, store: Store) -> Snapshot:
        """The latest finished extract, of the Lago whose rules it bills by. Raises what ``load_snapshot`` raises."""
        snapshot = load_snapshot(store)
        return replace(snapshot, lago_version=self.config.lago.rules or snapshot.lago_version)

    @contextmanager
    def source(self, recording: Path | None) -> Iterator[LagoSource]:
        """Lago: the recording given here or in the configuration, else the server."""
        lago = self.config.lago
        if recording is not None or lago.recording is not None:
            with closing(RecordingSource.open(recording or self.config.path(str(lago.recording)))) as source:
                yield source
            return
        key = settings.secret(lago.api_key_env, lago.api_key_file, self.config.folder, "Lago API key")
        with self._client(LagoClient, key) as client:
            yield client

    @contextmanager
    def lago_ends(self) -> Iterator[LagoEnds]:
        """The Lago in which ends are set, with the key that may: never a recording, never the key that reads."""
        lago = self.config.lago
        key = settings.secret(lago.write_key_env, lago.write_key_file, self.config.folder, "Lago key that writes")
        with closing(self._client(LagoEnds, key)) as client:
            yield client

    def _client(self, kind: type[LagoOf], key: str) -> LagoOf:
        lago = self.config.lago
        if lago.url is None:
            raise ConfigError(f"{self.config_file}: lago.url is missing (or name a recording: lago.recording)")
        return kind(
            lago.url,
            key,
            requests_per_second=lago.requests_per_second,
            connections=lago.connections,
            timeout=lago.timeout,
            patience=LagoPatience(in_vain=lago.patience),
            told=self.talk.say,
        )

    @contextmanager
    def odoo(self) -> Iterator[Door]:
        """The door to Odoo."""
        odoo = self.config.odoo
        for name in ("url", "database"):
            if getattr(odoo, name) is None:
                raise ConfigError(f"{self.config_file}: odoo.{name} is missing")
        key = settings.secret(odoo.key_env, odoo.key_file, self.config.folder, "Odoo API key")
        KNOWN.learn(urlsplit(str(odoo.url)).password)
        access = OdooSettings(
            url=str(odoo.url),
            database=str(odoo.database),
            user=odoo.user,
            key=key,
            transport=odoo.transport,
            timeout=odoo.timeout,
        )
        with closing(connect(access)) as connection:
            yield Door(connection)

    def waivers(self) -> tuple[Waiver, ...]:
        """What the file of waivers holds; old spellings are told."""
        waivers = read_waivers(self.config)
        self.say_all(note_old_spellings((waiver.rule for waiver in waivers), self.config.reconcile.waivers or ""))
        return waivers

    def tables(self) -> Tables:
        """Finance's look-ups: the file of the configuration over the shipped ones."""
        name = self.config.mapping.tables
        base = shipped()
        if name is None:
            return base
        path = self.config.path(name)
        try:
            return tables.parse(composed(decode_text(read_file(path))), name, base)
        except TableError as error:
            raise ConfigError(str(error)) from None
        except (NotTextError, NotReadableError) as error:
            raise ConfigError(f"{path}: the mapping tables cannot be read: {error}") from None
        except OSError as error:
            raise ConfigError(f"{path}: the mapping tables cannot be read: {error.strerror}") from None


def state_url(config: Config) -> str:
    """The state's URL, with a relative SQLite path made absolute."""
    prefix, url = "sqlite:///", config.store.url
    if not url.startswith(prefix):
        return url
    return f"{prefix}{config.path(url.removeprefix(prefix))}"


@contextmanager
def open_context(config_file: Path) -> Iterator[CommandContext]:
    """Read the configuration, with the files it names, and be ready to speak; at the end the line of progress goes.

    All of it, for every command: what another one would refuse is no surprise later.
    """
    talk = Talk()
    try:
        context = CommandContext(config=settings.load(config_file), config_file=config_file, talk=talk)
        context.tables()
        read_waivers(context.config)
        yield context
    finally:
        talk.close()
