"""Results on disk: complete or not there at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from migrate.errors import StoreError
from reports.paths import require_writable_name


def write_whole(path: Path, write: Callable[[Path], object], what: str) -> Path:
    """Let ``write`` fill a file beside ``path``, then rename it: a file with its final name is complete."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_writable_name(partial)
        require_writable_name(path)
        write(partial)
        partial.replace(path)
    except OSError as error:
        if partial.is_file():
            partial.unlink()  # half a file helps nobody, and takes room
        raise StoreError(f"{path}: the {what} cannot be written: {error.strerror}") from error
    return path
