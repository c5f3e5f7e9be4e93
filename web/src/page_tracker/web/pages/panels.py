"""The panels of a site's page, in their order. Pure.

To add a tab, add a row here.
"""

from __future__ import annotations

import msgspec

from page_tracker.query.catalog import GOAL, PROPS_PREFIX
from page_tracker.query.filters import is_property
from page_tracker.query.typed_filters import full_name, short_name


class Tab(msgspec.Struct, frozen=True):
    """One list of a panel: its name in addresses, its label, the dimension of its rows.

    `has_map`: its rows are countries, and there is a map of them above.
    """

    name: str
    label: str
    dimension: str
    has_map: bool = False


class Panel(msgspec.Struct, frozen=True):
    """A panel: its name in addresses, its title, its tabs, and what its rows count.

    `may_have_properties`: each property of events may be a tab as well.
    """

    name: str
    title: str
    tabs: tuple[Tab, ...]
    may_have_properties: bool = False


MAP = Tab("map", "Map", "visit:country", has_map=True)


def _panel(name: str, title: str, *more: Tab, **labels: str) -> Panel:
    tabs = tuple(Tab(tab, label, full_name(tab)) for tab, label in labels.items())
    return Panel(name, title, (*tabs, *more))


EVENTS = Panel(
    "events",
    "Goals and events",
    (Tab("name", "Events", "event:name"), Tab("goal", "Goals", GOAL)),
    may_have_properties=True,
)

PANELS: dict[str, Panel] = {
    panel.name: panel
    for panel in (
        _panel(
            "sources",
            "Sources",
            source="Sources",
            channel="Channels",
            referrer="Referrers",
            utm_source="utm_source",
            utm_medium="utm_medium",
            utm_campaign="utm_campaign",
            utm_content="utm_content",
            utm_term="utm_term",
        ),
        _panel(
            "pages",
            "Pages",
            page="Top",
            entry_page="Entry",
            exit_page="Exit",
            hostname="Hosts",
        ),
        _panel(
            "places",
            "Places",
            MAP,
            country="Countries",
            region="Regions",
            city="Cities",
        ),
        _panel(
            "devices",
            "Devices",
            browser="Browsers",
            os="Systems",
            device="Devices",
            screen="Screens",
            browser_version="Browser versions",
            os_version="System versions",
        ),
        EVENTS,
    )
}


def tab_of(panel: Panel, name: str) -> Tab | None:
    """The tab with that name; `props:KEY` for a property."""
    for tab in panel.tabs:
        if tab.name == name:
            return tab
    full = f"event:{name}"
    if panel.may_have_properties and is_property(full):
        return Tab(short_name(full), full.removeprefix(PROPS_PREFIX), full)
    return None


def panel_of(dimension: str) -> tuple[Panel, Tab] | None:
    """The panel and tab whose rows are by a dimension; None if there is none."""
    for panel in PANELS.values():
        tab = tab_of(panel, short_name(dimension))
        if tab and tab.dimension == dimension:
            return panel, tab
    return None
