"""Caddy in memory: the sites that it has read, and how it answers visitors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Protocol

from agent.host.paths import CADDYFILE, MAINTENANCE, UPSTREAMS
from agent.host.ports import Entry, NoReply, Reply, Result


class Host(Protocol):
    """Files and links as they are on disk."""

    files: dict[str, Entry]
    links: dict[str, str]

    def tell(self, path: str) -> str | None:
        """The text of a file, None when there is none."""


def addresses(site: bytes) -> list[str]:
    """The names that open the blocks of a site."""
    headers = re.findall(r"^([a-z0-9*][^\n]*) \{$", site.decode(), re.MULTILINE)
    return [name.removeprefix("http://") for header in headers for name in header.split(", ")]


class MissingFile(Exception):
    """A file to import isn't there: Caddy refuses all of its configuration."""


@dataclass
class Caddy:
    """`sites` are as they were at the last reload; `certificate` is whether there are any for them."""

    host: Host
    runs: bool = True
    certificate: bool = True
    sites: dict[str, bytes] = field(default_factory=dict)

    def load(self) -> None:
        """Start: read all sites. Raises MissingFile."""
        self.sites = self._imported(CADDYFILE)

    def could_start(self) -> bool:
        """Whether all that its files import is there."""
        try:
            self._imported(CADDYFILE)
        except MissingFile:
            return False
        return True

    def _imported(self, path: str) -> dict[str, bytes]:
        """The sites that a file, or a list that it imports, imports: patterns find what there is, names have to be there."""
        found: dict[str, bytes] = {}
        for name in re.findall(r"^import (\S+)$", self.host.tell(path) or "", re.MULTILINE):
            place = name if name.startswith("/") else f"{path.rpartition('/')[0]}/{name}"
            if "*" not in place and place not in self.host.files:
                raise MissingFile(place)
            for each in sorted(self.host.files) if "*" in place else [place]:
                if fnmatchcase(each, place):
                    listed = each.endswith(".list")
                    found |= self._imported(each) if listed else {each: self.host.files[each].content}
        return found

    def caddy(self, words: list[str]) -> Result:
        """`validate` and `reload`: files with the word `broken` in them are refused."""
        try:
            read = self._imported(words[2])
        except MissingFile as error:
            return Result(1, err=f"Error: adapting config using caddyfile: File to import not found: {error}")
        texts = [self.host.files[words[2]].content, *read.values()]
        if any(b"broken" in text for text in texts):
            return Result(1, err="Error: adapting config using caddyfile: unrecognized directive: broken")
        found = [name for text in texts for name in addresses(text)]
        if len(set(found)) < len(found):
            return Result(1, err="Error: adapting config using caddyfile: ambiguous site definition")
        if words[0] == "reload":
            self.sites = read
        return Result(0)

    def inner(self, name: str, ask: Callable[[str], Reply]) -> Reply:
        """An answer at the inner door, as edges get it. Raises NoReply."""
        for path, content in self.sites.items():
            if name in addresses(content):
                project = path.rpartition("/")[2].removesuffix(".caddy")
                upstream = self.host.tell(f"{UPSTREAMS}/{project}") or ""
                return replace(ask(upstream), headers={"x-codeb-replica": upstream})
        raise NoReply("closed")

    def plain(self, domain: str) -> Reply:
        """An answer without TLS."""
        known = any(domain in addresses(content) for content in self.sites.values())
        return Reply(308 if known else 404, b"", 1, {})

    def secure(self, domain: str, ask: Callable[[str], Reply]) -> Reply:
        """An answer with TLS, asking the address that the upstream file names. Raises NoReply."""
        self.shake_hands()
        return self.trusted(domain, ask)

    def trusted(self, domain: str, ask: Callable[[str], Reply]) -> Reply:
        """An answer to who says that TLS ended before. Raises NoReply."""
        for path, content in self.sites.items():
            if domain in addresses(content):
                project = path.rpartition("/")[2].removesuffix(".caddy")
                page = self.host.files.get(f"{MAINTENANCE}/{project}.html")
                if page is not None:
                    return Reply(503, page.content, 1, {})
                behind = b"127.0.0.1:8100" in content
                return self._passed_on(self.host.tell(f"{UPSTREAMS}/{project}") or "", ask, behind=behind)
        raise NoReply("no certificate", no_certificate=True)

    def shake_hands(self) -> None:
        """Raises NoReply without a certificate."""
        if not self.certificate:
            raise NoReply("TLS handshake: internal error", no_certificate=True)

    def _passed_on(self, upstream: str, ask: Callable[[str], Reply], *, behind: bool) -> Reply:
        told = {"x-codeb-upstream": "127.0.0.1:8100", "x-codeb-replica": upstream}
        try:
            return replace(ask(upstream), headers=told if behind else {"x-codeb-upstream": upstream})
        except NoReply:
            return Reply(502, b"", 1, {})
