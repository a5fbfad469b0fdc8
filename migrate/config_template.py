"""The configuration that ``lago2odoo init`` writes: every key, with what it is for."""

from __future__ import annotations

TEMPLATE = """\
# lago2odoo: where Lago is, where Odoo is, and what finance decided. Secrets are never in this file:
# it names environment variables (or files) that hold them.

[lago]
url = "https://api.getlago.com"     # or your own Lago; EU cloud: https://api.eu.getlago.com
api_key_env = "LAGO_API_KEY"        # the variable that holds the API key (or: api_key_file = "path")
# write_key_env = "LAGO_WRITE_KEY"  # another key, for 'cutover --end' alone: it may write subscriptions, nothing else
requests_per_second = 40            # Lago's cloud allows 50
connections = 4
# patience = 120                    # seconds of a run for calls that Lago never answers; then each is tried twice only
# rules = "v1.52.0"                 # the version whose rules Lago bills by, where its build calls itself otherwise
# recording = "recordings/acme"     # read a recorded directory instead of a server

[odoo]
url = "https://odoo.example.com"
database = "production"
user = "migration@example.com"      # JSON-RPC only; JSON-2 takes the user from the key
key_env = "ODOO_KEY"                # an API key of that user (or: key_file = "path")
transport = "json2"                 # json2 (bearer key) | odoorpc (JSON-RPC)

[store]
url = "sqlite:///.lago2odoo/state.db"   # or postgresql+psycopg://user@host/db
events = ".lago2odoo/events"            # usage events, Parquet

[mapping]
# tables = "tables.toml"            # finance's look-ups: taxes, services, accounts (default: the one shipped)
# usage_since = 2026-06-01          # load usage from this day on, to rerun past months in Odoo

[cohorts.nexacloud]                 # the pilot: everyone who holds one of these plans
plans = ["nexacloud_*"]

[waive]
skipped = []                        # reasons or ids of skipped records that someone has looked at and accepts
# checks = ["currency_rounding"]    # errors of 'doctor' that someone accepts (also: tax_split, income_account_type)
# drift = ["customer acme: street"]   # changes made in Odoo that 'status' tells and someone accepts

[reconcile]
tolerance_cents = 0                 # a difference up to this counts as equal, and is printed as tolerated
materiality_cents = 100             # proven differences below it in sum are "immaterial"; exit codes stay
# waivers = "waivers.toml"

[books]
keep = "balances"                   # balances: open items, by 'apply' | ledger: every invoice, by 'lago2odoo ledger'

[report]
language = "en_CA"                  # en_CA | fr_CA

[stripe]
key_env = "STRIPE_KEY"              # a restricted, read-only key: proves that both sides use one account

[evidence]                          # keys that sign evidence packs: made with ssh-keygen -t ed25519
# reviewer_key = "~/.ssh/id_ed25519"                # also: preparer_key
# reviewer_passphrase_env = "REVIEWER_PASSPHRASE"   # the variable that holds its passphrase; also: preparer_...
"""
