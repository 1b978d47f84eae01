"""Functions on the lab of this clone, for those who need no :class:`lab.host.lab.Lab` of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lab.host.lab import HostInfo, HostState, Lab
from lab.host.progress import Progress

Tell = Callable[[str], None]


def ensure(names: Iterable[str] = ("codeb1",), progress: Tell | None = None) -> list[HostInfo]:
    """Hosts up, images there, registry answering. ``progress`` gets a line a step. Raises LabError."""
    return _lab(progress).ensure(names)


def down(names: Iterable[str] | None = None, progress: Tell | None = None) -> None:
    """Shut down these hosts, or everything; data is kept."""
    _lab(progress).down(names)


def clean(keep_cache: bool | None = None, progress: Tell | None = None) -> None:
    """Remove what the lab made; see :meth:`Lab.clean` for the cache."""
    _lab(progress).clean(keep_cache=keep_cache)


def status() -> list[HostState]:
    """Each host that was made: name, address, state."""
    return Lab.here().status()


def shell(name: str, argv: Sequence[str] = ()) -> int:
    """A root shell in a host, or one command, on the caller's terminal; returns its exit status."""
    return Lab.here().shell(name, argv)


def run(name: str, argv: Sequence[str], stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a command as root in a host. Raises LabError when the host is down."""
    return Lab.here().run(name, argv, stdin)


def push_app(source: Path, name: str, tag: str, progress: Tell | None = None) -> str:
    """Build an app and push it as ``registry.lab.test:5000/<name>:<tag>``; returns its digest."""
    return _lab(progress).push_app(source, name, tag)


def address(name: str) -> str:
    """Address of a host, running or not."""
    return Lab.here().host(name).address


def _lab(progress: Tell | None) -> Lab:
    return Lab.here(Progress(progress) if progress else None)
