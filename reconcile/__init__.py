"""The dual run: a month on three sides (Lago, Odoo, re-rate) -> compare -> explain -> report data, in ``run``."""
