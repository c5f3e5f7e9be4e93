"""All that is kept in Redis, and the mirror of its sites and tokens beside the lake."""
