"""Pure: why sides differ. A cause is believed only if the invoice, rated again under it, hits the difference."""
