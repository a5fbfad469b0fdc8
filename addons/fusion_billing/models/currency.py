"""Lago's integer cents and Odoo's amounts: the one place that makes one of the other."""

from odoo import models

from ..rating.exact import exponent

NOT_KEPT = "currency_digits_not_kept_by_odoo"


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def _fusion_cents(self, units):
        """An amount of Odoo's (a double) in Lago's smallest unit; what Odoo keeps beyond it is rounded."""
        return round(units * 10 ** exponent(self.name))

    def _fusion_units(self, cents):
        """Lago's smallest units (whole or not) as an amount of Odoo's (a double)."""
        return float(cents) / 10 ** exponent(self.name)

    def _fusion_keeps(self):
        """Does Odoo keep every digit that Lago counts in? Where it does not, an invoice would be another amount."""
        return self.decimal_places >= exponent(self.name)
