"""What our processes may use of the machine, and what they never leave behind."""

import resource
from contextlib import suppress
from pathlib import Path

# macOS reports no limit, but allows no more than this (OPEN_MAX).
MOST_FILES = 10_240


def raise_file_limit() -> None:
    """Allow this process, and those that it starts, all open files that it may have.

    Each connection is one, and the usual limit (1,024) is meant for old programs.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for files in (most, MOST_FILES):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
            return


def leave_no_core() -> None:
    """Prevent core dumps: addresses, tokens and salts would be in them."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def be_the_first_to_go() -> None:
    """Where memory runs out, have the kernel kill this process before any other.

    Linux chooses by this number, 1000 at most, and by the memory that each takes.
    """
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
