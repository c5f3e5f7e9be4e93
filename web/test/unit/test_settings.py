"""The settings: read from one place, nonsense refused with what to write instead."""

from pathlib import Path

import pytest

from page_tracker.errors import SettingsError
from page_tracker.settings import Settings, described_settings, without_password
from page_tracker.settings_parsing import cluster_nodes, parse_clickhouse


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in described_settings().values():
        monkeypatch.delenv(setting.variable, raising=False)


def test_without_any_setting_the_defaults_are_those_described() -> None:
    settings = Settings.from_environment()

    described = described_settings()
    assert settings.redis_url is None
    for name in ("host", "port", "workers", "redis_timeout"):
        assert str(getattr(settings, name)) == described[name].default


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")

    assert Settings.from_environment().redis_url is None


def test_the_command_line_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAGE_TRACKER_PORT", "9000")

    assert Settings.from_environment().port == 9000
    assert Settings.from_environment(port=None).port == 9000
    assert Settings.from_environment(port="9001").port == 9001


def test_a_folder_may_start_at_home_and_becomes_absolute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAGE_TRACKER_DATA", "~/counts")

    assert Settings.from_environment().data == Path.home() / "counts"
    assert Settings.from_environment(data="here").data == Path.cwd() / "here"


def test_a_lake_may_lie_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")

    settings = Settings.from_environment(lake="s3://bucket/page/tracker/")

    assert settings.lake == "s3://bucket/page/tracker"
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost:6379",
        "redis://redis-service",
        "rediss://user:secret@[::1]:6380/2?ssl_cert_reqs=none",
        "unix:///run/redis.sock",
        "unix://:secret@/run/redis.sock?db=1",
        "redis+cluster://10.0.0.1:6379,redis-2:6380,[::1]:6381",
        "rediss+cluster://user:secret@redis-1/0?ssl_cert_reqs=none",
    ],
)
def test_addresses_of_redis_are_accepted(url: str) -> None:
    assert Settings.from_environment(redis_url=url).redis_url == url


def test_a_clusters_address_names_its_nodes() -> None:
    assert cluster_nodes("rediss+cluster://me:a,b@one:1,two?x=1") == [
        "rediss://me:a,b@one:1?x=1",
        "rediss://me:a,b@two?x=1",
    ]
    assert not cluster_nodes("redis://one:1")


def test_a_cluster_has_shards_enough_to_fall_evenly_on_its_servers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = "redis+cluster://one:6379"
    assert Settings.from_environment(redis_url=cluster).shards == 24
    assert Settings.from_environment().shards == 1
    monkeypatch.setenv("PAGE_TRACKER_SHARDS", "23")
    with pytest.raises(SettingsError, match="23 is too few for a cluster"):
        Settings.from_environment(redis_url=cluster)


