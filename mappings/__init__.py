"""What a Lago thing means in Odoo. Pure: values in, values out; no clock, environment, network or SQL."""
