"""``python -m lab.host.supervisor DIR``: keep the command of DIR/command.json running, again after a reboot.

What the file says when the command starts counts: a host that boots again does so with what was plugged in meanwhile.

It outlives the run that started it. DIR/run.lock is held as long as it or the command runs; DIR/run.json
names both. SIGTERM asks the command to stop; when this process is killed, all that it started dies with it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from lab.host.cache import write_atomically
from lab.host.commands import contained
from lab.host.processes import ProcessId, children

REBOOT_STATUS = 133
LOCK_PATIENCE_S = 3.0


def _lock(path: Path) -> int | None:
    """Take the lock; None when another supervisor has it (a mere look at the lock is over in a moment)."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(handle)
                return None
            time.sleep(0.05)


def supervise(directory: Path) -> int:
    """Run the command until it ends for good; return its exit status."""
    lock = _lock(directory / "run.lock")
    if lock is None:
        print(f"{directory}: another supervisor is at work", file=sys.stderr)
        return 1
    stopping = False
    child: subprocess.Popen[bytes] | None = None

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for pid in children(child.pid) if child else []:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    while True:
        command = json.loads((directory / "command.json").read_text())
        with contained(command["argv"]) as line:
            child = subprocess.Popen(line, env={**os.environ, **command["env"]}, pass_fds=(lock,))
            processes = {"supervisor": ProcessId.of(os.getpid()), "command": ProcessId.of(child.pid)}
            write_atomically(
                directory / "run.json", json.dumps({k: v.as_json() for k, v in processes.items()})
            )
            status = child.wait()
        if stopping or status != REBOOT_STATUS:
            return status
        print("supervisor: booting again", flush=True)


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
