"""Servers for trying things out and for the tests: a Lago that serves a recording, an embedded Odoo 19.

README.md beside this file says what each of them is, and what holds it to the real one.
"""

from __future__ import annotations

from importlib.util import find_spec

from mappings.errors import Lago2OdooError


class ExtraMissing(Lago2OdooError):
    """The package was installed without what the embedded Odoo needs."""


def require_extra() -> None:
    """Raise ExtraMissing, with what to install, where the embedded Odoo could not start."""
    if find_spec("werkzeug") is None:
        raise ExtraMissing("the embedded Odoo needs the extra 'sandbox': pip install 'lago2odoo[sandbox]'")
