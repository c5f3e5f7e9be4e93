"""What client_of reads from user agents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.hit import Client
from support.lookups import LOOKUPS

client_of = LOOKUPS.client_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IOS_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    "user_agent, client",
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0"
            " Safari/537.36 Edg/142.0.0.0",
            Client("Desktop", "Edge", "142", "Windows", "10 or 11"),
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {IOS_WEBKIT}"
            " Version/18.1 Safari/605.1.15",
            Client("Desktop", "Safari", "18", "macOS", ""),
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {IOS_WEBKIT}"
            " Version/18.1 Mobile/15E148 Safari/604.1",
            Client("Mobile", "Safari", "18", "iOS", "18"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {IOS_WEBKIT}"
            " CriOS/130.0.0.0 Mobile/15E148 Safari/604.1",
            Client("Tablet", "Chrome", "130", "iPadOS", "17"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0"
            " Mobile Safari/537.36",
            Client("Mobile", "Chrome", "142", "Android", ""),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {WEBKIT} Chrome/120.0"
            " Safari/537.36",
            Client("Tablet", "Chrome", "120", "Android", "13"),
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101"
            " Firefox/132.0",
            Client("Desktop", "Firefox", "132", "Ubuntu", ""),
        ),
        (
            "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; WOW64; Trident/4.0;"
            " SLCC2; Media Center PC 6.0; Tablet PC 2.0)",
            Client("Desktop", "Internet Explorer", "8", "Windows", "7"),
        ),
        (
            f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {WEBKIT} SamsungBrowser/2.2"
            " Chrome/63.0 TV Safari/537.36",
            Client("TV", "Samsung Browser", "2", "Tizen", "6"),
        ),
        (
            f"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) {IOS_WEBKIT}"
            " Version/13.0 Safari/605.1.15",
            Client("Console", "PlayStation", "", "PlayStation", "5"),
        ),
        ("", Client()),
        ("nothing that anybody knows", Client()),
    ],
)
def test_reads_device_browser_and_system(user_agent: str, client: Client) -> None:
    assert client_of(user_agent) == client


@given(st.text(max_size=2000))
def test_reads_any_text(user_agent: str) -> None:
    assert client_of(user_agent).device in {
        "",
        "Desktop",
        "Mobile",
        "Tablet",
        "TV",
        "Console",
        "Headset",
    }


def test_a_long_user_agent_counts_by_its_beginning() -> None:
    browser = f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36"
    assert client_of(browser + " " * 10_000) == client_of(browser)


def test_half_a_character_is_none() -> None:
    assert client_of("\ud800") == client_of("")
