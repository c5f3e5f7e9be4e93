"""The workflow, .ci/run and CONTRIBUTING.md speak of the same commands."""

import re
from typing import Any

import yaml

from support.containers import ROOT

COMPOSE_END_TO_END = (
    "docker compose --profile testing up --build --exit-code-from test-service"
)


def text_of(path: str) -> str:
    """Return a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


def workflow() -> dict[Any, Any]:
    """Return the workflow; its `on` is the key ``True`` in YAML 1.1."""
    parsed: dict[Any, Any] = yaml.safe_load(text_of(".github/workflows/ci.yml"))
    return parsed


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
    stages = re.findall(r"^stage (\S+) (.+)$", text_of(".ci/run"), re.MULTILINE)
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


def test_only_a_push_to_main_publishes_and_only_that_job_may_write() -> None:
    """A pull request can neither publish nor read a secret."""
    jobs = workflow()["jobs"]
    publish = jobs.pop("publish")

    assert workflow()["permissions"] == {}
    assert "github.event_name == 'push'" in publish["if"]
    assert "refs/heads/main" in publish["if"]
    assert set(publish["needs"]) == set(jobs)
    for name, job in jobs.items():
        assert job["permissions"] == {"contents": "read"}, name
        assert "secrets." not in str(job), name


def test_every_job_ends_and_every_action_is_pinned() -> None:
    """Each job has a timeout; each action is named by its commit."""
    for name, job in workflow()["jobs"].items():
        assert job["timeout-minutes"] <= 30, name
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])


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
