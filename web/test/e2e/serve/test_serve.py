"""`page-tracker serve`, as a person starts, stops, kills and mistypes it."""

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from support.load import Answers, stated, under_load
from support.own_redis import own_redis
from support.pace import ANSWER_SECONDS
from support.people import PASSWORD
from support.processes import (
    Running,
    command,
    descendants,
    is_alive,
    named,
    redis_pid,
    refusal,
    serving,
    store_of,
    wait_until,
    web_workers,
)


def view(url: str) -> int:
    return stated(requests.get(url, timeout=ANSWER_SECONDS).text)


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=ANSWER_SECONDS).ok
    except requests.RequestException:  # its process was killed, maybe in mid-answer
        return False


def wait_for_more(answers: Answers, views: int) -> None:
    """Return when so many more views were acknowledged."""
    goal = len(answers.numbers) + views
    wait_until(lambda: len(answers.numbers) >= goal)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "data"


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    """One that nobody stops."""
    with serving(folder) as running:
        yield running


def test_it_says_where_to_look_and_where_it_keeps_its_data(
    folder: Path, server: Running
) -> None:
    assert server.said_without_secret() == (
        f"Page Tracker counts at {server.url}\n"
        f"  your account {server.url}/welcome/…\n"
        f"  data folder  {folder}\n"
        "  Ctrl-C stops it.\n"
    )
    assert view(server.url) == 1


def test_the_link_that_it_says_makes_the_first_account_and_then_there_is_none(
    data: Path,
) -> None:
    with serving(data) as server:
        link = server.said().partition("your account ")[2].split()[0]
        fields = {"name": "ada", "password": PASSWORD}
        made = requests.post(
            link, fields, allow_redirects=False, timeout=ANSWER_SECONDS
        )
        assert (made.status_code, made.headers["Location"]) == (303, "/sites/add")
        again = requests.post(
            link, fields, allow_redirects=False, timeout=ANSWER_SECONDS
        )
        assert again.status_code == 404
        assert server.stop() == 0
    with serving(data) as server:
        assert "welcome" not in server.said()


def test_it_stops_cleanly_leaves_nothing_behind_and_goes_on_where_it_was(
    data: Path,
) -> None:
    for expected, number in enumerate((signal.SIGINT, signal.SIGTERM), start=1):
        with serving(data) as server:
            assert view(server.url) == expected
            processes = descendants(server.process.pid)
            assert server.stop(number) == 0
            assert not [pid for pid in processes if is_alive(pid)]
            assert "Traceback" not in server.said()


def kill_with_children(pid: int) -> None:
    """Kill a process, and wait for its children, which may answer for a moment yet."""
    killed = [pid, *descendants(pid)]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, killed)))


def test_counts_survive_sigkill_of_every_one_of_its_processes(data: Path) -> None:
    with serving(data) as server:
        assert view(server.url) == 1
        for expected, pid in enumerate(descendants(server.process.pid), start=2):
            if is_alive(pid):  # a worker goes with its gunicorn
                kill_with_children(pid)
            wait_until(lambda: is_ready(server.url))
            assert view(server.url) == expected


def test_sigkill_of_the_server_itself_leaves_no_child_and_loses_no_count(
    data: Path,
) -> None:
    with serving(data) as server:
        assert view(server.url) == 1
        # redis, gunicorn and its two workers, the writer
        wait_until(lambda: len(descendants(server.process.pid)) == 5)
        processes = descendants(server.process.pid)
        server.stop(signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in processes))

    with serving(data) as server:
        assert view(server.url) == 2


def test_ten_kills_of_redis_under_load_lose_no_acknowledged_count(data: Path) -> None:
    with serving(data) as server:
        with under_load(server.url, connections=8) as answers:
            for _ in range(10):
                wait_for_more(answers, 200)
                os.kill(redis_pid(data), signal.SIGKILL)
        wait_until(lambda: is_ready(server.url))
        with store_of(data) as store:
            kept = int(store.get("page_views") or 0)

    acknowledged = answers.numbers
    assert len(acknowledged) >= 2_000
    assert len(set(acknowledged)) == len(acknowledged)
    # What was counted and not acknowledged: at most the views that failed.
    assert len(acknowledged) <= kept <= len(acknowledged) + answers.failures
    assert max(acknowledged) <= kept


def test_a_killed_worker_costs_its_own_requests_at_most(data: Path) -> None:
    with serving(data) as server:
        with under_load(server.url, connections=4) as answers:
            for _ in range(3):
                wait_for_more(answers, 100)
                os.kill(descendants(server.process.pid)[-1], signal.SIGKILL)
        with store_of(data) as store:
            kept = int(store.get("page_views") or 0)

    assert len(set(answers.numbers)) == len(answers.numbers) <= kept
    assert kept <= len(answers.numbers) + answers.failures


def connections(path: Path) -> int:
    """How many sockets there are at a path: who listens, and each who is connected."""
    return Path("/proc/net/unix").read_text(encoding="utf-8").count(str(path))


