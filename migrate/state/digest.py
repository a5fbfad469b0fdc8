"""A name for everything that was read from Lago."""

from __future__ import annotations

import hashlib

from migrate.state.store import Store


def digest(store: Store) -> str:
    """A hash of the latest reading, records and events: it moves when a record does. Empty before the first reading."""
    run = store.latest()
    if run is None:
        return ""
    hasher = hashlib.sha256()
    for resource in sorted(store.changes(run)):
        for raw in store.seen(resource, run):
            hasher.update(f"{resource}\0{raw.key}\0{raw.sha256}\n".encode())
    for file in store.event_files():
        hasher.update(f"{file.path}\0{file.events}\n".encode())
    return hasher.hexdigest()
