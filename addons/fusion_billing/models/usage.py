from decimal import Decimal

import psycopg2
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..rating import Sums
from ..rating.rows import USAGE_FIELDS
from ..tools import check_decimal, check_json

# (how many events it counts, its value as text: Odoo reads numbers as floats) of the texts ``v`` and, where they are
# numbers, ``n``
VALUES = {
    "count_agg": SQL("count(*), count(*)::text"),
    "sum_agg": SQL("count(n), coalesce(sum(n), 0)::text"),
    "max_agg": SQL("count(n), coalesce(max(n), 0)::text"),
    "latest_agg": SQL(
        """count(n), coalesce((array_agg(n ORDER BY timestamp DESC, timestamp_us DESC NULLS LAST, received_at DESC,
                                                    received_us DESC NULLS LAST, id DESC)
                               FILTER (WHERE n IS NOT NULL))[1], 0)::text"""
    ),
    # things that are removed as well must be followed one by one
    "unique_count_agg": SQL(
        """count(DISTINCT v) + coalesce(bool_or(v IS NULL), false)::int,
           CASE WHEN bool_or(operation <> 'add') THEN NULL
                ELSE (count(DISTINCT v) + coalesce(bool_or(v IS NULL), false)::int)::text END"""
    ),
}


TWICE = "This subscription has an event with this transaction id already."


