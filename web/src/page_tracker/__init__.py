"""Page Tracker: counts every view of every page, exactly once."""
