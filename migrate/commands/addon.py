"""``addon export``: the addon's files, copied whole."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

from migrate.commands.context import Outcome
from migrate.errors import ConfigError

NAME = "fusion_billing"


def source() -> Path:
    """The addon's folder: inside the installed package, or in the checkout."""
    here = Path(__file__).parents[1]
    found = [
        path for path in (here / "addon" / NAME, here.parent / "addons" / NAME) if (path / "__manifest__.py").is_file()
    ]
    if not found:
        raise ConfigError(f"the addon {NAME} is not part of this installation; install the package again")
    return found[0]


def version() -> str:
    """The addon's version as its manifest gives it, for example ``19.0.0.1.0``."""
    manifest = ast.literal_eval((source() / "__manifest__.py").read_text(encoding="utf-8"))
    return str(manifest["version"])


def run(folder: Path) -> Outcome:
    """Copy the addon to ``folder/fusion_billing``; an older copy there is replaced whole."""
    target = folder / NAME
    if target.exists() and not (target / "__manifest__.py").is_file():
        raise ConfigError(f"{target}: exists and is no Odoo addon; name another folder")
    fresh = folder / f".{NAME}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source(), fresh, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error
    return Outcome({"written": str(target), "version": version()}, f"wrote {target} (version {version()})")
