"""Faults planted in a company on a real Odoo: ``make faults-odoo`` writes the table of all of them."""
