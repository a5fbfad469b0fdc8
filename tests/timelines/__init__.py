"""Whole lives of subscriptions as a running Lago billed them, turned into what an extract would have read."""
