"""Pages behind signed addresses that the API gives out: a customer's documents, an invoice's PDF."""

import binascii

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import verify_hash_signed

from ..models.gateway.customers import PORTAL_SCOPE
from ..models.gateway.invoices import FILE_SCOPE


def signed(scope, token):
    """What the token says, or 404: forged and outlived ones are not told apart."""
    try:
        found = verify_hash_signed(request.env(su=True), scope, token)
    except (ValueError, binascii.Error, UnicodeDecodeError):
        found = None
    if found is None:
        raise request.not_found()
    return found


class Documents(http.Controller):
    @http.route("/fusion_billing/portal/<string:token>", type="http", auth="public", website=True, sitemap=False)
    def portal(self, token):
        """The customer's invoices and subscriptions, each on its native portal page."""
        link = request.env["fusion.billing.account.link"].sudo().browse(signed(PORTAL_SCOPE, token)).exists()
        if not link.active:
            raise request.not_found()
        values = {"link": link, "invoices": link._fusion_portal_invoices(), "orders": link._fusion_portal_orders()}
        return request.render("fusion_billing.portal_page", values, headers={"Referrer-Policy": "no-referrer"})

    @http.route("/fusion_billing/invoice/<string:token>", type="http", auth="public", sitemap=False)
    def invoice(self, token):
        move = request.env["account.move"].sudo().browse(signed(FILE_SCOPE, token)).exists()
        if not move or move.state != "posted":
            raise request.not_found()
        try:
            content = move._fusion_pdf()
        except UserError as error:  # no renderer on this machine
            return request.make_response(str(error), [("Content-Type", "text/plain; charset=utf-8")], status=503)
        name = f"{(move.name or 'invoice').replace('/', '_')}.pdf"
        return request.make_response(
            content, [("Content-Type", "application/pdf"), ("Content-Disposition", http.content_disposition(name))]
        )
