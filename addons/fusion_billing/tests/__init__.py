from . import test_gateway
from . import test_invoicing
from . import test_keys
from . import test_rerun
