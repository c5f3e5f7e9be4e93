"""The writer: what waits in the streams goes to the lake."""
