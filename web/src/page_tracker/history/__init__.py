"""History comes in by a way of its own: logs, in blocks, to the lake, day by day.

lines       the files as one stream of whole lines          (reading)
  → formats   a line → Request | None                        (pure)
  → blocks    a block of lines → page views, and what was left out
  → spool     page views as Parquet, without personal data
  → visits    one SQL window over each of the site's days
  → imports   one commit a day to the lake, under the import's own origin
"""
