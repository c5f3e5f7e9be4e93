"""The manifests of deploy/kubernetes, held to Kubernetes's schemas and to our code."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from page_tracker.app import app
from page_tracker.cli import main
from page_tracker.settings import described_settings
from support.documentation import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
OLDEST = "1.30"  # it knows `sleep` before a container stops
# What pages of websites load and send, which the collectors answer.
COLLECTING = ("collecting", "badges", "scripts", "variants")
Resource = dict[str, Any]


@cache
def resources() -> dict[tuple[str, str], Resource]:
    """Every manifest by its kind and name."""
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    found = [
        each
        for name in listed
        for each in yaml.safe_load_all((FOLDER / name).read_text())
    ]
    by_name = {(each["kind"], each["metadata"]["name"]): each for each in found}
    assert len(by_name) == len(found)
    return by_name


def named(kind: str) -> dict[str, Resource]:
    return {name: each for (of, name), each in resources().items() if of == kind}


def workloads() -> dict[str, Resource]:
    return named("StatefulSet") | named("Deployment")


def pods() -> dict[str, Resource]:
    """What each workload's pods are specified as."""
    return {
        name: each["spec"]["template"]["spec"] for name, each in workloads().items()
    }


def containers() -> dict[str, Resource]:
    """The one container of each pod, by its workload."""
    return {name: pod["containers"][0] for name, pod in pods().items()}


def test_every_manifest_is_in_the_kustomization() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    files = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"}
    assert sorted(listed) == sorted(files)


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_kubernetes_knows_every_field(version: str) -> None:
    for each in resources().values():
        kubernetes_validate.validate(each, version, strict=True)


def test_an_unknown_field_is_found() -> None:
    wrong = {**named("Deployment")["reader"], "replicas": 2}
    with pytest.raises(kubernetes_validate.ValidationError, match="replicas"):
        kubernetes_validate.validate(wrong, OLDEST, strict=True)


def variables(container: Resource) -> Iterator[str]:
    yield from (each["name"] for each in container.get("env", []))
    for each in container["envFrom"]:
        if of := each.get("configMapRef"):
            yield from named("ConfigMap")[of["name"]]["data"]
        else:
            yield from named("Secret")[each["secretRef"]["name"]]["stringData"]


def test_every_variable_is_a_setting_that_can_be_read() -> None:
    known = {each.variable: each for each in described_settings().values()}
    for container in containers().values():
        assert set(variables(container)) <= set(known)
    values: Mapping[str, str] = {
        **named("ConfigMap")["settings"]["data"],
        **named("Secret")["secrets"]["stringData"],
    }
    for name, value in values.items():
        known[name].parse(value)


def test_no_variable_of_a_service_is_taken_for_a_setting() -> None:
    """Of a service `page-tracker` Kubernetes would set PAGE_TRACKER_PORT."""
    assert [pod["enableServiceLinks"] for pod in pods().values()] == [False] * 4


def exists(words: list[str]) -> bool:
    """Whether a command is one of ours, with its options, or runs a module of ours."""
    if words[:2] == ["python3", "-m"]:
        return find_spec(words[2]) is not None
    if words[0] == "gunicorn":
        config = words[words.index("--config") + 1].removeprefix("python:")
        return words[1] == "page_tracker.asgi:app" and find_spec(config) is not None
    command = main.get_command(click.Context(main), words[1])
    options = {
        name for each in (command.params if command else ()) for name in each.opts
    }
    return command is not None and set(words[2:]) <= options


def test_every_command_exists() -> None:
    for container in containers().values():
        assert exists(container["command"] + container.get("args", []))
        for probe in probes(container):
            assert "exec" not in probe or exists(probe["exec"]["command"])
    assert not exists(["page-tracker", "writer", "--without-upkeeping"])


def probes(container: Resource) -> list[Resource]:
    return [each for name, each in container.items() if name.endswith("Probe")]


def test_every_probe_asks_for_a_route_at_a_port() -> None:
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    for container in containers().values():
        assert probes(container)
        for probe in probes(container):
            if asked := probe.get("httpGet"):
                assert asked["path"] in routes
                assert asked["port"] in {each["name"] for each in container["ports"]}


def test_services_budgets_and_scaling_find_their_pods() -> None:
    labels = {
        name: each["spec"]["template"]["metadata"]["labels"]
        for name, each in workloads().items()
    }
    for name, service in named("Service").items():
        assert service["spec"]["selector"] == labels[name]
        ports = {each["name"] for each in containers()[name]["ports"]}
        assert {each["targetPort"] for each in service["spec"]["ports"]} <= ports
    for name, each in (workloads() | named("PodDisruptionBudget")).items():
        assert each["spec"]["selector"]["matchLabels"] == labels[name]
    for each in named("HorizontalPodAutoscaler").values():
        target = each["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in resources()
    assert set(named("PodDisruptionBudget")) == set(workloads()) - {"upkeep"}


def test_every_pod_is_hardened_and_bounded() -> None:
    for name, pod in pods().items():
        container = containers()[name]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert container["securityContext"]["readOnlyRootFilesystem"], name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert not container["securityContext"]["allowPrivilegeEscalation"], name
        assert container["resources"]["limits"]["memory"], name
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name


def test_every_folder_that_is_written_to_is_a_volume() -> None:
    for name, pod in pods().items():
        mounted = {
            each["name"]: each["mountPath"]
            for each in containers()[name]["volumeMounts"]
        }
        claims = workloads()[name]["spec"].get("volumeClaimTemplates", [])
        volumes = {each["name"] for each in pod["volumes"]}
        assert volumes | {each["metadata"]["name"] for each in claims} == set(mounted)
        assert {"/data", "/tmp"} <= set(mounted.values())  # nosec B108
    data = named("ConfigMap")["settings"]["data"]["PAGE_TRACKER_DATA"]
    assert data == "/data"


def is_collecting(endpoint: str) -> bool:
    return endpoint == "index" or endpoint.split(".")[0] in COLLECTING


def of_ingress(path: str) -> str:
    """Which service gets a path: an exact one, else the longest prefix."""
    [rule] = named("Ingress")["visitors"]["spec"]["rules"]
    fitting = [
        (each["pathType"] == "Exact", len(each["path"]), each["backend"]["service"])
        for each in rule["http"]["paths"]
        if each["path"] == path
        or (
            each["pathType"] == "Prefix"
            and f"{path}/".startswith(each["path"].rstrip("/") + "/")
        )
    ]
    _, _, service = max(fitting, key=lambda each: each[:2])
    ports = {
        each["name"] for each in named("Service")[service["name"]]["spec"]["ports"]
    }
    assert service["port"]["name"] in ports
    return str(service["name"])


def of_proxy(path: str) -> str:
    """The same by the rules of deploy/proxy/cluster.cfg."""
    text = (ROOT / "deploy" / "proxy" / "cluster.cfg").read_text()
    rules = [line.split() for line in text.splitlines() if "acl collecting" in line]
    collecting = any(
        path in words[3:] if words[2] == "path" else path.startswith(tuple(words[3:]))
        for words in rules
    )
    return "collector" if collecting else "reader"


def test_collectors_get_what_pages_of_websites_load_and_send() -> None:
    """And readers all else, but for what says how a server itself is."""
    seen = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("probes."):
            continue
        wanted = "collector" if is_collecting(rule.endpoint) else "reader"
        assert (rule.rule, of_ingress(rule.rule)) == (rule.rule, wanted)
        assert (rule.rule, of_proxy(rule.rule)) == (rule.rule, wanted)
        seen.add(wanted)
    assert seen == {"collector", "reader"}
