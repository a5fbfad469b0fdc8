"""What the Lago-shaped API does: one method per call, each for one service, which sees only its own customers.

The routes are in ``controllers/lago.py``. A resource is one file here plus its lines there.
"""

from . import common  # isort: skip  (names the model that the others extend)
from . import (
    analytics,
    catalog,
    catalog_writing,
    coupons,
    customers,
    events,
    fees,
    invoice_payments,
    invoices,
    of_customers,
    one_off,
    organization,
    past_usage,
    payments,
    plan_parts,
    plans_writing,
    shares,
    subscriptions,
    usage,
    wallets,
)
