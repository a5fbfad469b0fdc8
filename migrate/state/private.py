"""The state and the files of events are for their owner alone: they hold what a company bills, and to whom.

Files are 0600; folders that are made here are 0700. A folder that stood there before (a project, /tmp) keeps its own.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

from mappings.errors import of_writing
from migrate.errors import StoreError
from reports.paths import NotReadableError, standing_at

FILE, FOLDER = 0o600, 0o700


def make_folder(path: Path) -> None:
    """The folder and what leads to it; those that were missing are private."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER, exist_ok=True)


def require_writable(folder: Path) -> None:
    """Raises StoreError where the system lets nobody make a file in it: asked before anything is begun."""
    standing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(standing, os.W_OK | os.X_OK):
        told = f"events: {folder} cannot be written ({os.strerror(errno.EACCES)}): nothing was read"
        raise of_writing(StoreError(told), errno.EACCES)


def open_private(path: Path) -> IO[str]:
    """A file to append to, made if it is missing; nobody else can read it from its first moment on."""
    return open(path, "a", encoding="utf-8", opener=_opener)


def _opener(path: str, flags: int) -> int:
    try:
        standing_at(Path(path))  # opening a pipe would wait for whoever reads it
    except NotReadableError as error:
        raise OSError(f"{path}: {error}") from None
    return os.open(path, flags, FILE)


def close_to_others(*paths: Path) -> None:
    """What an older release, or a library, left open to others. Files of somebody else are theirs to close."""
    for path in paths:
        if path.exists() and path.stat().st_uid == os.geteuid() and path.stat().st_mode & 0o077:
            path.chmod(FILE)
