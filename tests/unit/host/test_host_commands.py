"""Commands: what failed is said with its own last words; a killed run leaves nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.host import commands, groups
from lab.host.errors import LabError
from lab.host.paths import REPOSITORY
from lab.host.processes import ProcessId, children, wait_until

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


def test_a_failing_command_is_quoted_with_what_it_said() -> None:
    with pytest.raises(LabError, match=r"`sh -c 'echo no >&2; exit 3'` failed with status 3: no"):
        commands.output(["sh", "-c", "echo no >&2; exit 3"])


@ROOT
def test_a_failing_build_shows_its_own_lines_and_not_an_earlier_ones(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "build.log"
    commands.build(["echo", "earlier"], log)
    with pytest.raises(LabError, match="it broke") as error:
        commands.build(["sh", "-c", "echo it broke; exit 1"], log, what="the build")
    assert error.value.cause.startswith(f"the build failed with status 1; end of {log}")
    assert "earlier" not in error.value.cause


@ROOT
def test_a_build_dies_with_a_run_that_is_killed(tmp_path: Path) -> None:
    program = "import sys, pathlib; from lab.host import commands; "
    program += "commands.build(['sh', '-c', 'setsid sleep 62 & wait'], pathlib.Path(sys.argv[1]))"
    run = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "log")], cwd=REPOSITORY)
    tree = [run.pid]
    for _ in range(3):  # the wrapper, the shell, its deaf grandchild
        assert wait_until(lambda: bool(children(tree[-1])), 20)
        tree.append(children(tree[-1])[0])
    grandchild = ProcessId.of(tree[-1])
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert wait_until(lambda: not grandchild.alive(), 10)


def test_a_machine_with_systemd_gives_builds_their_own_group(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(commands, "_BOOTED_BY_SYSTEMD", tmp_path)
    with commands.contained(["true"]) as line:
        assert "systemd-run" in line
    monkeypatch.setattr(commands, "_BOOTED_BY_SYSTEMD", tmp_path / "none")
    with commands.contained(["true"]) as line:
        assert "systemd-run" not in line


@ROOT
def test_without_systemd_too_each_has_its_own_group_which_goes_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(commands, "_BOOTED_BY_SYSTEMD", tmp_path / "none")
    look = ["sh", "-c", "grep ^0:: /proc/self/cgroup"]
    with commands.contained(look) as one, commands.contained(look) as other:
        said = [
            subprocess.run(line, capture_output=True, text=True, check=True).stdout for line in (one, other)
        ]
        groups_made = [Path(line[line.index("sh") + 3]) for line in (one, other)]
        assert all(group.is_dir() for group in groups_made)
    assert [line.strip().rpartition("/")[2] for line in said] == [group.name for group in groups_made]
    assert len({group.name for group in groups_made}) == 2
    assert not any(group.exists() for group in groups_made)


@ROOT
def test_the_group_of_a_process_that_was_killed_goes_with_the_next_one() -> None:
    program = "from lab.host import groups; held = groups.own(); group = held.__enter__(); print(group, flush=True); input()"
    run = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    left = Path(run.stdout.readline().strip())
    (left / "payload").mkdir()
    with groups.own():
        assert left.is_dir(), "its process lives"
    run.kill()
    run.communicate()
    with groups.own():
        assert not left.exists()
