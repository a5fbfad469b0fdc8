"""Whose an eWallet card is: the account's that has it, not the contact's, which services may share."""

import json
from collections import defaultdict

from odoo import api, fields, models

from ..tools import check_json


class AccountLink(models.Model):
    _inherit = "fusion.billing.account.link"

    wallet_cards = fields.Text(copy=False, help="JSON: ids of the eWallet cards that are this account's own")

    @api.constrains("wallet_cards")
    def _check_wallet_cards(self):
        check_json(self, "wallet_cards", list)

    def _fusion_cards(self):
        """Ids of the cards that are these accounts' own."""
        return {number for link in self for number in json.loads(link.wallet_cards or "[]")}

    def _fusion_take_card(self, card):
        self.wallet_cards = json.dumps(sorted(self._fusion_cards() | {card.id}))

    def _fusion_free_cards(self):
        """Cards that no account has yet, of contacts that only one service knows: account -> cards.

        They were brought along, or given in Odoo. Of what two services might have, nobody has any.
        """
        accounts = self.sudo().with_context(active_test=False)
        partners = self.partner_id
        of_contact = accounts.search([("partner_id", "in", partners.ids)]).grouped("partner_id")
        taken = accounts.search([("wallet_cards", "!=", False)])._fusion_cards()
        cards = self.env["loyalty.card"].sudo().with_context(active_test=False)
        free = cards.search([("partner_id", "in", partners.ids), ("program_id.program_type", "=", "ewallet"),
                             ("id", "not in", sorted(taken))])  # fmt: skip
        found, asked = defaultdict(cards.browse), set(self.ids)
        for partner, held in free.grouped("partner_id").items():
            known = of_contact[partner]
            own = known.sorted(lambda link: (link.active, link.id), reverse=True)[:1]
            if len(known.service_id) == 1 and own.id in asked:
                found[own] = held
        return found

    def _fusion_claim_cards(self):
        """What is the accounts' own now stays so, whatever becomes of their contacts."""
        if "loyalty.card" in self.env:
            for link, cards in self._fusion_free_cards().items():
                for card in cards:
                    link._fusion_take_card(card)
