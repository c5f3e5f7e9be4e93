"""`page-tracker update` against a real HTTP server."""

import gzip
import io
import json
import lzma
import socket
import tarfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from page_tracker.cli import main
from page_tracker.lookups.load import BOTS, COUNTRY, PACKAGED, SPAM, load
from support.pace import PACE

Publish = Callable[[str, bytes], str]

PATTERNS = (PACKAGED / BOTS).read_bytes()

CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]"
ELSEWHERE = b"HTTP/1.1 302 Found\r\nLocation: http://a b/?key=s3cret\r\n\r\n"


class QuietHandler(SimpleHTTPRequestHandler):
    """Gives files, and says nothing on the error output, which is what is tested."""

    def log_message(self, *_: object) -> None:  # pylint: disable=arguments-differ
        pass


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Publish]:
    """Publishes a file over HTTP; gives its address."""
    folder = tmp_path / "published"
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def publish(name: str, content: bytes) -> str:
            (folder / name).write_bytes(content)
            return f"http://127.0.0.1:{server.server_port}/{name}"

        yield publish
        server.shutdown()
        thread.join()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *options: str) -> Result:
    command = ["update", "--data", str(data), *options]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def places() -> bytes:
    return (PACKAGED / COUNTRY).read_bytes()


# Made once: packing takes a second.
@cache
def packed_places() -> bytes:
    return gzip.compress(places(), 1)


def xz_packed_places() -> bytes:
    return lzma.compress(places(), preset=0)


def damaged_places() -> bytes:
    return packed_places()[:10_000] + b"\xff" * 10_000


def archive(**files: bytes) -> bytes:
    """A packed archive, as package registries give them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def archive_of_places() -> bytes:
    files = {"readme.txt": b"hello", "small.mmdb": b"x", "large.mmdb": places()}
    return archive(**files)


def script_of_patterns(patterns: list[str]) -> bytes:
    listed = ",\n".join(f"  {json.dumps(each)}" for each in patterns)
    return f"var patterns_default = [\n{listed}\n];\nvar more = [];\n".encode()


@pytest.mark.parametrize(
    "content",
    [
        places,
        packed_places,
        xz_packed_places,
        archive_of_places,
    ],
    ids=["plain", "gzip", "xz", "archive"],
)
def test_gets_a_database_of_places(
    publish: Publish, data: Path, content: Callable[[], bytes]
) -> None:
    options = ("--only", "country", "--country-from", publish("places", content()))
    first, second = run(data, *options), run(data, *options)
    assert (first.exit_code, first.stdout) == (0, "country: updated\n")
    assert (second.exit_code, second.stdout) == (0, "country: up to date\n")
    assert (data / "lookups" / COUNTRY).read_bytes() == places()


def test_gets_patterns_of_bots_out_of_the_package_that_publishes_them(
    publish: Publish, data: Path
) -> None:
    patterns = [*json.loads(PATTERNS), "^penguin"]
    packed = archive(**{"index.mjs": script_of_patterns(patterns)})
    result = run(data, "--only", "bots", "--bots-from", publish("isbot.tgz", packed))
    assert (result.exit_code, result.stdout) == (0, "bots: updated\n")
    assert load(data / "lookups").bot_of("Penguin/1.0") is not None


def test_gets_a_list_of_spam_from_a_file(tmp_path: Path, data: Path) -> None:
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("spam.test\n")
    result = run(data, "--only", "spam", "--spam-from", str(hosts))
    assert (result.exit_code, result.stdout) == (0, "spam: updated\n")
    assert load(data / "lookups").is_spam("spam.test")


def test_leaves_what_it_has_no_origin_for(data: Path) -> None:
    result = run(data, "--only", "spam")
    assert result.exit_code == 0
    assert "--spam-from" in result.stdout
    assert not (data / "lookups" / SPAM).exists()


@pytest.mark.parametrize(
    "kind, content, why",
    [
        ("country", lambda: b"rubbish", "valid MaxMind"),
        ("country", lambda: places()[: len(places()) // 2], "valid MaxMind"),
        ("country", lambda: packed_places()[:10_000], "end-of-stream"),
        ("country", damaged_places, "decompressing"),
        ("bots", lambda: b"[" * 100_000, "recursion"),
        ("country", lambda: archive(**{"readme.txt": b"hello"}), "no file"),
        ("bots", lambda: b"<html>", "Expecting value"),
        ("bots", lambda: b'["("]', "regular expression"),
        ("bots", lambda: b'["mozilla"]', "Firefox"),
        ("bots", lambda: b'["penguin"]', "Googlebot"),
        ("bots", lambda: b'{"a": 1}', "array"),
        ("spam", lambda: b"<html>\n", "line 1"),
        ("spam", lambda: b"google.com\n", "google.com"),
        ("spam", lambda: b"", "empty"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line_and_the_old_data_stays(
    publish: Publish, data: Path, kind: str, content: Callable[[], bytes], why: str
) -> None:
    lookups = data / "lookups"
    lookups.mkdir(parents=True)
    for name in (COUNTRY, BOTS, SPAM):
        (lookups / name).write_bytes(b"from before")
    origin = publish("wrong", content())
    result = run(data, "--only", kind, f"--{kind}-from", origin)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert why in result.stderr
    assert sorted(each.name for each in lookups.iterdir()) == [BOTS, COUNTRY, SPAM]
    assert {each.read_bytes() for each in lookups.iterdir()} == {b"from before"}


def test_a_server_that_does_not_have_it_is_told_of(
    publish: Publish, data: Path
) -> None:
    absent = publish("spam", b"") + "-absent"
    result = run(data, "--only", "spam", "--spam-from", absent)
    assert result.exit_code == 1
    assert "404" in result.stderr


@pytest.mark.parametrize("sends", [b"", b"nonsense\r\n\r\n", CUT, ELSEWHERE])
def test_a_server_that_answers_badly_is_told_of_without_the_key_of_its_address(
    data: Path, sends: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10 * PACE)

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(10_000)
                connection.sendall(sends)

        thread = Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        origin = f"http://127.0.0.1:{port}/bots?key=s3cret"
        result = run(data, "--only", "bots", "--bots-from", origin)
        thread.join()

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert f"not updated from http://127.0.0.1:{port}/bots (its server" in result.stderr
    assert "s3cret" not in result.output


def test_one_failure_does_not_keep_the_others_from_being_updated(
    publish: Publish, data: Path
) -> None:
    bots = publish("bots", PATTERNS)
    result = run(data, "--country-from", f"{bots}-absent", "--bots-from", bots)
    assert result.exit_code == 1
    assert "bots: updated" in result.stdout
    assert (data / "lookups" / BOTS).exists()
