"""Caddy in memory: the sites that it has read, and how it answers visitors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from agent.host.paths import MAINTENANCE, SITES, UPSTREAMS
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


@dataclass
class Caddy:
    """`sites` are as they were at the last reload; `certificate` is whether there are any for them."""

    host: Host
    runs: bool = True
    certificate: bool = True
    sites: dict[str, bytes] = field(default_factory=dict)

    def load(self) -> None:
        """Read all sites."""
        self.sites = {p: e.content for p, e in self.host.files.items() if p.startswith(f"{SITES}/")}

    def caddy(self, words: list[str]) -> Result:
        """`validate` and `reload`: files with the word `broken` in them are refused."""
        folder = words[2].rpartition("/")[0]
        files, links = self.host.files, self.host.links
        read = (f"{folder}/Caddyfile", f"{folder}/sites/")
        texts = [entry.content for path, entry in files.items() if path.startswith(read)]
        texts += [files[target].content for path, target in links.items() if path.startswith(read)]
        if any(b"broken" in text for text in texts):
            return Result(1, err="Error: adapting config using caddyfile: unrecognized directive: broken")
        found = [name for text in texts for name in addresses(text)]
        if len(set(found)) < len(found):
            return Result(1, err="Error: adapting config using caddyfile: ambiguous site definition")
        if words[0] == "reload":
            self.load()
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
