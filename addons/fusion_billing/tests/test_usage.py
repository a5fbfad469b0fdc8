import json
import random
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import psycopg2
from odoo import SUPERUSER_ID, api, fields
from odoo.sql_db import db_connect
from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL, mute_logger

from ..api.answers import Refused
from ..models.gathered import Gathered
from ..rating import running, usage_of
from .common import FusionCase

WINDOW = "_window_idx"


@tagged("post_install", "-at_install")
class TestCurrentUsage(FusionCase):
    """The running period: summed by PostgreSQL where that is enough, and equal to looking at every event."""

    VALUES = ("1.5", 2, -3, "-0", "1e3", 1000.0, "x", "", None, True, "7\n", " 7", "+5", ".5", "007", 10**30, "0.1")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for kind in ("sum_agg", "max_agg", "latest_agg", "unique_count_agg"):
            for model, properties in (
                ("standard", {"amount": "0.07"}),
                ("percentage", {"rate": "1.3", "fixed_amount": "0.1"}),
                ("package", {"amount": "3", "package_size": 7}),
            ):
                cls.charged(f"fusion_test_{kind}", kind, model, properties)
        cls.order = cls.subscription("u-1")
        cls.now = fields.Datetime.now()
        cls.start = cls.now.replace(day=1, hour=0, minute=0, second=0)

    @classmethod
    def charged(cls, code, kind, model, properties):
        metric = cls.env["fusion.billing.metric"].search([("code", "=", code)]) or cls.env[
            "fusion.billing.metric"
        ].create({"name": code, "code": code, "aggregation": kind, "field_name": "v", "rounding_function": "ceil",
                  "has_rounding_precision": True, "rounding_precision": 1})  # fmt: skip
        return cls.env["fusion.billing.charge"].create(
            {
                "name": f"{code} {model}",
                "code": f"{code}_{model}",
                "kind": "usage",
                "metric_id": metric.id,
                "product_id": cls.plan.id,
                "plan_id": cls.plan.product_tmpl_id.id,
                "charge_model": model,
                "properties": json.dumps(properties),
                "fusion_lago_id": f"{code}-{model}",
            }
        )

    def events(self, dice, code, number, removing=False):
        span = int((self.now - self.start).total_seconds())
        for place in range(number):
            at = self.start + timedelta(seconds=dice.choice((-1, 0, 0, dice.randint(0, span))))
            properties = {"v": dice.choice(self.VALUES)} if dice.random() < 0.95 else {}
            if removing and dice.random() < 0.3:
                properties["operation_type"] = "remove"
            us = dice.choice((0, 0, 999_999, 500))
            self.use(
                "u-1", [str(at)], code=code, transaction_id=f"{code}-{place}", timestamp_us=us, received_us=place,
                received_at=str(self.now), properties=json.dumps(properties),
            )  # fmt: skip

    def found(self):
        given = self.rated()
        return running(*given, self.now)

    def rated(self):
        given = Gathered(self.order).billing(self.order.id, self.now, "")
        return given["order"], given["charges"], given["metrics"]

    def both(self):
        """The answer with sums, and the one that looks at every event; the codes that were summed."""
        usage = self.env["fusion.billing.usage"]
        found = self.found()
        rows, sums = usage._of_running(self.order.company_id, "u-1", found)
        with patch.object(type(usage), "_sums", return_value={}):
            every, none = usage._of_running(self.order.company_id, "u-1", found)
        self.assertFalse(none)
        return usage_of(found, rows, sums), usage_of(found, every, {}), set(sums)

    def test_sums_equal_looking_at_every_event(self):
        dice = random.Random(19)  # noqa: S311
        codes = {f"fusion_test_{kind}" for kind in ("sum_agg", "max_agg", "latest_agg", "unique_count_agg")}
        for code in sorted(codes | {"fusion_test_calls"}):
            self.events(dice, code, 60)
        summed, every, which = self.both()
        self.assertEqual(which, codes | {"fusion_test_calls"})
        self.assertEqual(summed, every)
        self.assertTrue(all(charge["events_count"] for charge in every["charges_usage"]))

    def test_things_that_are_removed_are_followed_one_by_one(self):
        self.events(random.Random(7), "fusion_test_unique_count_agg", 60, removing=True)  # noqa: S311
        summed, every, which = self.both()
        self.assertNotIn("fusion_test_unique_count_agg", which)
        self.assertEqual(summed, every)

    @mute_logger("odoo.sql_db")
    def test_what_postgresql_cannot_hold_is_looked_at(self):
        self.use("u-1", [str(self.start)], code="fusion_test_sum_agg", properties='{"v": "1", "w": "\\u0000"}')
        summed, every, which = self.both()
        self.assertNotIn("fusion_test_sum_agg", which)
        self.assertEqual(summed, every)

    def test_groups_filters_and_memory_are_listed(self):
        self.charge.properties = json.dumps({"amount": "0.05", "pricing_group_keys": ["region"]})
        self.assertIn("fusion_test_calls", self.found().listed)
        self.charge.properties = json.dumps({"amount": "0.05"})
        self.assertIn("fusion_test_calls", self.found().summed)
        self.charge.filters = json.dumps(
            [{"lago_id": "f", "values": {"region": ["eu"]}, "properties": {"amount": "1"}}]
        )
        self.assertIn("fusion_test_calls", self.found().listed)
        self.env["fusion.billing.metric"].search([("code", "=", "fusion_test_sum_agg")]).recurring = True
        self.assertIn("fusion_test_sum_agg", self.found().history)

    def test_reading_goes_by_the_index(self):
        """With the planner free to choose: a few thousand rows of many subscriptions, and statistics."""
        self.env.cr.execute(
            """INSERT INTO fusion_billing_usage (transaction_id, external_subscription_id, code, timestamp, received_at,
                                                properties, company_id)
               SELECT 'x' || n, 'x-' || n %% 200, 'fusion_test_sum_agg', %(at)s::timestamp - n * interval '1 hour',
                      %(at)s, '{"v": 1}', %(company)s FROM generate_series(1, 8000) n""",
            {"at": self.now, "company": self.order.company_id.id},
        )
        self.env.cr.execute("ANALYZE fusion_billing_usage")
        found, usage, asked = self.found(), self.env["fusion.billing.usage"], []
        execute = self.env.cr.execute

        def explained(query, *args, **kwargs):
            if isinstance(query, SQL) and "FROM fusion_billing_usage" in query.code:
                execute("EXPLAIN " + query.code, query.params)
                asked.append("\n".join(row[0] for row in self.env.cr.fetchall()))
            return execute(query, *args, **kwargs)

        with patch.object(self.env.cr, "execute", explained):
            usage._rows(*self.own(found), {"fusion_test_sum_agg"})
            usage._sums(*self.own(found))
        self.assertGreater(len(asked), 3)
        for plan in asked:
            self.assertIn(f"fusion_billing_usage{WINDOW}", plan)
            self.assertNotIn("Seq Scan", plan)

    def own(self, found):
        return SQL("company_id = %s AND external_subscription_id = %s", self.order.company_id.id, "x-1"), found


