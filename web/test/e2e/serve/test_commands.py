"""The commands of Flask and gunicorn that the application runs with."""

from pathlib import Path

import pytest
from redis import Redis

from support.load import replay
from support.processes import running

COMMANDS = {
    "flask": "flask --app page_tracker.app run --port 0",
    "flask, debugging": (
        "flask --app page_tracker.app run --host=0.0.0.0 --port 0 --debug"
    ),
    "gunicorn": "gunicorn page_tracker.app:app --bind 127.0.0.1:0",
    "gunicorn, workers": (
        "gunicorn page_tracker.asgi:app --bind 127.0.0.1:0 --workers 3"
        " --config python:page_tracker.gunicorn_config --log-level info"
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_serves_and_counts_each_view_once(
    tmp_path: Path, redis_client: Redis, redis_url: str, name: str
) -> None:
    redis_client.delete("page_views")
    marker = "Running on" if "flask" in name else "Listening at"
    environment = {"REDIS_URL": redis_url, "HOME": str(tmp_path)}

    with running(
        tmp_path / "output", COMMANDS[name].split(), marker, **environment
    ) as server:
        numbers = replay(server.url, [{} for _ in range(100)], connections=1)

    assert sorted(numbers) == list(range(1, 101))
    assert redis_client.get("page_views") == b"100"
