"""What the log may say of a request or a job that failed: what broke and where, no data of customers.

Odoo logs a failed query with all its values, and a traceback ends in a message that often quotes them.
"""

import logging
import traceback
from contextlib import contextmanager
from contextvars import ContextVar

BAD_QUERY = "bad query"
ADDON = "fusion_billing"
_quiet = ContextVar("fusion_billing_quiet", default=False)


class WithoutValues(logging.Filter):
    """Of a query that failed within ``quiet``, only the kind of its error is logged."""

    def filter(self, record):
        if _quiet.get() and isinstance(record.msg, str) and record.msg.startswith(BAD_QUERY):
            error = record.args[-1] if isinstance(record.args, tuple) and record.args else None
            record.msg, record.args = "a query failed: %s", (type(error).__name__,)
        return True


@contextmanager
def quiet():
    """Within it, failed queries are logged without their values, in this thread."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def where(error):
    """The error's kind and the addon's last lines: ``KeyError in charge_models.py:79 package < run.py:213 lines``."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if ADDON in frame.filename]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    return f"{type(error).__name__} in {' < '.join(places[:4]) or 'Odoo'}"


def watch():
    """Have the filter stand before Odoo's log of queries, once."""
    logger = logging.getLogger("odoo.sql_db")
    if not any(isinstance(known, WithoutValues) for known in logger.filters):
        logger.addFilter(WithoutValues())
