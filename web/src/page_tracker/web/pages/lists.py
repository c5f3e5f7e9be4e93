"""The full list of a panel: searched, sorted and paged here, not in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from page_tracker.query.catalog import METRICS
from page_tracker.query.problem import nearest
from page_tracker.query.typed_filters import short_name
from page_tracker.sites.site import Site
from page_tracker.store.counters import Live
from page_tracker.web.pages import formatting, page_questions
from page_tracker.web.pages.figures import has_before
from page_tracker.web.pages.page_answers import Answers, Asked
from page_tracker.web.pages.panels import Panel, Tab, tab_of
from page_tracker.web.pages.rows import lines_of
from page_tracker.web.pages.site_page import frame
from page_tracker.web.pages.view import View, written

if TYPE_CHECKING:
    from page_tracker.query.ask import Asking

ROWS = 100
# The most rows of an answer, all of which an export has.
ALL = 10_000


class Head(msgspec.Struct, frozen=True):
    """A column's header: `way` is `ascending`, `descending` or ''."""

    label: str
    href: str
    way: str


def tab_shown(view: View, panel: Panel) -> Tab:
    """The tab of a panel that a view shows."""
    return tab_of(panel, view.tab(panel.name)) or panel.tabs[0]


def order_of(asked: Asked, tab: Tab) -> tuple[list[str], str]:
    """The order that a view asks for, and what is wrong with it; '' if nothing is.

    `sort` names a figure or the rows' name; a minus before it reverses the order.
    """
    columns = page_questions.columns_of(tab, asked.scope)
    said = asked.view.sort
    name = said.removeprefix("-")
    if name in columns:
        return [name, "asc" if said.startswith("-") else "desc"], ""
    if name == short_name(tab.dimension):
        return [tab.dimension, "desc" if said.startswith("-") else "asc"], ""
    hint = nearest(name, [*columns, short_name(tab.dimension)])
    wrong = f"sort={said}: there is no such column{hint}"[:2_000] if said else ""
    return [columns[0], "desc"], wrong


def list_page(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    site: Site,
    panel: Panel,
    view: View,
    problems: tuple[str, ...],
    asking: Callable[[], Asking],
    live: Callable[[], Live],
) -> dict[str, Any]:
    """What the template needs. Raises as Answers.ask."""
    answers = Answers(asking, site)
    asked = answers.understand(view, problems)
    tab = tab_shown(asked.view, panel)
    order, wrong = order_of(asked, tab)
    body = page_questions.listed(
        asked.scope, tab, order, view.search, ROWS, ROWS * (asked.view.page - 1)
    )
    (report,) = answers.ask([body])
    pages = -(-report.total_rows // ROWS)
    return frame(asked, live) | {
        "problems": (*asked.problems, *([wrong] if wrong else [])),
        "rest": f"/list/{panel.name}",
        "panel": panel,
        "tab": tab,
        "tabs": [
            (each, _to(asked.view.of_page().with_tab(panel.name, each.name)))
            for each in panel.tabs
            if not each.has_map
        ],
        "what": panel.name,
        "name_head": _head(
            asked, short_name(tab.dimension), formatting.label_of(tab.dimension), order
        ),
        "heads": [
            _head(asked, name, formatting.LABELS[name], order)
            for name in report.query.metrics
        ],
        "lines": lines_of(asked.view, report, site.id, has_before(report)),
        "total_rows": report.total_rows,
        "pages": pages,
        "before": _to(view, page=view.page - 1) if view.page > 1 else "",
        "after": _to(view, page=view.page + 1) if view.page < pages else "",
        "query": written(view, page=1),
    }


def _to(view: View, **changes: object) -> str:
    return written(view, **changes) or "?"


def _head(asked: Asked, name: str, label: str, order: list[str]) -> Head:
    """A header that sorts by its column, or in reverse if that is so already."""
    by, way = order
    is_on = short_name(by) == name
    usual = "desc" if name in METRICS else "asc"
    turned = is_on and way == usual
    href = _to(asked.view, sort=f"-{name}" if turned else name, page=1)
    words = {"asc": "ascending", "desc": "descending"}
    return Head(label, href, words[way] if is_on else "")
