"""Pebble, built from its Go module, and what it did.

Names resolve to one address, challenges are asked at ports of our choice, and nothing is kept: a CA that has ended knows
neither accounts nor orders.
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lab import certificates
from lab.host import Lab
from lab.images import toolchains

GO_MODULE: Final = Path(__file__).with_name("go")
_PACKAGES: Final = "github.com/letsencrypt/pebble/v2/cmd"
_ENVIRONMENT: Final = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5"}


@dataclass(frozen=True)
class Programs:
    """The CA and its DNS server."""

    pebble: Path
    names: Path


def build(lab: Lab) -> Programs:
    """Both for this machine, as pinned by the Go module beside this."""
    made = [
        toolchains.go_program(lab.folders, lab.progress, GO_MODULE, f"{_PACKAGES}/{name}", name)
        for name in ("pebble", "pebble-challtestsrv")
    ]
    return Programs(*made)


@dataclass(frozen=True)
class Where:
    """Ports of the CA (at `listen`), its DNS server and that one's control (on 127.0.0.1), and those where it asks, at
    `address`. At `roots` it tells by what its certificates are trusted; 0: nowhere."""

    acme: int
    dns: int
    control: int
    http: int
    tls: int
    address: str = "127.0.0.1"
    listen: str = "127.0.0.1"
    roots: int = 0


@dataclass
class Pebble:
    """A CA on this machine. `valid_s` is how long its certificates last; orders for `blocked` domains are refused."""

    programs: Programs
    folder: Path
    where: Where
    valid_s: int = 90 * 86_400
    blocked: tuple[str, ...] = ()
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._own = certificates.issue(self.folder, self.where.listen)

    @property
    def directory(self) -> str:
        """The address that clients are given."""
        return f"https://{self.where.listen}:{self.where.acme}/dir"

    @property
    def ca(self) -> str:
        """By what clients trust the CA's own server (PEM)."""
        return self._own.ca.read_text()

    def root(self) -> str:
        """By what visitors trust what it signs, which is anew at each start (PEM)."""
        context = ssl.create_default_context(cadata=self.ca)
        url = f"https://{self.where.listen}:{self.where.roots}/roots/0"
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            return str(answer.read().decode())

    @property
    def log(self) -> Path:
        """What both programs say."""
        return self.folder / "pebble.log"

    def start(self) -> None:
        """Begin anew, with no accounts."""
        configuration = self.folder / "pebble.json"
        configuration.write_text(json.dumps({"pebble": self._configuration()}))
        here = self.where
        lines: list[list[str | Path]] = [
            [
                *(self.programs.names, "-defaultIPv4", here.address, "-defaultIPv6", ""),
                *("-dnsserver", f"127.0.0.1:{here.dns}", "-management", f"127.0.0.1:{here.control}"),
                *("-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""),
            ],
            [self.programs.pebble, "-config", configuration, "-dnsserver", f"127.0.0.1:{here.dns}"],
        ]
        with self.log.open("ab") as out:
            self._running += [
                subprocess.Popen(line, stdout=out, stderr=out, env=_ENVIRONMENT) for line in lines
            ]

    def stop(self) -> None:
        """End it."""
        while self._running:
            process = self._running.pop()
            process.terminate()
            process.wait(10)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The CA that runs."""
        return self._running[-1]

    def issued(self) -> list[str]:
        """Serial numbers of the certificates that were ordered, in order."""
        return re.findall(r"Issued certificate serial (\w+) for order", self.log.read_text())

    def asked(self) -> int:
        """How many orders were begun, those that were refused included."""
        return self.log.read_text().count("POST /order-plz")

    def _configuration(self) -> dict[str, object]:
        return {
            "listenAddress": f"{self.where.listen}:{self.where.acme}",
            "managementListenAddress": f"{self.where.listen}:{self.where.roots}" if self.where.roots else "",
            "certificate": str(self._own.certificate),
            "privateKey": str(self._own.key),
            "httpPort": self.where.http,
            "tlsPort": self.where.tls,
            "domainBlocklist": list(self.blocked),
            "retryAfter": {"authz": 1, "order": 1},
            "keyAlgorithm": "ecdsa",
            "profiles": {"default": {"description": "the only one", "validityPeriod": self.valid_s}},
        }
