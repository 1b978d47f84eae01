"""The lab's SSH key, and the hosts' own, made before the first boot: known_hosts is right from the start."""

from __future__ import annotations

from pathlib import Path

from lab.host import commands
from lab.host.cache import write_atomically
from lab.host.paths import Folders


def client_key(folders: Folders) -> Path:
    """Private key (0600) that root of every host accepts; made on first use."""
    return key_pair(folders.ssh / "id_ed25519", "codeb-lab")


def host_key(folders: Folders, name: str) -> Path:
    """Private host key (0600) of one host; made on first use."""
    return key_pair(folders.ssh / "hosts" / name, name)


def public(key: Path) -> str:
    """``ssh-ed25519 AAAA…`` of a private key, without its comment."""
    return " ".join(key.with_name(f"{key.name}.pub").read_text().split()[:2])


def known_hosts(folders: Folders) -> Path:
    """The file that pins the hosts' keys, by address and name."""
    return folders.ssh / "known_hosts"


def pin(folders: Folders, addresses: dict[str, str]) -> None:
    """Write known_hosts for these hosts (name → address); a host that has no key yet gets one."""
    lines = [
        f"{name},{address} {public(host_key(folders, name))}\n" for name, address in sorted(addresses.items())
    ]
    write_atomically(known_hosts(folders), "".join(lines))


def key_pair(path: Path, comment: str) -> Path:
    """The private key at ``path`` (0600), its public half beside it; both are made on first use."""
    pair = (path, path.with_name(f"{path.name}.pub"))
    if not all(part.exists() for part in pair):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in pair:
            part.unlink(missing_ok=True)
        commands.output(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return path
