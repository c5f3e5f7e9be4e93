"""How many examples of a property are drawn: few by default, with --long many."""

from hypothesis import HealthCheck, settings

_SHORT, _LONG = "short", "long"


def register_profiles() -> None:
    """Each short run draws the same examples, each long one new ones.

    None fails for the time that it takes, or that drawing it takes.
    """
    timeless = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(_LONG, timeless)
    settings.register_profile(_SHORT, timeless, max_examples=50, derandomize=True)
    settings.load_profile(_SHORT)


def draw_many() -> None:
    settings.load_profile(_LONG)


def is_long() -> bool:
    return settings.get_current_profile_name() == _LONG


def examples(short: int, long: int) -> int:
    """How many of them a test draws that takes longer, or less, than others."""
    return long if is_long() else short
