"""The writer: moves what waits in the streams to the lake."""
