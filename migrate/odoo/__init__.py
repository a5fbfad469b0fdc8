"""What Odoo is told and asked, all of it through one door."""
