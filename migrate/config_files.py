"""The files that the configuration names: every command asks whether they are there, whether or not it needs them.

But for the keys of the people who sign ([evidence]), which are on the machine on which somebody signs, and for what the
commands make themselves: the state and the events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

RECORDING = "lago.recording"  # a folder, or an archive of one
FILES = ("lago.api_key_file", "odoo.key_file", "mapping.tables", "reconcile.waivers")


def missing_files(config: object, place: Callable[[str], Path]) -> Iterator[tuple[str, str]]:
    """Key and problem of each that is named and not there; ``place``: name -> where it should be."""
    for key in (RECORDING, *FILES):
        section, _, name = key.partition(".")
        value = getattr(getattr(config, section), name)
        if value is None:
            continue
        path = place(value)
        if key == RECORDING and not path.exists():
            yield key, f"names {path}, and there is no such folder or archive"
        elif key != RECORDING and not path.is_file():
            yield key, f"names {path}, and there is no such file"
