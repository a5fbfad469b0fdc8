"""Lago's invoices, credit notes and payments in Odoo's books: read, drafted, posted, settled, tied."""
