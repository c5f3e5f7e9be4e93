"""What an owner does beside a running server, and without one."""

import json
import subprocess
from pathlib import Path
from typing import Any

import requests

from support.processes import BIN, clean_environment, serving


def page_tracker(data: Path, *command: str) -> str:
    """What a command that succeeds says on standard output."""
    return subprocess.run(
        [BIN / "page-tracker", *command, "--data", data],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=30,
    ).stdout


def bearer(token: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {token.strip()}"}, "timeout": 10}


def test_sites_and_tokens_made_before_the_server_starts_are_its_own(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    page_tracker(data, "site", "add", "a.example")
    token = page_tracker(data, "token", "add", "--all-sites", "--scope", "admin")
    with serving(data) as server:
        listed = requests.get(f"{server.url}/api/sites", **bearer(token)).json()
    assert [site["domain"] for site in listed["sites"]] == ["a.example"]


def test_commands_and_a_running_server_see_each_other(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        page_tracker(data, "site", "add", "a.example")
        token = page_tracker(data, "token", "add", "--all-sites", "--scope", "admin")
        changed = requests.patch(
            f"{server.url}/api/sites/a.example",
            json={"timezone": "Asia/Tokyo", "max_pages": 5},
            **bearer(token),
        )
        assert changed.status_code == 200, changed.text
        shown = json.loads(page_tracker(data, "site", "show", "a.example", "--json"))
        assert (shown["max_pages"], shown["next_timezone"]) == (5, "Asia/Tokyo")


def test_an_emptied_store_starts_with_the_sites_and_tokens_of_its_mirror(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    page_tracker(data, "site", "add", "a.example", "--timezone", "Asia/Tokyo")
    token = page_tracker(data, "token", "add", "--all-sites", "--scope", "admin")
    for file in (data / "redis" / "appendonlydir").iterdir():
        file.unlink()
    with serving(data) as server:
        shown = requests.get(f"{server.url}/api/sites/a.example", **bearer(token))
    assert shown.json()["timezone"] == "Asia/Tokyo"
