"""How long a session lets its account in."""

import msgspec
import pytest

from page_tracker.people.account import Account, with_password
from page_tracker.people.session import IDLE, LONGEST, Session, form_token, is_valid

ADA = Account(id="1", name="ada", stamp="s")
SESSION = Session(account="1", stamp="s", created=1000, seen=1000)


@pytest.mark.parametrize(
    ("seen", "now", "holds"),
    [
        (1000, 1000, True),
        (1000, 1000 + IDLE - 1, True),
        (1000, 1000 + IDLE, False),
        (1000 + LONGEST - 5, 1000 + LONGEST - 1, True),
        (1000 + LONGEST - 5, 1000 + LONGEST, False),
    ],
)
def test_it_ends_by_itself(seen: int, now: int, holds: bool) -> None:
    session = msgspec.structs.replace(SESSION, seen=seen)
    assert is_valid(session, ADA, now) is holds


def test_it_is_over_with_its_account_or_its_password() -> None:
    assert not is_valid(SESSION, None, 1000)
    assert not is_valid(SESSION, Account(id="2", name="bob", stamp="s"), 1000)
    assert not is_valid(SESSION, with_password(ADA, "x"), 1000)


def test_a_form_s_token_is_the_session_s_own_and_tells_nothing_of_it() -> None:
    assert form_token("a") == form_token("a") != form_token("b")
    assert "secret" not in form_token("secret")
