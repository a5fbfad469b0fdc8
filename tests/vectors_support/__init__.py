"""What runs Lago's vectors: loading, comparing, and one adapter per area (``AREAS`` of each module)."""
