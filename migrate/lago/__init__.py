"""What Lago says: client, resources, extracts from its API, databases and recordings."""
