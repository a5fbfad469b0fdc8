from odoo.addons.fusion_billing.api.answers import stable_id


def migrate(cr, version):
    """Charges and metrics made in Odoo get the id under which the API showed them: usage and fees say it, too."""
    for table, kind in (("fusion_billing_charge", "charge"), ("fusion_billing_metric", "metric")):
        cr.execute(f"SELECT id FROM {table} WHERE fusion_lago_id IS NULL")  # noqa: S608  # pylint: disable=sql-injection
        ids = [(stable_id(kind, number), number) for (number,) in cr.fetchall()]
        cr.executemany(f"UPDATE {table} SET fusion_lago_id = %s WHERE id = %s", ids)  # noqa: S608  # pylint: disable=sql-injection
