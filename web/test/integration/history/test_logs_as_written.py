"""Logs as real tools write them: counted right, or refused in words; never in silence.

Each is a file, imported for real.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from page_tracker.errors import LogFileError
from page_tracker.history import workers
from page_tracker.history.log_reader import Tally
from page_tracker.history.wanted import Wanted
from page_tracker.lookups.load import load
from support.importing import AGENT, History, write

VISITORS = [f"203.0.113.{number}" for number in range(1, 13)]
ASKED = '[20/Nov/2026:10:05:00 +0000] "GET /a HTTP/1.1" 200 5'
SAID = f'"https://news.example/" "{AGENT}"'
OBJECT: dict[str, Any] = {
    "remote_addr": "203.0.113.1",
    "time_iso8601": "2026-11-20T10:05:00+00:00",
    "request": "GET /a HTTP/1.1",
    "status": 200,
    "http_referer": "https://news.example/",
    "http_user_agent": AGENT,
    "host": "semicomplete.com",
}


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Any:
    """What is looked up is loaded once for all of these imports."""
    with pytest.MonkeyPatch.context() as patched:
        lookups = load()
        patched.setattr(workers, "load", lambda _: lookups)
        yield


@pytest.fixture(name="brought")
def brought_by_lines(history: History, tmp_path: Path) -> Any:
    """Imports lines; answers the tally."""

    def brought(*lines: str, **wanted: Any) -> Tally:
        log = write(tmp_path / "access.log", [f"{line}\n" for line in lines])
        return history.run(log, wanted=Wanted(**wanted)).tally

    return brought


def as_json(**changes: Any) -> str:
    """A line of JSON; None takes a field out."""
    said = {name: value for name, value in {**OBJECT, **changes}.items() if value}
    return json.dumps(said)


@pytest.mark.parametrize(
    "before",
    [
        "{}, 10.0.0.1",
        "{},10.0.0.2,10.0.0.1",
        "unknown, {}, 10.0.0.1",
        "{} 10.0.0.1",
        "{}, 10.0.0.2 10.0.0.1",
        "- {}",
        "semicomplete.com {}, 10.0.0.1",
        "semicomplete.com:443 {}",
        '"semicomplete.com" {}',
    ],
)
def test_the_visitor_is_the_first_of_what_stands_before(
    history: History, brought: Any, before: str
) -> None:
    tally = brought(*(f"{before.format(each)} - - {ASKED} {SAID}" for each in VISITORS))

    assert (tally.pageviews, dict(tally.left_out)) == (len(VISITORS), {})
    assert visitors(history) == len(VISITORS)


def visitors(history: History) -> int:
    [(number,)] = history.rows("SELECT count(DISTINCT visitor) FROM hits")
    return int(number)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("[pod/web-7c9/nginx] 203.0.113.1 - -", r"no host at '\[pod/web-7c9/nginx"),
        ("crawl.example.net - -", "'crawl.example.net' is no IP address"),
        ("unix: - -", "'unix:' is no IP address"),
        ("web-1  | 203.0.113.1 - -", "no IP address|no host at 'web-1  |"),
        ("Nov 20 10:05:00 host nginx[1]: 203.0.113.1 - -", "no time in brackets"),
    ],
)
def test_what_is_neither_host_nor_address_is_refused_with_the_line(
    brought: Any, before: str, said: str
) -> None:
    with pytest.raises(LogFileError, match=said) as refused:
        brought(f"{before} {ASKED} {SAID}")

    assert before in str(refused.value)


def test_a_user_may_have_blanks_in_the_name(brought: Any) -> None:
    assert brought(f"203.0.113.1 - John Doe {ASKED} {SAID}").pageviews == 1


@pytest.mark.parametrize(
    ("identity", "is_other"),
    [
        ("shop.example.net", True),
        ("shop.example.net:8080", True),
        ("localhost", True),
        ("semicomplete.com", False),
        ("www.semicomplete.com:443", False),
        ("frank", False),
        ("-", False),
    ],
)
def test_a_host_in_the_place_of_the_identity_is_the_host(
    brought: Any, identity: str, is_other: bool
) -> None:
    tally = brought(f"203.0.113.1 {identity} - {ASKED} {SAID}")

    assert tally.left_out["other_host"] == is_other
    assert tally.pageviews == (not is_other)


@pytest.mark.parametrize(
    "line",
    [
        f'203.0.113.1 - - {ASKED} "-" "-"',
        f'203.0.113.1 - - {ASKED} "-" "-" 1 "web@docker" "http://10.0.0.2:80" 3ms',
        f'203.0.113.1 - - {ASKED} "" ""',
        f"203.0.113.1 - - {ASKED}",
        as_json(http_user_agent="-"),
        as_json(http_user_agent=None),
    ],
)
def test_a_log_without_agents_is_counted_as_one_without_and_says_so(
    brought: Any, line: str
) -> None:
    tally = brought(*[line] * 3)

    assert (tally.pageviews, tally.agentless, dict(tally.left_out)) == (3, 3, {})


def test_in_a_log_with_agents_a_line_without_one_is_a_bots(brought: Any) -> None:
    without = f'203.0.113.1 - - {ASKED} "-" "-"'
    tally = brought(*[without] * 3, f"203.0.113.1 - - {ASKED} {SAID}")

    assert (tally.pageviews, tally.agentless) == (1, 0)
    assert tally.left_out["bot"] == 3


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("remote_addr", "clientip client-ip ClientIP remoteAddr remote_ip"),
        ("request", "request_line"),
        ("status", "response responseCode http_status"),
        ("http_user_agent", "useragent userAgent user-agent User_Agent"),
        ("http_referer", "referrer Referer"),
        ("time_iso8601", "@timestamp dateTime"),
    ],
)
def test_json_is_read_under_usual_names(
    history: History, brought: Any, field: str, names: str
) -> None:
    lines = [as_json(**{field: None, name: OBJECT[field]}) for name in names.split()]
    tally = brought(*lines)

    assert (tally.pageviews, tally.agentless) == (len(lines), 0)
    assert not tally.notes
    assert history.rows("SELECT DISTINCT source, browser FROM hits") == [
        ("news.example", "Chrome")
    ]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("remote_addr", "no field for the address"),
        ("status", "no field for the status"),
        ("time_iso8601", "no field for the time"),
        ("request", "no field for the method, the target"),
    ],
)
def test_json_without_a_field_says_which_and_which_it_has(
    brought: Any, field: str, said: str
) -> None:
    with pytest.raises(LogFileError, match=said) as refused:
        brought(as_json(**{field: None, "unheard_of": OBJECT[field]}))

    assert "http_referer, http_user_agent, host, unheard_of" in str(refused.value)


@pytest.mark.parametrize(
    ("field", "part"),
    [("http_user_agent", "agent"), ("http_referer", "referrer"), ("host", "host")],
)
def test_json_without_what_may_be_missing_is_counted_and_says_so(
    brought: Any, field: str, part: str
) -> None:
    tally = brought(as_json(**{field: None, "unheard_of": OBJECT[field]}))

    assert tally.pageviews == 1
    [note] = tally.notes
    assert f"no field for {part}; its lines have remote_addr, " in note
    assert "unheard_of" in note


def test_bytes_in_json_are_what_they_were(history: History, brought: Any) -> None:
    r"""nginx without `escape=json` writes `\xC3`, Apache `\xc3`; `\"` is JSON's."""
    asked = as_json(request="GET /AA?q=1 HTTP/1.1", http_user_agent=f"{AGENT} BB")
    line = asked.replace("AA", r"\xC3\xBC\x22\"\\x").replace("BB", r"\xc3\xa4 \v")
    tally = brought(line)

    assert (tally.pageviews, dict(tally.left_out)) == (1, {})
    assert history.paths() == ['/ü""\\x']


