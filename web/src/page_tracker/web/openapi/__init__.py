"""`GET /api/openapi.json`: the interface described, by the tables that it runs by."""
