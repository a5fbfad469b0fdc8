"""Wallets: eWallet cards of Odoo's loyalty programmes, if those are installed."""

from decimal import Decimal

from odoo import fields, models
from odoo.fields import Command

from ...api import answers, wallets
from ..currency import NOT_KEPT

LAGO = "lago"  # the module name under which the migration keeps its external ids


class Wallets(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def create_wallet(self, service, body):
        given = answers.root(body, "wallet", dict)
        link = self._links(service, str(given.get("external_customer_id") or ""))
        if not link:
            raise answers.not_found("customer")
        if not self._has_wallets():
            raise wallets.no_wallets()
        wallets.check(given)
        credits, expires = wallets.granted(given), wallets.expiry(given.get("expiration_at"), fields.Date.today())
        card = self.env["loyalty.card"].sudo().with_context(loyalty_no_mail=True).create(
            {
                "program_id": self._wallet_programme(service, link, given).id,
                "partner_id": link.partner_id.id,
                "points": 0,
                "expiration_date": expires,
            }
        )  # fmt: skip
        link._fusion_take_card(card)
        if credits:
            self._move_credits(card, credits)
        return {"wallet": self._wallet(card, service)}

    def find_wallet(self, service, _query, lago_id):
        return {"wallet": self._wallet(self._card(service, lago_id), service)}

    def list_wallets(self, service, query):
        if not self._has_wallets():
            return {"wallets": [], "meta": answers.meta(1, answers.PER_PAGE, 0)}
        links = self._own_links(service)
        if query.get("external_customer_id") is not None:
            links = self._link(service, query["external_customer_id"])
        domain = self._card_domain(links)
        shape = lambda card: self._wallet(card, service)  # noqa: E731
        return self._page("loyalty.card", domain, query, "wallets", shape, "create_date desc, id desc")

    def update_wallet(self, service, body, lago_id):
        given = answers.root(body, "wallet", dict)
        card = self._card(service, lago_id)
        wallets.check(given)
        if "expiration_at" in given:
            card.expiration_date = wallets.expiry(given["expiration_at"], fields.Date.today())
        return {"wallet": self._wallet(card, service)}

    def destroy_wallet(self, service, _query, lago_id):
        card = self._card(service, lago_id)
        card.active = False
        return {"wallet": self._wallet(card, service)}

    def create_wallet_transactions(self, service, body):
        given = answers.root(body, "wallet_transaction", dict)
        card = self._card(service, str(given.get("wallet_id") or ""))
        if not card.active:
            raise answers.invalid({"wallet_id": ["wallet_is_terminated"]})
        granted, voided = wallets.granted(given), wallets.credits(given, "voided_credits")
        if voided > Decimal(str(card.points)):
            raise answers.invalid({"voided_credits": ["insufficient_credits"]})
        made = [self._move_credits(card, credits) for credits in (granted, -voided) if credits]
        return {"wallet_transactions": [self._wallet_transaction(history, service) for history in made]}

    def list_wallet_transactions(self, service, query, lago_id):
        domain = [("card_id", "=", self._card(service, lago_id).id)]
        shape = lambda history: self._wallet_transaction(history, service)  # noqa: E731
        return self._page("loyalty.history", domain, query, "wallet_transactions", shape, "create_date desc, id desc")

    def find_wallet_transaction(self, service, _query, lago_id):
        number = answers.row_number("wallet_transaction", lago_id)
        own = self._card_domain(self._own_links(service)) if self._has_wallets() else None
        found = own and self.env["loyalty.history"].sudo().search(
            [("id", "=", number), ("card_id", "in", self.env["loyalty.card"].sudo()._search(own))]
        )
        if not found:
            raise answers.not_found("wallet_transaction")
        return {"wallet_transaction": self._wallet_transaction(found, service)}

    def _has_wallets(self):
        return "loyalty.history" in self.env

    def _own_links(self, service):
        return self.env["fusion.billing.account.link"].sudo().search([("service_id", "=", service.id)])

    @staticmethod
    def _card_domain(links):
        """The cards of these accounts: the contact may be another service's customer, too."""
        free = {number for cards in links._fusion_free_cards().values() for number in cards.ids}
        return [
            ("program_id.program_type", "=", "ewallet"),
            ("company_id", "in", (False, *links.company_id.ids)),
            ("id", "in", sorted(links._fusion_cards() | free)),
            ("active", "in", (True, False)),
        ]

    def _card(self, service, lago_id):
        """The card of a wallet's id: Lago's, if it came from there, else one made of its number."""
        if not self._has_wallets():
            raise answers.not_found("wallet")
        cards = self.env["loyalty.card"].sudo().with_context(active_test=False)
        known = self.env["ir.model.data"].sudo().search(
            [("module", "=", LAGO), ("model", "=", "loyalty.card"), ("name", "=", f"wallet_{lago_id}")], limit=1
        )  # fmt: skip
        domain = self._card_domain(self._own_links(service))
        if known:
            found = cards.search([*domain, ("id", "=", known.res_id)])
        else:
            found = cards.search(domain).filtered(lambda card: answers.stable_id("wallet", card.id) == lago_id)
        if not found:
            raise answers.not_found("wallet")
        return found

    def _wallet_programme(self, service, link, given):
        """The eWallet programme of the currency; the first wallet of a currency makes it."""
        code = given.get("currency") or link.currency_id.name or service.company_id.currency_id.name
        currency = self._currency(code)
        if not currency:
            raise answers.invalid({"currency": ["value_is_invalid"]})
        if not currency._fusion_keeps():
            raise answers.invalid({"currency": [NOT_KEPT]})
        if link.currency_id and link.currency_id != currency:
            raise answers.invalid({"currency": ["currencies_does_not_match"]})
        programmes = self.env["loyalty.program"].sudo()
        domain = [
            ("program_type", "=", "ewallet"),
            ("currency_id", "=", currency.id),
            ("company_id", "in", (False, service.company_id.id)),
        ]
        return programmes.search(domain, order="id", limit=1) or programmes.create(
            {
                "name": self.env._("Prepaid credits (%s)", currency.name),
                "program_type": "ewallet",
                "currency_id": currency.id,
                "applies_on": "future",
                "trigger": "auto",
                "company_id": service.company_id.id,
                # points can only be spent where a reward takes them for money, one for one
                "reward_ids": [
                    Command.create(
                        {
                            "reward_type": "discount",
                            "discount_mode": "per_point",
                            "discount": 1,
                            "discount_applicability": "order",
                            "required_points": 1,
                            "description": self.env._("Prepaid credits"),
                        }
                    )
                ],
            }
        )

    @staticmethod
    def _move_credits(card, credits):
        """Credits onto the card, or off it (negative), with their line in its history."""
        card.points += float(credits)
        granted, voided = card.env._("API: credits granted"), card.env._("API: credits voided")
        return card.env["loyalty.history"].create(
            {
                "card_id": card.id,
                "description": granted if credits > 0 else voided,
                "issued": float(max(credits, 0)),
                "used": float(max(-credits, 0)),
            }
        )

    def _wallet_id(self, card):
        known = self.env["ir.model.data"].sudo().search(
            [("module", "=", LAGO), ("model", "=", "loyalty.card"), ("res_id", "=", card.id)], limit=1
        )  # fmt: skip
        return known.name.removeprefix("wallet_") if known else answers.stable_id("wallet", card.id)

    def _wallet(self, card, service):
        links = self.env["fusion.billing.account.link"].sudo()
        of_contact = links.search([("service_id", "=", service.id), ("partner_id", "=", card.partner_id.id)])
        link = (of_contact.filtered(lambda account: card.id in account._fusion_cards()) or of_contact)[:1]
        used = card.history_ids.filtered("used")
        return wallets.wallet(
            {
                "lago_id": self._wallet_id(card),
                "customer": {"lago_id": link.fusion_lago_id, "external_id": link.external_id},
                "entity": self._entity_code(service.company_id),
                "name": card.program_id.name,
                "code": card.code,
                "currency": card.currency_id.name,
                "points": self._points(card, card.points),
                "used": self._points(card, sum(used.mapped("used"))),
                "active": card.active,
                "expires": card.expiration_date or None,
                "created": card.create_date,
                "changed": card.write_date,
                "consumed": used[:1].create_date or None,
            }
        )

    def _wallet_transaction(self, history, service):
        return wallets.transaction(
            {
                "lago_id": answers.stable_id("wallet_transaction", history.id),
                "wallet": self._wallet_id(history.card_id),
                "entity": self._entity_code(service.company_id),
                "issued": self._points(history.card_id, history.issued),
                "used": self._points(history.card_id, history.used),
                "sold": bool(history.order_id),
                "created": history.create_date,
            }
        )

    @staticmethod
    def _points(card, number):
        """Odoo keeps points as doubles: what the currency cannot pay is noise."""
        return Decimal(f"{number:.{card.currency_id.decimal_places}f}")
