"""What a scheduled job does for one record does not touch the others, whatever goes wrong with it.

A job that fails is repeated, fails again, and after a while Odoo switches it off: for everybody.
"""

import logging

from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..quiet import quiet, where

_logger = logging.getLogger(__name__)


class Undone(Exception):
    """Raised to take back what was only tried."""


def tried(record, act, keep=True):
    """``act()`` in a savepoint of its own: None, or for people why it was not done (nothing of it is left).

    The log says where it broke, and nothing of the record's data. ``keep`` False: it is taken back in any case. Raises
    what another transaction at the same time is the cause of: that is no fault of the record.
    """
    env = record.env
    try:
        with quiet(), env.cr.savepoint():
            act()
            if not keep:
                raise Undone
    except Undone:
        env.invalidate_all()
    except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
        env.invalidate_all()
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other records' turn must come
        env.invalidate_all()
        if isinstance(error, UserError):
            return str(error)
        _logger.error("%s %s: %s", record._name, record.ids, where(error))
        return env._("An error that nobody foresaw (%s): the server's log says where.", type(error).__name__)
    return None


def tried_in_job(record, act):
    """``tried``; what only another transaction stood in the way of is left for the job's next run: None."""
    try:
        return tried(record, act)
    except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
        _logger.info("%s %s: %s, left for the next run", record._name, record.ids, type(error).__name__)
        return None
