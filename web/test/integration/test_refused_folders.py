"""A data folder that is not there or not ours: one line, and nothing is made."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from shlex import split
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner, Result

from page_tracker.cli import COMMANDS, main
from page_tracker.store.registry import SITES_KEY, TOKENS_KEY
from support.command_reference import every_command
from support.own_redis import OwnRedis, own_redis

NOBODY = 65534
LOGGED = (
    '192.0.2.1 - - [10/Oct/2024:13:55:36 +0000] "GET /a HTTP/1.1" 200 9 "-" "Firefox"\n'
)

# Those that stay are tried where they cannot begin.
STAYING = ("serve --port 0", "writer --once")
BEGINNING = (
    "site add b.example",
    "update --only spam --spam-from {hosts}",
)
READING = (
    *("site list", "site show a.example", "token list", "goal list a.example"),
    *("segment list a.example", "query a.example", "query a.example --live"),
    *("doctor", "aside list", "import --list", "delete a.example --dry-run"),
)
CHANGING = (
    *("site set a.example --max-pages 7", "site remove a.example --yes"),
    *("token add --all-sites --scope stats", "token remove x"),
    *("goal add a.example --event x", "goal remove a.example x"),
    *("segment add a.example x --filter 'country is DE'", "segment remove a.example 1"),
    *("aside replay", "delete a.example --yes", "upkeep", "import a.example {log}"),
)
# Tried with a folder as a whole only.
FURTHER = (
    *("account list", "account link", "account add x --role viewer --all-sites"),
    *("account role x editor --all-sites", "account reset x", "account remove x --yes"),
    *("annotation list a.example", "annotation add a.example x"),
    *("annotation remove a.example 1", "experiment a.example plan Signup"),
    *("shared-link list a.example", "shared-link add a.example x"),
    *("shared-link remove a.example x", "site let-in a.example bot x"),
    *("site leave-out a.example bot x", "move --to-lake {hosts}.lake", "recover --yes"),
)
# They show what there is without a folder, or make one with a site of their own.
NEEDING_NONE = {"flags", "support", "fill-reports", "demo"}
ALL = (*STAYING, *BEGINNING, *READING, *CHANGING)


def test_every_command_is_tried() -> None:
    paths = (context.command_path for _, context in every_command())
    lines = [f"{line} " for line in (*ALL, *FURTHER)]
    untried = {
        path
        for path in (each.removeprefix("page-tracker ") for each in paths)
        if not any(line.startswith(f"{path} ") for line in lines)
    }

    assert untried == NEEDING_NONE


def run(line: str, data: Path) -> Result:
    log = data.parent / "access.log"
    words = split(line.format(log=log, hosts=data.parent / "hosts"))
    return CliRunner().invoke(main, [*words, "--data", str(data)])


@contextmanager
def another_user() -> Iterator[None]:
    """Be a user who has no rights to what others have forbidden."""
    for module in COMMANDS:  # the interpreter may be root's alone
        import_module(f"page_tracker.commands.{module}")
    import_module("duckdb")
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter; those of pytest are its user's alone."""
    with TemporaryDirectory(prefix="page-tracker-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="module")
def store() -> Iterator[OwnRedis]:
    """A Redis that any user may ask."""
    with open_folder() as folder, own_redis(folder) as server:
        socket = Path(unquote(urlsplit(server.url).path))
        socket.chmod(0o777)
        socket.parent.chmod(0o711)
        yield server


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user may enter, with a log in it."""
    with open_folder() as folder:
        (folder / "access.log").write_text(LOGGED)
        (folder / "hosts").write_text("spam.example\n")
        yield folder


def told(result: Result, line: str) -> str:
    """The one line that is said of a failure; of the doctor, all that it found."""
    assert result.exit_code in (1, 2), (line, result.output, repr(result.exception))
    assert isinstance(result.exception, SystemExit), (line, repr(result.exception))
    if line == "doctor" and result.stdout:
        return result.stdout
    assert result.stderr.count("\n") == 1, (line, result.stderr)
    return result.stderr


@pytest.mark.parametrize("line", (*READING, *CHANGING, *FURTHER))
def test_a_mistyped_folder_is_not_made(place: Path, line: str) -> None:
    data = place / "mistyped"

    assert f"there is no data folder {data}; name the right one" in told(
        run(line, data), line
    )
    assert not data.exists()


@pytest.mark.parametrize("line", (*READING, *CHANGING))
def test_a_folder_of_other_things_is_left_as_it_is(place: Path, line: str) -> None:
    data = place / "photographs"
    data.mkdir()
    (data / "cat.jpeg").touch()

    assert f"nothing was ever counted in the folder {data}" in told(
        run(line, data), line
    )
    assert [each.name for each in data.iterdir()] == ["cat.jpeg"]


def test_the_first_site_begins_a_folder(place: Path) -> None:
    data = place / "new"

    assert run("site add a.example", data).exit_code == 0
    unknown = run("site show b.example", data)

    assert f"no site 'b.example' in {data}, on which no server runs" in unknown.stderr


@pytest.mark.parametrize("mode", [0o700, 0o755])
@pytest.mark.parametrize("line", ALL)
def test_a_folder_of_another_user_is_told_with_his_name(
    place: Path, line: str, mode: int
) -> None:
    data = place / "data"
    (data / "redis").mkdir(parents=True)
    (data / "format.json").write_text('{"format": 1}')
    data.chmod(mode if os.geteuid() == 0 else 0o500)

    with another_user():
        said = told(run(line, data), line)

    assert str(data) in said and "Permission denied" in said
    if not line.startswith(("update", "import")):
        assert f"run this as the user {data.owner()}" in said


@pytest.mark.parametrize(
    "part",
    ["lake", "imports", "lookups", "mirror.json", "format.json", "server.lock"],
)
@pytest.mark.parametrize(
    "line",
    [each for each in (*BEGINNING, *READING, *CHANGING) if " remove " not in each],
)
def test_a_part_of_it_that_is_another_user_s_is_told_in_a_line(
    store: OwnRedis,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    part: str,
) -> None:
    monkeypatch.setenv("REDIS_URL", store.url)
    monkeypatch.setattr("page_tracker.upkeep.deletion_with_imports.FORGET_SECONDS", 0)
    data = place / "data"
    data.mkdir()
    forbidden = data / part
    with store.client() as client:
        client.delete(SITES_KEY, TOKENS_KEY)
    assert run("site add a.example", data).exit_code == 0
    if "." in part:
        forbidden.touch()
    else:
        forbidden.mkdir()
    if os.geteuid() == 0:
        for path in (data, *data.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        os.chown(forbidden, 0, 0)
    forbidden.chmod(0)

    try:
        with another_user():
            result = run(line, data)
    finally:
        forbidden.chmod(0o700)

    if result.exit_code and line != "doctor":
        assert part in told(result, line)
