from . import test_rerun
