"""The table of facts about user agents: each row holds, and owners may add rows."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from page_tracker.history.blocks import Sieve
from page_tracker.history.dialect import Dialect
from page_tracker.hits.facts import Bot
from page_tracker.hits.hit import Client, Drop, Hints, Hit
from page_tracker.lookups.agents import Agents, Row, check_agents
from page_tracker.lookups.load import (
    AGENTS,
    BOTS,
    PACKAGED,
    agents_from,
    agents_in,
    bots_from,
    load,
)
from page_tracker.sites.site import Site
from support.lookups import LOOKUPS

TABLE = agents_from(PACKAGED / AGENTS)
SAMPLES = Path(__file__).parents[2] / "data" / "agents.tsv"


@pytest.mark.parametrize("table", Agents.__struct_fields__)
def test_every_row_says_where_it_is_known_from(table: str) -> None:
    rows: tuple[Row, ...] = getattr(TABLE, table)
    assert rows
    assert not [row.find for row in rows if not row.source]


def test_a_row_of_people_frees_one_whom_the_list_calls_a_bot() -> None:
    without = bots_from(PACKAGED / BOTS)
    for row in TABLE.person:
        assert without(row.example) is not None, row
        assert LOOKUPS.bot_of(row.example) is None, row


def test_a_row_of_bots_names_its_example() -> None:
    for row in TABLE.bot:
        assert LOOKUPS.bot_of(row.example) == Bot(row.name, row.kind)


def test_a_row_of_browsers_names_its_example() -> None:
    for row in TABLE.browser:
        found = re.search(row.find, row.example)
        assert found, row
        name, version = (
            (row.name, *found.groups(), None)[:2] if row.name else found.groups()
        )
        client = LOOKUPS.client_of(row.example)
        assert (client.browser, client.browser_version) == (name, version or ""), row


def test_a_row_of_systems_names_its_example() -> None:
    for row in TABLE.system:
        found = re.search(row.find, row.example)
        assert found, row
        version = (*found.groups(), "")[0] if row.version is None else row.version
        client = LOOKUPS.client_of(row.example)
        assert (client.os, client.os_version) == (row.name, version), row


def test_a_row_of_devices_classes_its_example() -> None:
    for row in TABLE.device:
        assert re.search(row.find, row.example), row
        assert LOOKUPS.client_of(row.example).device == row.name, row


def test_a_brand_says_the_browser_where_the_user_agent_says_chrome() -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0"
    for row in TABLE.brand:
        hinted = LOOKUPS.hinted_client_of(chrome, Hints(((row.find, "7"),)))
        assert (hinted.browser, hinted.browser_version) == (row.name, "7"), row


class Sample(NamedTuple):
    """A user agent that was seen, and what it is."""

    user_agent: str
    bot: str
    kind: str
    device: str
    browser: str
    browser_version: str
    os: str
    os_version: str


def samples() -> list[Sample]:
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        read = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Sample(*row) for row in read][1:]


def test_an_agent_of_today_is_what_it_is() -> None:
    for sample in samples():
        bot = LOOKUPS.bot_of(sample.user_agent)
        assert bot == (Bot(sample.bot, sample.kind) if sample.bot else None), sample
        if not sample.bot:
            client = LOOKUPS.client_of(sample.user_agent)
            assert client == Client(*sample[3:]), sample


def test_an_imported_line_is_what_a_hit_with_its_agent_is() -> None:
    site = Site(id="example.org")
    sieve = Sieve.of(site, Dialect("combined"), LOOKUPS, bytes(32), 0)
    line = '192.0.2.1 - - [15/Nov/2023:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "{}"'
    told = [each for each in samples() if each.user_agent.strip() not in ("", "-")]
    text = "".join(f"{line.format(each.user_agent)}\n" for each in told)
    for sample, found in zip(told, sieve.hits(text), strict=True):
        if isinstance(found, Hit):
            assert not sample.bot and found.record.client == Client(*sample[3:])
        else:
            assert isinstance(found, Drop)
            assert found.name == Bot(sample.bot, sample.kind).label


def test_an_owners_rows_hold_before_the_packaged_ones(tmp_path: Path) -> None:
    text = """
    [[bot]]
    name = "Our monitor"
    kind = "monitor"
    find = "OurMonitor/"
    [[person]]
    find = "Widget-Server/[0-9.]+"
    [[browser]]
    name = "Our app"
    find = 'OurApp/(\\d+)'
    """
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0"
    (tmp_path / AGENTS).write_text(text, "utf-8")
    lookups = load(tmp_path)
    assert lookups.bot_of(f"{chrome} OurMonitor/1") == Bot("Our monitor", "monitor")
    assert LOOKUPS.bot_of(f"{chrome} Widget-Server/1.2")
    assert lookups.bot_of(f"{chrome} Widget-Server/1.2") is None
    client = lookups.client_of(f"{chrome} OurApp/12.3")
    assert (client.browser, client.browser_version) == ("Our app", "12")
    assert lookups.bot_of("GPTBot/1.0") == Bot("GPTBot", "AI crawler")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[bot]]\nfind = '('\nname = 'x'\nkind = 'y'", "number 1: find is no regular"),
        ("[[bot]]\nfind = 'x(?=y)'\nname = 'x'\nkind = 'y'", "is no regular"),
        ("[[bot]]\nfind = 'x'\nkind = 'y'", "name is missing"),
        ("[[bot]]\nfind = 'x'\nname = 'y'", "kind is missing"),
        ("[[browser]]\nfind = '(x)(y)(z)'", "has one group"),
        ("[[browser]]\nfind = 'x'\ncolour = 'red'", "colour"),
        ("[[robot]]\nfind = 'x'", "robot"),
        ("not TOML", "line 1"),
    ],
)
def test_a_wrong_row_is_told_and_the_packaged_ones_are_used(
    text: str, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        check_agents(text)
    (tmp_path / AGENTS).write_text(text, "utf-8")
    assert agents_in(tmp_path) == TABLE
    assert "agents.toml is left out" in caplog.text
