"""History comes in by its own door: logs, in blocks, to the lake, day by day.

lines       the files as one stream of whole lines          (reading)
  → formats   a line → Request | None                        (pure)
  → blocks    a block of lines → page views, and what was left out
  → spool     page views as Parquet, nothing personal in it
  → visits    one SQL window over each of the site's days
  → imports   one commit a day to the lake, under the import's own origin
"""
