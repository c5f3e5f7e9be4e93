"""The lake: Delta tables of Parquet files, written here and read by anybody."""
