"""The command line: it explains itself, and its errors are one line."""

import pytest
from click.testing import CliRunner

from page_tracker.cli import main
from page_tracker.settings import described_settings


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    for name, command in main.commands.items():
        assert name in result.output
        assert command.help


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
    assert "--dry-run and --overlap go with logs to import alone" in refused.output


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
        "page-tracker: --from '17.5.2015' is no day; write it like 2026-01-31\n"
    )


def test_help_can_be_read_whatever_the_terminal_s_encoding() -> None:
    result = CliRunner(charset="latin-1").invoke(main, ["import", "--help"])

    assert result.exit_code == 0
    assert "LOG…" in result.stdout_bytes.decode()


@pytest.mark.parametrize("option", ["--version", "-h"])
def test_asking_about_the_program_is_no_error(option: str) -> None:
    assert CliRunner().invoke(main, [option]).exit_code == 0
