from . import product, sale_order, subscription_plan
