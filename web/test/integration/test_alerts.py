"""The rules of alerts, what surrounds them, and the page that says what to do."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry, generate_latest

from page_tracker.settings import Settings
from page_tracker.wiring.monitoring import open_exposition
from support import dashboard
from support.documentation import ROOT, page

FOLDER = ROOT / "deploy" / "monitoring"
METRIC = re.compile(r"\bpage_tracker_\w+")


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in read("rules.yml")["groups"] for rule in group["rules"]]


def promtool(*arguments: str | Path) -> tuple[int, str]:
    ended = subprocess.run(  # nosec B607 # the machine's own program
        ["promtool", *arguments], capture_output=True, check=False, text=True
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(name="exposed")
def _exposed(redis_url: str, tmp_path: Path) -> set[str]:
    """The names of all samples."""
    import_module("page_tracker.asgi")  # what a web process loads declares counts
    registry = CollectorRegistry()
    registry.register(open_exposition(Settings(redis_url=redis_url, data=tmp_path)))
    text = generate_latest(registry).decode()
    return set(re.findall(r"^(page_tracker_\w+)", text, re.MULTILINE))


def test_the_rules_are_sound_and_raised_by_what_should_raise_them() -> None:
    checked = promtool("check", "rules", "--lint-fatal", FOLDER / "rules.yml")
    tested = promtool("test", "rules", FOLDER / "rules.test.yml")

    assert checked[0] == 0, checked[1]
    assert tested[0] == 0, tested[1]


def test_a_rule_that_is_there_twice_would_be_found(tmp_path: Path) -> None:
    """Without --lint-fatal promtool says so, and ends with 0."""
    group = {"name": "twice", "rules": rules()[:1] * 2}
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [group]}))

    assert promtool("check", "rules", "--lint-fatal", file)[0] != 0


def test_each_alert_is_raised_once_in_the_tests_and_silent_where_all_is_well() -> None:
    """A misspelt name passes promtool's own test where no alert is expected."""
    cases = [
        (each["alertname"], bool(each["exp_alerts"]))
        for test in read("rules.test.yml")["tests"]
        for each in test["alert_rule_test"]
    ]
    names = {rule["alert"] for rule in rules()}

    assert {name for name, is_raised in cases if is_raised} == names
    assert {name for name, is_raised in cases if not is_raised} == names


def test_no_rule_and_no_panel_asks_for_a_metric_that_is_not_exposed(
    exposed: set[str],
) -> None:
    asked = [rule["expr"] for rule in rules()]
    asked += dashboard.queries(dashboard.PANELS, interval="5m")
    named = {name for query in asked for name in METRIC.findall(query)}

    assert len(named) > 20
    assert named <= exposed


def test_the_dashboard_is_what_its_code_makes() -> None:
    written = dashboard.FILE.read_text("utf-8")

    assert written == dashboard.rendered(), "run scripts/make-dashboard"
    (source,) = read("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    panels = json.loads(written)["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}


def test_grafana_knows_every_field_of_the_dashboard() -> None:
    """By the types that its makers publish, which leave out what they do not know."""
    register_default_plugins()
    written = json.loads(dashboard.rendered())
    encoded = JSONEncoder().encode(Dashboard.from_json(written))

    assert known_of(json.loads(encoded), written) == written


def known_of(read: Any, written: Any) -> Any:
    """What was read, without the defaults of what was not written."""
    if isinstance(written, dict):
        return {
            name: known_of(read[name], written[name])
            for name in read.keys() & written.keys()
        }
    if isinstance(written, list):
        return [known_of(*pair) for pair in zip(read, written, strict=True)]
    return read


def test_each_alert_leads_to_a_section_that_says_what_to_do() -> None:
    sections = re.findall(
        r"^### (\w+)\n\n(Critical|Warning)\. ", page("guides/alerts"), re.MULTILINE
    )

    assert sections == [
        (rule["alert"], rule["labels"]["severity"].capitalize()) for rule in rules()
    ]
    for rule in rules():
        runbook = f"docs/guides/alerts.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook"] == runbook


def test_alertmanager_takes_its_configuration_and_never_waits_long() -> None:
    file = FOLDER / "alertmanager.yml"
    checked = subprocess.run(  # nosec B607 # the machine's own program
        ["amtool", "check-config", file], check=False
    )
    known = read("alertmanager.yml")
    named = re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", str(known["inhibit_rules"]))

    assert checked.returncode == 0
    # An alert that comes back within it is not sent until it is over.
    assert known["route"]["group_interval"] == "1m"
    assert set(named) <= {rule["alert"] for rule in rules()}


def test_prometheus_asks_for_what_the_rules_are_about() -> None:
    known = read("prometheus.yml")
    jobs = {job["job_name"] for job in known["scrape_configs"]}
    named = {
        name for rule in rules() for name in re.findall('job="(.+?)"', rule["expr"])
    }

    assert known["rule_files"] == ["rules.yml"]
    assert named == jobs


def test_containers_that_watch_keep_what_they_say_and_are_reached_from_here_only() -> (
    None
):
    services = read("compose.yml")["services"]

    for service in services.values():
        assert service["profiles"] == ["monitoring"]
        assert service["logging"]["driver"] == "json-file"
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys()
        assert service["mem_limit"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
