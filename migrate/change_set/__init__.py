"""Pure: wanted against found -> changes, canonical values, and their JSON."""
