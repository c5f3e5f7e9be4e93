"""The packages as they are published, and as people run them."""

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
import requests

from support.containers import ROOT
from support.pace import ANSWER_SECONDS
from support.processes import clean_environment, running
from support.upgrading import UV, answers, before, begin, installed, send, sources_of

URL = "https://code.example/page-tracker"
CONSTRAINTS = ROOT / "web" / "constraints.txt"
# How uv runs a program in an environment of its own, of which nothing is left.
ISOLATED = (
    *(str(UV), "--no-config", "--no-python-downloads", "tool", "run", "--isolated"),
    *("--constraints", str(CONSTRAINTS)),
)
VALIDATOR = "cyclonedx-python-lib[json-validation]==11.12.0"
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
"""
INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps([each.name.lower().replace("_", "-") for each in distributions()]))
"""


@dataclass(frozen=True)
class Package:
    """One of the two packages in a folder of built ones."""

    name: str
    sources: Path
    folder: Path

    @property
    def wheel(self) -> Path:
        [found] = self.folder.glob(f"{self.name}-*.whl")
        return found

    @property
    def sdist(self) -> Path:
        [found] = self.folder.glob(f"{self.name}-*.tar.gz")
        return found

    def metadata(self) -> EmailMessage:
        """What the wheel says of itself."""
        with ZipFile(self.wheel) as wheel:
            [name] = [each for each in wheel.namelist() if each.endswith("/METADATA")]
            parsed = message_from_bytes(wheel.read(name), policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


def build(folder: Path) -> None:
    """Build what is published, as a release does."""
    subprocess.run(
        [ROOT / "scripts" / "package", folder],
        check=True,
        env=clean_environment(PROJECT_URL=URL),
    )


@pytest.fixture(scope="module", name="built")
def build_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built packages."""
    folder = tmp_path_factory.mktemp("dist")
    build(folder)
    return folder


@pytest.fixture(name="package", params=["page_tracker", "page_tracker_client"])
def name_package(request: pytest.FixtureRequest, built: Path) -> Package:
    """Each package in turn."""
    sources = ROOT / ("client" if request.param.endswith("client") else "web")
    return Package(request.param, sources, built)


def test_two_builds_of_the_same_files_are_the_same_bytes(
    built: Path, tmp_path: Path
) -> None:
    """Whoever doubts a release can build it, and compare."""

    def sums(folder: Path) -> dict[str, str]:
        files = folder.iterdir()
        return {each.name: sha256(each.read_bytes()).hexdigest() for each in files}

    build(tmp_path)

    assert len(sums(built)) == 4
    assert sums(built) == sums(tmp_path)


def test_a_wheel_holds_every_file_of_the_sources_and_the_licence(
    package: Package,
) -> None:
    """No template, script or table is left behind."""
    with ZipFile(package.wheel) as wheel:
        names = set(wheel.namelist())
    sources = package.sources / "src"
    there = {
        str(each.relative_to(sources))
        for each in (sources / package.name).rglob("*")
        if each.is_file() and "__pycache__" not in each.parts
    }

    assert {each for each in names if ".dist-info/" not in each} == there
    assert any(each.endswith(".dist-info/licenses/LICENSE") for each in names)


def test_an_sdist_holds_the_tests_and_the_licence(package: Package) -> None:
    """Who packages it for a system can test it there."""
    with tarfile.open(package.sdist) as sdist:
        names = {each.partition("/")[2] for each in sdist.getnames()}

    assert {"LICENSE", "README.md", "PKG-INFO", "test/conftest.py"} <= names
    assert not [each for each in names if each.endswith(".pyc")]


def test_a_package_says_where_it_comes_from(package: Package) -> None:
    """Its addresses and its README's links lead to the repository, at this version."""
    metadata = package.metadata()
    readme = metadata.get_content()
    links = re.findall(r"\]\((\S+?)\)", readme.replace("\n", " "))

    assert metadata["License-Expression"] == "MIT"
    assert f"Source, {URL}" in metadata.get_all("Project-URL", [])
    assert links
    for link in links:
        assert link.startswith(f"{URL}/blob/v{metadata['Version']}/"), link
        assert (ROOT / re.sub(rf"{URL}/blob/[^/]+/|#.*", "", link)).is_file(), link


def test_both_packages_and_the_project_have_one_version_and_licence(
    built: Path,
) -> None:
    """A tag names one version of everything."""
    versions = {
        each.name.split("-")[1].removesuffix(".tar.gz") for each in built.iterdir()
    }
    licences = {
        (ROOT / each / "LICENSE").read_bytes() for each in (".", "web", "client")
    }

    assert len(versions) == len(licences) == 1


@pytest.fixture(name="server_url")
def serve_from_the_wheel(built: Path, tmp_path: Path) -> Iterator[str]:
    """`uvx page-tracker serve`, with nothing but the wheel and what it asks for."""
    wheel = Package("page_tracker", ROOT / "web", built).wheel
    data = str(tmp_path / "data")
    serve = ("page-tracker", "serve", "--port", "0", "--data", data)
    command = (*ISOLATED, "--from", str(wheel), *serve)
    with running(tmp_path / "said", command, "counts at") as server:
        yield server.url


def test_the_wheel_serves_in_an_environment_of_its_own(server_url: str) -> None:
    """All that it needs is in it, or is asked for by it."""
    answer = requests.get(f"{server_url}/readyz", timeout=ANSWER_SECONDS)

    assert answer.text == "ok\n"


def test_the_client_s_wheel_needs_nothing_else(built: Path) -> None:
    """It fits beside anything."""
    package = Package("page_tracker_client", ROOT / "client", built)
    use = "from page_tracker_client import Client; print(Client.__name__)"
    command = (*ISOLATED, "--from", str(package.wheel), "python", "-c", use)

    assert "Requires-Dist" not in package.metadata()
    assert subprocess.check_output(command, text=True) == "Client\n"


def test_the_bill_of_materials_names_what_is_installed_with_the_wheel(
    built: Path,
) -> None:
    """Each by its version and licence, in a document that the schema accepts."""
    wheel = str(Package("page_tracker", ROOT / "web", built).wheel)
    bill = subprocess.check_output([ROOT / "scripts" / "bill-of-materials", wheel])
    validate = (*ISOLATED, "--from", VALIDATOR, "python", "-c", VALIDATE)
    inside = (*ISOLATED, "--from", wheel, "python", "-c", INSTALLED)
    installed = set(json.loads(subprocess.check_output(inside)))
    components = {each["name"]: each for each in json.loads(bill)["components"]}

    assert subprocess.check_output(validate, input=bill) == b"None\n"
    assert components.keys() | {"page-tracker"} == installed
    flask = components["flask"]
    assert f"Flask=={flask['version']}" in CONSTRAINTS.read_text("utf-8").split()
    assert flask["licenses"] == [{"expression": "BSD-3-Clause"}]


def test_an_upgrade_changes_no_answer_and_can_be_taken_back(
    built: Path, tmp_path: Path
) -> None:
    """From the version before, with the libraries of its time, to this wheel."""
    data, sources = tmp_path / "data", sources_of(before(), tmp_path / "before")
    old = installed(sources, sources / "constraints.txt", tmp_path / "old", data)
    wheel = Package("page_tracker", ROOT / "web", built).wheel
    new = installed(wheel, CONSTRAINTS, tmp_path / "new", data)

    with old.serving() as server:
        token = begin(old)
        send(server.url, token, range(20))
        told = answers(server.url, token)
    with new.serving() as server:
        assert answers(server.url, token) == told
        send(server.url, token, range(20, 40))
        new.command("upkeep")
        told = answers(server.url, token)
    with old.serving() as server:
        assert answers(server.url, token) == told