class FusionBillingUsage(models.Model):
    """One event. Millions of rows: no chatter, no log columns, times split to keep microseconds."""

    _name = "fusion.billing.usage"
    _description = "Usage Event"
    _rec_name = "transaction_id"
    _order = "timestamp desc, id desc"
    _log_access = False

    transaction_id = fields.Char(required=True, index=True)
    external_subscription_id = fields.Char(required=True)
    code = fields.Char(required=True, help="Code of the metric")
    timestamp = fields.Datetime(required=True, default=fields.Datetime.now, help="UTC, whole seconds")
    timestamp_us = fields.Integer("Microseconds")
    received_at = fields.Datetime(required=True, default=fields.Datetime.now)
    received_us = fields.Integer("Received microseconds")
    properties = fields.Text(help="JSON object")
    precise_total_amount_cents = fields.Char(help="Decimal; of dynamic charges")
    service_id = fields.Many2one("fusion.billing.service", ondelete="set null", help="Who sent it")
    late = fields.Boolean(help="Arrived after its period had been invoiced: kept, not billed")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    # ids are each service's own; what was brought along when the company moved is nobody's, and everybody's
    _sent_once = models.UniqueIndex(
        "(company_id, service_id, external_subscription_id, transaction_id) WHERE service_id IS NOT NULL", TWICE
    )
    _brought_once = models.UniqueIndex(
        "(company_id, external_subscription_id, transaction_id) WHERE service_id IS NULL", TWICE
    )
    # the reading path of rating: one subscription, one code, a window
    _window_idx = models.Index("(company_id, external_subscription_id, code, timestamp)")
    _received_idx = models.Index("USING brin (received_at)")  # the hourly look at what came in
    _late_idx = models.Index("(company_id, external_subscription_id) WHERE late")

    @api.constrains("transaction_id", "external_subscription_id", "company_id", "service_id")
    def _check_not_sent_before(self):
        """What is brought along was not sent by the service whose subscription it is."""
        brought = self.filtered(lambda event: not event.service_id)
        if not brought:
            return
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT FROM fusion_billing_usage event
                     JOIN sale_order o ON o.company_id = event.company_id
                          AND o.fusion_external_id = event.external_subscription_id
                     JOIN fusion_billing_usage sent ON sent.company_id = event.company_id
                          AND sent.service_id = o.fusion_service_id
                          AND sent.external_subscription_id = event.external_subscription_id
                          AND sent.transaction_id = event.transaction_id
                    WHERE event.id = ANY(%s) LIMIT 1""",
                brought.ids,
            )
        )
        if self.env.cr.rowcount:
            raise ValidationError(self.env._("This subscription has an event with this transaction id already."))

    @api.constrains("properties")
    def _check_properties(self):
        check_json(self, "properties", dict)

    @api.constrains("precise_total_amount_cents")
    def _check_amount(self):
        check_decimal(self, "precise_total_amount_cents")

    @api.model
    def _of_running(self, company, external_id, running, service=None):
        """(rows, code -> sums) of the usage that a running period (``rating.running``) is rated from.

        What can be summed is summed by PostgreSQL; of the rest only the window is read, but for metrics that remember
        everything.
        """
        self.flush_model()
        own = SQL("company_id = %s AND external_subscription_id = %s AND %s", company.id, external_id, sent_by(service))
        sums = self._sums(own, running)
        codes = running.listed | (running.summed.keys() - sums.keys())
        return self._rows(own, running, codes), sums

    def _rows(self, own, running, codes):
        if not codes:
            return []
        self.env.cr.execute(
            SQL(
                """SELECT %s FROM fusion_billing_usage WHERE %s AND code = ANY(%s) AND (%s OR code = ANY(%s))
                 ORDER BY received_at, received_us, id""",
                SQL(", ").join(SQL.identifier(name) for name in USAGE_FIELDS),
                own,
                list(codes),
                within(running),
                list(codes & running.history),
            )
        )
        return self.env.cr.dictfetchall()

    def _sums(self, own, running):
        """Code -> sums; without those whose events must be looked at one by one."""
        found = {}
        for code, (aggregation, name) in running.summed.items():
            try:
                with self.env.cr.savepoint(flush=False):
                    self.env.cr.execute(summing(own, running, code, aggregation, name))
                    events, value = self.env.cr.fetchone()
            except psycopg2.DataError:
                continue  # a text or a number beyond what PostgreSQL's types hold: Python's hold it
            if value is not None:
                found[code] = Sums(events, Decimal(value))
        return found


def sent_by(service, column="service_id"):
    """Condition: events of this service, and those that were brought along; without one: of all."""
    if not service:
        return SQL("TRUE")
    return SQL("(%(name)s = %(id)s OR %(name)s IS NULL)", name=SQL.identifier(column), id=service.id)


def within(running):
    """Condition: in the window, both ends included; seconds are indexed, the rest of the moment is beside them."""
    start, end = (at.replace(tzinfo=None) for at in (running.start, running.end))
    seconds = [at.replace(microsecond=0) for at in (start, end)]
    conditions = [SQL("timestamp >= %s AND timestamp <= %s", *seconds)]
    if start.microsecond:
        us = start.microsecond
        conditions.append(SQL("(timestamp, coalesce(timestamp_us, 0)) >= (%s, %s)", seconds[0], us))
    if end.microsecond < 999_999:
        us = end.microsecond
        conditions.append(SQL("(timestamp, coalesce(timestamp_us, 0)) <= (%s, %s)", seconds[1], us))
    return SQL(" AND ").join(conditions)


def summing(own, running, code, aggregation, name):
    """Query: count and value of one metric in the window. A number is what rating takes for one."""
    where = SQL("%s AND code = %s AND %s", own, code, within(running))
    if aggregation == "count_agg":
        return SQL("SELECT %s FROM fusion_billing_usage WHERE %s", VALUES[aggregation], where)
    # OFFSET 0 keeps the planner from pulling the levels into one, which would parse the JSON for every use of it
    return SQL(
        r"""SELECT %s FROM (
              SELECT *, CASE WHEN v ~ '^-?[0-9]+(\.[0-9]+)?$' THEN v::numeric END AS n
                FROM (SELECT id, timestamp, timestamp_us, received_at, received_us, p ->> %s AS v,
                             coalesce(nullif(p ->> 'operation_type', ''), 'add') AS operation
                        FROM (SELECT *, coalesce(nullif(properties, ''), '{}')::jsonb AS p
                                FROM fusion_billing_usage WHERE %s OFFSET 0) parsed OFFSET 0) read OFFSET 0) known""",
        VALUES[aggregation],
        name or "",
        where,
    )
