"""A forked process: as one that was started anew, but for what is loaded."""

import json
import subprocess
import sys
from pathlib import Path
from signal import SIGTERM

from support.processes import clean_environment

FORKING = """
import os, signal, sys
from page_tracker.processes.forked import forked, load
load(["support.pace"])
signal.signal(signal.SIGTERM, lambda *_: None)
given, kept = os.pipe()
print("before", flush=False)
child = forked("tracker-told", ["support.told", "a", "b"], [given])
sys.exit(f"{given} {child.wait()} {child.poll()}")
"""


def ran(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
        capture_output=True,
        check=False,
        text=True,
    )


def test_it_has_its_own_name_group_signals_and_only_the_files_that_it_was_given() -> (
    None
):
    ended = ran(FORKING)
    before, told = ended.stdout.splitlines()
    given, status, again = map(int, ended.stderr.split())
    assert before == "before"
    assert json.loads(told) == {
        "name": "tracker-told",
        "arguments": ["a", "b"],
        "files": [0, 1, 2, given],
        "leads": True,
        "ends": True,
    }
    assert status == again == 7


ASKING = """
import sys
from page_tracker.processes.forked import said_by
status, said = said_by("tracker-told", ["support.told", "a"])
_, failure = said_by("tracker-fails", ["support.nothing_of_the_kind"])
sys.exit(f"{status} {said.decode()}{failure.decode()}")
"""


def test_what_it_says_is_handed_back_where_it_is_asked_for() -> None:
    ended = ran(ASKING)
    said, *failure = ended.stderr.strip().splitlines()
    status, told = said.split(maxsplit=1)
    assert (ended.stdout, status) == ("", "7")
    assert json.loads(told)["arguments"] == ["a"]
    assert json.loads(told)["files"] == [0, 1, 2]
    assert failure[-1].endswith("No module named support.nothing_of_the_kind")


STOPPING = """
import os, signal, sys
from page_tracker.processes import forked
signal.signal(signal.SIGTERM, lambda *_: None)
leave = forked._leave

def leave_late(*given):
    os.kill(os.getpid(), signal.SIGTERM)
    leave(*given)

forked._leave = leave_late
child = forked.forked("tracker-told", ["support.told"], [])
sys.exit(child.wait())
"""


def test_it_ends_also_where_it_is_stopped_before_it_has_left_its_parents_handlers() -> (
    None
):
    ended = ran(STOPPING)
    assert (ended.returncode, ended.stdout) == (256 - SIGTERM, "")
