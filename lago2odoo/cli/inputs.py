"""What a reconciliation is made from, gathered: the files of the configuration, the snapshot and the events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.migration import check_events
from migrate.config import without_secrets
from migrate.errors import StoreError
from migrate.shipped_tables import SHIPPED
from migrate.state.digest import digest
from migrate.state.store import Store
from reports.evidence.inputs import SETTINGS, SHIPPED_TABLES, TABLES, PackInputs
from reports.evidence.packs import WAIVERS, canonical, sha256
from reports.paths import whole_file


def gather(context: CommandContext, store: Store) -> PackInputs:
    """Read them all as they are now. Raises StoreError if a file is gone or damaged."""
    files = dict(_files(context))
    hashes = {name: sha256(content) for name, content in files.items()}
    hashes |= {f"events/{path}": sha for path, sha in check_events(context, store).hashes.items()}
    return PackInputs(files=files, hashes={"snapshot": digest(store), **hashes})


def _files(context: CommandContext) -> Iterator[tuple[str, bytes]]:
    config = context.config
    yield SETTINGS, canonical(without_secrets(config))
    yield SHIPPED_TABLES, SHIPPED.read_bytes()
    if config.mapping.tables:
        yield TABLES, _read(config.path(config.mapping.tables))
    if config.reconcile.waivers:
        yield WAIVERS, _read(config.path(config.reconcile.waivers))


def _read(path: Path) -> bytes:
    try:
        return whole_file(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
