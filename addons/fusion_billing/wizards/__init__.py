from . import charge_form, health, issue_key, partner_merge, replay
