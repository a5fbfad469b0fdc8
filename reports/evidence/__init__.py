"""Signed months: packs, their chain, and how long differences have been open."""