def test_json_in_an_array_is_read(history: History, brought: Any) -> None:
    objects = [as_json(request=f"GET /{name} HTTP/1.1") for name in "abcd"]
    tally = brought("[", *(f"{each}," for each in objects[:-1]), objects[-1], "]")

    assert (tally.pageviews, dict(tally.left_out)) == (4, {"blank": 2})
    assert history.paths() == ["/a", "/b", "/c", "/d"]


def test_the_host_of_json_may_be_an_address_with_its_port(brought: Any) -> None:
    tally = brought(as_json(host="[2001:db8::1]:8080"), as_json(host="192.0.2.1:80"))

    assert tally.names_of("other_host") == {"[2001:db8::1]": 1, "192.0.2.1": 1}


def test_a_log_that_changes_its_format_is_read_on(
    history: History, brought: Any
) -> None:
    lines = [f"{each} - - {ASKED} {SAID}" for each in VISITORS] * 20
    others = (
        [f"{each} - - {ASKED}" for each in VISITORS]
        + [f"semicomplete.com {each} - - {ASKED} {SAID}" for each in VISITORS]
        + [as_json(remote_addr=each) for each in VISITORS]
    )
    tally = brought(*lines, *others)

    assert tally.pageviews == len(lines) + len(others)
    assert sorted(tally.formats) == [
        *("combined", "combined-vhost", "common", "nginx-json")
    ]
    assert visitors(history) == 2 * len(VISITORS)


