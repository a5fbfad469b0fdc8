"""The Lago-shaped API: HTTP only. Shapes are in ``api``, what it does in ``fusion.billing.gateway``."""

import json
import logging
import re

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..api import answers

_logger = logging.getLogger(__name__)
PREFIX = "/api/v1/"
# (method, path, method of fusion.billing.gateway); the part in <> is given to it
ROUTES = (
    ("POST", r"events", "create_event"),
    ("POST", r"events/batch", "create_events"),
    ("GET", r"events/(?P<transaction_id>[^/]+)", "find_event"),
    ("POST", r"customers", "upsert_customer"),
    ("GET", r"customers", "list_customers"),
    ("GET", r"customers/(?P<external_id>[^/]+)", "find_customer"),
    ("GET", r"customers/(?P<external_id>[^/]+)/current_usage", "current_usage"),
    ("GET", r"subscriptions", "list_subscriptions"),
    ("GET", r"subscriptions/(?P<external_id>[^/]+)", "find_subscription"),
    ("GET", r"invoices", "list_invoices"),
    ("GET", r"invoices/(?P<lago_id>[^/]+)", "find_invoice"),
)


class LagoApi(http.Controller):
    @http.route(
        ["/api/v1", "/api/v1/<path:path>"], type="http", auth="none", csrf=False, save_session=False, readonly=False
    )
    def lago(self, path="", **_query):
        """Every call below /api/v1 is answered in JSON, errors too."""
        try:
            with request.env.cr.savepoint():
                return self.answer(200, self.dispatch(path.rstrip("/")))
        except answers.Refused as refused:
            return self.answer(refused.status, refused.body)
        except Exception as error:  # whatever broke, the client gets JSON; serialization failures are Odoo's to retry
            if getattr(error, "pgcode", None) in ("40001", "40P01"):
                raise
            _logger.exception("%s %s%s", request.httprequest.method, PREFIX, path)
            refused = answers.broken()
            return self.answer(refused.status, refused.body)

    @staticmethod
    def answer(status, body):
        return request.make_json_response(body, status=status)

    def dispatch(self, path):
        service = self.service()
        for method, pattern, name in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == request.httprequest.method:
                gateway = service.env["fusion.billing.gateway"].with_company(service.company_id)
                values = found.groupdict()
                if method in ("POST", "PUT"):
                    return getattr(gateway, name)(service, self.body(), **values)
                return getattr(gateway, name)(service, request.httprequest.args.to_dict(), **values)
        raise answers.not_found("resource")

    @staticmethod
    def service():
        """The service whose key this is; like Lago, the second word of the header counts."""
        words = request.httprequest.headers.get("Authorization", "").split()
        env = request.env(user=SUPERUSER_ID, su=True)
        service = env["fusion.billing.key"]._service_of(words[1]) if len(words) > 1 else None
        if not service:
            raise answers.unauthorized()
        return service

    @staticmethod
    def body():
        try:
            return json.loads(request.httprequest.get_data() or b"{}")
        except ValueError as error:
            raise answers.bad_request(f"the body is not JSON: {error}") from error
