"""What a maintainer needs to find a fault, in one file, with nothing personal in it.

Names of sites, addresses and the server's own name are replaced, in every part alike;
passwords are left out. What it holds are texts, so that anybody can look first.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from page_tracker.diagnosis import Finding
from page_tracker.files import replacing
from page_tracker.hits.client_address import address_of
from page_tracker.settings import Settings, described_settings, without_password

LINES_OF_LOG = 500
# Their messages are made of what others have sent.
OF_SENDERS = frozenset({"unknown sites", "address"})

# What could be an address of version 4, or 6.
_FOUR = r"\d{1,3}(?:\.\d{1,3}){3}"
_SIX = r"[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}"
_ADDRESS = re.compile(rf"(?<![\w.:])(?:{_FOUR}|{_SIX})(?!\w)", re.IGNORECASE)
_LOCAL = frozenset({"127.0.0.1", "0.0.0.0", "::1"})  # nosec B104 # nobody listens here
_DISTRIBUTION = re.compile(r"[\w.-]+")


class Mask:
    """Replaces what tells whose server it is: each name by the same word everywhere."""

    def __init__(self, sites: Iterable[str], host: str, home: str) -> None:
        names = {name: f"site-{place}" for place, name in enumerate(sorted(sites), 1)}
        if host:
            names[host] = "this-server"
        if len(home) > 1:
            names[home] = "~"
        self._names = names
        longest_first = sorted(names, key=len, reverse=True)
        either = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._named = re.compile(either, re.IGNORECASE)

    def __call__(self, text: str) -> str:
        text = self._named.sub(lambda found: self._word(found[0]), text)
        return _ADDRESS.sub(_address, text)

    def _word(self, name: str) -> str:
        return self._names.get(name) or self._names[name.lower()]


def _address(found: re.Match[str]) -> str:
    return "(address)" if address_of(found[0]) and found[0] not in _LOCAL else found[0]


def findings_as_text(findings: Iterable[Finding]) -> Iterator[str]:
    """What `doctor` found; without the words of those who have sent something."""
    for name, message, remedy in findings:
        is_theirs = name in OF_SENDERS
        verdict = "problem" if remedy else "ok"
        yield f"{verdict:7}  {name}: {'…' if is_theirs else message}"
        if remedy and not is_theirs:
            yield f"         → {remedy}"


def settings_as_text(settings: Settings) -> Iterator[str]:
    """Each setting, where it is not its default; without passwords."""
    usual = Settings(data=settings.data)
    for name, setting in described_settings().items():
        value = getattr(settings, name)
        is_usual = value == getattr(usual, name) and name != "data"
        shown = "(default)" if is_usual else without_password(str(value))
        if setting.is_secret and value:
            shown = "(set)"
        yield f"{setting.variable}  {shown}"


def versions() -> Iterator[str]:
    """Ours, Python's, the system's, and those of what we depend on."""
    yield f"page-tracker {version('page-tracker')}"
    yield f"Python {platform.python_version()} ({platform.python_implementation()})"
    yield f"{platform.system()} {platform.release()} {platform.machine()}"
    for required in requires("page-tracker") or ():
        found = _DISTRIBUTION.match(required)
        if found and "extra ==" not in required:
            yield f"{found[0]} {_version_of(found[0])}"


def _version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is missing"


def sizes(folder: Path) -> Iterator[str]:
    """How many files and bytes each entry of a folder has, with all below it."""
    for entry in sorted(folder.iterdir()):
        files = [entry] if entry.is_file() else list(_files_below(entry))
        total = sum(_size(file) for file in files)
        yield f"{total:>15,} bytes  {len(files):>7} files  {entry.name}"


def _files_below(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # it has just been deleted
        return 0


def last_lines(text: str) -> list[str]:
    return text.splitlines()[-LINES_OF_LOG:]


def pack(path: Path, parts: Mapping[str, str], mask: Mask) -> None:
    """Write the file; nobody but its owner may read it. Raises OSError."""
    with replacing(path) as new, ZipFile(new, "w", ZIP_DEFLATED) as packed:
        for name, text in parts.items():
            packed.writestr(name, mask(text))
