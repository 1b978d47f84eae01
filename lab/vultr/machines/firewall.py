"""Firewall groups: what reaches a server's public addresses over the bridge."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lab.host import commands
from lab.host.errors import LabError
from lab.vultr.machines.book import Notes
from lab.vultr.machines.roots import TEMPLATES
from lab.vultr.ports import MachineError

_TEMPLATES = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=select_autoescape(enabled_extensions=(), default=False),
)


@dataclass(frozen=True)
class Firewall:
    """One table of nftables for all servers of one lab, whose bridge has this name."""

    bridge: str

    def set(self, notes: Notes, root: Path) -> None:
        """Let in what the notes say, from now on; ``root`` is one that has nft, this machine needs none."""
        servers = [
            (note.name, [note.main, *note.reserved], [rule for rule in note.allowed if _is_v4(rule)])
            for note in notes.servers.values()
            if note.allowed is not None
        ]
        self._load(
            _TEMPLATES.get_template("firewall.nft.j2").render(table=self._table, servers=servers), root
        )

    def remove(self, root: Path) -> None:
        """Nothing is filtered any more."""
        self.set(Notes(), root)

    @property
    def _table(self) -> str:
        return self.bridge.replace("-", "_")

    def _load(self, text: str, root: Path) -> None:
        try:
            commands.output(["chroot", str(root), "/usr/sbin/nft", "--file", "-"], stdin=text)
        except LabError as error:
            raise MachineError(str(error)) from error


def _is_v4(rule: list[str]) -> bool:
    """The bridge has no IPv6."""
    return ipaddress.ip_network(rule[-1], strict=False).version == 4
