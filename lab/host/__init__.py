"""Real Debian hosts on this machine: build, boot, reach, copy, tear down. Doors: :class:`Lab` and functions."""

from lab.host.door import address, clean, down, ensure, push_app, run, shell, status
from lab.host.errors import LabError
from lab.host.lab import HostInfo, HostState, Lab
from lab.host.progress import Progress

__all__ = [
    "HostInfo",
    "HostState",
    "Lab",
    "LabError",
    "Progress",
    "address",
    "clean",
    "down",
    "ensure",
    "push_app",
    "run",
    "shell",
    "status",
]
