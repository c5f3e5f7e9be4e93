"""`python -m page_tracker`: the `page-tracker` command."""

from page_tracker.cli import main

main()
