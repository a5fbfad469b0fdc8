"""Books: Lago's invoices, credit notes, voids and payments -> accounting documents of Odoo's. Pure."""
