"""Who rewrites the lake: days close, small files are merged, hits are deleted."""
