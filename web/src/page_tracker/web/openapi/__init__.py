"""`GET /api/openapi.json`: a description of the interface, made from its own tables."""
