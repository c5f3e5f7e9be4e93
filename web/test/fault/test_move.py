"""One machine becomes many while hits come, and one again: each hit is counted once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from page_tracker.lake.table import Lake
from page_tracker.store.clients import open_client
from page_tracker.store.counters import Live
from support.clusters import started_cluster, wait_until
from support.hitting import SITE, hitting
from support.lake import paths
from support.own_bucket import environment_of, lake_in, own_bucket
from support.pace import ANSWER_SECONDS
from support.processes import command, free_port, refusal, serving
from support.redis_servers import started_redis

OLD = "old.example"
LINE = (
    '192.0.2.{0} - - [{1:02}/Mar/2024:12:00:{0:02} +0000] "GET /old/{2} HTTP/1.1" 200 1'
    ' "https://a.example/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML,'
    ' like Gecko) Chrome/120.0.0.0 Safari/537.36"\n'
)
QUESTIONS = (
    (
        "--metrics",
        "visitors,visits,pageviews,bounce_rate,visit_duration",
        "--by",
        "day",
    ),
    ("--by", "page"),
    ("--by", "source", "--filter", "page is /old/1"),
    ("--by", "exit_page"),
    ("--by", "hour", "--from", "2024-03-02", "--to", "2024-03-03"),
)


def answers(data: Path, **settings: str) -> list[str]:
    """What is known of the site with a history."""
    known = ("--data", str(data))
    days = ("--from", "2024-03-01", "--to", "2024-03-09")
    asked = [
        command("query", OLD, *days, *question, "--csv", *known, **settings)
        for question in QUESTIONS
    ]
    return [*asked, command("import", "--list", *known, **settings)]


@pytest.mark.timeout(900)
# pylint: disable-next=too-many-locals # one story, from its beginning to its end
def test_one_machine_becomes_many_and_one_again(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "access.log"
    known = ("--data", str(data))
    log.write_text("".join(LINE.format(n, 1 + n % 9, n % 5) for n in range(60)))
    for site in (SITE, OLD):
        command("site", "add", site, *known)
    command("import", OLD, str(log), *known)
    command("upkeep", *known)
    before = answers(data)
    for folder in ("nodes", "bucket", "one"):
        (tmp_path / folder).mkdir()
    trusted = {"PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.0/8"}
    port = ("--port", str(free_port()))
    with (
        started_cluster(tmp_path / "nodes", 3, 0) as cluster,
        own_bucket(tmp_path / "bucket") as store,
        started_redis(tmp_path / "one") as one,
    ):
        bucket = store.bucket()
        many = {
            **environment_of(bucket),
            "REDIS_URL": cluster.url,
            "PAGE_TRACKER_SHARDS": "24",
        }
        to = ("--to-lake", bucket.uri, "--to-redis", cluster.url)
        with serving(data, *port, **trusted) as server, ExitStack() as later:
            with hitting(server.url, 2, each_second=60) as sent:
                wait_until(lambda: len(sent.acknowledged) > 60)
                said = command("move", *known, *to, **bucket.options)
                assert all(f"  {name}=" in said for name in many if "AWS" not in name)
                assert command("move", *known, *to, **bucket.options) == said
                status, why = refusal("delete", SITE, "--yes", *known)
                assert (status, "was moved to redis+cluster" in why) == (1, True)
                wait_until(lambda: list(data.glob("spool/*.spool")))
                server.stop()
                later.enter_context(serving(data, *port, **trusted, **many))
                sofar = len(sent.acknowledged)
                wait_until(lambda: len(sent.acknowledged) > sofar + 60)
            wait_until(lambda: not list(data.glob("spool/*.spool")))
        assert set(sent.statuses) <= {202, 0}
        assert answers(data, **many) == before
        command("writer", "--once", *known, **many)
        stored = _of_load(lake_in(bucket, tmp_path / "copies"))
        sent.must_be_stored_once(stored)
        with open_client(cluster.url, ANSWER_SECONDS) as client:
            assert Live(client, range(24)).total(SITE) == len(stored)

        url = f"unix://{tmp_path / 'one' / 'redis.sock'}"
        to = ("--to-lake", str(tmp_path / "back"), "--to-redis", url)
        assert "PAGE_TRACKER_SHARDS=24" in command("move", *known, *to, **many)
        single = {
            "PAGE_TRACKER_LAKE": str(tmp_path / "back"),
            "REDIS_URL": url,
            "PAGE_TRACKER_SHARDS": "24",
        }
        assert answers(data, **single) == before
        command("writer", "--once", *known, **single)
        assert _of_load(Lake(str(tmp_path / "back"))) == stored
        assert Live(one, range(24)).total(SITE) == len(stored)
        command("import", "--undo", "1", "--yes", *known, **single)


def _of_load(lake: Lake) -> list[str]:
    """The path of each hit that was sent under load."""
    return [path for path in paths(lake) if not path.startswith("/old")]
