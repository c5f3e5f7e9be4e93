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


STOPPING = """
import os, signal, sys
from page_tracker.processes import forked
signal.signal(signal.SIGTERM, lambda *_: None)
leave = forked._leave

def leave_late(descriptors):
    os.kill(os.getpid(), signal.SIGTERM)
    leave(descriptors)

forked._leave = leave_late
child = forked.forked("tracker-told", ["support.told"], [])
sys.exit(child.wait())
"""


def test_it_ends_also_where_it_is_stopped_before_it_has_left_its_parents_handlers() -> (
    None
):
    ended = ran(STOPPING)
    assert (ended.returncode, ended.stdout) == (256 - SIGTERM, "")
