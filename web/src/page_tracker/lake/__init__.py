"""The lake: Delta tables of Parquet files. It knows neither Redis nor questions."""
