"""The way of a hit: protocol → enrich → ingest → stream."""
