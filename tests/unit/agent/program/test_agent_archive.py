"""The agent's own file: the zipapp as it is built, and as it is on a host, with its modules compiled."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agent import cli
from agent.program import build


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """An installed agent, with its compiled modules."""
    path = tmp_path / "agent.pyz"
    path.write_bytes(build.zipapp())
    assert json.loads(called(path, "precompile"))["modules"] > 40
    return path


def called(path: Path, verb: str) -> str:
    line = [sys.executable, "-IS", str(path), verb]
    return subprocess.run(line, input="", capture_output=True, text=True, check=True).stdout


def test_the_zipapp_is_the_same_bytes_each_time_and_small() -> None:
    assert build.zipapp() == build.zipapp()
    # 160 KiB until the agent got workers, logs and sessions, 192 until backups, 288 until restores
    # and proofs, 384 until upgrades of PostgreSQL, 416 until monitoring, 448 until joining, leaving and
    # moving databases; each preparation of a server sends it once.
    assert len(build.zipapp()) < 480 * 1024
    assert len(build.version()) == 64


def test_the_zipapp_runs_alone_with_the_standard_library_only(tmp_path: Path) -> None:
    target = tmp_path / "agent.pyz"
    target.write_bytes(build.zipapp())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(target), "version"],
        input="",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["agent"]) == 64


def test_an_installed_agent_loads_compiled_modules_and_is_the_same_version(installed: Path) -> None:
    names = zipfile.ZipFile(installed).namelist()
    modules = {name for name in build.sources() if name.endswith(".py")}
    assert {f"{name}c" for name in modules} == {name for name in names if name.endswith("c")}
    assert set(build.sources()) <= set(names)
    assert "agent/backup/rows.sql" in names
    assert installed.read_bytes().startswith(build.SHEBANG)
    assert os.access(installed, os.X_OK)
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); import agent.cli; print(agent.cli.__file__)"
    )
    line = [sys.executable, "-ISc", program]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()
    assert told == f"{installed}/agent/cli.pyc"
    assert json.loads(called(installed, "version"))["agent"] == build.version()


def test_modules_that_another_python_compiled_are_passed_over(installed: Path) -> None:
    with zipfile.ZipFile(installed) as given:
        entries = {name: given.read(name) for name in given.namelist()}
    with zipfile.ZipFile(installed, "w") as out:
        for name, content in entries.items():
            out.writestr(name, b"\0\0\r\n" + content[4:] if name.endswith(".pyc") else content)
    assert json.loads(called(installed, "version"))["agent"] == build.version()


def test_an_agent_may_be_compiled_again(installed: Path) -> None:
    before = installed.read_bytes()
    called(installed, "precompile")
    assert installed.read_bytes() == before
    assert json.loads(called(installed, "version"))["agent"] == build.version()


def test_there_is_nothing_to_compile_in_a_folder_of_sources() -> None:
    line = [sys.executable, "-m", "agent", "precompile"]
    done = subprocess.run(line, input="", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "runs from a folder" in done.stderr


def test_the_zipapp_holds_no_tests_and_no_builder() -> None:
    names = zipfile.ZipFile(io.BytesIO(build.zipapp())).namelist()
    assert "agent/cli.py" in names
    assert not [name for name in names if name.endswith("/build.py") or "test" in name]


def test_the_zipapp_holds_every_room_and_each_verb_runs_from_it(installed: Path) -> None:
    names = zipfile.ZipFile(installed).namelist()
    for module in cli.VERBS.values():
        assert f"{module.replace('.', '/')}.pyc" in names
        assert f"{module.rpartition('.')[0].replace('.', '/')}/__init__.pyc" in names
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); import importlib\n"
    program += "".join(f"importlib.import_module({module!r})\n" for module in cli.VERBS.values())
    program += "print(*[m.__file__ for name, m in sys.modules.items() if name.startswith('agent')])"
    done = subprocess.run([sys.executable, "-ISc", program], capture_output=True, text=True, check=True)
    assert all(file.endswith(".pyc") for file in done.stdout.split())
