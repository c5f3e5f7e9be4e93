"""No address, user agent or user is ever written: marked ones are looked for."""

import json
import os
import signal
import socket
from http.client import HTTPConnection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from page_tracker.lake.table import Lake
from support.lake import ask
from support.pace import PACE
from support.processes import Running, command, redis_pid, serving, store_of, wait_until

SITE = "marked.example"
# The socket's own address; all of 127.0.0.0/8 is this machine.
PEER = "127.77.213.91"
FORWARDED = "198.18.213.91"
FORWARDED_6 = "2001:db8:77ab:213::91cd"
AGENT = "Zq7Marked"
USER = "Zq8MarkedUser"
BROWSER = (
    f"Mozilla/5.0 (X11; {AGENT}; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
BOT = f"{AGENT}Crawler/4.2 (+https://{AGENT}.example/bot)"
# All that is ever logged.
LOG = {"PAGE_TRACKER_LOG_FORMAT": "json", "PAGE_TRACKER_LOG_LEVEL": "debug"}
TRUST = {"PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.0/8"}


def marks() -> list[bytes]:
    """What must be nowhere, as text and as the bytes that stand for it."""
    found = [AGENT.encode(), AGENT.lower().encode(), USER.encode()]
    for text in (PEER, FORWARDED, FORWARDED_6):
        address = ip_address(text)
        found += [text.encode(), address.exploded.encode()]
        found.append(str(int(address)).encode())
        if address.version == 6:  # four bytes would be found by chance
            found += [address.packed, address.packed[::-1]]
    return found


def send(url: str, method: str, path: str, body: str, **headers: str) -> int:
    """Ask from the marked peer; returns the status."""
    at = urlsplit(url)
    connection = HTTPConnection(
        at.hostname or "", at.port, timeout=10 * PACE, source_address=(PEER, 0)
    )
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def event(name: str = "pageview", site: str = SITE) -> str:
    url = f"https://{SITE}/page"
    return json.dumps({"n": name, "u": url, "d": site, "user": USER})


def send_everything(server: Running) -> None:
    """What is counted, dropped, refused and nonsense, each with every mark."""
    for forwarded in ("", FORWARDED, FORWARDED_6, f"{PEER}, {FORWARDED}"):
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        for agent in (BROWSER, BOT):
            headers["User-Agent"] = agent
            posts = [event(), event("engagement"), event(site="nobody.example"), "{"]
            answers = [
                send(server.url, "POST", "/api/event", body, **headers)
                for body in posts
            ]
            assert answers[0] == 202
            send(server.url, "GET", f"/count?p=/page&site={SITE}", "", **headers)
            send(server.url, "GET", "/", "", **headers)
            send(server.url, "GET", "/nowhere", "", **headers)
            for _ in range(12):
                wrong = {"Authorization": "Bearer pt_0_0"}
                send(server.url, "GET", "/api/sites", "", **headers, **wrong)


def send_nonsense(server: Running) -> None:
    """A request that is no HTTP, from the marked peer."""
    at = urlsplit(server.url)
    with socket.create_connection(
        (at.hostname or "", at.port or 0), 10, source_address=(PEER, 0)
    ) as raw:
        raw.sendall(f"GET / HTTP/1.1\r\nUser-Agent: {AGENT}\r\nBroken\r\n\r\n".encode())
        raw.recv(1000)


def content_of(file: Path) -> bytes:
    """Empty where it has just gone, as a spool's file does once Redis has it."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def found_in(folder: Path) -> list[str]:
    """Every file that has a mark in it, with the mark."""
    return [
        f"{mark!r} in {file}"
        for file in folder.rglob("*")
        if file.is_file()
        for content in [content_of(file)]
        for mark in marks()
        if mark in content
    ]


def test_a_mark_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a" + ip_address(FORWARDED_6).packed + b"z")
    assert len(found_in(tmp_path)) == 1


def test_no_address_no_user_agent_and_no_user_is_in_any_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command("site", "add", SITE, "--user-ids", "true", "--data", str(data))
    with serving(data, **TRUST, **LOG) as server:
        send_everything(server)
        send_nonsense(server)
        with store_of(data) as store:
            redis = redis_pid(data)
            os.kill(redis, signal.SIGSTOP)  # what is said of a failure is logged
            try:
                send(
                    server.url, "POST", "/api/event", event(), **{"User-Agent": BROWSER}
                )
                send(server.url, "GET", "/", "", **{"User-Agent": BROWSER})
            finally:
                os.kill(redis, signal.SIGCONT)
            wait_until(store.ping)
            before_the_end = found_in(tmp_path)
            log = server.said()
    command("writer", "--once", "--data", str(data))
    lake = Lake(str(data / "lake"))
    # Parquet is compressed: what is in it is looked through as it reads.
    hits, drops = (
        [row for (row,) in ask(lake, query)]
        for query in (
            "SELECT hits::VARCHAR FROM hits",
            "SELECT drops::VARCHAR FROM drops",
        )
    )
    assert len(hits) >= 8 and any("bot" in row for row in drops)
    kept = "".join(hits + drops).encode()
    assert not [mark for mark in marks() if mark in kept]
    assert not before_the_end
    # The page is in the lake, and not in the log either.
    assert '"message": "The view could not be counted' in log
    assert "/page" not in log
    assert not found_in(tmp_path)
