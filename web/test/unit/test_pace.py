"""How many processors the tests have: the machine's, or a cgroup's share of them."""

import os
from pathlib import Path

import pytest

from support.pace import processors

MACHINE = os.cpu_count()
V1 = ("cpu.cfs_quota_us", "cpu.cfs_period_us")


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "25000 100000\n"}, 0.25),
        ("0::/\n", {"cpu.max": "max 100000\n"}, MACHINE),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "5 10"}, 0.5),
        ("0::/\n", {}, MACHINE),
        (
            "5:cpu,cpuacct:/x/y\n0::/\n",
            {f"cpu/x/{V1[0]}": "30000\n", f"cpu/x/{V1[1]}": "100000\n"},
            0.3,
        ),
        (
            "1:cpu:/\n0::/\n",
            {f"cpu/{V1[0]}": "-1\n", f"cpu/{V1[1]}": "100000\n"},
            MACHINE,
        ),
    ],
)
def test_processors_are_what_the_cgroups_leave(
    tmp_path: Path, groups: str, files: dict[str, str], expected: float
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert processors(tmp_path) == expected


def test_a_machine_without_cgroups_is_had_whole(tmp_path: Path) -> None:
    assert processors(tmp_path) == MACHINE
