"""Everything that enrichment looks up, loaded once by each process."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from page_tracker.hits.facts import Bot, Lookups
from page_tracker.hits.hit import Place
from page_tracker.lookups.agents import Agents, check_agents, read_agents
from page_tracker.lookups.bots import bot_finder
from page_tracker.lookups.clients import client_finder
from page_tracker.lookups.places import open_places, place_finder
from page_tracker.lookups.sources import Source, read_sources, touch_finder
from page_tracker.lookups.spam import read_hosts, spam_finder

log = logging.getLogger(__name__)

PACKAGED = Path(str(files("page_tracker") / "data"))

# The names of updated data in the folder, and of what is packaged.
COUNTRY = "country.mmdb"
BOTS = "bots.json"
SPAM = "spam.txt"
# Our own tables, to which an owner's in the folder add.
AGENTS = "agents.toml"
SOURCES = "sources.toml"

T = TypeVar("T")

# The files of a folder, each with its time, size and number.
Stamps = frozenset[tuple[str, int, int, int]]


def load(folder: Path | None = None) -> Lookups:
    """Load the data; files in `folder`, from an update or the owner, take precedence.

    A file in it that cannot be read is logged, and the packaged one is used. It takes
    a tenth of a second, unless the folder's files are the same as in the call before.
    """
    stamps = stamps_of(folder) if folder is not None else frozenset()
    return _load(folder if stamps else None, stamps)


def stamps_of(folder: Path) -> Stamps:
    """What distinguishes a file from its replacement; unfinished ones have a dot."""
    found = set()
    for path in folder.glob("[!.]*"):
        with suppress(FileNotFoundError):  # it is gone by now
            stat = path.stat()
            found.add((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)


@lru_cache(maxsize=1)
def _load(folder: Path | None, _: Stamps) -> Lookups:
    agents = agents_in(folder)
    client_of, hinted_client_of = client_finder(agents)
    return Lookups(
        client_of=client_of,
        hinted_client_of=hinted_client_of,
        bot_of=_loaded(
            folder, BOTS, PACKAGED / BOTS, lambda path: bots_from(path, agents)
        ),
        place_of=_loaded(folder, COUNTRY, PACKAGED / COUNTRY, places_from),
        is_spam=_loaded(folder, SPAM, PACKAGED / SPAM, spam_from),
        touch_of=touch_finder(sources_in(folder)),
    )


def agents_in(folder: Path | None) -> Agents:
    """The packaged facts about user agents, after those that the owner added."""
    own = _owners(folder, AGENTS, agents_from)
    packaged = read_agents((PACKAGED / AGENTS).read_text("utf-8"))
    return packaged if own is None else own.before(packaged)


def sources_in(folder: Path | None) -> dict[str, Source]:
    """The packaged sources, with those that the owner added."""
    own = _owners(folder, SOURCES, sources_from)
    return {**sources_from(PACKAGED / SOURCES), **(own or {})}


def agents_from(path: Path) -> Agents:
    """Read and check facts about user agents. Raises OSError or ValueError."""
    return check_agents(path.read_text("utf-8"))


def sources_from(path: Path) -> dict[str, Source]:
    """Read names and kinds of sources. Raises OSError or ValueError."""
    return read_sources(path.read_text("utf-8"))


def bots_from(path: Path, agents: Agents = Agents()) -> Callable[[str], Bot | None]:
    """Read a JSON array of patterns. Raises OSError or ValueError."""
    patterns = json.loads(path.read_text("utf-8"))
    if not isinstance(patterns, list) or not all(
        isinstance(each, str) for each in patterns
    ):
        raise ValueError("not a JSON array of strings")
    return bot_finder(patterns, agents)


def places_from(path: Path) -> Callable[[str], Place]:
    """Open a database of places. Raises OSError or ValueError."""
    return place_finder(open_places(path))


def spam_from(path: Path) -> Callable[[str], bool]:
    """Read a list of hosts. Raises OSError or ValueError."""
    return spam_finder(read_hosts(path.read_text("utf-8")))


def _owners(folder: Path | None, name: str, read: Callable[[Path], T]) -> T | None:
    """What the owner added; None if there is nothing, or it cannot be read."""
    path = None if folder is None else folder / name
    if path is None or not path.exists():
        return None
    try:
        return read(path)
    except (OSError, ValueError) as error:
        log.error("%s is left out: %s; correct it and restart", path, error)
        return None


def _loaded(
    folder: Path | None, name: str, packaged: Path, read: Callable[[Path], T]
) -> T:
    updated = None if folder is None else folder / name
    if updated is not None:
        try:
            return read(updated)
        except FileNotFoundError:
            return read(packaged)
        except (OSError, ValueError) as error:
            log.error(
                "%s cannot be read (%s), so the %s that is packaged is used;"
                " run `page-tracker update` to get it again, or remove it",
                updated,
                error,
                name,
            )
    return read(packaged)
