"""The image is built from sources that pass every check, and from nothing else.

What each is built of is next to nothing: what is tried is what the steps of the
Dockerfile refuse, and our own sources pass them where the image is built.
"""

import shutil
from pathlib import Path

import pytest

from support.containers import ROOT, docker

# What is built, but for two modules: how, and by which rules.
BUILT_BY = (
    *("Dockerfile", ".dockerignore", ".flake8", "constraints.txt", "pyproject.toml"),
    *("LICENSE", "README.md"),
    "src/page_tracker/py.typed",
)
SOUND = {
    "src/page_tracker/__init__.py": '"""Sound."""\n\nNUMBER: int = 4\n',
    "test/unit/test_sound.py": '"""Sound."""\n\nfrom page_tracker import NUMBER\n\n\n'
    "def test_sum() -> None:\n"
    '    """Two and two is four."""\n    assert 2 + 2 == NUMBER\n',
}

# Ours are checked, too.
MISSPELT = "separate".replace("a", "e", 1)
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
    "typos": (
        "src/page_tracker/broken.py",
        f'"""{MISSPELT}."""\n',
        f"`{MISSPELT}` should be",
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


@pytest.fixture(name="sources")
def write_sound_sources(tmp_path: Path) -> Path:
    """A package with one test, without a fault yet."""
    for path in BUILT_BY:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "web" / path, tmp_path / path)
    for path, content in SOUND.items():
        _write(tmp_path / path, content)
    return tmp_path


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize("fault", FAULTS)
def test_sources_with_a_fault_do_not_build(fault: str, sources: Path) -> None:
    """What unit tests, formatters, linters or the type checker refuse is no image."""
    path, content, complaint = FAULTS[fault]
    _write(sources / path, content)

    build = docker("build", "--progress", "plain", str(sources), check=False)

    assert build.returncode != 0
    assert complaint in build.stdout
