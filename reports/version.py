"""Which version of this tool is at work."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def tool_version() -> str:
    """As it is installed; ``checkout`` where it is not."""
    try:
        return version("lago2odoo")
    except PackageNotFoundError:
        return "checkout"
