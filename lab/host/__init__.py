"""Real Debian hosts on this machine: build, boot, reach, copy, tear down. The door is :class:`Lab`."""

from lab.host.errors import LabError
from lab.host.lab import HostInfo, Lab
from lab.host.progress import Progress

__all__ = ["HostInfo", "Lab", "LabError", "Progress"]