def maps(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")


def test_one_process_answers_for_all_and_takes_no_other_with_it(
    folder: Path, server: Running
) -> None:
    at = ("--data", str(folder))
    command("site", "add", "a.org", *at)
    token = command("token", "add", "--scope", "stats", "--all-sites", *at).strip()
    body = {"site_id": "a.org", "metrics": ["visitors"], "date_range": "7d"}
    hit = {"name": "pageview", "url": "https://a.org/", "domain": "a.org"}

    def ask() -> int:
        return requests.post(
            f"{server.url}/api/v2/query",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=ANSWER_SECONDS,
        ).status_code

    assert not named(server.process.pid, "tracker-answers")
    # By whichever web process the kernel gives a connection to.
    assert [ask() for _ in range(8)] == [200] * 8
    (answers,) = named(server.process.pid, "tracker-answers")
    assert "duckdb" in maps(answers)
    assert not [pid for pid in web_workers(server) if "duckdb" in maps(pid)]
    # If memory runs out, it goes first.
    first = Path(f"/proc/{answers}/oom_score_adj").read_text(encoding="ascii")
    assert int(first) == 1000

    where = folder / "answers.sock"
    with socket.socket(socket.AF_UNIX) as asker, ThreadPoolExecutor(1) as pool:
        asker.connect(str(where))
        assert ask() == 200  # in the order in which they came
        os.kill(answers, signal.SIGSTOP)
        before = connections(where)
        waiting = pool.submit(ask)
        wait_until(lambda: connections(where) > before)
        os.kill(answers, signal.SIGKILL)
        # Who was being answered is told; who was not yet is answered by another.
        assert not asker.recv(1)
        taken = requests.post(
            f"{server.url}/api/event", json=hit, timeout=ANSWER_SECONDS
        )
        assert taken.status_code == 202
        assert waiting.result() == 200
    assert named(server.process.pid, "tracker-answers") not in ([], [answers])
    assert "was killed by SIGKILL; whoever asks starts it again" in server.said()


def test_redis_url_is_used_instead_of_a_redis_of_its_own(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "redis").mkdir()
    with own_redis(tmp_path / "redis") as redis, redis.client() as client:
        client.set("page_views", 41)
        with serving(data, REDIS_URL=redis.url) as server:
            assert view(server.url) == 42
            assert f"  Redis        {redis.url}\n" in server.said()
        assert client.get("page_views") == b"42"
    assert not (data / "redis").exists()


def test_every_setting_of_serve_may_come_from_the_environment(tmp_path: Path) -> None:
    settings = {
        "PAGE_TRACKER_HOST": "127.0.0.2",
        "PAGE_TRACKER_WORKERS": "1",
        "PAGE_TRACKER_REDIS_TIMEOUT": "0.3",
    }
    with serving(tmp_path / "data", **settings) as server:
        assert server.url.startswith("http://127.0.0.2:")
        assert view(server.url) == 1
        programs = descendants(server.process.pid)
        assert len(programs) == 4  # redis, gunicorn and its one worker, the writer


def test_a_port_in_use_is_one_clear_line(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = refusal("serve", "--data", str(data), "--port", str(port))

    assert status == 1
    assert said == (
        f"page-tracker: cannot listen at 127.0.0.1 port {port} (Address already in "
        "use); stop what listens there, or choose others by --host and --port\n"
    )


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    status, said = refusal("serve", "--data", str(tmp_path / "file" / "data"))

    assert status == 1
    assert said == (
        f"page-tracker: {tmp_path}/file/data cannot be used "
        "(Not a directory); name another data folder by --data or PAGE_TRACKER_DATA\n"
    )


def test_a_folder_in_use_is_one_clear_line(folder: Path, server: Running) -> None:
    status, said = refusal("serve", "--data", str(folder), "--port", "0")

    assert status == 1
    assert said == (
        f"page-tracker: the data folder {folder} is in use by process "
        f"{server.process.pid}; stop that one, or name another folder by --data or "
        "PAGE_TRACKER_DATA\n"
    )


def test_a_redis_that_cannot_be_reached_is_one_clear_line(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"redis://:secret@127.0.0.1:{port}"

    status, said = refusal("serve", "--data", str(data), REDIS_URL=url)

    assert status == 1
    assert said.startswith(f"page-tracker: Redis at redis://127.0.0.1:{port} cannot ")
    assert "Connection refused" in said
    assert said.count("\n") == 1
    assert "secret" not in said


def test_a_redis_that_refuses_the_password_is_one_clear_line(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "redis").mkdir()
    with own_redis(tmp_path / "redis") as redis:
        with redis.client() as client:
            client.config_set("requirepass", "right")
        status, said = refusal("serve", "--data", str(data), REDIS_URL=redis.url)

    assert status == 1
    assert "refuses the user or password" in said
    assert said.count("\n") == 1
