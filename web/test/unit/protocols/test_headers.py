"""What the headers of a request say of its sender, up to the hit or the drop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.context import Context
from page_tracker.hits.enrich import enrich
from page_tracker.hits.hit import Drop, Hit, RawHit
from page_tracker.protocols.headers import sender_of
from page_tracker.sites.site import Directory, Site
from support.lookups import LOOKUPS

CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/142.0.0.0 Safari/537.36"
)
LINUX = (
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/142.0.0.0 Safari/537.36"
)
NO_SYSTEM = b"Mozilla/5.0 (Unheard; of) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/1"
NOT_A_BRAND = b'"Not_A Brand";v="99"'
NOON = 1_700_049_600_000_000  # 2023-11-15 12:00 UTC
KNOWN = Context(
    Directory([Site(id="example.org")]), {("example.org", 19_676): bytes(16)}, LOOKUPS
)


def judged(headers: dict[bytes, bytes]) -> Hit | Drop:
    raw = RawHit(site="example.org", url="https://example.org/")
    return enrich(raw, sender_of(headers, "192.0.2.1"), NOON, KNOWN)


def client(headers: dict[bytes, bytes]) -> tuple[str, ...]:
    found = judged(headers)
    assert isinstance(found, Hit)
    said = found.record.client
    return (said.device, said.browser, said.browser_version, said.os, said.os_version)


def dropped(headers: dict[bytes, bytes]) -> tuple[str, str]:
    found = judged({b"user-agent": CHROME} | headers)
    assert isinstance(found, Drop)
    return found.reason, found.name


@pytest.mark.parametrize(
    ("brands", "browser"),
    [
        (b'"Brave";v="142", "Chromium";v="142", ' + NOT_A_BRAND, "Brave"),
        (b'"Chromium";v="142", "Google Chrome";v="142", ' + NOT_A_BRAND, "Chrome"),
        (b'"Not;A=Brand";v="8", "Chromium";v="142", "Opera GX";v="126"', "Opera GX"),
        (b'" Not A;Brand";v="99", "Unheard Of";v="1", "Chromium";v="142"', "Chrome"),
        (b"", "Chrome"),
        (b'"Brave', "Chrome"),
    ],
)
def test_a_browser_is_told_by_the_brand_that_it_names(
    brands: bytes, browser: str
) -> None:
    said = client({b"user-agent": CHROME, b"sec-ch-ua": brands})
    assert said[1] == browser


def test_a_brand_does_not_stand_in_for_a_browser_that_names_itself() -> None:
    edge = CHROME + b" Edg/142.0.0.0"
    brands = b'"Brave";v="1", "Chromium";v="142"'
    assert client({b"user-agent": edge, b"sec-ch-ua": brands})[1] == "Edge"


@pytest.mark.parametrize(
    ("user_agent", "platform", "mobile", "client_said"),
    [
        (CHROME, b'"Windows"', b"?0", ("Desktop", "Windows", "10 or 11")),
        (LINUX, b'"Linux"', b"?0", ("Desktop", "Linux", "")),
        (LINUX, b'"Android"', b"?1", ("Mobile", "Android", "")),
        (LINUX, b'"Android"', b"?0", ("Tablet", "Android", "")),
        (CHROME, b'"Chrome OS"', b"?0", ("Desktop", "Chrome OS", "")),
        (CHROME, b'"Unknown"', b"?0", ("Desktop", "Windows", "10 or 11")),
        (NO_SYSTEM, b'"macOS"', b"?0", ("Desktop", "macOS", "")),
        (NO_SYSTEM, b"", b"?1", ("Mobile", "", "")),
        (
            b"Mozilla/5.0 (X11; Linux x86_64; Quest 3) Chrome/138.0.0.0 VR Safari/1",
            b'"Android"',
            b"?0",
            ("Headset", "Meta Horizon OS", ""),
        ),
    ],
)
def test_platform_and_mobile_say_what_the_user_agent_does_not(
    user_agent: bytes, platform: bytes, mobile: bytes, client_said: tuple[str, ...]
) -> None:
    headers = {
        b"user-agent": user_agent,
        b"sec-ch-ua": b'"Chromium";v="142"',
        b"sec-ch-ua-platform": platform,
        b"sec-ch-ua-mobile": mobile,
    }
    device, _, _, system, version = client(headers)
    assert (device, system, version) == client_said


def test_a_headless_browser_is_told_by_its_brand() -> None:
    brands = b'"Chromium";v="142", "HeadlessChrome";v="142", ' + NOT_A_BRAND
    assert dropped({b"sec-ch-ua": brands}) == ("bot", "HeadlessChrome")


@pytest.mark.parametrize(
    ("signer", "name"),
    [
        (b'"https://chatgpt.com"', "AI assistant: chatgpt.com"),
        (b'sig1="https://www.Agent.example:8443/x"', "agent.example"),
        (b"https://agent.bot.goog", "agent.bot.goog"),
        (b'"data:application/http-message-signatures-directory,x"', "(signed agent)"),
        (b"", "(signed agent)"),
    ],
)
def test_who_signs_as_an_agent_is_a_bot_by_the_name_of_its_host(
    signer: bytes, name: str
) -> None:
    assert dropped({b"signature-agent": signer}) == ("bot", name)


def test_a_bot_that_signs_keeps_the_name_that_it_gives_itself() -> None:
    headers = {
        b"user-agent": b"Mozilla/5.0 (compatible; Claude-User/1.0)",
        b"signature-agent": b'"https://claude.ai"',
    }
    assert dropped(headers) == ("bot", "AI assistant: Claude-User")


@given(
    st.binary(max_size=2_000),
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.none() | st.binary(max_size=2_000),
)
def test_headers_of_any_bytes_are_read(
    brands: bytes, platform: bytes, mobile: bytes, signer: bytes | None
) -> None:
    headers = {
        b"user-agent": CHROME,
        b"sec-ch-ua": brands,
        b"sec-ch-ua-platform": platform,
        b"sec-ch-ua-mobile": mobile,
    }
    if signer is None:
        assert client(headers)[1] == "Chrome"
    else:
        assert dropped(headers | {b"signature-agent": signer})[0] == "bot"
