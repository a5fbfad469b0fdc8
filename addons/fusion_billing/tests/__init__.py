from . import (
    test_gateway,
    test_gateway_catalog,
    test_gateway_customers,
    test_gateway_http,
    test_gateway_invoices,
    test_gateway_subscriptions,
    test_invoicing,
    test_keys,
    test_rerun,
    test_rights,
    test_usage,
    test_webhooks,
)
