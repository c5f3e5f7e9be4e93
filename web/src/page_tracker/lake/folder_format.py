"""The format version of a data folder: how a newer or older one is treated.

newer than we know → refused in one line, by whoever would write to it
older → copied, then migrated step by step; killed meanwhile, it begins from the copy
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from page_tracker.errors import PageTrackerError
from page_tracker.files import READABLE, replace_file

FORMAT = 1
FORMAT_FILE = "format.json"
# What a migration may change, and what is copied before it.
KEPT = ("lake", "mirror.json", "people.json", "annotations.json", "imports")

# From which version → what makes it the next one.
FolderSteps = Mapping[int, Callable[[Path], None]]
FOLDER_STEPS: FolderSteps = {}


class FormatError(PageTrackerError):
    """The data folder or the store was written by another version of Page Tracker."""


def refuse_newer_folder(folder: Path, newest: int = FORMAT) -> None:
    """Raise FormatError if a data folder has a newer format; changes nothing."""
    found = _folder_format(folder)
    if found is not None and found > newest:
        raise FormatError(*newer_than(f"the data folder {folder}", found, newest))


def require_folder(
    folder: Path, newest: int = FORMAT, steps: FolderSteps | None = None
) -> None:
    """Bring a data folder to the newest format; a new one begins with it.

    The copy of an older one stays as `format-<version>`. Raises FormatError.
    """
    refuse_newer_folder(folder, newest)
    found = _folder_format(folder)
    if found is None or found == newest:
        _write_format(folder, newest)
        return
    copy = folder / f"format-{found}"
    if copy.exists():
        _restore(folder, copy)
    else:
        _copy(folder, copy)
    for version in range(found, newest):
        (steps or FOLDER_STEPS)[version](folder)
    _write_format(folder, newest)


def newer_than(what: str, found: int, newest: int) -> tuple[str, str]:
    """The problem of a newer format, and the remedy."""
    return (
        f"{what} has format {found}, written by a newer Page Tracker than this one,"
        f" which knows {newest}",
        "install that version, or go back to a copy from before it",
    )


def _folder_format(folder: Path) -> int | None:
    path = folder / FORMAT_FILE
    try:
        found = json.loads(path.read_bytes())["format"]
        if isinstance(found, int):
            return found
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        pass
    raise FormatError(
        f"{path} does not say which format the data folder has",
        f'write {{"format": {FORMAT}}} into it if this version has written the folder',
    )


def _write_format(folder: Path, version: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FORMAT_FILE
    text = json.dumps({"format": version})
    if path.exists() and path.read_text("utf-8") == text:
        return
    replace_file(path, text.encode(), READABLE)


def _copy(folder: Path, copy: Path) -> None:
    """Copy what may change; the copy is complete, or does not exist."""
    unfinished = copy.with_name(copy.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    for name in KEPT:
        _copy_one(folder / name, unfinished / name)
    unfinished.replace(copy)


def _restore(folder: Path, copy: Path) -> None:
    for name in KEPT:
        target = folder / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        _copy_one(copy / name, target)


def _copy_one(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)
