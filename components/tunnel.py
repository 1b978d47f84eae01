"""An OpenSSH local forward to the data services of a server.

PostgreSQL and MinIO are never open to the internet, but their Pulumi providers must reach them from where Pulumi runs. The
forward is a background `ssh` master that outlives the program, because Pulumi runs deletions after the program has ended; it
leaves by itself after `PERSIST_SECONDS` without a connection.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PERSIST_SECONDS = 600
CONNECT_SECONDS = 10
FIRST_PORT, LAST_PORT = 20000, 29999


class TunnelError(Exception):
    """The forward could not be opened; the message says to where, why and what to do."""


@dataclass(frozen=True)
class SshTarget:
    """Where and how to log in. `host_key` is one line of a host's public key, as in `ssh-ed25519 AAAA…`."""

    address: str
    port: int
    user: str
    host_key: str
    private_key: str = field(repr=False)


def local_port(purpose: str) -> int:
    """A port on 127.0.0.1 that depends on `purpose` alone, so that a provider's inputs never change between runs.

    `purpose` is for example `organization/codeb/dev/codeb1/postgres`.
    """
    number = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:4], "big")
    return FIRST_PORT + number % (LAST_PORT - FIRST_PORT + 1)


def open_tunnel(target: SshTarget, forwards: Mapping[int, int], wait_seconds: float = 60) -> None:
    """Forward each local port to the same service port on the server's loopback; do nothing if it is open already.

    Args:
        forwards: local port → port on the server's 127.0.0.1.
        wait_seconds: how long a server that is still booting may take to accept the connection.

    Raises:
        TunnelError: the server does not answer, refuses the key, has another host key, or a local port is taken.
    """
    folder = _runtime_folder()
    control = folder / _digest(target, forwards)
    if _alive(control, target):
        return
    deadline = time.monotonic() + wait_seconds
    while True:
        problem = _start(control, target, forwards)
        if problem is None:
            return
        if not _worth_a_retry(problem) or time.monotonic() > deadline:
            raise TunnelError(_explain(target, problem))
        time.sleep(1)


def _digest(target: SshTarget, forwards: Mapping[int, int]) -> str:
    facts = (target.address, target.port, target.user, target.host_key, sorted(forwards.items()))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _runtime_folder() -> Path:
    """A private folder with a short path: a Unix socket's path has at most 107 characters."""
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = base / f"codeb-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise TunnelError(f"{folder} must be a folder that only you can enter: remove it and run again")
    return folder


def _alive(control: Path, target: SshTarget) -> bool:
    """Whether the master answers *and* its connection still works (the server may have rebooted)."""
    if not control.exists():
        return False
    if _ssh(["-S", str(control), target.address, "true"], CONNECT_SECONDS) is None:
        return True
    _ssh(["-S", str(control), "-O", "exit", target.address], CONNECT_SECONDS)
    control.unlink(missing_ok=True)
    return False


def _start(control: Path, target: SshTarget, forwards: Mapping[int, int]) -> str | None:
    """Start the master; return what went wrong, or None."""
    with tempfile.TemporaryDirectory(dir=control.parent) as scratch:
        key, known_hosts = Path(scratch) / "key", Path(scratch) / "known_hosts"
        key.touch(mode=0o600)
        key.write_text(target.private_key.rstrip("\n") + "\n")
        known_hosts.write_text(f"codeb-server {target.host_key}\n")
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ControlMaster": "yes",
            "ControlPath": str(control),
            "ControlPersist": str(PERSIST_SECONDS),
            "ExitOnForwardFailure": "yes",
            "HostKeyAlias": "codeb-server",
            "IdentitiesOnly": "yes",
            "IdentityFile": str(key),
            "LogLevel": "ERROR",
            "ServerAliveInterval": "5",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(known_hosts),
        }
        argv = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        argv += [f"-L127.0.0.1:{near}:127.0.0.1:{far}" for near, far in sorted(forwards.items())]
        argv += ["-F", "none", "-f", "-p", str(target.port), "-l", target.user, target.address, "true"]
        return _ssh(argv, CONNECT_SECONDS * 3)


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


def _explain(target: SshTarget, problem: str) -> str:
    where = f"{target.user}@{target.address} port {target.port}"
    if "Host key verification failed" in problem or "IDENTIFICATION HAS CHANGED" in problem:
        remedy = "the server's key is not the pinned one: check the server, then mend hostKey or the known-hosts file"
    elif "Permission denied" in problem:
        remedy = "put the public half of codeb:sshPrivateKey into the server's authorized_keys"
    elif "Address already in use" in problem or "forwarding" in problem:
        remedy = "another program holds the local port: end it and run again"
    else:
        remedy = "check that the server is up and that its firewall lets this machine in on the SSH port"
    return f"no SSH tunnel to {where}: {problem.splitlines()[-1]}; {remedy}"
