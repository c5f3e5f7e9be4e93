"""Signing in and out: the page, its limits, its sessions."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from page_tracker import app as app_module
from page_tracker.people import totp
from page_tracker.people.account import with_role, with_second_factor
from page_tracker.people.recovery_codes import hash_of, new_codes
from page_tracker.people.roles import Role
from page_tracker.store import registry as registry_module
from page_tracker.store.accounts import Accounts, People
from page_tracker.store.sessions import Sessions
from page_tracker.web.pages import password_hashing as hashing_module
from page_tracker.web.pages.after_sign_in import safe_target
from page_tracker.web.pages.password_hashing import NOBODYS, Hashing
from support.drawing import examples
from support.people import PASSWORD, Visitor, account_of, signed_in

SECRET = totp.new_secret()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time that codes are looked at."""

    def set_to(now: float) -> None:
        monkeypatch.setattr(
            "page_tracker.web.pages.sign_in.time.time", lambda: now, raising=True
        )

    return set_to


def test_a_page_that_is_closed_leads_to_sign_in_and_back() -> None:
    account_of("ada", Role.OWNER)
    visitor = Visitor()
    away = visitor.get("/account?x=1")
    assert (away.status_code, away.location) == (
        303,
        "/sign-in?next=%2Faccount%3Fx%3D1",
    )
    assert "/account?x=1" in visitor.get(away.location).text
    back = visitor.sign_in("ada", next="/account?x=1")
    assert (back.status_code, back.location) == (303, "/account?x=1")
    assert visitor.is_signed_in()


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("ada", ""), ("eve", PASSWORD), ("", ""), ("a" * 9_000, "x")],
)
def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    name: str, password: str
) -> None:
    account_of("ada", Role.OWNER)
    visitor = Visitor()
    refused = visitor.sign_in(name, password)
    assert refused.status_code == 403
    assert "Name or password is wrong." in refused.text
    assert not refused.headers.getlist("Set-Cookie") and not visitor.is_signed_in()
    other = Visitor().sign_in(name, "other").text
    assert other == refused.text


def test_a_name_that_nobody_has_costs_what_a_password_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = []
    verify = PasswordHasher.verify

    def noted(self: object, hashed: str, password: str) -> bool:
        compared.append(hashed)
        return verify(self, hashed, password)  # type: ignore[arg-type]

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    ada = account_of("ada", Role.OWNER)
    app_module.accounts().add("bob", lambda account: account)  # has none yet
    for name in ("ada", "eve", "bob"):
        assert Visitor().sign_in(name, "wrong").status_code == 403
    assert compared == [ada.password, NOBODYS, NOBODYS]
    parameters = ada.password.rsplit("$", 2)[0]
    assert NOBODYS.startswith(parameters + "$")


def test_whoever_has_no_password_yet_is_not_let_in() -> None:
    app_module.accounts().add_first("ada", lambda account: account)
    for password in ("", NOBODYS, "x"):
        assert Visitor().sign_in("ada", password).status_code == 403


def test_guesses_of_an_address_are_few() -> None:
    account_of("ada", Role.OWNER)
    answers = [Visitor().sign_in(f"x{at}", "wrong") for at in range(11)]
    assert [each.status_code for each in answers] == [403] * 10 + [429]
    right = Visitor().sign_in("ada")
    assert right.status_code == 429 and 0 < int(right.headers["Retry-After"]) <= 60
    assert "Too many" in right.text and "account reset NAME" in right.text


def test_guesses_of_a_name_are_few_wherever_they_come_from(
    patched: pytest.MonkeyPatch,
) -> None:
    account_of("ada", Role.OWNER)
    patched.setenv("PAGE_TRACKER_TRUSTED_PROXIES", "127.0.0.1")
    patched.setattr(Hashing, "is_right", lambda *_: False)
    visitor = Visitor()
    for at in range(101):
        visitor.headers = {"X-Forwarded-For": f"198.51.100.{at}"}
        answer = visitor.sign_in(" ADA " if at % 2 else "ada", "wrong")
    assert answer.status_code == 429
    visitor.headers = {"X-Forwarded-For": "198.51.100.200"}
    assert visitor.sign_in("bob", "wrong").status_code == 403


def test_no_address_and_no_name_is_written_down(redis_url: str) -> None:
    assert redis_url
    Visitor().sign_in("secretname", "wrong")
    store = app_module.redis()
    kept = b"".join(
        key + (store.dump(key) or b"") for key in store.scan_iter("pt:guesses*")
    )
    assert kept and b"secretname" not in kept and b"127.0.0.1" not in kept


