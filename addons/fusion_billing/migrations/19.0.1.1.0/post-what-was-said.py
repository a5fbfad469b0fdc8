def migrate(cr, version):
    """Messages of before say whose they are, where the service knows the contact as one customer only.

    Orders find theirs by themselves: Odoo computes a new stored field of every row.
    """
    cr.execute(
        """UPDATE fusion_billing_webhook message SET account_id = known.id
             FROM (SELECT min(id) AS id, service_id, partner_id FROM fusion_billing_account_link
                 GROUP BY service_id, partner_id HAVING count(*) = 1) known
            WHERE message.account_id IS NULL
              AND known.service_id = message.service_id AND known.partner_id = message.partner_id"""
    )
    # who switched the scheduled action on had said who invoices, where there was no other place to say it
    cr.execute(
        """UPDATE res_company SET fusion_invoicing_by = 'odoo'
            WHERE fusion_invoicing_by IS NULL AND EXISTS (
                  SELECT FROM ir_cron JOIN ir_model_data data ON data.res_id = ir_cron.id AND data.model = 'ir.cron'
                   WHERE data.module = 'fusion_billing' AND data.name = 'cron_invoice' AND ir_cron.active)"""
    )
