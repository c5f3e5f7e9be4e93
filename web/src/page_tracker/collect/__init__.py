"""What receives hits: judged as they come, sent to the store in batches or alone."""
