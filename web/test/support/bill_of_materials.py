"""What a wheel brings with it, as a CycloneDX 1.6 document (a bill of materials, SBOM).

The wheel's metadata names what it needs. The version and licence of each are read from
the installed packages, which have the versions of ``constraints.txt``, as the image
has. What only another system or another version of Python needs is not named.

https://cyclonedx.org/docs/1.6/json/
"""

import json
import sys
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zipfile import Path as ZipPath
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Component = dict[str, Any]


class WheelDistribution(Distribution):
    """A wheel that is not installed."""

    def __init__(self, wheel: Path) -> None:
        with ZipFile(wheel) as names:
            [metadata] = [
                each for each in names.namelist() if each.endswith("/METADATA")
            ]
        self._folder = ZipPath(wheel, metadata.removesuffix("METADATA"))

    def read_text(self, filename: str) -> str | None:
        file = self._folder / filename
        return file.read_text("utf-8") if file.exists() else None

    def locate_file(self, path: Any) -> Any:
        return self._folder / str(path)


def bill_of(wheel: Path) -> dict[str, Any]:
    """The document for a wheel.

    Raises PackageNotFoundError where what the wheel needs is not installed.
    """
    product = WheelDistribution(wheel)
    needed = _needed_by(product)
    digest = sha256(wheel.read_bytes()).hexdigest()
    hashes = [{"alg": "SHA-256", "content": digest}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "component": {**_component(product, "application"), "hashes": hashes}
        },
        "components": [_component(each, "library") for each in needed.values()],
        "dependencies": [
            {"ref": _purl(each), "dependsOn": sorted({*map(_purl, _direct(each))})}
            for each in (product, *needed.values())
        ],
    }


def _needed_by(product: Distribution) -> dict[str, Distribution]:
    """All that is installed with it, by address."""
    found: dict[str, Distribution] = {}
    waiting = [*_direct(product)]
    while waiting:
        each = waiting.pop()
        if _purl(each) not in found:
            found[_purl(each)] = each
            waiting += _direct(each)
    return dict(sorted(found.items()))


def _direct(needing: Distribution) -> Iterable[Distribution]:
    """What a package itself asks for here, with what the extras that it names add."""
    for each in _asked_for(needing):
        found = distribution(each.name)
        yield found
        for extra in each.extras:
            added = [
                it for it in _asked_for(found, extra) if it not in _asked_for(found)
            ]
            yield from (distribution(it.name) for it in added)


def _asked_for(needing: Distribution, extra: str = "") -> list[Requirement]:
    """Its requirements that hold on this system, with an extra or without."""
    requirements = map(Requirement, needing.requires or [])
    return [
        each
        for each in requirements
        if not each.marker or each.marker.evaluate({"extra": extra})
    ]


def _component(package: Distribution, kind: str) -> Component:
    return {
        "type": kind,
        "bom-ref": _purl(package),
        "name": canonicalize_name(package.name),
        "version": package.version,
        "purl": _purl(package),
        "licenses": _licences(package),
    }


def _licences(package: Distribution) -> list[dict[str, Any]]:
    """The licence's SPDX expression, or the names that its classifiers give it."""
    if "License-Expression" in package.metadata:
        return [{"expression": package.metadata["License-Expression"]}]
    classifiers = package.metadata.get_all("Classifier") or []
    named = [each for each in classifiers if each.startswith("License :: ")]
    return [{"license": {"name": each.split(" :: ")[-1]}} for each in named]


def _purl(package: Distribution) -> str:
    """Its address as https://github.com/package-url/purl-spec has it."""
    return f"pkg:pypi/{canonicalize_name(package.name)}@{package.version}"


if __name__ == "__main__":
    print(json.dumps(bill_of(Path(sys.argv[1])), indent=2))
