"""Lago's invoices, rated again from raw usage: the third vote."""
