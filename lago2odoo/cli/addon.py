"""``addon``: the group of its commands."""

from __future__ import annotations

import click

from lago2odoo.cli.lazy import LazyGroup


@click.group("addon", cls=LazyGroup)
def command() -> None:
    """The Odoo addon fusion_billing."""
