"""Pure: positions over the sides, the verdict of the votes, waivers, views for the report."""
