"""The workflows, .ci/run and CONTRIBUTING.md speak of the same commands."""

import re
from typing import Any

import pytest
import yaml

from support.containers import ROOT

PUBLISH = ".github/workflows/publish.yml"
COMPOSE_END_TO_END = (
    "docker compose --profile testing up --build --exit-code-from test-service"
)


def text_of(path: str) -> str:
    """Return a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


def workflow(name: str = "ci") -> dict[Any, Any]:
    """Return a workflow; its `on` is the key ``True`` in YAML 1.1."""
    parsed: dict[Any, Any] = yaml.safe_load(text_of(f".github/workflows/{name}.yml"))
    return parsed


def needed_by(job: str, jobs: dict[str, Any]) -> set[str]:
    """Return all jobs that end well before this one begins."""
    named = jobs[job].get("needs", [])
    direct = {named} if isinstance(named, str) else {*named}
    return direct.union(*(needed_by(each, jobs) for each in direct))


def commands_of_workflow() -> list[str]:
    """Return what the jobs run, in order, without what prepares the machine."""
    return [
        step["run"]
        for job in workflow()["jobs"].values()
        for step in job["steps"]
        if "run" in step and step.get("name") != "system"
    ]


def commands_of_ci_run() -> list[str]:
    """Return what the stages run, in order, without those that prepare the machine."""
    stages = re.findall(
        r"^(?:stage|begin) (\S+) (.+)$", text_of(".ci/run"), re.MULTILINE
    )
    return [command for name, command in stages if name not in {"system", "engine"}]


def commands_for_contributors() -> set[str]:
    """Return the lines of CONTRIBUTING.md, without what a comment says of a command."""
    lines = text_of("CONTRIBUTING.md").splitlines()
    return {re.sub(r"\s+#.*", "", line).strip() for line in lines}


def test_workflow_and_ci_run_run_the_same_commands() -> None:
    """Neither checks what the other does not."""
    assert commands_of_workflow() == commands_of_ci_run()
    assert COMPOSE_END_TO_END in commands_of_workflow()


def test_contributors_are_told_every_command_of_the_workflow() -> None:
    """What decides about a change is what people are told to run."""
    assert set(commands_of_workflow()) <= commands_for_contributors()


def test_every_script_that_is_named_is_there_and_can_be_run() -> None:
    """No command of the README or of CONTRIBUTING.md leads nowhere."""
    text = text_of("README.md") + text_of("CONTRIBUTING.md")
    scripts = set(re.findall(r"scripts/[\w-]+", text))

    assert {"scripts/serve", "scripts/test", "scripts/check"} <= scripts
    for script in scripts:
        assert (ROOT / script).stat().st_mode & 0o111, script


def test_a_pull_request_can_neither_publish_nor_read_a_secret() -> None:
    """What runs on it may read the sources, and nothing else."""
    assert workflow()["permissions"] == {}
    for name, job in workflow()["jobs"].items():
        assert job["permissions"] == {"contents": "read"}, name
        assert "secrets." not in str(job), name
    assert set(workflow("publish")[True]) == {"push"}


def test_nothing_is_published_before_everything_has_passed() -> None:
    """Each job that may write, or reads a secret, waits for the workflow of tests."""
    jobs = workflow("publish")["jobs"]
    writing = {
        name
        for name, job in jobs.items()
        if "write" in job["permissions"].values() or "secrets." in str(job)
    }

    assert workflow("publish")["permissions"] == {}
    assert writing == {"build", "image", "packages", "index", "release", "deploy"}
    for name in writing:
        assert {"version", "ci"} <= needed_by(name, jobs), name
    assert needed_by("deploy", jobs) == set(jobs) - {"deploy"}


def test_main_publishes_an_image_and_a_tag_all() -> None:
    """The packages and the release are those of a version, which has a tag."""
    on, jobs = workflow("publish")[True]["push"], workflow("publish")["jobs"]
    of_tags = {name for name, job in jobs.items() if "'tag'" in str(job.get("if"))}
    [names] = re.findall(r"^ +tags: \|\n((?: +type=.*\n)+)", text_of(PUBLISH), re.M)

    assert on == {"branches": ["main"], "tags": ["v[0-9]+.[0-9]+.[0-9]+"]}
    assert of_tags == {"packages"}
    assert (
        {"packages", "image"} <= needed_by("index", jobs) < needed_by("release", jobs)
    )
    assert names.split() == [
        "type=sha,format=long,prefix=",
        "type=edge,branch=main",
        "type=semver,pattern={{version}}",
        "type=semver,pattern={{major}}.{{minor}}",
    ]


@pytest.mark.parametrize("name", ["ci", "publish"])
def test_every_job_ends_and_every_action_is_pinned(name: str) -> None:
    """Each job has a timeout; each action is named by its commit."""
    for job in workflow(name)["jobs"].values():
        if "steps" in job:
            assert job["timeout-minutes"] <= 30
        for step in job.get("steps", []):
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])


def test_data_of_the_release_before_can_be_made_wherever_packages_are_tested() -> None:
    """A checkout has the newest commit alone, unless it is told otherwise."""
    steps = workflow()["jobs"]["containers"]["steps"]
    [checkout] = [each for each in steps if "checkout@" in each.get("uses", "")]

    assert "scripts/test-pipeline" in [each.get("run") for each in steps]
    assert checkout["with"]["fetch-depth"] == 0


def test_dockerfiles_name_the_same_base() -> None:
    """The image that is tested with is the image that is released."""
    named = {
        re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", text_of(path), re.MULTILINE)[0]
        for path in ("web/Dockerfile", "web/Dockerfile.dev")
    }

    assert len(named) == 1


def test_the_image_build_runs_what_scripts_check_runs() -> None:
    """No check is left out where the image is made of what lies in web/."""
    said = text_of("scripts/check").replace("\\\n", "")
    found = re.findall(r"^ *check ((?!.* \.\./).+)$", said, re.MULTILINE)
    checks = [each.replace("$all", "src test") for each in found]
    steps = re.findall(r"^RUN (.+)$", text_of("web/Dockerfile"), re.MULTILINE)

    assert len(checks) >= 7
    assert set(checks) <= set(steps)
    assert "pytest test/unit" in steps
