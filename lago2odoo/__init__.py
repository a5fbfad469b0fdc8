"""Where everything is put together: the command line (``cli``) and the embedded Lago and Odoo (``sandbox``)."""
