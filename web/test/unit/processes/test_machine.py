"""How much memory there is: the machine's, or a container's."""

from pathlib import Path

import pytest

from page_tracker.processes.machine import memory

HERE = memory()


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"memory.max": "64000000\n"}, 64_000_000),
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("0::/\n", {}, None),
        (
            "0::/a/b\n",
            {"a/b/memory.max": "max", "a/memory.max": "65000000"},
            65_000_000,
        ),
        (
            "5:cpu,memory:/docker/x\n1:name=systemd:/\n",
            {"memory/memory.limit_in_bytes": "66000000\n"},
            66_000_000,
        ),
        (
            "5:memory:/\n0::/\n",
            {"memory/memory.limit_in_bytes": "9223372036854771712\n"},
            None,
        ),
    ],
)
def test_memory_is_what_the_cgroups_leave(
    tmp_path: Path, groups: str, files: dict[str, str], expected: int | None
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    machine = memory(tmp_path / "nothing")
    assert memory(tmp_path) == (expected or machine)
    assert HERE <= machine
