"""What Debian brings: packages, and programs that are asked about a file before they read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agent.host.ports import Entry, Result


class Host(Protocol):
    """Files as they are on disk."""

    @property
    def files(self) -> Mapping[str, Entry]:
        """By path."""


@dataclass
class Debian:
    """`packages` are installed; unless `installable`, no other can be."""

    host: Host
    packages: set[str] = field(default_factory=set)
    installable: bool = True

    def dpkg_query(self, words: list[str]) -> Result:
        asked = words[2:]
        known = [name for name in asked if name in self.packages]
        code = 0 if len(known) == len(asked) else 1
        return Result(code, out="".join(f"{name} installed\n" for name in known))

    def apt_get(self, words: list[str]) -> Result:
        if "install" not in words:
            return Result(0)
        if not self.installable:
            return Result(100, err="E: Unable to locate package nothing")
        self.packages.update(words[words.index("install") + 1 :])
        return Result(0)

    def check(self, words: list[str]) -> Result:
        """`sshd -t` and `nft -c`: a file with the word `broken` in it is refused."""
        path = words[-1]
        entry = self.host.files.get(path)
        bad = entry is not None and b"broken" in entry.content
        return Result(1, err=f"{path} line 1: syntax error") if bad else Result(0)
