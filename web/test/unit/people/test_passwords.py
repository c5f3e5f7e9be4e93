"""What a password must be."""

import pytest

from page_tracker.errors import AccountError
from page_tracker.people.passwords import LONGEST, SHORTEST, require_password


@pytest.mark.parametrize(
    "password",
    ["gesund essen im park", "e" * 11 + "abcd", "日本語の長いパスワードです"],
)
def test_any_long_text_is_taken(password: str) -> None:
    assert require_password(password, "ada")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "too short"),
        ("a" * (SHORTEST - 1), "too short"),
        ("x7" * LONGEST, "too long"),
        ("aaaaaaaaaaaaaaaa", "repeats itself"),
        ("ababababababab", "repeats itself"),
        ("123456789012", "first that are tried"),
        ("QWERTYuiopas", "first that are tried"),
        ("0987654321098", "first that are tried"),
        ("correct horse battery staple", "first that are tried"),
        ("ada@example.com", "first that are tried"),
    ],
)
def test_others_are_refused_and_never_shown(password: str, why: str) -> None:
    with pytest.raises(AccountError) as refused:
        require_password(password, "Ada@example.com")
    assert why in str(refused.value)
    assert not password or password not in str(refused.value)


def test_one_text_is_one_password_however_it_was_typed() -> None:
    composed, apart = "caf\u00e9 im park am see", "cafe\u0301 im park am see"
    assert require_password(composed, "") == require_password(apart, "")