def test_few_wait_for_their_turn(patched: pytest.MonkeyPatch) -> None:
    account_of("ada", Role.OWNER)
    patched.setattr(hashing_module, "MAX_WAITING", 0)
    refused = Visitor().sign_in("ada")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert "Send it once more" in refused.text


def test_a_session_is_new_at_each_sign_in_and_the_one_before_ends() -> None:
    """What somebody else has put into the browser before is none of theirs."""
    account_of("ada", Role.OWNER)
    visitor = Visitor()
    visitor.client.set_cookie("page-tracker", "planted")
    assert visitor.sign_in("ada").status_code == 303
    first = visitor.cookie()
    assert first not in ("", "planted") and visitor.is_signed_in()
    assert visitor.sign_in("ada").status_code == 303
    assert visitor.cookie() != first
    other = Visitor()
    other.client.set_cookie("page-tracker", first)
    assert not other.is_signed_in()


def test_signing_out_ends_the_session_not_only_its_cookie() -> None:
    ada = signed_in("ada", Role.OWNER)
    kept = ada.cookie()
    left = ada.post("/sign-out")
    assert (left.status_code, left.location) == (303, "/sign-in")
    assert ada.cookie() == "" and not ada.is_signed_in()
    ada.client.set_cookie("page-tracker", kept)
    assert not ada.is_signed_in()


def test_over_https_the_plain_cookie_lets_nobody_in() -> None:
    """A subdomain, or whoever answers by http in our name, could have planted it."""
    ada = signed_in("ada", Role.OWNER)
    assert ada.is_signed_in()
    ada.headers = {"Origin": "https://localhost"}
    assert not ada.is_signed_in()
    ada.client.set_cookie("__Host-page-tracker", ada.cookie())
    assert ada.is_signed_in()


@pytest.mark.parametrize(
    ("headers", "url", "is_secure"),
    [
        ({}, "", False),
        ({"Origin": "https://localhost"}, "", True),
        ({"Host": "a.example", "Sec-Fetch-Site": "same-origin"}, "", True),
        ({"Host": "127.0.0.1:8", "Sec-Fetch-Site": "same-origin"}, "", False),
        ({"X-Forwarded-Proto": "https"}, "", False),
        ({}, "https://localhost", True),
        ({}, "https://stats.example.com", False),
    ],
)
def test_the_cookie_is_the_host_s_alone_and_goes_over_https_alone_where_there_is_https(
    patched: pytest.MonkeyPatch, headers: dict[str, str], url: str, is_secure: bool
) -> None:
    patched.setenv("PAGE_TRACKER_URL", url)
    account_of("ada", Role.OWNER)
    answer = Visitor(**headers).sign_in("ada")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert not any(each.startswith("Domain") for each in attributes)
    assert ("Secure" in attributes) is is_secure
    assert name.startswith("__Host-page-tracker=") is is_secure


def test_a_trusted_proxy_says_that_it_is_https(patched: pytest.MonkeyPatch) -> None:
    patched.setenv("PAGE_TRACKER_TRUSTED_PROXIES", "127.0.0.1")
    account_of("ada", Role.OWNER)
    visitor = Visitor(**{"X-Forwarded-Proto": "https"})
    (cookie,) = visitor.sign_in("ada").headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-page-tracker=") and "; Secure" in cookie


