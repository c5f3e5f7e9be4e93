"""What receives hits: judged as they arrive, sent to the store in batches or alone."""
