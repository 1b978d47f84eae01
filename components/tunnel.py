"""An OpenSSH local forward to the data services of a server.

PostgreSQL and MinIO are never open to the internet, but their Pulumi providers must reach them from where Pulumi runs. The
forward is a background `ssh` master that outlives the program, because Pulumi runs deletions after the program has ended; it
leaves by itself after `PERSIST_SECONDS` without a connection.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from codeb.ssh import SshTarget, explain
from ops.ssh import SshError, login, note_let_in, runtime_folder, was_let_in

PERSIST_SECONDS = 600
CONNECT_SECONDS = 10
FIRST_PORT, LAST_PORT = 20000, 29999


Far = int | tuple[str, int]
"""Where a forward leads to: a port of the server's own loopback, or a host that it reaches with a port there."""


class TunnelError(Exception):
    """The forward could not be opened; the message says to where, why and what to do."""


def local_port(purpose: str) -> int:
    """A port on 127.0.0.1 that depends on `purpose` alone, so that a provider's inputs never change between runs.

    `purpose` is for example `organization/codeb/dev/codeb1/postgres`.
    """
    number = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:4], "big")
    return FIRST_PORT + number % (LAST_PORT - FIRST_PORT + 1)


def open_tunnel(
    target: SshTarget, forwards: Mapping[int, Far], wait_seconds: float = 60, *, known: bool = False
) -> None:
    """Forward each local port to a service on the server, or beyond it; do nothing if it is open already.

    Args:
        forwards: local port → where it leads to.
        wait_seconds: how long a server that is still booting may take to accept the connection.
        known: the server is in use already.

    Raises:
        TunnelError: the server does not answer, refuses the key, has another host key, or a local port is taken.
    """
    try:
        control = runtime_folder() / _digest(target, forwards)
        known = known or was_let_in(target)
    except SshError as error:
        raise TunnelError(str(error)) from None
    if _alive(control, target):
        return
    deadline = time.monotonic() + wait_seconds
    while True:
        problem = _start(control, target, forwards)
        if problem is None:
            note_let_in(target)
            return
        if not _worth_a_retry(problem) or time.monotonic() > deadline:
            raise TunnelError(f"no SSH tunnel to {explain(target, problem, known=known)}")
        time.sleep(1)


def _digest(target: SshTarget, forwards: Mapping[int, Far]) -> str:
    facts = (target.address, target.port, target.user, target.host_key, sorted(forwards.items()))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _alive(control: Path, target: SshTarget) -> bool:
    """Whether the master answers *and* its connection still works (the server may have rebooted)."""
    if not control.exists():
        return False
    if _ssh(["-S", str(control), target.address, "true"], CONNECT_SECONDS) is None:
        return True
    _ssh(["-S", str(control), "-O", "exit", target.address], CONNECT_SECONDS)
    control.unlink(missing_ok=True)
    return False


def _start(control: Path, target: SshTarget, forwards: Mapping[int, Far]) -> str | None:
    """Start the master; return what went wrong, or None."""
    options = {
        "ControlMaster": "yes",
        "ControlPath": str(control),
        "ControlPersist": str(PERSIST_SECONDS),
        "ExitOnForwardFailure": "yes",
    }
    local = [f"-L127.0.0.1:{near}:{_place(far)}" for near, far in sorted(forwards.items())]
    with login(target, CONNECT_SECONDS, options) as words:
        return _ssh([*local, "-f", *words, "true"], CONNECT_SECONDS * 3)


def _place(far: Far) -> str:
    host, port = far if isinstance(far, tuple) else ("127.0.0.1", far)
    return f"{host}:{port}"


def _ssh(arguments: list[str], timeout: float) -> str | None:
    """Run ssh; return None on success, else its last words. A file takes them: a master in the background keeps stderr."""
    with tempfile.TemporaryFile() as words:
        try:
            done = subprocess.run(
                ["ssh", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise TunnelError("ssh is not installed: install the OpenSSH client and run again") from None
        except subprocess.TimeoutExpired:
            return f"timed out after {timeout:g} s"
        words.seek(0)
        text = words.read().decode(errors="replace").strip()
        return None if done.returncode == 0 else text or f"ssh ended with exit status {done.returncode}"


def _worth_a_retry(problem: str) -> bool:
    return any(sign in problem for sign in ("refused", "timed out", "No route", "reset by peer", "closed by"))
