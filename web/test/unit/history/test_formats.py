"""The formats of access logs: what each line says, and which format a log is in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from page_tracker.errors import LogFileError
from page_tracker.history.dialect_detection import recognise
from page_tracker.history.formats import FORMATS, Exchange, Request
from page_tracker.history.formats.logged_request import clf_time, epoch_time, iso_time
from page_tracker.history.wanted import Wanted

NOON = int(datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC).timestamp()) * 1_000_000
CLF = '192.0.2.7 - - [31/Jan/2026:13:00:05 +0100] "GET /a?b=1 HTTP/1.1" 200 512'
COMBINED = f'{CLF} "https://example.org/" "Agent (1.0)"'
CADDY = (
    '{"level":"info","ts":1769860805.25,"logger":"http.log.access","msg":"handled'
    ' request","request":{"remote_ip":"10.0.0.1","client_ip":"192.0.2.7","method":'
    '"GET","host":"example.com:443","uri":"/a?b=1","headers":{"User-Agent":'
    '["Agent (1.0)"],"Referer":["https://example.org/"]}},"status":200,"size":512}'
)
NGINX = (
    '{"time_iso8601":"2026-01-31T13:00:05+01:00","remote_addr":"192.0.2.7","request":'
    '"GET /a?b=1 HTTP/2.0","status":"200","http_referer":"https://example.org/",'
    '"http_user_agent":"Agent (1.0)","host":"example.com"}'
)
ASKED = Exchange("GET", "/a?b=1", 200)
PLAIN = Request("192.0.2.7", NOON, ASKED, user_agent=None)
FULL = replace(PLAIN, referrer="https://example.org/", user_agent="Agent (1.0)")
OF_HOST = replace(FULL, asked=ASKED._replace(host="example.com"))


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("common", CLF, PLAIN),
        ("common-vhost", f"example.com {CLF}", replace(PLAIN, asked=OF_HOST.asked)),
        ("combined", COMBINED, FULL),
        (
            "combined",
            f'{COMBINED} 0.004 "-"',
            replace(FULL, forwarded=' 0.004 "-"'),
        ),
        ("combined-vhost", f"example.com:80 {COMBINED}", OF_HOST),
        ("caddy", CADDY, replace(OF_HOST, time=NOON + 250_000)),
        ("nginx-json", NGINX, OF_HOST),
        (
            "nginx-json",
            '{"msec":"1769860805.000","remote_addr":"192.0.2.7","request_method":"GET",'
            '"request_uri":"/a?b=1","status":200}',
            PLAIN,
        ),
    ],
)
def test_a_line_is_found_in_its_format_and_read(
    name: str, line: str, says: Request
) -> None:
    assert recognise("access.log", [line], Wanted()).dialect.format == name
    assert FORMATS[name].read(line) == says


def test_escaped_quotes_and_bytes_are_what_they_were() -> None:
    line = CLF + r' "-" "a \"b\" \\ \xc3\xa4 \xe4"'
    request = FORMATS["combined"].read(line)

    assert request is not None
    assert (request.referrer, request.user_agent) == ("", 'a "b" \\ ä \ufffd')


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no log",
        COMBINED[:-1],
        COMBINED.replace("31/Jan", "31/Feb"),
        COMBINED.replace("31/Jan", "31/Foo"),
        COMBINED.replace(" 200 ", " ok "),
        CADDY[:-1],
        CADDY.replace("1769860805.25", "1e300"),
        NGINX.replace('"200"', '"?"'),
        "[1, 2]",
        "{}",
    ],
)
def test_what_is_no_line_is_none_in_any_format(line: str) -> None:
    assert all(each.read(line) is None for each in FORMATS.values())


@pytest.mark.parametrize("address", ["crawl.example.net", "-", "unix:", "10.0.0.256"])
def test_a_line_whose_client_has_no_address_is_none(address: str) -> None:
    for line in (CLF, COMBINED, f"example.com {CLF}", CADDY, NGINX):
        without = line.replace("192.0.2.7", address).replace("10.0.0.1", address)
        assert all(each.read(without) is None for each in FORMATS.values())


def test_an_address_is_read_in_its_canonical_form() -> None:
    for written, address in (
        ("[2001:DB8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:80", "192.0.2.7"),
    ):
        for name, line in (("combined", COMBINED), ("caddy", CADDY)):
            request = FORMATS[name].read(line.replace("192.0.2.7", written))
            assert request is not None and request.address == address


@pytest.mark.parametrize("lines", [["one", "two"], [], ["", "["]])
def test_a_log_of_no_format_is_not_recognised(lines: list[str]) -> None:
    with pytest.raises(LogFileError, match="no access log in a format that is known"):
        recognise("access.log", lines, Wanted())


odd_lines = st.text().map(lambda text: text.replace("\n", "\r"))


@given(odd_lines)
def test_no_line_is_too_odd_to_be_looked_at(text: str) -> None:
    for each in FORMATS.values():
        each.read(text)
        each.read(f'192.0.2.7 - - [{text}] "{text}" 200 1 "{text}" "{text}"')


@given(
    st.lists(
        odd_lines
        | st.sampled_from([CLF, COMBINED, f"example.com {CLF}", CADDY, NGINX, ""]),
        min_size=1,
    ),
    st.booleans(),
)
def test_a_text_of_lines_says_what_each_of_them_says(
    lines: list[str], is_ended: bool
) -> None:
    text = "\n".join(lines) + ("\n" if is_ended or not lines[-1] else "")

    for each in FORMATS.values():
        assert list(each.read_lines(text)) == [each.read(line) for line in lines]


@pytest.mark.parametrize("seconds", [" 3", "٠٣", "3 ", "+3", "61", "-1", "3", ""])
def test_seconds_are_two_digits_of_a_minute(seconds: str) -> None:
    with pytest.raises(ValueError):
        clf_time(f"17/May/2015:10:05:{seconds} +0000")


def test_json_that_is_nested_too_deep_is_malformed() -> None:
    deep = '{"request":' + "[" * 100_000 + "]" * 100_000 + "}"

    assert [FORMATS[name].read(deep) for name in ("caddy", "nginx-json")] == [None] * 2


@given(
    st.datetimes(datetime(1991, 1, 1), datetime(2099, 1, 1)),
    st.sampled_from(["+0000", "+0530", "-0930"]),
)
def test_every_way_to_write_a_time_means_the_same(moment: datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    in_zone = datetime.strptime(f"{moment.isoformat()}{zone}", "%Y-%m-%dT%H:%M:%S%z")
    expected = round(in_zone.timestamp()) * 1_000_000

    assert clf_time(f"{moment:%d/%b/%Y:%H:%M:%S} {zone}") == expected
    assert iso_time(in_zone.isoformat()) == expected
    assert epoch_time(expected / 1_000_000) == expected
    assert epoch_time(expected // 1000) == expected
