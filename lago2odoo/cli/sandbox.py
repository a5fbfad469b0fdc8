"""``sandbox``: the group of its commands."""

from __future__ import annotations

import click

from lago2odoo.cli.lazy import LazyGroup


@click.group("sandbox", cls=LazyGroup)
def command() -> None:
    """Servers for trying things out: a Lago that serves a recording, an Odoo with a real one's schema."""
