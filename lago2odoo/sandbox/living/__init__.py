"""An embedded Lago that lives: subscriptions end and start again, and its jobs run on a clock that is moved."""
