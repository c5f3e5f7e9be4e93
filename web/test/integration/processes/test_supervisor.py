"""The supervisor, over real processes."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from page_tracker.errors import ProcessError
from page_tracker.processes import die_with_parent
from page_tracker.processes.child import Child, Process, Program, spawned
from page_tracker.processes.supervisor import Supervisor
from support.processes import clean_environment, descendants, is_alive, wait_until

SLEEP = "exec sleep 1000"
STUBBORN = "trap '' TERM; echo $$ > {}; while :; do sleep 0.1; done"


def shell(script: str, log: Path | None = None) -> Callable[[], Process]:
    return partial(spawned, ["/bin/sh", "-c", script], os.environ, log)


@contextmanager
def supervising(
    tmp_path: Path, *programs: str, grace: float = 1
) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """A process that supervises NAME=SCRIPT programs, once ready, and its output."""
    output = tmp_path / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-m", "support.supervised", str(grace), *programs],
            env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            wait_until(
                lambda: "all ready" in output.read_text() or process.poll() is not None
            )
            yield process, output
        finally:
            process.kill()


def test_a_child_that_dies_is_started_again_and_logged(tmp_path: Path) -> None:
    with supervising(tmp_path, f"sleeper={SLEEP}") as (process, output):
        (first,) = descendants(process.pid)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: descendants(process.pid) not in ([], [first]))
        assert (
            f"sleeper (pid {first}) was killed by SIGKILL; starting it again in 0.1 s"
            in output.read_text()
        )


def test_one_that_is_there_for_who_asks_is_started_by_each_who_finds_it_ended(
    tmp_path: Path,
) -> None:
    """It ends as it is told; that it has rested is not worth a line."""
    ends = (
        "import os, socket, sys; asked = socket.socket(fileno=int(os.environ['ASKED']))"
        "; sys.exit(int(asked.accept()[0].recv(9)))"
    )
    path = tmp_path / "asked"
    script = f'exec {sys.executable} -ISc "{ends}"'
    with supervising(tmp_path, f"asked@{path}={script}") as (process, output):
        assert not descendants(process.pid)
        for status in (b"0", b"3", b"0"):
            with socket.socket(socket.AF_UNIX) as asker:
                asker.connect(str(path))
                asker.send(status)
                assert not asker.recv(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        said = re.sub(r"\d+\)", "…)", output.read_text())
        assert said.splitlines() == [
            "all ready",
            "asked (pid …) ended with status 3; whoever asks starts it again, in 0.1 s",
            "all stopped",
        ]


def test_one_that_finds_no_memory_to_start_in_takes_no_other_with_it(
    tmp_path: Path,
) -> None:
    said: list[str] = []

    def start() -> Process:
        if len(said) < 2:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        os.kill(os.getpid(), signal.SIGTERM)
        return shell(SLEEP)()

    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as asker,
    ):
        listener.bind(str(tmp_path / "asked"))
        listener.listen()
        asker.connect(str(tmp_path / "asked"))
        program = Program("asked", start, lambda: True, 1, 1, asked_at=listener)
        Supervisor([program], said.append).run(lambda: None)

    why = "asked cannot be started (Cannot allocate memory); whoever asks starts it"
    assert said == [f"{why} again, in {delay:g} s" for delay in (0.1, 0.2)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_stops_all_in_reverse_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    script = (
        "trap 'echo {0} stops; exit 0' TERM; echo {0} runs;"
        "while :; do sleep 0.05; done"
    )
    programs = [f"{name}={script.format(name)}" for name in ("store", "web")]
    with supervising(tmp_path, *programs) as (process, output):
        wait_until(lambda: output.read_text().count("runs") == 2)
        process.send_signal(number)

        assert process.wait() == 0
        assert output.read_text().splitlines()[-3:] == [
            "web stops",
            "store stops",
            "all stopped",
        ]


def test_a_child_that_ignores_its_stop_is_killed_with_all_it_started(
    tmp_path: Path,
) -> None:
    note = tmp_path / "pid"
    with supervising(tmp_path, f"stubborn={STUBBORN.format(note)}") as (process, _):
        wait_until(note.exists)
        before = descendants(process.pid)
        process.terminate()

        assert process.wait() == 0
        assert not [pid for pid in before if is_alive(pid)]


def test_a_second_stop_signal_does_not_wait(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"stubborn={STUBBORN.format(note)}"
    with supervising(tmp_path, script, grace=1_000) as (process, _):
        wait_until(note.exists)
        before = descendants(process.pid)

        def has_ended() -> bool:
            process.send_signal(signal.SIGINT)
            return process.poll() is not None

        wait_until(has_ended)
        assert not [pid for pid in before if is_alive(pid)]


def test_a_killed_supervisor_leaves_no_child(tmp_path: Path) -> None:
    with supervising(tmp_path, f"one={SLEEP}", f"two={SLEEP}") as (process, _):
        children = descendants(process.pid)
        assert len(children) == 2
        process.kill()
        wait_until(lambda: not any(is_alive(child) for child in children))


def test_a_child_that_cannot_start_ends_all_with_an_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = Program(
        name="broken",
        start=shell("echo no such option; exit 7", log),
        is_ready=lambda: False,
        patience=10,
        grace=1,
        log=log,
    )
    with pytest.raises(ProcessError, match="broken ended with status 7.*no such opt"):
        Child(program).wait_until_ready()


def test_a_program_that_starts_beside_another_does_not_wait_for_it(
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"
    waiting = Program(
        name="waiting",
        start=shell(SLEEP),
        is_ready=made.exists,
        patience=10,
        grace=1,
    )
    making = replace(
        waiting,
        name="making",
        start=shell(f"touch {made}; {SLEEP}"),
        starts_beside=True,
    )
    supervisor = Supervisor([waiting, making], lambda _: None)
    supervisor.run(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert made.exists()


def test_a_child_that_takes_too_long_is_an_error() -> None:
    program = Program(
        name="slow",
        start=shell(SLEEP),
        is_ready=lambda: False,
        patience=0.1,
        grace=1,
    )
    child = Child(program)
    try:
        with pytest.raises(ProcessError, match="slow is not ready after 0.1 s"):
            child.wait_until_ready()
    finally:
        child.stop()


WATCHER = """
import sys
sys.path.insert(0, sys.argv[1])
import die_with_parent
sys.platform = "another"
sys.exit(die_with_parent.main(sys.argv[2:]))
"""


@contextmanager
def watching(parent: int, script: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The way of systems that cannot tie a process to its parent, tried on this one."""
    its_folder = str(Path(die_with_parent.__file__).parent)
    shell = ["/bin/sh", "-c", script]
    with subprocess.Popen(
        [sys.executable, "-c", WATCHER, its_folder, str(parent), *shell]
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_watched_process_is_stopped_with_its_watcher(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"echo $$ > {note}.new; mv {note}.new {note}; {SLEEP}"
    with watching(os.getpid(), script) as watcher:
        wait_until(note.exists)
        watcher.terminate()

        assert watcher.wait() != 0
        assert not is_alive(int(note.read_text()))


def test_a_watched_process_is_killed_when_the_parent_is_another() -> None:
    """A process whose parent ended has another one."""
    with watching(1, SLEEP) as watcher:
        assert watcher.wait() != 0


def test_a_process_whose_parent_is_another_ends_where_linux_does_not_see_to_it() -> (
    None
):
    look = "import sys; sys.path.insert(0, sys.argv[1]); import die_with_parent, time;"
    look += "sys.platform = 'another'; die_with_parent.tie_to_parent(1); time.sleep(60)"
    folder = Path(die_with_parent.__file__).parent
    ended = subprocess.run([sys.executable, "-c", look, folder], check=False)
    assert ended.returncode == -signal.SIGKILL
