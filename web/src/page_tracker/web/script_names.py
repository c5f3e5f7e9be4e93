"""Which script a name means: ours, or one for pages written for another tracker. Pure.

The names of Plausible's scripts are a list of words, each of which switches something
on (https://plausible.io/docs/script-extensions); or they are one site's own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DAY = 24 * 60 * 60
MINUTE = 60

_PLAUSIBLE = frozenset(("analytics", "plausible", "script"))
# The name that two plugins write, and that of Plausible's first customers.
_PLAIN = frozenset(("index", "p"))
# A site's own script, by the site's identifier at Plausible.
_OWN = re.compile(r"pa-[\w-]{1,64}", re.ASCII)
# What a build has in it → the words of which one is enough to need it.
_BUILT_WITH = {
    "exclusions": {"exclusions"},
    "links": {"outbound-links", "file-downloads"},
    "tagged": {"tagged-events"},
}
# Words that every build understands, or that mean nothing more: older browsers are not
# counted, and revenue and reading always are.
_OTHER_WORDS = frozenset(
    ("compat", "hash", "local", "manual", "pageleave", "pageview-props", "revenue")
)
WORDS = _OTHER_WORDS.union(*_BUILT_WITH.values())


class Asked(NamedTuple):
    """A script that is served: which build it is, and what that is told.

    `alias` is what Plausible calls the site whose own script it is; '' if it is for any
    site. `max_age` is in seconds.
    """

    build: str
    words: str = ""
    alias: str = ""
    max_age: int = DAY


# Trackers that have one script, under one name.
BY_PATH = {
    "/count.js": Asked("goatcounter"),
    "/script.js": Asked("umami"),
    "/matomo.js": Asked("matomo"),
    "/piwik.js": Asked("matomo"),
}


def asked_for(name: str) -> Asked | None:
    """The script that `/js/<name>.js` means; None if the name means nothing here.

    >>> asked_for("script.hash.outbound-links")
    Asked(build='plausible.links', words='hash.outbound-links', alias='', max_age=86400)
    """
    if name == "script":
        return Asked("script")
    if name in _PLAIN:
        return Asked("plausible")
    if _OWN.fullmatch(name):
        return Asked("plausible.called", alias=name, max_age=MINUTE)
    base, *said = name.split(".")
    words = set(said)
    if base not in _PLAUSIBLE or not words <= WORDS:
        return None
    features = (what for what, needed in _BUILT_WITH.items() if needed & words)
    return Asked(".".join(("plausible", *features)), ".".join(sorted(words)))
