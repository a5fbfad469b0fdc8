from . import product, sale_order, subscription_plan  # noqa: F401
