"""Requests of all kinds for every route of the addon's API on a real Odoo: each from its seed, none by hand."""
