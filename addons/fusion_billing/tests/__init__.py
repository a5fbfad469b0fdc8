from . import test_gateway, test_invoicing, test_keys, test_rerun, test_webhooks
