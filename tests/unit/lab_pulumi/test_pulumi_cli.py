"""Which Pulumi CLI is used, and why."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi import cli

SDK = importlib.metadata.version("pulumi")


def fake(folder: Path, says: str, *, language_host: bool = True) -> Path:
    """A CLI that knows its version only."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["pulumi", cli.LANGUAGE_HOST] if language_host else ["pulumi"]
    for name in names:
        (folder / name).write_text(f'#!/bin/sh\n[ "$1" = version ] && echo "{says}"\n')
        (folder / name).chmod(0o755)
    return folder / "pulumi"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "on path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize("says", [f"v{SDK}", "v999.0.0", "v4.0.0-alpha.1", f"v{SDK}+dirty"])
def test_one_that_is_new_enough_is_used(path: Path, says: str) -> None:
    binary = fake(path, says)
    found, why = cli.on_path(())
    assert found == binary
    assert says in why
    assert SDK in why


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("v3.2.1", "v3.2.1, older than the SDK"),
        ("v0.274.99", "older than the SDK"),
        ("", "tells no version"),
        ("what?", "older"),
    ],
)
def test_one_that_is_too_old_is_not(path: Path, says: str, why: str) -> None:
    fake(path, says)
    found, reason = cli.on_path(())
    assert found is None
    assert why in reason


def test_one_that_can_run_no_python_program_is_not_used(path: Path) -> None:
    fake(path, "v999.0.0", language_host=False)
    found, reason = cli.on_path(())
    assert found is None
    assert cli.LANGUAGE_HOST in reason


def test_none_on_the_path(path: Path) -> None:
    assert cli.on_path(()) == (None, "none on the PATH")


def test_the_labs_own_is_not_the_machines(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell of the lab has it on its PATH, first."""
    fake(path, "v999.0.0")
    assert cli.on_path((path,)) == (None, "none on the PATH")
    machines = fake(tmp_path / "machine", "v998.0.0")
    monkeypatch.setenv("PATH", f"{path}:{tmp_path / 'machine'}")
    assert cli.on_path((path,))[0] == machines


def test_a_link_on_the_path_is_followed_to_its_language_host(path: Path, tmp_path: Path) -> None:
    binary = fake(tmp_path / "opt", "v999.0.0")
    (path / "pulumi").symlink_to(binary)
    assert cli.on_path(())[0] == binary


def test_the_machines_own_needs_no_build(path: Path, tmp_path: Path) -> None:
    binary = fake(path, "v999.0.0")
    found = cli.cli(Folders(tmp_path / "lab", tmp_path / "cache"), Progress(print), ())
    assert (found.binary, found.exec_file) == (binary, None)


def test_the_version_is_the_one_that_the_go_module_pins() -> None:
    pins = (cli.GO_MODULE / "go.mod").read_text()
    for module in ("pkg", "sdk"):
        pinned = re.search(rf"github\.com/pulumi/pulumi/{module}/v3 v(\S+)", pins)
        assert pinned, module
        assert pinned[1] == cli.VERSION


def test_the_built_cli_is_not_older_than_the_sdk() -> None:
    assert tuple(map(int, cli.VERSION.split("."))) >= tuple(map(int, SDK.split(".")))