@tagged("post_install", "-at_install")
class TestIngestCost(FusionCase):
    """What an event costs is counted in queries: that does not depend on the machine."""

    def test_queries_per_event_and_per_batch(self):
        self.subscription("q-1")
        key = self.env["fusion.billing.key"]._issue(self.service)
        self.env["fusion.billing.key"]._service_of(key)  # its use is noted at most once a minute
        self.env["fusion.billing.metric"]._valued(self.service.company_id.id)  # kept until a metric changes
        event = {"external_subscription_id": "q-1", "code": "fusion_test_calls"}
        batch = [{**event, "transaction_id": f"q-{number}"} for number in range(100)]
        self.env.flush_all()
        for queries, name, body in (
            (4, "create_event", {"event": {**event, "transaction_id": "q"}}),  # key, service, subscription, insert
            (5, "create_events", {"events": batch}),  # and what is stored already
        ):
            self.env.invalidate_all()
            with self.assertQueryCount(queries):
                service = self.env["fusion.billing.key"]._service_of(key)
                getattr(service.env["fusion.billing.gateway"], name)(service, body)


@tagged("post_install", "-at_install")
class TestLateEvents(FusionCase):
    """Events of a period that is invoiced already are kept, flagged, and not billed."""

    def send(self, name, at):
        body = {"event": {"transaction_id": name, "external_subscription_id": "l-1", "code": "fusion_test_calls",
                          "timestamp": at.timestamp()}}  # fmt: skip
        self.env["fusion.billing.gateway"].create_event(self.service, body)
        return self.env["fusion.billing.usage"].search([("transaction_id", "=", name)])

    def test_late_after_the_invoice(self):
        order = self.subscription("l-1")
        july = datetime(2026, 7, 10, tzinfo=UTC)
        self.assertFalse(self.send("in-time", july).late)
        at = fields.Datetime.to_datetime("2026-08-01 06:00:00")
        move = order.with_context(fusion_at=at)._create_invoices()
        late = self.send("late", july)
        self.assertTrue(late.late)
        self.assertTrue(late.exists(), "kept")
        self.assertFalse(self.send("next", july + timedelta(days=30)).late)
        move.button_cancel()
        self.assertFalse(self.send("again", july).late, "a cancelled invoice took nothing")

    def test_a_shadow_invoice_makes_nothing_late(self):
        order = self.subscription("l-1")
        journal = self.env["account.journal"].create({"name": "Shadow", "code": "FT9", "type": "sale"})
        july = datetime(2026, 7, 10, tzinfo=UTC)
        self.send("in-time", july)
        billing = {"order": order.id, "at": "2026-08-01 04:10:00", "reason": "subscription_periodic"}
        order.fusion_rerun([billing], keep=True, journal_id=journal.id)
        self.assertFalse(self.send("later", july).late)


