"""Another build beside this one: its sources, run by the same Python and packages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]

Environment = Mapping[str, str]


@contextmanager
def builds(before: str) -> Iterator[dict[str, Environment]]:
    """The environments that run the build of a commit, and this one, by their names.

    Both have compiled modules, as an installed package has.
    """
    with TemporaryDirectory(prefix="page-tracker-before-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", tree, before], check=True)
        try:
            yield {"before": environment_of(tree), "now": environment_of(ROOT)}
        finally:
            subprocess.run([*git, "remove", "--force", tree], check=True)


def environment_of(tree: Path) -> Environment:
    """What runs the sources of a tree, with no setting of who measures."""
    source = tree / "web" / "src"
    subprocess.run([sys.executable, "-m", "compileall", "-q", source], check=True)
    kept = {
        name: text
        for name, text in os.environ.items()
        if name not in ("REDIS_URL", "PYTHONDONTWRITEBYTECODE")
        and not name.startswith("PAGE_TRACKER_")
    }
    return {**kept, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1"}
