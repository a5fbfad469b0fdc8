"""Rating: from an order, its charges and its usage to the lines of one invoice. Plain Python, standard library only.

Nothing here imports Odoo: the addon's models call it with what they read, and so may anything else. Load it without
Odoo (the parent package imports the models) as a package of its own::

    spec = importlib.util.spec_from_file_location("fusion_rating", f"{addon}/rating/__init__.py",
                                                  submodule_search_locations=[f"{addon}/rating"])
    rating = sys.modules["fusion_rating"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rating)

Entry points: ``bill_together`` (one invoice: several billings of a customer, with coupons), ``bill`` (one billing of
one order), ``advance_fees`` (one event that is paid at once) and ``current_usage`` (the running period; in two
steps, where a database does the sums: ``running``, ``usage_of``).

Shapes (``rows``)
-----------------
Rows are what Odoo's ``read`` gives of the named fields, as dicts. ``gather`` reads them once for many orders and puts
each order together with its neighbours; the lists of fields to read stand in ``rows`` too.

``order``   an ``OrderRow``: the ``fusion_*`` fields of ``sale.order``, its currency and plan, its neighbours
``charges`` ``ChargeRow``: ``fusion.billing.charge``, with the code of its metric
``metrics`` code -> ``MetricRow``: ``fusion.billing.metric``
``usage``   ``UsageRow``: ``fusion.billing.usage`` of the external id, in order of arrival; all that was ever sent,
            recurring metrics look back
"""

from .current_usage import Sums, current_usage, running, usage_of
from .invoice import advance_fees, bill
from .together import bill_together

__all__ = ["Sums", "advance_fees", "bill", "bill_together", "current_usage", "running", "usage_of"]
