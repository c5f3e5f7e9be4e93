"""What the pages about people are made of; each part is requested when it is needed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from page_tracker.history.register import Register
from page_tracker.history.sent_log import SentLogs
from page_tracker.store.accounts import Accounts
from page_tracker.store.counters import Live
from page_tracker.store.first_hit_waits import Waits
from page_tracker.store.links import Links
from page_tracker.store.sessions import Sessions
from page_tracker.store.sites import Sites
from page_tracker.web.pages.credentials import Checking
from page_tracker.web.pages.guard import PageGuard


class PeopleServices(msgspec.Struct, frozen=True):
    """The guard, and what it and the pages store and check."""

    guard: PageGuard
    checking: Checking
    accounts: Callable[[], Accounts]
    sessions: Callable[[], Sessions]
    links: Callable[[], Links]
    sites: Callable[[], Sites]
    live: Callable[[], Live]
    waits: Callable[[], Waits]
    # The bot that it would be taken for; empty if it is a person's.
    own_bot: Callable[[], str]
    # Runs `page-tracker WORDS` in its own process. Raises ProcessError.
    run_command: Callable[..., str]
    # The same in the background.
    start_command: Callable[..., None]
    # Imports, and the logs that people send for them.
    register: Register
    sent_logs: SentLogs
