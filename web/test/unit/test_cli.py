"""The command line: it explains itself, and its errors are one line."""

import sys
import tomllib
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from page_tracker.__main__ import main as begin
from page_tracker.cli import COMMANDS, main
from page_tracker.settings import described_settings

ROOT = Path(__file__).parents[2]


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    context = click.Context(main)
    assert "serve" in main.list_commands(context)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert f"  {name} " in result.output
        assert command and command.help


def test_a_command_is_listed_as_its_docstring_begins() -> None:
    context = click.Context(main)
    for module, listed in COMMANDS.items():
        name = module.rstrip("_").replace("_", "-")
        command = main.get_command(context, name)
        assert command and command.help
        assert f"{' '.join(command.help.split())} ".startswith(f"{listed} ")


def test_help_of_serve_names_option_variable_and_default() -> None:
    output = CliRunner().invoke(main, ["serve", "--help"]).output

    for name in ("host", "port", "data", "workers"):
        setting = described_settings()[name]
        assert f"--{name} {setting.metavar}" in output
        assert setting.variable in output


@pytest.mark.parametrize(
    "arguments",
    [
        "--undo 1 --dry-run",
        "a.example --list --overlap",
        "a.example log --follow --dry-run",
    ],
)
def test_what_an_import_would_not_heed_is_refused(arguments: str) -> None:
    refused = CliRunner().invoke(main, ["import", *arguments.split()])
    assert refused.exit_code == 2
    assert "--dry-run and --overlap need logs to import" in refused.output


def test_a_refused_setting_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["serve", "--port", "many"])

    assert result.exit_code == 2
    assert result.stderr == (
        "page-tracker: --port 'many' is out of range; write 0 to 65535\n"
    )
    assert not result.stdout


def test_a_day_that_is_none_is_refused_with_how_to_write_one() -> None:
    result = CliRunner().invoke(main, ["delete", "a.org", "--from", "17.5.2015"])

    assert result.exit_code == 2
    assert result.stderr == (
        "page-tracker: from: '17.5.2015' is not a date; write it like 2026-01-31\n"
    )


def test_help_can_be_read_whatever_the_terminal_s_encoding() -> None:
    result = CliRunner(charset="latin-1").invoke(main, ["import", "--help"])

    assert result.exit_code == 0
    assert "LOG…" in result.stdout_bytes.decode()


@pytest.mark.parametrize("option", ["--version", "-h"])
def test_asking_about_the_program_is_no_error(option: str) -> None:
    assert CliRunner().invoke(main, [option]).exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("sit list", "no such command 'sit'; did you mean 'site'? Else see page-track"),
        (
            "site list --dta x",
            "no such option '--dta'; did you mean '--data'? Else see",
        ),
        ("token add", "missing option '--scope'. Choose from: stats, "),
        (
            "token add --scope stats --days x",
            "'x' is not a valid integer; see page-tracker",
        ),
        ("query", "missing argument 'SITE'; see page-tracker query --help"),
        ("site list x", "got unexpected extra argument (x); see page-tracker site"),
        ("site list --d", "no such option '--d'"),
    ],
)
def test_a_word_that_no_command_has_is_one_line_with_what_is_near(
    words: str, told: str
) -> None:
    result = CliRunner().invoke(main, words.split(), prog_name="page-tracker")

    assert result.exit_code == 2
    assert result.stderr.startswith("page-tracker: ") and told in result.stderr
    assert result.stderr.count("\n") == 1 and not result.stdout


def test_ctrl_c_is_one_line_and_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("page_tracker.commands.site.registry_of_folder", interrupted)
    result = CliRunner().invoke(main, ["site", "list"])

    assert result.exit_code == 130
    assert result.stderr.split() == (
        "page-tracker: stopped; the same command once more goes on".split()
    )


def test_ctrl_c_is_one_line_also_while_the_command_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Loading(ModuleType):
        """A module in whose loading somebody presses Ctrl-C."""

        def __getattr__(self, _: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "page_tracker.cli", Loading("page_tracker.cli"))
    with pytest.raises(SystemExit) as end:
        begin()

    assert end.value.code == 130
    assert capsys.readouterr() == (
        "",
        "\npage-tracker: stopped; the same command once more goes on\n",
    )


def test_the_installed_command_is_that_which_is_told_from_its_first_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert project["scripts"] == {"page-tracker": f"{begin.__module__}:main"}
