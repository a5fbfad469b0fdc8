"""What each side billed, as the same record; and Odoo's terms, read back into Lago's records."""
