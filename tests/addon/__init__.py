"""The addon's plain Python against Lago's vectors: adapters that speak the addon's own input shapes."""
