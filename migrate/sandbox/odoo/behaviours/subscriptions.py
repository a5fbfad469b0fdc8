"""OCA's subscription_oca: what a sale.subscription computes and which methods move it."""

from __future__ import annotations

from ..orm import Behaviour

OCA_SUBSCRIPTION = Behaviour()
OCA_LINE = Behaviour()
OCA_TEMPLATE = Behaviour()
