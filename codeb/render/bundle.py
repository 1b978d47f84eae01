"""The bundle: everything that one host is to have, as a value and as the document that its agent applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from codeb.secrets import holds_secret

Wait = Literal["container-health", "tcp", "none"]


@dataclass(frozen=True)
class Directory:
    """A folder on the host."""

    path: str
    mode: str = "0755"
    owner: str = "root:root"


@dataclass(frozen=True)
class HostFile:
    """A file on the host. When it changes, `restarts` are restarted and `reloads` reloaded.

    Raises:
        ValueError: the content has a secret marker and others than the owner could read the file.
    """

    path: str
    content: str
    mode: str = "0644"
    owner: str = "root:root"
    restarts: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if holds_secret(self.content) and int(self.mode, 8) & 0o077:
            raise ValueError(f"{self.path} holds a secret: its mode must be 0600, not {self.mode}")


@dataclass(frozen=True)
class Service:
    """A unit that runs at the end, and how to tell that it works. `timeout_s` in seconds."""

    name: str
    wait: Wait = "none"
    timeout_s: int = 120


@dataclass(frozen=True)
class HostBundle:
    """A host's folders, files, services (in the order to start them) and Debian packages."""

    packages: tuple[str, ...] = ()
    directories: tuple[Directory, ...] = ()
    files: tuple[HostFile, ...] = ()
    services: tuple[Service, ...] = ()

    def __add__(self, other: HostBundle) -> HostBundle:
        return HostBundle(
            tuple(sorted({*self.packages, *other.packages})),
            _distinct((*self.directories, *other.directories)),
            (*self.files, *other.files),
            (*self.services, *other.services),
        )

    def document(self) -> dict[str, Any]:
        """The document of `codeb-agent apply`, secret markers not yet filled in."""
        return {
            "version": 1,
            "packages": list(self.packages),
            "directories": [_directory(directory) for directory in self.directories],
            "files": [_file(file) for file in self.files],
            "services": [_service(service) for service in self.services],
        }


def _distinct(directories: tuple[Directory, ...]) -> tuple[Directory, ...]:
    return tuple({directory.path: directory for directory in directories}.values())


def _directory(directory: Directory) -> dict[str, Any]:
    return {"path": directory.path, "mode": directory.mode, "owner": directory.owner}


def _file(file: HostFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "mode": file.mode,
        "owner": file.owner,
        "content": file.content,
        "restarts": list(file.restarts),
        "reloads": list(file.reloads),
    }


def _service(service: Service) -> dict[str, Any]:
    return {"name": service.name, "wait": {"kind": service.wait, "timeout_s": service.timeout_s}}
