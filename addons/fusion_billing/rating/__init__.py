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

Shapes
------
All dicts take the values as Odoo stores them (docs/design/addon-fields.md): texts that hold JSON, decimals as text,
datetimes as ``datetime`` or ``"2026-07-01 04:10:00"`` in UTC, ``False``/``None``/absent for empty. JSON may also be
given parsed.

``order``: the ``fusion_*`` fields of ``sale.order`` (``fusion_lago_id``, ``fusion_external_id``, ``fusion_plan_code``,
``fusion_interval``, ``fusion_billing_time``, ``fusion_anchor``, ``fusion_started_at`` + ``fusion_started_us``,
``fusion_ended_at`` + ``fusion_ended_us``, ``fusion_created_at``, ``fusion_trial_days``, ``fusion_pay_in_advance``,
``fusion_bill_charges_monthly``, ``fusion_bill_fixed_charges_monthly``, ``fusion_plan_amount``, ``fusion_commitment``,
``fusion_timezone``) and
    ``currency``          ISO code
    ``plan_lago_id``      Lago id of the plan (``item`` of its lines)
    ``plan_name``         name of the base line
    ``previous``/``next`` the same dict of the order it replaces / that replaces it, or None; ``next`` with
                          ``metric_codes``: the codes of the usage charges on its plan
    ``earlier``           the same dicts of ended orders of the external id on the same plan, oldest first, if any
                          (recurring weighted sums remember what they billed)
    ``first_started_at``  earliest start of the external id, if not given by ``previous``

``charges``: ``fusion.billing.charge`` (``kind``, ``code``, ``name``, ``fusion_lago_id``, ``charge_model``,
``properties``, ``filters``, ``pay_in_advance``, ``prorated``, ``invoiceable``, ``min_amount``, ``units``) and
    ``metric``            code of its metric (usage)

``metrics``: code -> ``fusion.billing.metric`` (``code``, ``aggregation``, ``field_name``, ``recurring``,
``rounding_function``, ``rounding_precision``, ``has_rounding_precision``, ``filters``).

``usage``: rows of ``fusion.billing.usage`` of the external id (``external_subscription_id``, ``code``, ``timestamp`` +
``timestamp_us``, ``transaction_id``, ``properties``, ``precise_total_amount_cents``, ``received_at`` +
``received_us``), in order of arrival; all that was ever sent, recurring metrics look back.
"""

from .current_usage import Sums, current_usage, running, usage_of
from .invoice import advance_fees, bill, bill_together

__all__ = ["Sums", "advance_fees", "bill", "bill_together", "current_usage", "running", "usage_of"]
