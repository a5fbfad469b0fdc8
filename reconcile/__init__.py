"""Dual run: period -> (Lago facts, Odoo facts, re-rate) -> compare -> classify -> report."""
