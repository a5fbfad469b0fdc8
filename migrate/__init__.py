"""Phased migration: Lago -> extract -> store -> map -> change set -> apply -> Odoo."""
