"""docs/start: how big a machine repeats what was measured, compose what there is."""

import re

import yaml

from support.documentation import ROOT, page

SIZE = "start/machine-size"


def test_every_measured_figure_is_one_of_the_benchmarks() -> None:
    rows = re.findall(
        r"^\| (?!-|hits that are kept \||what \|)(.+) \|$", page(SIZE), re.M
    )
    figures = re.findall(r"[\d.,-]*\d(?: (?:MB|s)\b)?", " ".join(rows))
    measured = page("explanation/benchmarks")

    assert len(figures) > 20
    assert [each for each in figures if each not in measured] == []


def test_every_service_of_the_page_is_one_of_the_compose_file() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    named = set(re.findall(r"\b\w+-service\b", page("start/compose")))

    assert named == set(services)


def test_every_variable_for_the_env_file_is_read_by_the_compose_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    sentence = page("start/compose").partition("Put `PAGE_TRACKER_URL`")[2]
    named = re.findall(r"`([A-Z_]+)`", sentence.partition("into the file")[0])

    assert len(named) == 3
    assert all(f"${{{name}:" in text for name in [*named, "PAGE_TRACKER_URL"])
