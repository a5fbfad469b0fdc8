"""The Lago-shaped API: HTTP only. Shapes are in ``api``, what it does in ``fusion.billing.gateway``."""

import logging
import re

import psycopg2
import psycopg2.errors
from odoo import SUPERUSER_ID, http, modules
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..api import answers, reading, routes
from ..quiet import quiet, where

_logger = logging.getLogger(__name__)
PREFIX = "/api/v1/"


class LagoApi(http.Controller):
    @http.route(
        ["/api/v1", "/api/v1/<path:path>"], type="http", auth="none", csrf=False, save_session=False, readonly=False
    )
    def lago(self, path="", **_query):
        """Every call below /api/v1 is answered in JSON, errors too."""
        with quiet():
            try:
                with request.env.cr.savepoint():
                    return self.answer(200, self.dispatch(path.rstrip("/")))
            except answers.Refused as refused:
                return self.answer(refused.status, refused.body)
            except Exception as error:  # noqa: BLE001 - whatever broke, the client gets JSON
                refused = self.refusal(error)
                if refused.status == 500:
                    _logger.error("%s %s: %s", request.httprequest.method, self.route(path), where(error))
                return self.answer(refused.status, refused.body)

    @http.route("/health", type="http", auth="none", csrf=False, save_session=False, methods=["GET"])
    def health(self):
        """What Lago's clients probe: that somebody answers, and which version."""
        version = modules.module.get_manifest("fusion_billing").get("version")
        return request.make_json_response({"version": version, "github_url": "", "message": "Success"})

    @staticmethod
    def route(path):
        """The pattern that a path matches: the path itself may name a customer."""
        found = (pattern for _, pattern, _ in routes.ROUTES if re.fullmatch(pattern, path.rstrip("/")))
        return PREFIX + re.sub(r"\(\?P<(\w+)>\[\^/\]\+\)", r"<\1>", next(found, "..."))

    @staticmethod
    def refusal(error):
        """Whatever broke, the client gets JSON. Raised again: what Odoo's own dispatcher repeats."""
        if isinstance(error, PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            raise error
        if isinstance(error, UserError) and not isinstance(error, (AccessError, MissingError)):
            return answers.invalid({"base": [str(error)]})  # a native rule said no, in its own words
        if isinstance(error, psycopg2.errors.UniqueViolation):
            return answers.invalid({"base": ["value_already_exist"]})  # another request was faster
        if isinstance(error, psycopg2.DataError):
            return answers.invalid({"base": ["value_is_invalid"]})
        if isinstance(error, psycopg2.errors.ProgramLimitExceeded):  # a row of an index, for one
            return answers.invalid({"base": ["value_is_too_long"]})
        return answers.broken()

    @staticmethod
    def answer(status, body):
        """``body`` None: an empty answer, as Lago gives where a job does the work. Text stays bare text."""
        if body is None:
            return request.make_response("", headers=[("Content-Type", "application/json")], status=status)
        if isinstance(body, str):
            return request.make_response(body, headers=[("Content-Type", "text/plain")], status=status)
        return request.make_json_response(body, status=status)

    def dispatch(self, path):
        service, asked = self.service(), request.httprequest
        method, path = asked.method, reading.text(path)
        found = routes.handler(method, path)
        if found:
            name, parts = found
            gateway = service.env["fusion.billing.gateway"].with_company(service.company_id)
            given = self.body() if method in ("POST", "PUT") else self.query()
            return getattr(gateway, name)(service, given, **parts)
        named = routes.reason(method, path)
        raise answers.elsewhere(*named) if named else answers.not_found("resource")

    @staticmethod
    def service():
        """The service whose key this is; like Lago, the second word of the header counts."""
        words = request.httprequest.headers.get("Authorization", "").split()
        request.update_env(user=SUPERUSER_ID, su=True)  # also for what native modules compute when the work is written
        env = request.env
        service = env["fusion.billing.key"]._service_of(words[1]) if len(words) > 1 else None
        if not service:
            raise answers.unauthorized()
        return service

    @staticmethod
    def body():
        if (request.httprequest.content_length or 0) > reading.LARGEST:
            raise reading.too_large()
        return reading.body(request.httprequest.get_data())

    @staticmethod
    def query():
        """Name -> text; a name that ends in [] -> all its texts, as Rails reads them."""
        args = request.httprequest.args
        return {
            reading.text(name): [reading.text(value) for value in args.getlist(name)]
            if name.endswith("[]")
            else reading.text(args[name])
            for name in args
        }
