"""What a token is, and what it may do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.sites.token import (
    Scope,
    Token,
    allows,
    hash_of,
    id_of,
    is_token,
    may_give,
    new_secret,
    without_site,
)


def token(
    scope: Scope = Scope.STATS,
    sites: tuple[str, ...] | None = ("a.example",),
    expires: int | None = None,
) -> Token:
    return Token(
        id="1", hash=hash_of("pt_1_x"), scope=scope, sites=sites, expires=expires
    )


def test_a_secret_is_never_the_same_and_is_kept_as_a_hash() -> None:
    token_id, text, digest = new_secret()
    assert id_of(text) == token_id
    assert digest == hash_of(text) and text not in digest
    assert new_secret()[1] != text
    assert len(text.rpartition("_")[2]) * 4 == 192


@given(st.text())
def test_any_text_may_be_shown_as_a_token(text: str) -> None:
    id_of(text)
    assert is_token(token(), text, 0) == (text == "pt_1_x")


@pytest.mark.parametrize(
    "text", ["", "pt", "pt_", "pt_1", "pt_1_", "xx_1_x", "pt_1_" + "x" * 200]
)
def test_what_has_not_the_form_of_a_token_has_no_id(text: str) -> None:
    assert id_of(text) is None


def test_a_token_ends_when_it_expires() -> None:
    assert is_token(token(expires=100), "pt_1_x", 99.9)
    assert not is_token(token(expires=100), "pt_1_x", 100)


@pytest.mark.parametrize(
    ("has", "asks", "may"),
    [
        (Scope.STATS, Scope.STATS, True),
        (Scope.STATS, Scope.ADMIN, False),
        (Scope.STATS, Scope.EVENTS, False),
        (Scope.ADMIN, Scope.EVENTS, True),
        (Scope.EVENTS, Scope.EVENTS, True),
        (Scope.EVENTS, Scope.STATS, False),
        (Scope.EVENTS, Scope.ADMIN, False),
        (Scope.ADMIN, Scope.STATS, True),
        (Scope.ADMIN, Scope.ADMIN, True),
    ],
)
def test_a_scope_allows_itself_and_admin_allows_all(
    has: Scope, asks: Scope, may: bool
) -> None:
    assert allows(token(has), asks, "a.example") is may


@given(st.sampled_from(Scope), st.sampled_from(Scope))
def test_no_scope_reaches_another_site(has: Scope, asks: Scope) -> None:
    assert not allows(token(has), asks, "b.example")
    assert not allows(token(has), asks, None)


@pytest.mark.parametrize("site", ["a.example", "any.example", None])
def test_a_token_for_all_sites_is_for_each(site: str | None) -> None:
    assert allows(token(sites=None), Scope.STATS, site)


def test_an_admin_gives_no_more_than_it_has() -> None:
    one = token(Scope.ADMIN)
    assert may_give(one, ("a.example",))
    assert not may_give(one, ("a.example", "b.example"))
    assert not may_give(one, None)
    assert may_give(token(Scope.ADMIN, None), None)
    assert not may_give(token(Scope.STATS, None), ("a.example",))


def test_a_token_never_comes_to_be_for_all_sites_when_its_own_goes() -> None:
    assert without_site(token(sites=("a.example",)), "a.example") is None
    kept = without_site(token(sites=("a.example", "b.example")), "a.example")
    assert kept is not None and kept.sites == ("b.example",)
    everywhere = token(sites=None)
    assert without_site(everywhere, "a.example") is everywhere
