"""One field of one record is broken, thousands of times: what that may cost is that record and what depends on it."""
