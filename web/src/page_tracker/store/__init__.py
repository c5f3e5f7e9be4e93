"""Everything that is kept in Redis, and its mirrors beside the lake."""
