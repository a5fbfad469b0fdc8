"""What fails below /api/v1 before or after its controller runs is answered in JSON, too."""

import logging

from odoo import models
from odoo.http import request
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from werkzeug.exceptions import HTTPException, NotFound

from ..api import answers
from ..quiet import where

_logger = logging.getLogger(__name__)


def is_api():
    return request.httprequest.path.lstrip("/").startswith("api/v1")


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _match(cls, path_info):
        """No address is corrected: the redirection would be a page of HTML, and a client's body would be lost."""
        if is_api() and "//" in path_info:
            raise NotFound()
        return super()._match(path_info)

    @classmethod
    def _serve_fallback(cls):
        """A path with a line break in it, for one, matches no route of Odoo, and would get a page of HTML."""
        if is_api():
            return cls._fusion_refused(answers.not_found("resource"))
        return super()._serve_fallback()

    @classmethod
    def _handle_error(cls, exception):
        """A body that Odoo cannot read, a conflict that five attempts did not settle, whatever else."""
        if not is_api():
            return super()._handle_error(exception)
        if isinstance(exception, HTTPException):
            return cls._fusion_refused(cls._fusion_http(exception))
        if isinstance(exception, PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            refused = answers.too_late()
        else:
            refused = answers.broken()
            _logger.error("%s below /api/v1: %s", request.httprequest.method, where(exception))
        exception.loglevel = logging.DEBUG  # Odoo's own record would quote what was sent
        return cls._fusion_refused(refused)

    @staticmethod
    def _fusion_http(exception):
        """Lago's words for an error of HTTP."""
        if exception.code in (None, 404):
            return answers.not_found("resource")
        if exception.code == 413:
            return answers.Refused(413, {"error": "Payload Too Large"})
        return answers.Refused(exception.code, {"error": exception.name})

    @staticmethod
    def _fusion_refused(refused):
        return request.make_json_response(refused.body, status=refused.status)