def test_lines_of_formats_that_alternate_are_read(brought: Any) -> None:
    lines = [f"203.0.113.1 - - {ASKED} {SAID}", as_json()] * 150

    assert brought(*lines).pageviews == 300


@pytest.mark.parametrize("wanted", [{}, {"format": "combined"}])
def test_a_log_of_many_strangers_is_refused_with_three_of_them(
    history: History, brought: Any, wanted: dict[str, Any]
) -> None:
    lines = [f"203.0.113.1 - - {ASKED} {SAID}"] * 80
    strangers = [f"stranger {number}" for number in range(20)]

    with pytest.raises(LogFileError, match="20 of 100 lines are malformed") as refused:
        brought(*lines, *strangers, **wanted)
    assert "'stranger 0', 'stranger 1', 'stranger 2' (" in str(refused.value)
    assert not history.left_behind()

    tally = brought(*lines, *strangers, skip_malformed=True, **wanted)
    assert (tally.pageviews, tally.left_out["malformed"]) == (80, 20)


def test_a_named_format_is_the_only_one(brought: Any) -> None:
    with pytest.raises(LogFileError, match="12 of 24 lines are malformed"):
        brought(*[as_json(), f"203.0.113.1 - - {ASKED}"] * 12, format="nginx-json")


BEHIND = [f'10.0.0.1 - - {ASKED} {SAID} "{each}, 10.0.0.2"' for each in VISITORS]


@pytest.mark.parametrize(
    "lines",
    [
        BEHIND,
        [as_json(remote_addr="10.0.0.1", x_forwarded_for=each) for each in VISITORS],
    ],
)
def test_behind_a_proxy_a_person_says_whose_address_is_meant(
    history: History, brought: Any, lines: list[str]
) -> None:
    with pytest.raises(LogFileError, match="--address forwarded .* --address peer"):
        brought(*lines)

    brought(*lines, whose="forwarded")
    assert visitors(history) == len(VISITORS)
    history.undo("1")
    brought(*lines, whose="peer")
    assert visitors(history) == 1


def test_the_address_of_an_upstream_is_nobodys(history: History, brought: Any) -> None:
    lines = [f'{each} - - {ASKED} {SAID} 0.004 "10.0.0.7:80"' for each in VISITORS]
    brought(*lines)

    assert visitors(history) == len(VISITORS)


def test_one_private_address_for_all_is_told(brought: Any) -> None:
    (note,) = brought(*[f"172.18.0.1 - - {ASKED} {SAID}"] * 12).notes

    assert "all lines come from 172.18.0.1" in note


def test_marks_at_the_beginning_are_no_part_of_the_address(
    history: History, brought: Any
) -> None:
    line = f"203.0.113.1 - - {ASKED} {SAID}"
    brought(f"\ufeff{line}", line, f"\ufeff{line}")

    assert visitors(history) == 1


def test_utf_16_is_refused_with_what_to_do(history: History, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(f"203.0.113.1 - - {ASKED} {SAID}\n", "utf-16")

    with pytest.raises(LogFileError, match="iconv -f UTF-16"):
        history.run(log)
