# ruff: noqa: B018
{
    "name": "lago2odoo: stand-in for Enterprise subscriptions (TEST ONLY)",
    "summary": "Field names of sale_subscription on Odoo Community, for tests. Never for a real database.",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "author": "lago2odoo contributors",
    "license": "LGPL-3",
    "depends": ["sale_management", "payment"],
    "data": ["security/ir.model.access.csv", "data/close_reasons.xml"],
    "installable": True,
}
