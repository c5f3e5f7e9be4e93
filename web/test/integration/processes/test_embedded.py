"""The embedded server: who has it, how it is found, what it keeps."""

import os
import signal
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.errors import DataFolderError, DataFolderInUseError, ProcessError
from page_tracker.processes import embedded
from page_tracker.processes.folder import locked
from page_tracker.processes.machine import memory
from page_tracker.settings import Settings
from support.folder_user import folder_user, server_pid
from support.own_redis import own_redis
from support.processes import is_alive, wait_until


def test_it_writes_every_change_to_disk_before_it_answers(tmp_path: Path) -> None:
    with own_redis(tmp_path) as server, server.client() as client:
        assert client.config_get("append*") | {} == {
            "appendonly": "yes",
            "appendfsync": "always",
            "appendfilename": "appendonly.aof",
            "appenddirname": "appendonlydir",
        }


def test_it_has_a_bound_of_memory_and_evicts_nothing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, redis_memory=64)
    with embedded.redis_of(settings) as url, Redis.from_url(url) as client:
        assert client.config_get("maxmemory", "maxmemory-policy") == {
            "maxmemory": "64000000",
            "maxmemory-policy": "noeviction",
        }


def test_without_a_setting_its_bound_is_half_of_the_machine(tmp_path: Path) -> None:
    with own_redis(tmp_path) as server, server.client() as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(memory() // 2)}


def test_it_listens_at_a_private_socket_only(tmp_path: Path) -> None:
    with own_redis(tmp_path) as server, server.client() as client:
        assert client.config_get("port") == {"port": "0"}
        path = Path(client.config_get("unixsocket")["unixsocket"])
        assert path.stat().st_mode & 0o777 == 0o700


def test_what_is_counted_is_there_for_the_next_one(tmp_path: Path) -> None:
    for expected in (1, 2):
        with embedded.redis_of(Settings(data=tmp_path)) as url:
            with Redis.from_url(url) as client:
                assert client.incr("page_views") == expected
            pid = server_pid(url)
        assert not is_alive(pid)


def test_a_second_user_is_given_the_running_server(tmp_path: Path) -> None:
    with embedded.redis_of(Settings(data=tmp_path)) as url:
        with embedded.redis_of(Settings(data=tmp_path)) as again:
            assert again == url
        assert server_pid(url)


def test_it_stays_until_its_last_user_ends(tmp_path: Path) -> None:
    with folder_user(tmp_path) as first, folder_user(tmp_path) as second:
        assert first.redis_pid == second.redis_pid
        first.end()
        assert not first.pipe.poll(0.3)
        assert is_alive(first.redis_pid)
        second.end()
        wait_until(lambda: not is_alive(first.redis_pid))


def test_it_does_not_outlive_an_owner_that_is_killed(tmp_path: Path) -> None:
    with folder_user(tmp_path) as owner:
        os.kill(owner.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(owner.redis_pid))

    with embedded.redis_of(Settings(data=tmp_path)) as url:
        assert server_pid(url) != owner.redis_pid


def test_a_folder_in_use_names_the_process_that_uses_it(tmp_path: Path) -> None:
    with folder_user(tmp_path) as owner:
        with pytest.raises(DataFolderInUseError, match=f"by process {owner.pid}"):
            with locked(tmp_path):
                pass


def test_a_holder_that_never_answers_is_named_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ATTACH_SECONDS", 0.2)
    with locked(tmp_path):
        with pytest.raises(DataFolderInUseError, match="in use by another process"):
            with embedded.redis_of(Settings(data=tmp_path)):
                pass


def test_a_folder_name_too_long_for_a_socket_works_too(tmp_path: Path) -> None:
    data = tmp_path / ("long " * 30)

    with embedded.redis_of(Settings(data=data)) as url:
        with embedded.redis_of(Settings(data=data)) as again:
            assert server_pid(again) == server_pid(url)


@pytest.mark.parametrize("name", ["a folder", "100%25", "what?", "ä#b"])
def test_odd_folder_names_work(tmp_path: Path, name: str) -> None:
    with embedded.redis_of(Settings(data=tmp_path / name)) as url:
        assert server_pid(url)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataFolderError, match="cannot be used .Not a directory"):
        with embedded.redis_of(Settings(data=tmp_path / "file" / "data")):
            pass


def test_a_store_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / embedded.LOG_NAME).mkdir()

    with pytest.raises(DataFolderError, match=f"{embedded.LOG_NAME} cannot be written"):
        with embedded.redis_of(Settings(data=tmp_path)):
            pass


def test_a_corrupt_append_only_file_is_named(tmp_path: Path) -> None:
    with own_redis(tmp_path) as server, server.client() as client:
        client.incr("page_views")
    (log,) = tmp_path.glob("redis/appendonlydir/*.incr.aof")
    log.write_bytes(b"rubbish" + log.read_bytes())

    with pytest.raises(ProcessError, match=r"redis ended with status 1.*redis\.log"):
        with own_redis(tmp_path):
            pass


def test_a_server_of_the_machine_may_be_named(tmp_path: Path) -> None:
    script = tmp_path / "redis-server"
    script.write_text("#!/bin/sh\necho this is no server\nexit 3\n")
    script.chmod(0o755)
    settings = Settings(data=tmp_path, redis_server=script)

    with pytest.raises(ProcessError, match="status 3.*this is no server"):
        with embedded.redis_of(settings):
            pass


def test_a_machine_without_a_server_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)

    with pytest.raises(ProcessError, match="install redis-server or valkey-server"):
        with embedded.redis_of(Settings(data=tmp_path)):
            pass


def test_a_locale_that_is_not_installed_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")

    with embedded.redis_of(Settings(data=tmp_path)) as url:
        assert server_pid(url)
