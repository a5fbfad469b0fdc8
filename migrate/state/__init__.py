"""What was read from Lago, how far an extract came, and what was written to Odoo."""
