"""Addresses that no route matches: below /api/v1 they are answered in JSON, too."""

from odoo import models
from odoo.http import request

from ..api import answers


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _serve_fallback(cls):
        """A path with a line break in it, for one, matches no route of Odoo, and would get a page of HTML."""
        if request.httprequest.path.startswith("/api/v1"):
            refused = answers.not_found("resource")
            return request.make_json_response(refused.body, status=refused.status)
        return super()._serve_fallback()
