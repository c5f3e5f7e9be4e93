"""Options of several commands; those for settings come from the table of settings."""

from collections.abc import Callable
from typing import Any

import click

from page_tracker.settings import described_settings

Command = Callable[..., Any]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def setting_option(name: str) -> Callable[[Command], Command]:
    """The option for a setting; the command gets its text, or None."""
    setting = described_settings()[name]
    return click.option(
        f"--{name.replace('_', '-')}",
        name,
        metavar=setting.metavar,
        help=f"{setting.help}  [{setting.variable}; default: {setting.default}]",
    )
