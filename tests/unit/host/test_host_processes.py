"""A process is more than its pid: one that has a recycled pid is never touched."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.host.errors import LabError
from lab.host.processes import ProcessId, Supervised, children, wait_until


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_alive_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    process = ProcessId.of(sleeper.pid)
    assert process.alive()
    assert sleeper.pid in children(os.getpid())
    process.send(signal.SIGKILL)
    sleeper.wait(timeout=10)
    assert not process.alive()
    process.send(signal.SIGKILL)


@pytest.mark.parametrize("difference", [{"started": 1}, {"boot": "an earlier boot"}], ids=["start", "boot"])
def test_a_recycled_pid_is_not_the_process(
    sleeper: subprocess.Popen[bytes], difference: dict[str, int]
) -> None:
    other = dataclasses.replace(ProcessId.of(sleeper.pid), **difference)  # type: ignore[arg-type]
    assert not other.alive()
    other.send(signal.SIGKILL)
    time.sleep(0.1)
    assert sleeper.poll() is None, "a process that is not ours was killed"


def test_a_zombie_does_not_count_as_alive(sleeper: subprocess.Popen[bytes]) -> None:
    process = ProcessId.of(sleeper.pid)
    sleeper.kill()
    assert wait_until(lambda: not process.alive(), 10)


def test_what_is_not_running_is_off_and_can_be_stopped(tmp_path: Path) -> None:
    supervised = Supervised(tmp_path)
    assert not supervised.running()
    assert supervised.process("command") is None
    assert supervised.stop(1)


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
class TestSupervision:
    def test_it_outlives_its_starter_and_stops_when_asked(self, tmp_path: Path) -> None:
        supervised = Supervised(tmp_path)
        supervised.start(["sh", "-c", "trap 'exit 0' TERM; echo started; sleep 60 & wait"], {})
        try:
            assert supervised.running()
            assert wait_until(lambda: "started" in supervised.log.read_text(), 10)
        finally:
            assert supervised.stop(10), "it had to be killed"
        assert not supervised.running()

    def test_killing_the_supervisor_takes_everything_along(self, tmp_path: Path) -> None:
        supervised = Supervised(tmp_path)
        # A grandchild in a session of its own, deaf to signals: what a container's processes are like.
        supervised.start(["sh", "-c", "trap '' TERM; setsid sleep 61 & wait"], {})
        supervisor, command = supervised.process("supervisor"), supervised.process("command")
        assert supervisor is not None
        assert command is not None
        (shell,) = children(command.pid)
        assert wait_until(lambda: bool(children(shell)), 10)
        grandchild = ProcessId.of(children(shell)[0])
        supervisor.send(signal.SIGKILL)
        assert wait_until(lambda: not supervised.running() and not grandchild.alive(), 10)

    def test_a_reboot_runs_the_command_again(self, tmp_path: Path) -> None:
        supervised = Supervised(tmp_path)
        once, twice = tmp_path / "once", tmp_path / "twice"
        again = f"[ -e {once} ] || {{ touch {once}; sleep 0.3; exit 133; }}; touch {twice}; sleep 60"
        supervised.start(["sh", "-c", again], {})
        try:
            before = supervised.process("command")
            assert wait_until(lambda: supervised.process("command") not in (None, before), 10)
            assert wait_until(twice.exists, 10)
        finally:
            supervised.kill()

    def test_a_command_that_cannot_be_started_is_an_error_with_the_cause(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="No such file or directory"):
            Supervised(tmp_path).start(["/no/such/luck"], {})
        recorded = json.loads((tmp_path / "command.json").read_text())
        assert recorded["argv"] == ["/no/such/luck"]
