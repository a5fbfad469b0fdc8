"""Frozen report data -> HTML, JSON and the other formats."""
