"""What a user agent and its client hints tell about browser, system and device.

The rows of `agents.toml` come first; what they do not find is left to ua-parser's
patterns. RE2 tries all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from msgspec.structs import replace
from ua_parser_builtins.lazy import MATCHERS

from page_tracker.hits.hit import MAX_USER_AGENT, Client, Hints
from page_tracker.hits.text import clean
from page_tracker.lookups.agents import Agents
from page_tracker.lookups.patterns import (
    Found,
    Pattern,
    first_of,
    of_browser,
    of_row,
    of_system,
)

_CACHED = 8192

_BROWSERS = {
    "Baidu Explorer": "Baidu",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Android WebView",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "iOS WebView",
    "Opera Mobile": "Opera",
    "Samsung Internet": "Samsung Browser",
    "Yandex Browser": "Yandex",
}
_SYSTEMS = {"Mac OS X": "macOS", "Web0S": "webOS"}
# The class of a device by its system, if no row of the table finds it.
_CLASSES = {
    **dict.fromkeys(
        (
            *("Arch Linux", "CentOS", "Chrome OS", "Debian", "Fedora", "FreeBSD"),
            *("Gentoo", "Linux", "Linux Mint", "Mac OS", "NetBSD", "OpenBSD"),
            *("Red Hat", "SUSE", "Solaris", "Ubuntu", "Windows", "macOS"),
        ),
        "Desktop",
    ),
    **dict.fromkeys(
        (
            *("BlackBerry OS", "Firefox OS", "KaiOS", "Symbian OS", "Windows Phone"),
            *("HarmonyOS", "iOS"),
        ),
        "Mobile",
    ),
    "Android": "Tablet",  # only a phone's says that it is mobile
    "Android TV": "TV",
    "iPadOS": "Tablet",
    "tvOS": "TV",
}
# Sec-CH-UA-Platform → the system; other user agents (Tizen, VIDAA) know better.
_PLATFORMS = {
    "Android": "Android",
    "Chrome OS": "Chrome OS",
    "Chromium OS": "Chrome OS",
    "iOS": "iOS",
    "Linux": "Linux",
    "Windows": "Windows",
    "macOS": "macOS",
}
# The name of any Chromium whose user agent hides its brand: a hint knows more.
_ANY_CHROMIUM = "Chrome"

ClientOf = Callable[[str], Client]
HintedClientOf = Callable[[str, Hints], Client]


def client_finder(agents: Agents) -> tuple[ClientOf, HintedClientOf]:
    """Make the functions that read a user agent, the second with client hints.

    What they do not name is empty; versions are major ones.
    """
    browsers, systems, _ = MATCHERS  # lazy ones: Python's engine compiles none of them
    browser_in = first_of([*map(of_row, agents.browser), *map(of_browser, browsers)])
    system_in = first_of([*map(of_row, agents.system), *map(of_system, systems)])
    # A few words distinguish devices: ua-parser's thousand patterns find models.
    device_in = first_of([Pattern(row.find, row.name) for row in agents.device])
    brands = {row.find: row.name for row in reversed(agents.brand)}

    @lru_cache(_CACHED)
    def cached(user_agent: str) -> Client:
        user_agent = clean(user_agent, MAX_USER_AGENT)
        browser, device = browser_in(user_agent), device_in(user_agent)
        system, system_version = _named_system(system_in(user_agent))
        return Client(
            device=device.name or _CLASSES.get(system, ""),
            browser=_BROWSERS.get(browser.name, browser.name),
            browser_version=browser.major,
            os=system,
            os_version=system_version,
        )

    def client_of(user_agent: str) -> Client:
        return cached(user_agent[:MAX_USER_AGENT])

    @lru_cache(_CACHED)
    def hinted_client_of(user_agent: str, hints: Hints) -> Client:
        return _with_platform(_with_brand(client_of(user_agent), hints, brands), hints)

    return client_of, hinted_client_of


def _with_brand(client: Client, hints: Hints, names: Mapping[str, str]) -> Client:
    """Name the browser by the first known brand, if it calls itself only Chrome."""
    if client.browser == _ANY_CHROMIUM:
        for brand, version in hints.brands:
            if brand in names:
                return replace(client, browser=names[brand], browser_version=version)
    return client


def _with_platform(client: Client, hints: Hints) -> Client:
    """Correct system and device if the platform is not the one that it pretends."""
    platform = _PLATFORMS.get(hints.platform, "")
    is_other = platform and platform != client.os
    if is_other and client.os in ("", *_PLATFORMS.values()):
        device = "Mobile" if hints.is_mobile else _CLASSES[platform]
        return replace(client, device=device, os=platform, os_version="")
    if hints.is_mobile and not client.device:
        return replace(client, device="Mobile")
    return client


def _named_system(found: Found) -> tuple[str, str]:
    """Its name and version as we write them."""
    name = _SYSTEMS.get(found.name, found.name)
    version = found.major
    # Here the second number distinguishes releases, as in 10.15, 8.1 and 22.04.
    if found.minor and (
        name == "Ubuntu" or (name, version) in (("macOS", "10"), ("Windows", "8"))
    ):
        version = f"{version}.{found.minor}"
    return name, version
