"""Where touch_of says that visits come from."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.hits.hit import Touch
from page_tracker.hits.referrer import host_of
from page_tracker.lookups.load import SOURCES, sources_in
from page_tracker.lookups.sources import (
    touch_finder,
)
from page_tracker.schema import LIMITS
from support.lookups import LOOKUPS

touch_of = LOOKUPS.touch_of
SAMPLES = Path(__file__).parents[2] / "data" / "referrers.tsv"
OWN = ("example.com", "shop.example.com")


@pytest.mark.parametrize(
    "referrer, source, channel",
    [
        ("", "", "Direct"),
        ("https://www.google.com/", "Google", "Organic Search"),
        ("https://www.google.co.uk/search?q=x", "Google", "Organic Search"),
        ("https://google.evil.org/", "google.evil.org", "Referral"),
        ("https://t.co/Ab1", "Twitter", "Organic Social"),
        ("https://l.facebook.com/l.php?u=x", "Facebook", "Organic Social"),
        ("https://news.ycombinator.com/item?id=1", "Hacker News", "Organic Social"),
        ("https://www.youtube.com/watch?v=1", "YouTube", "Organic Video"),
        ("https://chatgpt.com/", "ChatGPT", "AI Assistants"),
        ("https://www.perplexity.ai/search/1", "Perplexity", "AI Assistants"),
        ("https://gemini.google.com/app", "Gemini", "AI Assistants"),
        ("https://mail.google.com/", "Gmail", "Email"),
        ("android-app://com.google.android.gm/", "Gmail", "Email"),
        (
            "android-app://com.google.android.googlequicksearchbox/",
            "Google",
            "Organic Search",
        ),
        ("https://www.amazon.com.br/x", "Amazon", "Organic Shopping"),
        ("https://github.com/a/b", "GitHub", "Referral"),
        ("https://www.blog.org/x", "blog.org", "Referral"),
        ("blog.org/x", "blog.org", "Referral"),
        # The site itself and this machine are no referrers.
        ("https://www.example.com/other", "", "Direct"),
        ("https://shop.example.com/", "", "Direct"),
        ("http://localhost:3000/", "", "Direct"),
        ("http://127.0.0.1:8000/", "", "Direct"),
        ("http://app.localhost/", "", "Direct"),
        # Nor is what is no address.
        ("https://[bad/", "", "Direct"),
        ("data:text/html,x", "", "Direct"),
        ("file:///home/me/page.html", "", "Direct"),
        ("no address at all", "", "Direct"),
    ],
)
def test_names_source_and_channel_of_a_referrer(
    referrer: str, source: str, channel: str
) -> None:
    touch = touch_of(referrer, "", OWN)
    assert (touch.source, touch.channel) == (source, channel)


def test_keeps_host_and_path_of_a_referrer_without_its_query() -> None:
    touch = touch_of("https://user:word@www.Blog.org:8443/A/b/?secret=1#x", "", OWN)
    assert touch.referrer == "blog.org/A/b"


@pytest.mark.parametrize(
    "referrer, query, source, channel",
    [
        ("", "utm_source=newsletter&utm_medium=email", "Newsletter", "Email"),
        ("", "utm_source=chatgpt.com", "ChatGPT", "AI Assistants"),
        ("", "utm_source=google&utm_medium=cpc", "Google", "Paid Search"),
        ("", "utm_source=fb&utm_medium=paid-social", "Facebook", "Paid Social"),
        ("", "utm_source=ads&utm_medium=cpm", "ads", "Display"),
        ("", "utm_source=ads&utm_medium=ppc", "ads", "Paid Other"),
        ("", "utm_source=x1&utm_medium=banner", "x1", "Display"),
        ("", "utm_source=bob&utm_medium=affiliate", "bob", "Affiliates"),
        ("", "utm_source=app&utm_medium=web-push", "app", "Mobile Push Notifications"),
        ("", "utm_source=a&utm_campaign=spring-shop", "a", "Organic Shopping"),
        ("", "utm_source=a&utm_campaign=my+cross-network+ad", "a", "Cross-network"),
        ("", "utm_source=partner", "partner", "Campaign"),
        ("", "utm_campaign=spring", "", "Campaign"),
        ("", "source=hn", "Hacker News", "Organic Social"),
        ("", "ref=producthunt", "Product Hunt", "Organic Social"),
        ("", "ref=b&source=a", "a", "Campaign"),
        ("https://www.google.com/", "utm_source=partner", "partner", "Campaign"),
        ("https://blog.org/", "utm_campaign=spring", "blog.org", "Referral"),
        ("https://www.google.com/", "page=2", "Google", "Organic Search"),
        ("", "page=2&sort=asc", "", "Direct"),
        ("https://www.example.com/", "utm_source=", "", "Direct"),
    ],
)
def test_what_the_page_says_wins_over_the_referrer(
    referrer: str, query: str, source: str, channel: str
) -> None:
    touch = touch_of(referrer, query, OWN)
    assert (touch.source, touch.channel) == (source, channel)


@pytest.mark.parametrize(
    "referrer, query, medium, channel",
    [
        ("https://www.google.com/", "gclid=1", "(gclid)", "Paid Search"),
        ("https://www.bing.com/", "msclkid=1", "(msclkid)", "Paid Search"),
        ("https://www.bing.com/", "gclid=1", "", "Organic Search"),
        ("", "gclid=1", "(gclid)", "Paid Search"),
        ("", "gad_source=1&gbraid=2", "(gbraid)", "Paid Search"),
        ("", "wbraid=1", "(wbraid)", "Paid Search"),
        ("", "gad_source=1", "(gad_source)", "Paid Search"),
        ("", "msclkid=1", "(msclkid)", "Paid Search"),
        ("", "ttclid=1", "(ttclid)", "Paid Social"),
        ("", "twclid=1", "(twclid)", "Paid Social"),
        ("", "li_fat_id=1", "(li_fat_id)", "Paid Social"),
        ("", "rdt_cid=1", "(rdt_cid)", "Paid Social"),
        ("", "ScCid=1", "(sccid)", "Paid Social"),
        ("", "yclid=1", "(yclid)", "Paid Search"),
        ("", "fbclid=1", "", "Organic Social"),
        ("https://l.facebook.com/", "fbclid=1", "", "Organic Social"),
        ("https://l.instagram.com/", "fbclid=1", "", "Organic Social"),
        ("https://blog.org/", "fbclid=1", "", "Referral"),
        ("", "fbclid=1&utm_medium=paid", "paid", "Paid Social"),
        ("", "gclid=1&utm_medium=cpc", "cpc", "Paid Search"),
        ("", "gclid=1&utm_medium=email", "email", "Email"),
        ("https://www.youtube.com/", "gclid=1", "(gclid)", "Paid Video"),
        ("https://duckduckgo.com/", "msclkid=1", "(msclkid)", "Paid Search"),
        ("https://www.startpage.com/", "gclid=1", "(gclid)", "Paid Search"),
        ("https://blog.org/", "gclid=1", "", "Referral"),
        ("", "utm_source=google&gclid=1", "(gclid)", "Paid Search"),
        ("", "utm_source=google-ads&gclid=1", "(gclid)", "Paid Search"),
        (
            "https://www.google.com/",
            "gclid=1&utm_medium=email",
            "email",
            "Organic Search",
        ),
    ],
)
def test_a_click_on_an_advertisement_is_paid(
    referrer: str, query: str, medium: str, channel: str
) -> None:
    touch = touch_of(referrer, query, OWN)
    assert (touch.utm_medium, touch.channel) == (medium, channel)


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("gclid=1", "Google"),
        ("msclkid=1", "Bing"),
        ("fbclid=1", "Facebook"),
        ("igsh=1", "Instagram"),
        ("ttclid=1", "TikTok"),
        ("utm_source=partner&gclid=1", "partner"),
    ],
)
def test_a_click_without_a_referrer_says_where_it_was(query: str, source: str) -> None:
    assert touch_of("", query, OWN).source == source


@pytest.mark.parametrize(
    "query",
    [
        "utm_source=a&amp;utm_medium=cpc&amp;utm_campaign=c",
        "UTM_Source=a&Utm_Medium=cpc&UTM_CAMPAIGN=c",
        "utm_source=a&AMP;utm_medium=cpc&utm_campaign=c",
        "utm_source=a?utm_medium=cpc?utm_campaign=c",
        "x=1&utm_source=+a&utm_medium=cpc+&utm_campaign=c&utm_source=b",
    ],
)
def test_tags_are_read_however_they_were_written(query: str) -> None:
    touch = touch_of("", query, OWN)
    said = (touch.utm_source, touch.utm_medium, touch.utm_campaign)
    assert said == ("a", "cpc", "c")


def referrers() -> list[tuple[str, ...]]:
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file, delimiter="\t")][1:]


@pytest.mark.parametrize(("referrer", "source", "channel"), referrers())
def test_a_referrer_of_today_is_what_it_is(
    referrer: str, source: str, channel: str
) -> None:
    touch = touch_of(referrer, "", OWN)
    assert (touch.source, touch.channel) == (source, channel)


def test_every_entry_of_the_table_is_what_it_says() -> None:
    table = sources_in(None)
    for entry, known in table.items():
        # What stands for a host alone is told apart from what stands for those below.
        below = f"any.{entry}" if f"={entry}" in table else entry
        address = below.removeprefix("=").replace("{}", "co.uk")
        address = address.replace(".*", ".example.net")
        if entry.isdecimal():
            touch = touch_of(f"ios-app://{entry}/", "", OWN)
        elif "." in address:
            touch = touch_of(f"https://{address}", "", OWN)
        else:
            touch = touch_of("", f"utm_source={entry}", OWN)
        assert touch.source == known.name, entry


def test_an_owners_sources_add_to_the_packaged_ones(tmp_path: Path) -> None:
    text = '[social]\n"Our forum" = ["forum.example.net", "=google.com", "forum"]'
    (tmp_path / SOURCES).write_text(text, "utf-8")
    ours = touch_finder(sources_in(tmp_path))
    assert ours("https://www.forum.example.net/x", "", OWN).channel == "Organic Social"
    assert ours("", "utm_source=forum", OWN).source == "Our forum"
    assert ours("https://www.google.com/", "", OWN).source == "Our forum"
    assert ours("https://www.google.de/", "", OWN).source == "Google"


@pytest.mark.parametrize("text", ["[gossip]\nX = ['x.com']", "[social]\nX = 1", "?"])
def test_wrong_sources_are_told_and_left_out(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / SOURCES).write_text(text, "utf-8")
    assert sources_in(tmp_path) == sources_in(None)
    assert "sources.toml is left out" in caplog.text


def test_keeps_the_five_tags() -> None:
    query = "utm_source=a&utm_medium=b&utm_campaign=c+d&utm_content=e%26f&utm_term=g"
    assert touch_of("", query, OWN) == Touch(
        source="a",
        channel="Campaign",
        utm_source="a",
        utm_medium="b",
        utm_campaign="c d",
        utm_content="e&f",
        utm_term="g",
    )


@given(st.text(max_size=3000), st.text(max_size=3000))
def test_any_text_gives_fields_within_their_bounds(referrer: str, query: str) -> None:
    touch = touch_of(referrer, f"utm_source={query}&utm_term={query}", OWN)
    for name in Touch.__struct_fields__:
        assert len(getattr(touch, name)) <= LIMITS[name]


@given(st.from_regex(r"https?://[a-z]{1,8}\.[a-z]{2,3}(/[a-z]*)?", fullmatch=True))
def test_host_of_is_the_host(referrer: str) -> None:
    assert host_of(referrer) == referrer.split("/")[2]
