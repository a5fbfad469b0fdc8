"""One module per command: settings, clients, call, outcome. The command line itself is ``migrate.cli``.

This folder is the composition root: the only place, with the command line, that may join all packages.
"""
