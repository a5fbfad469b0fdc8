"""What a reconciliation is made from: the files that finance decides by, and hashes of everything that was read.

``reconcile`` notes the hashes with the run; ``report sign`` freezes the files, and refuses if a hash has moved since.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mappings import tables
from migrate.commands.context import Context
from migrate.commands.migration import digest
from migrate.config import Config
from migrate.errors import StoreError
from migrate.store import Store
from reports.evidence import canonical, sha256

SETTINGS = "settings.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """``files``: name in the evidence pack -> content. ``hashes``: name -> SHA-256; ``snapshot``: its digest."""

    files: Mapping[str, bytes]
    hashes: Mapping[str, str]

    def moved(self, noted: Mapping[str, str]) -> tuple[str, ...]:
        """Names whose hash is another one than the noted one, or is there on one side only."""
        names = sorted({*self.hashes, *noted})
        return tuple(name for name in names if self.hashes.get(name) != noted.get(name))


def gather(context: Context, store: Store) -> Inputs:
    """Read them all as they are now. Raises StoreError if a file is gone."""
    files = dict(_files(context))
    hashes = {name: sha256(content) for name, content in files.items()}
    hashes |= {f"events/{path}": _hash_of(context.events / path) for path in sorted(store.event_files())}
    return Inputs(files=files, hashes={"snapshot": digest(store), **hashes})


def _files(context: Context) -> Iterator[tuple[str, bytes]]:
    config = context.config
    yield SETTINGS, canonical(settings(config))
    yield "mapping/shipped.toml", tables.SHIPPED.read_bytes()
    if config.mapping.tables:
        yield "mapping/own.toml", _content(config.path(config.mapping.tables))
    if config.reconcile.waivers:
        yield "waivers.toml", _content(config.path(config.reconcile.waivers))


def settings(config: Config) -> Any:
    """The configuration in force as JSON values, defaults included, without secrets and without its folder."""
    values = asdict(config)
    del values["folder"]
    return _plain(values)


_CREDENTIALS = re.compile(r"(?<=://)\S*@")  # user:password@ in front of a host
_PARAMETER = re.compile(r"(?i)([?&;](?:password|passwd|pwd|user|token|secret|key|api_key|sslkey|sslpassword)=)[^&;#]*")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return _PARAMETER.sub(r"\1***", _CREDENTIALS.sub("***@", value))
    return value if value is None or isinstance(value, int) else str(value)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None


def _hash_of(path: Path) -> str:
    """Of a file that may be larger than memory."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}; run 'lago2odoo extract' again") from None
