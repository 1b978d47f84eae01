"""pyproject.toml says what is needed, locks/ and requirements.txt say the same: checked without a registry."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from installed import closure
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = {"run": "program", "lab": "lab", "dev": "dev", "mcp": "mcp"}
CARD = {
    "pulumi", "pulumi-command", "ediri-vultr", "pulumi-postgresql", "pulumi-minio", "pydantic", "pyyaml", "jinja2", "pytest",
}  # fmt: skip
REMEDY = "run `make lock`"


def group(name: str) -> Iterator[Requirement]:
    """The requirements of a group and of those that it includes."""
    for entry in PYPROJECT["dependency-groups"][name]:
        if isinstance(entry, str):
            yield Requirement(entry)
        else:
            yield from group(entry["include-group"])


def asked(name: str) -> list[Requirement]:
    """What pyproject.toml asks for: the command's dependencies and those of a group."""
    return [*map(Requirement, PYPROJECT["project"]["dependencies"]), *group(name)]


def entries(file: str) -> dict[str, tuple[Requirement, list[str]]]:
    """The pins of a file with their hashes, by normalised name; anything else in it is an error."""
    found: dict[str, tuple[Requirement, list[str]]] = {}
    text = re.sub(r"^\s*#.*\n", "", (ROOT / file).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        pin, *hashes = re.split(r"\s+--hash=", line.strip())
        requirement = Requirement(pin)
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{file}: {name} twice"
        found[name] = requirement, hashes
    return found


def pins(file: str) -> dict[str, str]:
    """Versions by normalised name."""
    return {name: version(requirement) for name, (requirement, _) in entries(file).items()}


def version(requirement: Requirement) -> str:
    """The one version that a requirement allows."""
    [specifier] = requirement.specifier
    assert specifier.operator == "==", f"{requirement} is not a pin"
    assert requirement.url is None
    return specifier.version


@pytest.mark.parametrize("lock", GROUPS)
def test_a_lock_has_what_pyproject_asks_for_and_nothing_else(lock: str) -> None:
    file = f"locks/{lock}.txt"
    locked = {
        name: version(requirement)
        for name, (requirement, _) in entries(file).items()
        if requirement.marker is None or requirement.marker.evaluate()
    }
    try:
        needed = closure(asked(GROUPS[lock]))
    except PackageNotFoundError as error:
        pytest.fail(
            f"pyproject.toml asks for {error.name}, which is not installed: {REMEDY}, then `make lint`"
        )
    assert locked == {name: found.version for name, found in needed.items()}, f"{file}: {REMEDY}"
    for requirement in asked(GROUPS[lock]):
        pinned = locked[canonicalize_name(requirement.name)]
        assert pinned == version(requirement), f"{file}, {requirement.name}: {REMEDY}"


@pytest.mark.parametrize("lock", GROUPS)
def test_every_pin_of_a_lock_has_content_hashes(lock: str) -> None:
    for name, (_, hashes) in entries(f"locks/{lock}.txt").items():
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), name


def test_a_machine_for_the_lab_runs_what_production_runs() -> None:
    run, lab, dev, mcp = (pins(f"locks/{lock}.txt") for lock in GROUPS)
    assert run.items() <= lab.items() <= dev.items(), REMEDY
    assert run.items() <= mcp.items() <= dev.items(), REMEDY


def test_the_extras_have_the_pins_of_the_groups() -> None:
    pinned = {canonicalize_name(each.name): version(each) for each in group("dev")}
    for extra in PYPROJECT["project"]["optional-dependencies"].values():
        for requirement in map(Requirement, extra):
            assert version(requirement) == pinned[canonicalize_name(requirement.name)]


def test_requirements_txt_is_the_program_s_own_pins_and_lists_the_design_card_s() -> None:
    assert pins("requirements.txt") == {
        canonicalize_name(requirement.name): version(requirement) for requirement in asked("card")
    }, REMEDY
    assert pins("requirements.txt").keys() >= CARD


@pytest.mark.parametrize("file", ["requirements.txt", *(f"locks/{lock}.txt" for lock in GROUPS)])
def test_no_registry_is_named(file: str) -> None:
    assert "://" not in (ROOT / file).read_text(), (
        "packages come from where the machine's pip is told to look"
    )


def test_the_development_set_has_the_build_backend() -> None:
    assert set(map(Requirement, PYPROJECT["build-system"]["requires"])) <= set(group("dev")), (
        "lab/bootstrap.sh installs this project with the backend of the lock, fetching nothing"
    )
