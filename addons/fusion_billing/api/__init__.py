"""Lago's request and response shapes as plain Python: no Odoo, no network, no clock."""
