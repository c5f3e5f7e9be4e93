"""What a process has freed, and its allocator still keeps."""

import ctypes
from contextlib import suppress


def give_freed_memory_back() -> None:
    """Give it back to the system, where the C library is glibc: each thread has an
    arena there, which keeps what is free below its end."""
    with suppress(AttributeError):  # another library, without this function
        ctypes.CDLL(None).malloc_trim(0)
