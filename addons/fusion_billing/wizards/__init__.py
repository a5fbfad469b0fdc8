from . import charge_form, health, issue_key, replay
