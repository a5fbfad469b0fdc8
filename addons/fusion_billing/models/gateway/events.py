"""Events: one or a batch, kept once."""

from datetime import UTC, datetime

from odoo import fields, models
from odoo.tools import SQL

from ...api import answers, intake, texts
from ...api.subscriptions import moment
from ...rating.rows import USAGE_FIELDS

NEVER = fields.Datetime.to_datetime("1970-01-01 00:00:00")
EVENT_FIELDS = ("id", *USAGE_FIELDS)


class Events(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def create_event(self, service, body):
        event = answers.root(body, "event", dict)
        row, errors = intake.event_row(event, datetime.now(UTC), self._valued(service))
        if errors:
            raise answers.invalid(errors)
        stored = self._store(service, [row])
        if not stored:
            raise answers.invalid({"transaction_id": ["value_already_exist"]})
        return {"event": answers.event(stored[0])}

    def create_events(self, service, body):
        events = answers.root(body, "events", list)
        if len(events) > intake.BATCH_LIMIT:
            raise answers.invalid({"events": ["too_many_events"]})
        if not all(isinstance(event, dict) for event in events):
            raise answers.missing("events")
        taken, valued = self._taken(service, events), self._valued(service)
        rows, errors = intake.batch_rows(events, datetime.now(UTC), taken, valued)
        if errors:
            raise answers.invalid(errors)
        stored = self._store(service, rows)
        if len(stored) < len(rows):  # another request stored one of them meanwhile
            raise answers.invalid({"transaction_id": ["value_already_exist"]})
        return {"events": [answers.event(row) for row in stored]}

    def list_events(self, service, query):
        domain = self._event_domain(service)
        for name in ("external_subscription_id", "code"):
            if query.get(name):
                domain.append((name, "=", query[name]))
        for name, operator in (("timestamp_from", ">="), ("timestamp_to", "<=")):
            if query.get(name):
                at = moment(query[name])
                if not at:
                    raise answers.invalid({name: ["invalid_date"]})
                domain.append(("timestamp", operator, at.replace(tzinfo=None)))
        shape = lambda usage: answers.event(usage.read(EVENT_FIELDS)[0])  # noqa: E731
        return self._page("fusion.billing.usage", domain, query, "events", shape, "timestamp desc, id desc")

    def find_event(self, service, _query, transaction_id):
        own = self._events(service, [("transaction_id", "=", transaction_id)], limit=1)
        if not own:
            raise answers.not_found("event")
        return {"event": answers.event(own[0].read(EVENT_FIELDS)[0])}

    def _valued(self, service):
        """Code of a metric -> the property that it takes a number from."""
        return self.env["fusion.billing.metric"].sudo()._valued(service.company_id.id)

    def _taken(self, service, events):
        """Which of these (subscription, transaction) are stored already."""
        names = [texts.scalar(event.get("transaction_id")) or "" for event in events]
        found = self.env["fusion.billing.usage"].sudo().search_fetch(
            [("company_id", "=", service.company_id.id), ("service_id", "in", (False, service.id)),
             ("transaction_id", "in", names)],
            ["external_subscription_id", "transaction_id"],
        )  # fmt: skip
        return frozenset((usage.external_subscription_id, usage.transaction_id) for usage in found)

    def _store(self, service, rows):
        """Insert in one statement; rows that exist already are left out of the answer."""
        billed = self._metered(service, {row["external_subscription_id"] for row in rows})
        columns = [*USAGE_FIELDS, "late", "service_id", "company_id"]
        values = [
            SQL(
                "%s",
                (
                    *(row[name] for name in USAGE_FIELDS),
                    (billed.get(row["external_subscription_id"]) or NEVER) >= row["timestamp"],
                    service.id,
                    service.company_id.id,
                ),
            )
            for row in rows
        ]
        names = SQL(", ").join(SQL.identifier(name) for name in columns)
        self.env.cr.execute(
            SQL(
                """INSERT INTO fusion_billing_usage (%(names)s)
                   SELECT %(names)s FROM (VALUES %(values)s) sent (%(names)s)
                    WHERE NOT EXISTS (SELECT FROM fusion_billing_usage brought
                           WHERE brought.service_id IS NULL AND brought.company_id = sent.company_id
                             AND brought.external_subscription_id = sent.external_subscription_id
                             AND brought.transaction_id = sent.transaction_id
                             AND sent.external_subscription_id = ANY(%(own)s))
                   ON CONFLICT DO NOTHING RETURNING %(shown)s""",
                names=names,
                values=SQL(", ").join(values),
                own=list(billed),
                shown=SQL(", ").join(SQL.identifier(name) for name in EVENT_FIELDS),
            )
        )
        return self.env.cr.dictfetchall()

    def _metered(self, service, external_ids):
        """External id -> the end of the usage that was billed, here or before: what is older comes too late.

        Of the service's own subscriptions: ids are each service's own. One query: it runs for every event.
        """
        self.env["sale.order"].flush_model(
            ["company_id", "fusion_external_id", "fusion_service_id", "fusion_billed_until"]
        )
        self.env["fusion.billing.period"].flush_model(["order_id", "active", "usage_to"])
        self.env.cr.execute(
            SQL(
                """SELECT o.fusion_external_id, greatest(max(o.fusion_billed_until), max(p.usage_to))
                     FROM sale_order o LEFT JOIN fusion_billing_period p ON p.order_id = o.id AND p.active
                    WHERE o.company_id = %(company)s AND o.fusion_external_id = ANY(%(names)s)
                      AND o.fusion_service_id = %(service)s
                 GROUP BY o.fusion_external_id""",
                service=service.id,
                company=service.company_id.id,
                names=list(external_ids),
            )
        )
        return dict(self.env.cr.fetchall())

    def _events(self, service, domain, **page):
        """Events that the service sent, and those that were brought along for its subscriptions."""
        return self.env["fusion.billing.usage"].sudo().search([*self._event_domain(service), *domain], **page)

    def _event_domain(self, service):
        orders = self.env["sale.order"].sudo()
        own = [("fusion_service_id", "=", service.id), ("fusion_external_id", "!=", False)]
        known = [name for (name,) in orders._read_group(own, ["fusion_external_id"])]
        return [
            ("company_id", "=", service.company_id.id), "|", ("service_id", "=", service.id),
            "&", ("service_id", "=", False), ("external_subscription_id", "in", known),
        ]  # fmt: skip
