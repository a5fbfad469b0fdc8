"""The Odoo addon that comes with this package: where it is, its version, and a copy of it."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

from mappings.errors import of_writing
from migrate.errors import ConfigError
from reports.paths import held_alone

NAME = "fusion_billing"
MANIFEST = "__manifest__.py"


def find() -> Path:
    """The addon's folder: inside the installed package, or in the checkout."""
    here = Path(__file__).parent
    for path in (here / "addon" / NAME, here.parent / "addons" / NAME):
        if (path / MANIFEST).is_file():
            return path
    raise ConfigError(f"the addon {NAME} is not part of this installation; install the package again")


def version() -> str:
    """The addon's version as its manifest gives it, for example ``19.0.0.1.0``."""
    manifest = ast.literal_eval((find() / MANIFEST).read_text(encoding="utf-8"))
    return str(manifest["version"])


def copy_to(folder: Path) -> Path:
    """Copy the addon to ``folder/fusion_billing``; an older copy there is replaced whole."""
    target = folder / NAME
    if target.exists() and not (target / MANIFEST).is_file():
        raise ConfigError(f"{target}: exists and is no Odoo addon; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with held_alone(folder / f".{NAME}.lock"):
            _replace(target, folder / f".{NAME}.new")
            (folder / f".{NAME}.lock").unlink()
    except OSError as error:
        raise of_writing(ConfigError(f"{target}: cannot be written: {error.strerror}"), error.errno) from error
    return target


def _replace(target: Path, fresh: Path) -> None:
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(find(), fresh, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    if target.exists():
        shutil.rmtree(target)
    fresh.rename(target)
