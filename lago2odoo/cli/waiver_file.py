"""The reviewed file of waivers that the configuration names."""

from __future__ import annotations

from lago2odoo.cli.context import Context
from lago2odoo.cli.inputs import waiver_text
from mappings.reasons import note_old_spellings
from reconcile.causes.extras import NAMES as ONLY_IN_ODOO
from reconcile.causes.rules import CAUSES
from reconcile.compare.waivers import Waiver, parse
from reconcile.rerate.lapses import KINDS


def load_waivers(context: Context) -> tuple[Waiver, ...]:
    """What the file holds; nothing without one. Raises ConfigError."""
    name = context.config.reconcile.waivers
    if not name:
        return ()
    path = context.config.path(name)
    waivers = parse(waiver_text(path), str(path), [*(cause.name for cause in CAUSES), *ONLY_IN_ODOO, *KINDS])
    context.say_all(note_old_spellings((waiver.rule for waiver in waivers), name))
    return waivers
