"""Pure: usage -> units -> amounts -> invoice, as Lago rates. No clock, no network, no SQL."""
