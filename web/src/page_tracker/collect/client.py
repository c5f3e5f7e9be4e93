"""What a user agent says of browser, system and device."""

from __future__ import annotations

import re
from functools import lru_cache

from ua_parser import OS, Domain, PartialResult
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from page_tracker.collect.hit import Client
from page_tracker.collect.text import clean

# No browser's user agent is longer; what follows is not looked at.
USER_AGENT_LIMIT = 1024

_CACHED = 8192

# Devices are told apart by a few words below: their thousand patterns say models.
_resolve = Resolver((*load_builtins()[:2], []))

_BROWSERS = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Android WebView",
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
_DESKTOPS = {
    "Arch Linux",
    "CentOS",
    "Chrome OS",
    "Debian",
    "Fedora",
    "FreeBSD",
    "Gentoo",
    "Linux",
    "Linux Mint",
    "Mac OS",
    "NetBSD",
    "OpenBSD",
    "Red Hat",
    "SUSE",
    "Solaris",
    "Ubuntu",
    "Windows",
    "macOS",
}
_MOBILES = {
    "BlackBerry OS",
    "Firefox OS",
    "KaiOS",
    "Symbian OS",
    "Windows Phone",
    "iOS",
}

_CONSOLE = re.compile(r"PlayStation|Xbox|Nintendo")
_TV = re.compile(
    r"TV\b|SmartTV|SMART-TV|Web0S|NetCast|HbbTV|BRAVIA|CrKey|Roku|\bAFT[A-Z]|VIERA|"
    r"DTV|MiTV|MIBOX"
)
# Windows 7 calls itself a "Tablet PC" on any computer.
_TABLET = re.compile(
    r"iPad|Tablet(?! PC)|PlayBook|Kindle|\bKF[A-Z]{2,}|Nexus (?:7|9|10)\b"
)
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Opera Mini|Phone\b")


def client_of(user_agent: str) -> Client:
    """Read a user agent; what it does not say is empty. Versions are major ones."""
    return _client_of(user_agent[:USER_AGENT_LIMIT])


@lru_cache(_CACHED)
def _client_of(user_agent: str) -> Client:
    user_agent = clean(user_agent, USER_AGENT_LIMIT)
    parsed = _resolve(user_agent, Domain.USER_AGENT | Domain.OS)
    system, system_version = _system_of(parsed.os)
    browser, browser_version = _browser_of(parsed)
    return Client(
        device=_device_of(user_agent, system),
        browser=browser,
        browser_version=browser_version,
        os=system,
        os_version=system_version,
    )


def _browser_of(parsed: PartialResult) -> tuple[str, str]:
    if parsed.user_agent is None:
        return "", ""
    family = parsed.user_agent.family
    return _BROWSERS.get(family, family), parsed.user_agent.major or ""


def _system_of(parsed: OS | None) -> tuple[str, str]:
    if parsed is None:
        return "", ""
    name = _SYSTEMS.get(parsed.family, parsed.family)
    version = parsed.major or ""
    # Here the second number tells releases apart, as in 10.15, 8.1 and 22.04.
    if parsed.minor and (
        name == "Ubuntu" or (name, version) in (("macOS", "10"), ("Windows", "8"))
    ):
        version = f"{version}.{parsed.minor}"
    return name, version


def _device_of(user_agent: str, system: str) -> str:
    if _CONSOLE.search(user_agent):
        return "Console"
    if system == "tvOS" or _TV.search(user_agent):
        return "TV"
    if _TABLET.search(user_agent):
        return "Tablet"
    if system in _MOBILES or _MOBILE.search(user_agent):
        return "Mobile"
    if system == "Android":  # only a phone's calls itself mobile
        return "Tablet"
    return "Desktop" if system in _DESKTOPS else ""
