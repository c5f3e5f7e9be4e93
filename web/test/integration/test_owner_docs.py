"""What the documentation says of sites and access is what the code does."""

import re

import pytest

from page_tracker.app import create_app
from page_tracker.people.roles import NEEDED, Deed
from page_tracker.protocols import PROTOCOLS
from page_tracker.sites.settings import SETTINGS
from page_tracker.sites.token import Scope
from support.documentation import page

SENDERS = tuple(PROTOCOLS)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_a_site_is_documented_in_its_own_words(name: str) -> None:
    rows = re.findall(
        rf"^\| `{name}` \| .+ \| (.+) \|$", page("reference/sites"), re.MULTILINE
    )
    assert rows == [SETTINGS[name].help]


def test_every_route_of_the_owner_is_documented() -> None:
    documented = set(
        re.findall(r"^\| `([A-Z]+ /api/[^`]+)`", page("reference/http"), re.M)
    )
    routes = {
        f"{method} {re.sub('<[a-z]+:', '<', rule.rule)}"
        for rule in create_app().url_map.iter_rules()
        if rule.rule.startswith("/api") and rule.rule not in SENDERS
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == routes


def test_every_scope_is_documented() -> None:
    for scope in Scope:
        assert f"| `{scope}` |" in page("reference/http")


def test_every_deed_needs_a_role_that_is_documented() -> None:
    guide = page("guides/accounts")

    assert set(NEEDED) == set(Deed)
    assert [deed for deed in Deed if f"| {deed} | {NEEDED[deed]} |" not in guide] == []
