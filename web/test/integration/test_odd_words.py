"""Every command with odd words: one line says what is wrong, and nothing is a fault.

The commands and their options are click's own tree, so that a new one is tried too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from page_tracker.cli import COMMANDS, main
from page_tracker.settings import described_settings
from page_tracker.store.registry import SITES_KEY, TOKENS_KEY
from support.drawing import examples

SECRET = "pa55"  # nosec B105 # looked for in what is said
# They stay: what they are given beside the odd word keeps them from starting.
STAY = {"serve": ("--port", "x"), "writer": ("--data", "{file}/x")}
# What stands before the line where nobody answered.
ASKED = "Delete it for good? [y/N]: \n"
# Whose values may hold a password or a key.
SECRETIVE = ("redis_url", "url", "country_from", "bots_from", "spam_from")
# What is written for an argument, or an option that must be there, beside the odd one.
USUAL = {
    "domain": "a.example",
    "site": "a.example",
    "logs": "{log}",
    "name": "signup",
    "filters": "country is DE",
    "scope": "stats",
    "token_id": "0123abcd",  # nosec B105 # names one, and opens nothing
    "number": "1",
}
WITH = {"token add": ("--all-sites",), "goal add": ("--event", "signup")}
ODD = (
    *("", " ", "--", "\n", "\t\x1b[2J", "'; --", "*", "%s{0}", "\\", '"', "=", ","),
    *("é", "日本", "🦊", "İ", "\u202e", "\ufeff", "\udcff", "a" * 300, "a" * 70_000),
    *("0", "-1", "1e9", "٣", "NaN", "9" * 30, "9" * 5_000, "1.5", "true", "None"),
    *("0000-00-00", "2026-02-30", "9999-12-31", "0001-01-01", "2026-01-01T25:00"),
    *("http://[x", "http://[::1", "http://ex ample/", "//", "http://", "http://a:b/c"),
    *("http://h:99999/", f"http://u:{SECRET}@h:x/?k={SECRET}", "s3://bucket/lake"),
    *(f"http://127.0.0.1:1/x?k={SECRET}", "file:///etc", "redis://h/x", "npm:../x"),
    *("~nobody-of-this-name/x", "{file}", "{file}/x", "{folder}", "{absent}/x/y"),
    *("[" * 3_000, "is", "a is", "page is [", "page ~ (", "page is " + "(" * 2_000),
    *("time:day asc desc", "previous..", "..", "10.0.0.0/33", "::/0", "a..b", "xn--a"),
)
FEW = 5


@dataclass(frozen=True)
class Place:
    """A word of a command line that somebody may get wrong."""

    words: tuple[str, ...]
    command: click.Command
    parameter: click.Parameter

    def __str__(self) -> str:
        return " ".join((*self.words, self.parameter.opts[0]))

    def line(self, odd: str) -> list[str]:
        """The whole command line with the odd word in its place."""
        line = [*self.words, *WITH.get(" ".join(self.words), ())]
        behind = []
        for parameter in self.command.params:
            word = (
                odd if parameter is self.parameter else USUAL.get(parameter.name or "")
            )
            if isinstance(parameter, click.Argument):
                behind += [] if word is None else [word]
            elif parameter is self.parameter or (parameter.required and word):
                line.append(f"{parameter.opts[0]}={word}")
        return [*line, *STAY.get(self.words[0], ()), "--", *behind]


def places(group: click.Group = main, before: tuple[str, ...] = ()) -> Iterator[Place]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from places(command, (*before, name))
            continue
        for parameter in command.params:
            is_flag = isinstance(parameter, click.Option) and parameter.is_flag
            if not is_flag:
                yield Place((*before, name), command, parameter)


PLACES = tuple(places())


@pytest.fixture(scope="module")
def try_words(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Result]]:
    """Runs a command in a data folder that has a site; `{file}` is a real one."""
    folder = tmp_path_factory.mktemp("odd")
    names = {
        "{file}": folder / "file",
        "{folder}": folder,
        "{absent}": folder / "absent",
        "{log}": folder / "access.log",
    }
    for name in ("{file}", "{log}"):
        names[name].touch()
    absent = str(names["{absent}"])

    def run(words: Sequence[str], **environment: str) -> Result:
        line = list(words)
        for name, path in names.items():
            line = [word.replace(name, str(path)) for word in line]
        return CliRunner().invoke(main, line, env=environment)

    with pytest.MonkeyPatch.context() as patch, Redis.from_url(redis_url) as client:
        patch.chdir(folder)
        patch.setenv("REDIS_URL", redis_url)
        patch.setenv("PAGE_TRACKER_DATA", str(folder / "data"))
        for name, setting in described_settings().items():
            if name.endswith("_from"):  # none of these is to be asked for in earnest
                patch.setenv(setting.variable, absent)
        client.delete(SITES_KEY, TOKENS_KEY)
        assert run(["site", "add", "a.example"]).exit_code == 0
        yield run
        client.delete(SITES_KEY, TOKENS_KEY)


def require_one_line(result: Result, line: Sequence[str], keeps_secret: bool) -> None:
    """It went well, or says in one line what is wrong and what to do."""
    is_ours = result.exception is None or isinstance(result.exception, SystemExit)
    assert is_ours, (line, repr(result.exception))
    said = result.stderr.removeprefix(ASKED)
    if result.exit_code and not ("doctor" in line and result.stdout):
        assert result.exit_code in (1, 2), line
        assert said.startswith("page-tracker: ") and said.count("\n") == 1, (line, said)
        assert said.endswith("\n") and said[:-1].isprintable(), (line, said)
        assert "; " in said and len(said) < 1_100, (line, said)
    if keeps_secret:
        assert SECRET not in said, (line, said)


def odd_words(request: pytest.FixtureRequest, place: Place) -> Sequence[str]:
    """All, or a few that are others at each place."""
    if request.config.getoption("--long"):
        return ODD
    first = PLACES.index(place) * 7
    return [ODD[(first + step * 13) % len(ODD)] for step in range(FEW)]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_an_odd_word_is_answered_in_one_line(
    request: pytest.FixtureRequest, try_words: Callable[..., Result], place: Place
) -> None:
    keeps_secret = place.parameter.name in SECRETIVE
    for odd in odd_words(request, place):
        line = place.line(odd)
        require_one_line(try_words(line), line, keeps_secret)


@pytest.mark.parametrize("name", described_settings())
def test_an_odd_setting_is_answered_in_one_line(
    try_words: Callable[..., Result], name: str
) -> None:
    variable = described_settings()[name].variable
    for odd in ODD:
        result = try_words(["site", "list"], **{variable: odd})
        require_one_line(result, [variable, odd], keeps_secret=name in SECRETIVE)


@pytest.mark.parametrize("command", COMMANDS)
def test_words_that_no_command_has_are_answered_in_one_line(
    try_words: Callable[..., Result], command: str
) -> None:
    for odd in (*ODD, "--no-such-option", "--dat", "lst"):
        for line in ([odd, command, "--none"], [command.rstrip("_"), "--none", odd]):
            result = try_words(line)
            if not result.stderr.startswith("Usage: "):  # of a group of commands
                require_one_line(result, line, keeps_secret=False)


def test_any_text_is_answered_in_one_line(
    try_words: Callable[..., Result],
) -> None:
    texts = st.text(st.characters(exclude_characters="\0"), max_size=40)

    @settings(max_examples=examples(30, long=5_000))
    @given(st.sampled_from(PLACES), texts)
    def check(place: Place, text: str) -> None:
        line = place.line(text)
        require_one_line(try_words(line), line, keeps_secret=False)

    check()  # pylint: disable=no-value-for-parameter # hypothesis gives them
