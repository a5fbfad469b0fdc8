from . import quiet


def post_load():
    """Once in every process that serves the addon."""
    quiet.watch()


def uninstall_hook(env):
    """System parameters of the addon belong to no module's data: they go with it all the same."""
    env["ir.config_parameter"].sudo().search([("key", "=like", "fusion_billing.%")]).unlink()
