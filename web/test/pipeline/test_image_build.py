"""The image is built from sources that pass every check, and from nothing else."""

import shutil
from pathlib import Path

import pytest

from support.containers import ROOT, docker

FAULTS = {
    "failing unit test": (
        "test/unit/test_broken.py",
        '"""Broken."""\n\n\ndef test_sum() -> None:\n'
        '    """Two and two is five."""\n    assert 2 + 2 == 5\n',
        "1 failed",
    ),
    "black": (
        "src/page_tracker/broken.py",
        '"""Broken."""\n\nMARKS = { "a":1 }\n',
        '+MARKS = {"a": 1}',
    ),
    "isort": (
        "src/page_tracker/broken.py",
        '"""Broken."""\n\nimport sys\nimport os\n\nMARKS = (os.name, sys.path)\n',
        "Imports are incorrectly sorted",
    ),
    "flake8": (
        "src/page_tracker/broken.py",
        '"""Broken."""\n\nimport os\n',
        "F401",
    ),
    "bandit": (
        "src/page_tracker/broken.py",
        '"""Broken."""\n\nimport hashlib\n\nMARK = hashlib.md5(b"").hexdigest()\n',
        "B324",
    ),
    "mypy": (
        "src/page_tracker/broken.py",
        '"""Broken."""\n\nMARK: int = "one"\n',
        "Incompatible types in assignment",
    ),
    "pylint": (
        "src/page_tracker/broken.py",
        '"""Broken."""\n\n\ndef mark(number: int) -> int:\n'
        '    """Give back one."""\n    return 1\n',
        "unused-argument",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_sources_with_a_fault_do_not_build(fault: str, tmp_path: Path) -> None:
    """What unit tests, formatters, linters or the type checker refuse is no image."""
    path, content, complaint = FAULTS[fault]
    sources = tmp_path / "web"
    shutil.copytree(
        ROOT / "web", sources, ignore=shutil.ignore_patterns("__pycache__", ".*_cache")
    )
    assert not (sources / path).exists()
    (sources / path).write_text(content, encoding="utf-8")

    build = docker("build", "--progress", "plain", str(sources), check=False)

    assert build.returncode != 0
    assert complaint in build.stdout
