"""Lago's sample responses, the company they describe, and a comparer of JSON shapes."""
