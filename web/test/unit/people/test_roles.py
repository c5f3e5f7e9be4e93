"""The table of what a role may do, and its documentation."""

from page_tracker.people.roles import NEEDED, Deed
from support.documentation import page


def test_every_deed_needs_a_role_that_is_documented() -> None:
    guide = page("guides/accounts")

    assert set(NEEDED) == set(Deed)
    assert [deed for deed in Deed if f"| {deed} | {NEEDED[deed]} |" not in guide] == []
