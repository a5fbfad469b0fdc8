"""What the Lago-shaped API does: one method per call, each for one service, which sees only its own customers.

The routes are in ``controllers/lago.py``. A resource is one file here plus its lines there.
"""

from . import common  # isort: skip  (names the model that the others extend)
from . import catalog, coupons, customers, events, invoice_payments, invoices, subscriptions, usage, wallets
