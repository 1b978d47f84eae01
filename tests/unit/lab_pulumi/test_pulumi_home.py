"""A home for the CLI: the binary, its language host, the plugins."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.pulumi.cli import EXEC, LANGUAGE_HOST, Cli
from lab.pulumi.home import STAND_INS, START, Home


@pytest.fixture
def built(tmp_path: Path) -> Cli:
    """A CLI as the lab builds it."""
    folder = tmp_path / "cache $HOME"
    folder.mkdir()
    (folder / "pulumi").write_text("#!/bin/sh\n")
    return Cli(folder / "pulumi", "built", folder / EXEC)


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder: which it is, and when it was written."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def plugin(home: Home, package: str) -> Path:
    version = importlib.metadata.version(STAND_INS[package])
    return home.folder / "plugins" / f"resource-{package}-v{version}" / f"pulumi-resource-{package}"


def test_the_second_time_nothing_is_written(built: Cli, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.ensure(built)
    before = tree(home.folder)
    home.ensure(built)
    assert tree(home.folder) == before
    assert len(before) == 2 + len(STAND_INS)


def test_the_binary_is_linked_and_not_copied(built: Cli, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.ensure(built)
    assert home.pulumi.stat().st_ino == built.binary.stat().st_ino
    assert not home.pulumi.is_symlink(), "the CLI looks for its language host beside its real place"


def test_another_build_takes_the_place_of_the_first(built: Cli, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.ensure(built)
    built.binary.unlink()
    built.binary.write_text("#!/bin/sh\n# newer\n")
    home.ensure(built)
    assert "newer" in home.pulumi.read_text()


def test_the_machines_own_cli_brings_its_own_language_host(built: Cli, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.ensure(built)
    home.ensure(Cli(built.binary, "on the PATH"))
    assert home.pulumi.readlink() == built.binary
    assert not (home.bin / LANGUAGE_HOST).exists()
    home.ensure(built)
    assert not home.pulumi.is_symlink()
    assert (home.bin / LANGUAGE_HOST).exists()


def test_without_stand_ins_the_cli_gets_its_plugins_itself(built: Cli, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", stand_ins=False)
    home.ensure(built)
    assert not (home.folder / "plugins").exists()


@pytest.mark.parametrize("name", ["a home", "it's", 'say "home"', "$(touch nope) `x`", "ü; exit 3"])
def test_launchers_work_wherever_the_home_is(built: Cli, tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / name)
    home.ensure(built)
    launcher = plugin(home, "command")
    assert os.access(launcher, os.X_OK)
    started = subprocess.Popen(
        [launcher, "127.0.0.1:1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
    )
    assert started.stdin is not None
    assert started.stdout is not None
    try:
        assert int(started.stdout.readline()) > 0, "the plugin says its port"
        started.stdin.close()
        assert started.wait(10) == 0
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
    assert not (tmp_path / "nope").exists()


def test_a_launcher_starts_this_interpreter_with_arguments_that_are_quoted(
    built: Cli, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    home.ensure(built)
    script = (home.bin / LANGUAGE_HOST).read_text()
    shown = subprocess.run(
        ["sh", "-c", script.replace("exec ", "printf '%s\\n' "), "sh", "engine"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert shown[:3] == [sys.executable, str(START), "lab.plugins.language"]
    assert str(built.exec_file) in shown
    assert shown[-1] == "engine"
