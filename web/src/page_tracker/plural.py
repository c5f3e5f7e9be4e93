"""Numbers of things, as people write them. Pure."""


def counted(number: int, one: str, many: str = "") -> str:
    """How many there are of something.

    >>> counted(1, "hit"), counted(2_000, "hit"), counted(0, "batch", "batches")
    ('1 hit', '2,000 hits', '0 batches')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
