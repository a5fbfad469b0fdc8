"""The command line, one module a command: settings, clients, call, outcome. ``main`` is its door."""
