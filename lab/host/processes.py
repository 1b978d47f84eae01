"""Processes that outlive a run: named so that a recycled pid is never mistaken for one of ours."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.host import commands
from lab.host.cache import write_atomically
from lab.host.errors import LabError
from lab.host.paths import REPOSITORY

_STATE, _START_TIME = 0, 19  # fields 3 and 22 of /proc/<pid>/stat, counted after the command's name
START_PATIENCE_S = 10.0


@dataclass(frozen=True)
class ProcessId:
    """A process: its pid, when it started (clock ticks since boot) and which boot that was."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """The process that has ``pid`` now. Raises ProcessLookupError when there is none."""
        fields = _stat(pid)
        if fields is None:
            raise ProcessLookupError(pid)
        return cls(pid=pid, started=int(fields[_START_TIME]), boot=_boot_id())

    def as_json(self) -> dict[str, int | str]:
        """The fields, for a JSON file."""
        return {"pid": self.pid, "started": self.started, "boot": self.boot}

    def alive(self) -> bool:
        """Whether exactly this process still runs; a zombie does not."""
        fields = _stat(self.pid)
        if fields is None or fields[_STATE] == "Z":
            return False
        return int(fields[_START_TIME]) == self.started and _boot_id() == self.boot

    def send(self, signum: signal.Signals) -> None:
        """Signal exactly this process; nothing happens when it has ended."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(handle, signum)
        finally:
            os.close(handle)


def _program(pid: int) -> list[str]:
    """What a process runs: its program, or the interpreter and the script; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:2]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def children(pid: int) -> list[int]:
    """Pids of a process's children, in order of their birth."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def wait_until(reached: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Ask until the answer is yes or the time is up; returns the last answer."""
    deadline = time.monotonic() + seconds
    while not (done := reached()) and time.monotonic() < deadline:
        time.sleep(pause)
    return done


@dataclass(frozen=True)
class Supervised:
    """A command that runs on after us, under :mod:`lab.host.supervisor`; its files are in ``directory``."""

    directory: Path

    @property
    def log(self) -> Path:
        """Everything the command prints."""
        return self.directory / "console.log"

    def running(self) -> bool:
        """Whether the supervisor or the command is alive: they hold the lock."""
        lock = self.directory / "run.lock"
        if not lock.exists():
            return False
        with lock.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def process(self, role: str) -> ProcessId | None:
        """The living process of a role (``supervisor`` or ``command``), if there is one."""
        try:
            found = json.loads((self.directory / "run.json").read_text())[role]
        except FileNotFoundError:
            return None
        process = ProcessId(**found)
        return process if process.alive() else None

    def note(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """The command from its next start on."""
        write_atomically(self.directory / "command.json", json.dumps({"argv": [*argv], "env": dict(env)}))

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Start the command. Raises LabError, with the end of its log, when it ends at once."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.note(argv, env)
        (self.directory / "run.json").unlink(missing_ok=True)
        with self.log.open("a") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "lab.host.supervisor", str(self.directory)],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        up = wait_until(lambda: supervisor.poll() is not None or self._begun(argv[0]), START_PATIENCE_S)
        if not up or supervisor.poll() is not None:
            raise LabError(
                f"{argv[0]} ended at once; end of {self.log}:\n{commands.tail(self.log)}", "see the log"
            )

    def _begun(self, program: str) -> bool:
        """Whether the program itself runs, and not only what contains it."""
        command = self.process("command")
        return command is not None and any(program in _program(pid) for pid in children(command.pid))

    def stop(self, patience_s: float) -> bool:
        """Ask the command to stop, kill it when it does not; returns whether it stopped by itself."""
        if supervisor := self.process("supervisor"):
            supervisor.send(signal.SIGTERM)
        if wait_until(lambda: not self.running(), patience_s):
            return True
        self.kill()
        return False

    def kill(self) -> None:
        """Pull the plug. Raises LabError when something survives."""
        for role in ("supervisor", "command"):
            if process := self.process(role):
                process.send(signal.SIGKILL)
        if not wait_until(lambda: not self.running(), START_PATIENCE_S):
            raise LabError(
                f"processes of {self.directory} do not end", f"see who holds {self.directory}/run.lock"
            )