@pytest.mark.parametrize(
    ("variable", "text", "remedy"),
    [
        ("REDIS_URL", "localhost:6379", "write one like redis://localhost:6379"),
        ("PAGE_TRACKER_DATA", "/srv/a|b", "choose a folder without such signs"),
        ("PAGE_TRACKER_LAKE", "/srv/a%20b", "choose a folder without such signs"),
        ("REDIS_URL", "http://localhost:6379", "redis://localhost:6379"),
        ("REDIS_URL", "redis://", "redis://localhost:6379"),
        ("REDIS_URL", "redis://localhost:port", "redis://localhost:6379"),
        ("REDIS_URL", "redis://localhost:0", "redis://localhost:6379"),
        ("REDIS_URL", "redis://localhost:66666", "redis://localhost:6379"),
        ("REDIS_URL", "redis://localhost/first", "/0"),
        ("REDIS_URL", "redis://[::1", "redis://localhost:6379"),
        ("REDIS_URL", "unix://", "unix:///run/redis.sock"),
        ("REDIS_URL", "redis+cluster://one:6379/1", "a cluster has only one"),
        ("REDIS_URL", "unix+cluster:///run/redis.sock", "one like redis+cluster://"),
        ("REDIS_URL", "redis+cluster://one:6379,,", "one like redis+cluster://"),
        ("REDIS_URL", "redis+cluster://one:6379,two:x", "one like redis+cluster://"),
        ("PAGE_TRACKER_REDIS_TIMEOUT", "0", "write more than 0"),
        ("PAGE_TRACKER_REDIS_TIMEOUT", "61", "at most 60"),
        ("PAGE_TRACKER_REDIS_TIMEOUT", "nan", "like 0.5"),
        ("PAGE_TRACKER_REDIS_TIMEOUT", "soon", "like 0.5"),
        ("PAGE_TRACKER_REDIS_SERVER", "/nowhere", "path of valkey-server"),
        ("PAGE_TRACKER_DATA", "~no-such-user/data", "like /srv/page-tracker"),
        ("PAGE_TRACKER_LAKE", "~no-such-user/lake", "like /srv/page-tracker"),
        ("PAGE_TRACKER_LAKE", "gs://bucket/lake", "or s3://bucket/prefix"),
        ("PAGE_TRACKER_LAKE", "s3://Bucket", "or s3://bucket/prefix"),
        ("PAGE_TRACKER_LAKE", "s3://bucket/a b", "or s3://bucket/prefix"),
        ("PAGE_TRACKER_LAKE", "s3://bucket/../b", "or s3://bucket/prefix"),
        ("PAGE_TRACKER_MOST_IN_CACHE", "99", "write 100 to"),
        ("PAGE_TRACKER_DATA", "file:///srv/data", "write a path"),
        ("PAGE_TRACKER_BOTS_FROM", "~no-such-user/x", "like /srv/page-tracker"),
        ("PAGE_TRACKER_BOTS_FROM", "http://[x/", "write a file, an http(s) address"),
        ("PAGE_TRACKER_BOTS_FROM", "https://a b/", "write a file, an http(s) address"),
        ("PAGE_TRACKER_BOTS_FROM", "ftp://a/b", "write a file, an http(s) address"),
        ("PAGE_TRACKER_PORT", "9" * 5_000, "write 0 to 65535"),
        ("PAGE_TRACKER_HOST", "http://0.0.0.0", "like 0.0.0.0"),
        ("PAGE_TRACKER_HOST", "a host", "like 0.0.0.0"),
        ("PAGE_TRACKER_PORT", "65536", "write 0 to 65535"),
        ("PAGE_TRACKER_PORT", "-1", "write 0 to 65535"),
        ("PAGE_TRACKER_PORT", "tcp://10.0.0.1:80", "write 0 to 65535"),
        ("PAGE_TRACKER_PORT", "٣", "write 0 to 65535"),
        ("PAGE_TRACKER_FRONT_PAGE", "/sites", "write counter or sites"),
        ("PAGE_TRACKER_SIGN_IN_NEW", "yes", "write refused or added"),
        ("PAGE_TRACKER_SIGN_IN_HEADER", "Remote_User", "without underscores"),
        ("PAGE_TRACKER_SIGN_IN_HEADER", "Remote-User: ada", "like Remote-User"),
        ("PAGE_TRACKER_METRICS", "9464", "like 127.0.0.1:9464"),
        ("PAGE_TRACKER_METRICS", "localhost:9464", "like 127.0.0.1:9464"),
        ("PAGE_TRACKER_METRICS", "127.0.0.1:0", "like 127.0.0.1:9464"),
        ("PAGE_TRACKER_METRICS", "127.0.0.1:٣", "like 127.0.0.1:9464"),
        ("PAGE_TRACKER_METRICS", "::1:9464", "like 127.0.0.1:9464"),
        ("PAGE_TRACKER_WORKERS", "0", "write 1 to 256"),
        ("PAGE_TRACKER_WORKERS", "two", "write 1 to 256"),
    ],
)
def test_nonsense_is_refused_with_what_to_write_instead(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, text)

    with pytest.raises(SettingsError) as refused:
        Settings.from_environment()

    assert refused.value.problem.startswith(f"{variable} {text!r} ")
    assert remedy in refused.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        *("http://host", "clickhouse://", "clickhouse://:s3cret@:8123", "host:8123"),
        *("clickhouse://u:s3cret@host:x", "clickhouse://u:s3cret@host/a/b"),
        *("clickhouse://u:s3cret@host:0", "clickhouse://u:s3cret@host?secure=1"),
    ],
)
def test_an_address_of_clickhouse_that_is_none_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("PAGE_TRACKER_REPORTS", text)

    with pytest.raises(SettingsError) as refused:
        Settings.from_environment()

    assert "one like clickhouse://user:password@host:8123" in refused.value.remedy
    assert "s3cret" not in str(refused.value)


def test_an_address_of_clickhouse_says_all_or_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = parse_clickhouse("clickhouses://ada:a%40b@db:9/figures?lake=/srv/lake")
    assert (address.host, address.port, address.is_encrypted) == ("db", 9, True)
    assert (address.user, address.password) == ("ada", "a@b")
    assert (address.database, address.lake) == ("figures", "/srv/lake")
    assert "a@b" not in repr(address)

    monkeypatch.setenv("PAGE_TRACKER_REPORTS", "clickhouse://db")
    least = Settings.from_environment().reports
    assert least == parse_clickhouse("clickhouse://default@db:8123/default")


def test_metrics_are_exposed_nowhere_unless_an_address_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings().metrics is None
    monkeypatch.setenv("PAGE_TRACKER_METRICS", "[::1]:9464")
    assert Settings.from_environment().metrics == ("::1", 9464)


def test_an_option_is_refused_by_its_own_name() -> None:
    with pytest.raises(
        SettingsError, match="--redis-timeout 'soon' is not a number of seconds"
    ):
        Settings.from_environment(redis_timeout="soon")


def test_a_password_is_never_shown() -> None:
    for refused_url in ("redis://:secret@localhost/x", "redis://:secret/@localhost"):
        with pytest.raises(SettingsError) as refused:
            Settings.from_environment(redis_url=refused_url)
        assert "secret" not in str(refused.value)

    assert (
        without_password("rediss://me:secret@host:1/2?password=secret")
        == "rediss://host:1/2"
    )
    assert (
        without_password("unix://:secret@/run/redis.sock") == "unix:///run/redis.sock"
    )


def test_a_redis_that_is_away_is_given_up_within_a_second() -> None:
    waits = 2  # to connect, and for an answer

    assert waits * Settings().redis_timeout < 1
