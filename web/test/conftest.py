"""The servers that the tests talk to: those named by options, else started here."""

import gc
from collections.abc import Iterator

import pytest
from redis import Redis

from page_tracker.processes import embedded
from page_tracker.settings import Settings
from page_tracker.store.clients import open_client
from support import drawing
from support.pace import ANSWER_SECONDS, PACE, PROCESSES
from support.processes import serving
from support.routes import compile_once

drawing.register_profiles()
compile_once()
# What is loaded and listed now stays: nothing of it is to be looked through as garbage.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # nanobind's modules look for leaks when all ends


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="tests at their full length")
    parser.addoption("--redis-url", help="the Redis to test with; else one is started")
    parser.addoption(
        "--flask-url",
        help="the server to test, which counts in --redis-url; else one is started",
    )


def pytest_xdist_auto_num_workers() -> int:
    return PROCESSES


# They take five seconds or more each: one that was begun last would be waited for.
LONGEST = (
    # And they wait, most of the time.
    *("test_alerts_called.py", "test_every_part.py"),
    *("test_pages.py", "test_serve.py", "test_openapi.py", "test_script.py"),
    *("test_script_sees.py", "test_script_tells.py", "test_docs_commands.py"),
    *("test_guides.py", "test_redis_away.py"),
    *("test_access.py", "test_owner.py", "test_settings_pages.py"),
    *("test_account_pages.py", "test_writer.py", "test_command.py"),
    *("test_import_page.py", "test_demonstration.py", "test_day_tables.py"),
    *("test_kills.py", "test_hostile.py", "test_deletion.py", "test_matrix.py"),
    *("test_interleaving.py", "test_bucket.py", "test_docs_of_server.py"),
    *("test_plugins_pages.py", "test_shared_rows.py", "test_imports.py"),
    *("test_site_page.py", "test_due_work.py", "test_odd_words.py"),
    *("test_collecting.py", "test_expired_imports.py", "test_recount.py"),
    *("test_cluster.py", "test_follow.py", "test_first_day.py"),
    *("test_published_clients.py", "test_docs_asking.py", "test_keeping.py"),
    *("test_bucket_faults.py", "test_guide_of_frameworks.py", "test_page.py"),
    *("test_lake_upkeep.py", "test_lost_lake.py", "test_plausible_pages.py"),
    *("test_year.py", "test_kept_sums.py", "test_logs_as_written.py"),
    *("test_replay.py", "test_answers.py", "test_bucket_locks.py"),
    *("test_starting.py", "test_formats.py", "test_faults.py", "test_readme.py"),
    *("test_docs_of_importing.py", "test_applications.py"),
    *("test_append_only_file.py", "test_matomo_pages.py", "test_disk_full.py"),
    *("test_visits_in_sql.py", "test_docs_of_switching.py", "test_door_fuzz.py"),
    *("test_commands.py", "test_clock.py"),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """The files that take longest come first; all others as they were shuffled.

    What is marked as `long` runs with --long alone.
    """
    if not config.getoption("--long"):
        long = [each for each in items if each.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [each for each in items if each not in long]
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
    if PACE > 1:
        for item in items:
            item.add_marker(pytest.mark.timeout(PACE * _seconds(item)), append=False)


def _seconds(item: pytest.Item) -> float:
    """How long a test may take where it has a processor."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0] if marker else item.config.getini("timeout"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: runs with --long alone")
    if config.getoption("--flask-url") and not config.getoption("--redis-url"):
        raise pytest.UsageError("--flask-url needs --redis-url: the Redis it counts in")
    if config.getoption("--long"):
        drawing.draw_many()


# The Redis that this process has started, where it has.
OWN_REDIS: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def begin_with_an_empty_redis() -> None:
    """No file of tests finds what another one left: which that is, chance decides."""
    for url in OWN_REDIS:
        with Redis.from_url(url) as client:
            client.flushall()


@pytest.fixture(scope="session")
def redis_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a real Redis."""
    if given := request.config.getoption("--redis-url"):
        yield given
        return
    settings = Settings(data=tmp_path_factory.mktemp("redis"))
    with embedded.redis_of(settings) as url:
        OWN_REDIS.append(url)
        yield url
        OWN_REDIS.remove(url)


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[Redis]:
    with open_client(redis_url, ANSWER_SECONDS) as client:
        yield client


# Its writer drains the stream, so it runs only while a module uses it.
@pytest.fixture(scope="module")
def flask_url(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    redis_url: str,
) -> Iterator[str]:
    """The address of a real server process that counts in `redis_url`."""
    if given := request.config.getoption("--flask-url"):
        yield given
        return
    with Redis.from_url(redis_url) as client:
        client.flushall()  # what other tests left in the stream is not for its writer
    data = tmp_path_factory.mktemp("server") / "data"
    with serving(data, REDIS_URL=redis_url) as server:
        yield server.url
