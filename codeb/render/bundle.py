"""The bundle: everything that one host is to have, as a value and as the document that its agent applies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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

    One to `keep` stays when no bundle lists it any more, and when the host is retired.

    Raises:
        ValueError: the content has a secret marker and others than the owner could read the file.
    """

    path: str
    content: str
    mode: str = "0644"
    owner: str = "root:root"
    restarts: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()
    keep: bool = False

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
class Disk:
    """A block device that is formatted once and mounted at `path`; it is `owner`'s for good.

    In the text of its mount unit `@UUID@` stands for the file system.
    """

    device: str
    path: str
    label: str
    owner: str
    unit: str


@dataclass(frozen=True)
class Share:
    """A file system of several servers, mounted at `path` by its `tag`."""

    tag: str
    path: str
    unit: str


@dataclass(frozen=True)
class HostBundle:
    """A host's folders, files, services (in the order to start them) and Debian packages; its disks and shares.

    `absent` are files that it must not have.
    """

    packages: tuple[str, ...] = ()
    directories: tuple[Directory, ...] = ()
    files: tuple[HostFile, ...] = ()
    services: tuple[Service, ...] = ()
    disks: tuple[Disk, ...] = ()
    shares: tuple[Share, ...] = ()
    absent: tuple[str, ...] = ()

    def __add__(self, other: HostBundle) -> HostBundle:
        return HostBundle(
            tuple(sorted({*self.packages, *other.packages})),
            _distinct((*self.directories, *other.directories)),
            (*self.files, *other.files),
            (*self.services, *other.services),
            (*self.disks, *other.disks),
            (*self.shares, *other.shares),
            (*self.absent, *other.absent),
        )

    def document(self) -> dict[str, Any]:
        """The document of `codeb-agent apply`, markers not filled in; what only some servers have is left out elsewhere."""
        storage = {
            "disks": [asdict(disk) for disk in self.disks],
            "shares": [asdict(share) for share in self.shares],
            "absent": list(self.absent),
        }
        return {
            "version": 1,
            "packages": list(self.packages),
            "directories": [_directory(directory) for directory in self.directories],
            "files": [_file(file) for file in self.files],
            "services": [_service(service) for service in self.services],
            **{key: value for key, value in storage.items() if value},
        }


def _distinct(directories: tuple[Directory, ...]) -> tuple[Directory, ...]:
    return tuple({directory.path: directory for directory in directories}.values())


def _directory(directory: Directory) -> dict[str, Any]:
    return {"path": directory.path, "mode": directory.mode, "owner": directory.owner}


def _file(file: HostFile) -> dict[str, Any]:
    kept = {"keep": True} if file.keep else {}
    return {
        "path": file.path,
        "mode": file.mode,
        "owner": file.owner,
        "content": file.content,
        "restarts": list(file.restarts),
        "reloads": list(file.reloads),
        **kept,
    }


def _service(service: Service) -> dict[str, Any]:
    return {"name": service.name, "wait": {"kind": service.wait, "timeout_s": service.timeout_s}}
