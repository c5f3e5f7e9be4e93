"""What a process of ours may take of the machine, and what it never leaves behind."""

import resource
from contextlib import suppress

# macOS reports no limit, but allows no more than this (OPEN_MAX).
MOST_FILES = 10_240


def raise_file_limit() -> None:
    """Allow this process, and those that it starts, all files that it may have open.

    Each connection is one, and the usual limit (1,024) is meant for old programs.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for files in (most, MOST_FILES):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
            return


def leave_no_core() -> None:
    """Let no crash write memory to a disk: addresses, tokens and salts are in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
