"""The paths that the configuration names: every command asks what stands there, whether or not it needs them.

But for the keys of the people who sign ([evidence]), which are on the machine on which somebody signs. What the
commands make themselves, the state and the events, may lack.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from reports.paths import NotReadableError, PathKind, standing_at

RECORDING = "lago.recording"  # a folder, or an archive of one
FILES = (
    "lago.api_key_file",
    "lago.write_key_file",
    "odoo.key_file",
    "mapping.tables",
    "reconcile.waivers",
    "stripe.key_file",
)
EVENTS, STATE = "store.events", "store.url"
_FIRST = "organizations.jsonl"  # every recording has it
_SQLITE = "sqlite:///"


def missing_files(config: object, place: Callable[[str], Path]) -> Iterator[tuple[str, str]]:
    """Key and problem of each path that does not lead where it should; ``place``: name -> where it should be."""
    for key in (RECORDING, *FILES, EVENTS, STATE):
        section, _, name = key.partition(".")
        value = getattr(getattr(config, section), name)
        if value is None or (key == STATE and not value.startswith(_SQLITE)):
            continue
        path = place(value.removeprefix(_SQLITE) if key == STATE else value)
        try:
            problem = _problem(key, path, standing_at(path))
        except NotReadableError as error:
            problem = f"and {error}"
        if problem:
            yield key, f"names {path}, {problem}"


def _problem(key: str, path: Path, stands: PathKind) -> str:
    if key in (EVENTS, STATE):
        right = PathKind.FOLDER if key == EVENTS else PathKind.FILE
        return "" if stands in (right, PathKind.NOTHING) else f"which is {stands}, and must be {right}"
    if key == RECORDING:
        return _no_recording(path, stands)
    return "" if stands is PathKind.FILE else "and there is no such file"


def _no_recording(path: Path, stands: PathKind) -> str:
    """As far as it can be told without unpacking it."""
    if stands is PathKind.NOTHING:
        return "and there is no such folder or archive"
    if stands is PathKind.FOLDER:
        return "" if standing_at(path / _FIRST) is PathKind.FILE else f"which is no recording: {_FIRST} is missing"
    try:
        is_archive = zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except OSError as error:
        raise NotReadableError(f"it cannot be read: {error.strerror or error}") from None
    return "" if is_archive else "which is no archive, and no folder of a recording"