def test_what_another_process_has_just_made_lets_in_at_once(
    patched: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patched.setattr(registry_module, "LOOK_SECONDS", 60.0)
    app_module.accounts().known("")  # what it knows is good for a while
    elsewhere = Accounts(People(app_module.redis(), tmp_path))
    account = elsewhere.add("ada", lambda new: with_role(new, Role.OWNER, None))
    visitor = Visitor()
    secret = Sessions(app_module.redis()).begin(account, "a test", int(time.time()))
    visitor.client.set_cookie("page-tracker", secret)
    assert visitor.is_signed_in()


def test_sessions_are_over_with_the_account() -> None:
    account_of("ada", Role.OWNER)
    bob = signed_in("bob", Role.VIEWER)
    account = app_module.accounts().named("bob")
    assert account and bob.is_signed_in()
    app_module.accounts().remove(account.id)
    assert not bob.is_signed_in()


def test_an_emptied_redis_costs_the_session_alone() -> None:
    ada = signed_in("ada", Role.OWNER)
    app_module.redis().flushall()
    assert not ada.is_signed_in()
    assert ada.sign_in("ada").status_code == 303 and ada.is_signed_in()


# The second factor


def with_factor(*codes: str) -> None:
    ada = account_of("ada", Role.OWNER)
    hashes = [hash_of(code) for code in codes]
    app_module.accounts().change(
        ada.id, lambda account: with_second_factor(account, SECRET, hashes)
    )


def pending_in(text: str) -> str:
    return text.partition('name="pending" value="')[2].partition('"')[0]


def test_the_password_alone_is_not_enough(clock: Callable[[float], None]) -> None:
    with_factor()
    visitor = Visitor()
    asked = visitor.sign_in("ada", next="/account?y")
    assert asked.status_code == 200 and not visitor.cookie()
    clock(1_800_000_000)
    code = totp.code_at(SECRET, 60_000_000)
    fields = {"pending": pending_in(asked.text), "next": "/account?y"}
    for wrong in ("", "000000" if code != "000000" else "000001", "abc"):
        refused = visitor.send("/sign-in/code", code=wrong, **fields)
        assert refused.status_code == 403 and not visitor.cookie()
    right = visitor.send("/sign-in/code", code=code, **fields)
    assert (right.status_code, right.location) == (303, "/account?y")
    assert visitor.is_signed_in()


def test_each_code_and_each_pending_sign_in_is_good_for_once(
    clock: Callable[[float], None],
) -> None:
    with_factor()
    clock(1_800_000_000)
    code = totp.code_at(SECRET, 60_000_000)
    first, second = (pending_in(Visitor().sign_in("ada").text) for _ in range(2))
    visitor = Visitor()
    taken = visitor.send("/sign-in/code", pending=first, code=code)
    assert taken.status_code == 303
    again = Visitor().send("/sign-in/code", pending=second, code=code)
    assert again.status_code == 403 and "used already" in again.text
    clock(1_800_000_030)
    later = totp.code_at(SECRET, 60_000_001)
    spent = Visitor().send("/sign-in/code", pending=first, code=later)
    assert spent.status_code == 403 and "sign in again" in spent.text


def test_codes_are_not_guessed() -> None:
    with_factor()
    answers = [
        Visitor().send(
            "/sign-in/code",
            pending=pending_in(Visitor().sign_in("ada").text),
            code="abcdef",
        )
        for _ in range(6)
    ]
    assert [each.status_code for each in answers] == [403] * 5 + [429]


def test_a_recovery_code_stands_in_for_the_app_once() -> None:
    codes = new_codes()
    with_factor(*codes)
    for status in (303, 403):
        visitor = Visitor()
        pending = pending_in(visitor.sign_in("ada").text)
        answer = visitor.send("/sign-in/code", pending=pending, code=codes[2])
        assert answer.status_code == status
    ada = app_module.accounts().named("ada")
    assert ada and len(ada.recovery) == len(codes) - 1


def test_one_browser_s_session_lets_no_other_account_in() -> None:
    eve = signed_in("eve", Role.VIEWER)
    with_factor()
    pending = pending_in(eve.sign_in("ada").text)
    assert eve.send("/sign-in/code", pending=pending, code="x").status_code == 403
    assert "<h1>eve</h1>" in eve.get("/account").text


# Where it leads


ELSEWHERE = (
    *("https://evil.example", "//evil.example", "///evil.example", "/\\evil.example"),
    *("\\\\evil.example", "/\t/evil.example", "/\n/evil.example", " //evil.example"),
    *("javascript:alert(1)", "data:text/html,x", "https:evil.example", "http:/x", ""),
    *("/\u2028/evil.example", "evil.example", "?x", "//[", "/%0d%0aSet-Cookie:x=y\r\n"),
)


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_nothing_leads_to_another_server(wanted: str) -> None:
    account_of("ada", Role.OWNER)
    visitor = Visitor()
    assert visitor.sign_in("ada", next=wanted).location == "/sites"
    shown = visitor.get("/sign-in", query_string={"next": wanted})
    assert shown.location == "/sites"


@settings(max_examples=examples(100, long=400))
@given(st.text(st.sampled_from("/\\:@.?#%&ax \t\r\n\u2028\ud7ff"), max_size=12))
def test_wherever_it_leads_is_within_this_server(wanted: str) -> None:
    led = safe_target(wanted)
    assert led.startswith("/") and not led.startswith(("//", "/\\"))
    assert urlsplit(urljoin("https://here.example/x", led)).netloc == "here.example"


def test_sessions_are_kept_by_their_hashes_alone() -> None:
    ada = signed_in("ada", Role.OWNER)
    store = app_module.redis()
    kept = b"".join(key + (store.dump(key) or b"") for key in store.scan_iter("*"))
    assert ada.cookie().encode() not in kept
    account = app_module.accounts().named("ada")
    assert account and len(Sessions(store).of(account.id)) == 1
