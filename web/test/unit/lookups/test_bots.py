"""Which user agents bot_finder's functions call bots."""

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.facts import Bot
from page_tracker.lookups.bots import bot_finder
from support.lookups import LOOKUPS

bot_of = LOOKUPS.bot_of


@pytest.mark.parametrize(
    "user_agent, bot",
    [
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Bot("Googlebot", "search"),
        ),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible;"
            " GPTBot/1.2; +https://openai.com/gptbot",
            Bot("GPTBot", "AI crawler"),
        ),
        ("UptimeRobot/2.0; http://www.uptimerobot.com/", Bot("UptimeRobot", "monitor")),
        ("facebookexternalhit/1.1", Bot("facebookexternalhit", "preview")),
        (
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            Bot("AhrefsBot", "seo"),
        ),
        ("Feedly/1.0 (+http://www.feedly.com/fetcher.html)", Bot("Feedly", "feed")),
        ("python-requests/2.32.3", Bot("python-requests", "library")),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " HeadlessChrome/142.0.0.0 Safari/537.36",
            Bot("HeadlessChrome", "headless browser"),
        ),
        ("some-unheard-of-crawler/0.1", Bot("(unknown bot)", "other")),
        ("", Bot("(no user agent)", "other")),
        ("  ", Bot("(no user agent)", "other")),
        ("github-camo (876de43e)", Bot("GitHub camo", "image proxy")),
        ("Camo Asset Proxy 2.3.0", Bot("camo", "image proxy")),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0"
            " (via ggpht.com GoogleImageProxy)",
            Bot("Google image proxy", "image proxy"),
        ),
    ],
)
def test_names_a_bot_and_its_kind(user_agent: str, bot: Bot) -> None:
    assert bot_of(user_agent) == bot


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML,"
        " like Gecko) Version/18.1 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
        # crawler-user-agents has patterns for both of these.
        "Mozilla/5.0 (Linux; Android 15; SM-S931B Build/AP3A.240617.008; wv)"
        " AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.7444.102"
        " Mobile Safari/537.36 MetaIAB Facebook",
        "Mozilla/5.0 (Linux; Android 12; CUBOT X50) AppleWebKit/537.36 (KHTML, like"
        " Gecko) Chrome/118.0.0.0 Mobile Safari/537.36",
    ],
)
def test_leaves_a_browser_alone(user_agent: str) -> None:
    assert bot_of(user_agent) is None


def test_finds_nearly_all_known_crawlers() -> None:
    examples = [
        user_agent
        for crawler in CRAWLER_USER_AGENTS_DATA
        for user_agent in crawler["instances"]
    ]
    found = sum(bot_of(user_agent) is not None for user_agent in examples)
    assert found / len(examples) > 0.99


@given(st.text(max_size=3000))
def test_reads_any_text(user_agent: str) -> None:
    bot = bot_of(user_agent)
    assert bot is None or (bot.name and len(bot.name) <= 64)


def test_half_a_character_is_none() -> None:
    assert bot_of("\ud800") == bot_of("")
    assert bot_of("GPTBot/1.0 \ud800") == bot_of("GPTBot/1.0")


@pytest.mark.parametrize(
    "patterns, yes, no",
    [
        (["(?<! channel/|google/)google"], "my google", " channel/google"),
        (["^x[\\w\\d-.]+$"], "X-9.", "x 9"),
        (["java(?!;)"], "Java/17", "java;"),
    ],
)
def test_reads_patterns_as_javascript_does(
    patterns: list[str], yes: str, no: str
) -> None:
    finder = bot_finder(patterns)
    assert finder(yes) == Bot("(unknown bot)", "other")
    assert finder(no) is None


@pytest.mark.parametrize("pattern", ["(", "(?<!a", "[z-a]"])
def test_refuses_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValueError):
        bot_finder([pattern])
