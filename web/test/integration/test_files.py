"""Files replaced as a whole, and locks between processes: real ones, really killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from page_tracker.files import (
    LEFTOVER_SECONDS,
    READABLE,
    exclusive_lock,
    replace_file,
    replacing,
    shared_lock,
    unused,
)

# Replaces a file; the calls that matter are counted, and one of them may be its last.
REPLACING = """
import os, signal, sys
from pathlib import Path

from page_tracker.files import replace_file

path, last = Path(sys.argv[1]), int(sys.argv[2])
calls = []

def counted(name):
    call = getattr(os, name)
    def wrapper(*arguments):
        if len(calls) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        what = "folder" if isinstance(arguments[0], int) and os.path.isdir(
            f"/dev/fd/{arguments[0]}") else "file"
        calls.append(f"{name} {what}")
        return call(*arguments)
    setattr(os, name, wrapper)

for name in ("fchmod", "fsync", "replace"):
    counted(name)
replace_file(path, b"new")
print(*calls, sep=", ")
"""

# Holds a lock until it is killed, and says so.
HOLDING = """
import sys, time
from pathlib import Path

from page_tracker.files import exclusive_lock, shared_lock

with {lock}(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""

# Replaces a file again and again, each time with many copies of one letter.
WRITING = """
import sys
from pathlib import Path

from page_tracker.files import replace_file

for _ in range(100):
    replace_file(Path(sys.argv[1]), sys.argv[2].encode() * 100_000)
"""


def run(program: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-c", program, *map(str, arguments)),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def begin(program: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        (sys.executable, "-c", program, *map(str, arguments)),
        stdout=subprocess.PIPE,
        text=True,
    )


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob(".*.new"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "mirror.json"
    found.write_bytes(b"old")
    return found


def test_the_content_is_on_disk_before_the_name_and_then_the_name(path: Path) -> None:
    done = run(REPLACING, path, -1)

    assert done.stdout == "fchmod file, fsync file, replace file, fsync folder\n"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("last", "content"), [(0, b"old"), (1, b"old"), (2, b"old"), (3, b"new")]
)
def test_killed_between_two_steps_the_file_is_the_old_one_or_the_new_one(
    path: Path, last: int, content: bytes
) -> None:
    assert run(REPLACING, path, last).returncode == -signal.SIGKILL

    assert path.read_bytes() == content
    replace_file(path, b"newer")
    assert path.read_bytes() == b"newer"


def test_what_a_killed_process_has_left_is_deleted_once_it_is_old(path: Path) -> None:
    run(REPLACING, path, 1)
    (leftover,) = leftovers(path.parent)

    replace_file(path, b"newer")
    assert leftover.exists()  # somebody may be writing it

    before = time.time() - LEFTOVER_SECONDS - 1
    os.utime(leftover, (before, before))
    replace_file(path, b"newest")
    assert not leftovers(path.parent)


def test_many_may_replace_a_file_at_once_and_none_is_seen_half(path: Path) -> None:
    replace_file(path, b"a" * 100_000)
    writers = [begin(WRITING, path, letter) for letter in "bcd"]
    seen = 0
    while any(each.poll() is None for each in writers):
        content = path.read_bytes()
        assert content == content[:1] * 100_000
        seen += 1
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert seen > 10
    assert not leftovers(path.parent)


def test_where_the_content_is_refused_the_file_stays(path: Path) -> None:
    with pytest.raises(ValueError, match="no such thing"):
        with replacing(path) as beside:
            beside.write_bytes(b"half")
            raise ValueError("no such thing")

    assert path.read_bytes() == b"old"
    assert not leftovers(path.parent)


def test_a_file_is_its_owner_s_alone_unless_said_otherwise(path: Path) -> None:
    replace_file(path, b"secret")
    assert path.stat().st_mode & 0o777 == 0o600

    replace_file(path, b"public", READABLE)
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_full_disk_is_told_and_the_file_stays(path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        with replacing(path) as beside:
            beside.unlink()
            beside.symlink_to("/dev/full")
            beside.write_bytes(b"more than there is room for")

    assert path.read_bytes() == b"old"
    assert not leftovers(path.parent)


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert unused(path) == path

    path.touch()
    (tmp_path / "a.1.parquet").touch()
    assert unused(path) == tmp_path / "a.2.parquet"


@pytest.mark.parametrize("lock", ["exclusive_lock", "shared_lock"])
def test_what_another_process_holds_cannot_be_had_alone(
    tmp_path: Path, lock: str
) -> None:
    path = tmp_path / "lock"
    with begin(HOLDING.format(lock=lock), path) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError):
            with exclusive_lock(path, patience=0.1):
                pass
        other.kill()

    with exclusive_lock(path, patience=0):  # a process that is killed holds nothing
        pass


def test_who_is_patient_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with begin(HOLDING.format(lock="exclusive_lock"), path) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        threading.Timer(0.3, other.kill).start()
        with exclusive_lock(path, patience=10):
            assert other.wait() == -signal.SIGKILL


def test_a_shared_lock_is_held_by_many(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(shared_lock(path))
        with pytest.raises(BlockingIOError):
            stack.enter_context(exclusive_lock(path, patience=0))


def test_who_inherits_the_descriptor_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ExitStack() as stack:
        with exclusive_lock(path) as descriptor:
            heir = stack.enter_context(
                subprocess.Popen(("sleep", "60"), pass_fds=[descriptor])
            )
        with pytest.raises(BlockingIOError):
            with exclusive_lock(path, patience=0):
                pass
        heir.kill()
    with exclusive_lock(path, patience=0):
        pass