@tagged("post_install", "-at_install")
class TestIdempotence(TransactionCase):
    """One (subscription, transaction) is stored once, also by requests that run at the same time."""

    def setUp(self):
        super().setUp()
        self.name = f"fusion-test-{uuid.uuid4()}"
        with self.connection() as cr:  # what both connections see must be there for both
            values = {"name": self.name, "code": self.name}
            self.service_id = api.Environment(cr, SUPERUSER_ID, {})["fusion.billing.service"].create(values).id
        self.addCleanup(self.remove)

    def connection(self):
        return db_connect(self.env.cr.dbname).cursor()

    def remove(self):
        with self.connection() as cr:
            cr.execute("DELETE FROM fusion_billing_usage WHERE external_subscription_id = %s", [self.name])
            cr.execute("DELETE FROM fusion_billing_service WHERE id = %s", [self.service_id])

    def send(self, env, *names):
        service = env["fusion.billing.service"].browse(self.service_id)
        events = [
            {"transaction_id": name, "external_subscription_id": self.name, "code": "fusion_test"} for name in names
        ]
        gateway = env["fusion.billing.gateway"]
        if len(events) == 1:
            return gateway.create_event(service, {"event": events[0]})
        return gateway.create_events(service, {"events": events})

    def at_once(self, first, second):
        """What is stored, after the second request has run into the first one, and again as Odoo runs it again.

        Its environment is made here, and the second run is here: while tests run, no other thread has the registry.
        """
        failures = []

        def run_into():
            try:
                self.send(env, *second)
            except psycopg2.errors.SerializationFailure as error:
                failures.append(error)

        with self.connection() as cr, self.connection() as other_cr:
            self.send(api.Environment(cr, SUPERUSER_ID, {}), *first)
            env = api.Environment(other_cr, SUPERUSER_ID, {})
            other = threading.Thread(target=run_into)
            other.start()
            self.wait_for_lock(cr, other)
            cr.commit()  # pylint: disable=invalid-commit  # a cursor of the test's own
            other.join(60)
            self.assertEqual(len(failures), 1, "Odoo runs it again only after a serialization failure")
            other_cr.rollback()
            with self.assertRaises(Refused) as refused:
                self.send(env, *second)
        self.told = refused.exception.body["error_details"]
        with self.connection() as cr:
            cr.execute(
                "SELECT transaction_id FROM fusion_billing_usage WHERE external_subscription_id = %s ORDER BY 1",
                [self.name],
            )
            return [row[0] for row in cr.fetchall()]

    def wait_for_lock(self, cr, other):
        """Until the second request waits for the first one's row."""
        until = time.monotonic() + 60
        while other.is_alive() and time.monotonic() < until:
            cr.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cr.fetchone()[0]:
                return
            time.sleep(0.02)
        self.fail("the second request did not wait for the first")

    def test_two_single_events_at_once(self):
        with mute_logger("odoo.sql_db"):
            self.assertEqual(self.at_once(["a"], ["a"]), ["a"])
        self.assertEqual(self.told, {"transaction_id": ["value_already_exist"]})

    def test_a_batch_that_overlaps_is_refused_whole(self):
        with mute_logger("odoo.sql_db"):
            self.assertEqual(self.at_once(["a"], ["b", "a", "c"]), ["a"])
        self.assertEqual(self.told, {"1": {"transaction_id": ["value_already_exist"]}})
