"""sealmail works where nothing but itself and its declared dependencies is installed."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import sealmail


def closure(name: str, seen: set[str]) -> set[str]:
    """The distributions that `name` needs, itself included, as its metadata says."""
    distribution = importlib.metadata.distribution(name)
    if distribution.name.lower() in seen:
        return seen
    seen.add(distribution.name.lower())
    for line in distribution.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            closure(requirement.name, seen)
    return seen


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with links to the files of sealmail and its dependencies, and to nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in closure("sealmail", set()) - {"sealmail"}:
        distribution = importlib.metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in {"..", "__pycache__"}}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))))
    (site / "sealmail").symlink_to(Path(sealmail.__file__).parent)
    return folder


def run(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [environment / "bin" / "python", "-I", *arguments],
        input="From: erin@shop.example\nSubject: Hello\n\nMy parcel.\n",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_desk_is_not_in_the_empty_environment(empty_environment: Path) -> None:
    assert sys.prefix != str(empty_environment)
    assert run(empty_environment, "-c", "import django").returncode == 1
    assert run(empty_environment, "-c", "import sealdesk").returncode == 1


@pytest.mark.parametrize("command", ["inspect", "seal", "keys"])
def test_every_command_starts_alone(empty_environment: Path, command: str) -> None:
    result = run(empty_environment, "-m", "sealmail", command, "--help")

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: sealmail")


def test_inspect_works_alone(empty_environment: Path) -> None:
    result = run(empty_environment, "-m", "sealmail", "inspect", "-", "--json")

    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["subject"], document["text"]) == ("Hello", "My parcel.\n")
    assert document["warnings"] == []
