"""The lake: Delta tables of Parquet files. It knows nothing of Redis or of
questions."""
