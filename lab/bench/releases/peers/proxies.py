"""The proxies of the peers: how each is started and told of another upstream. Token lists, run by the peer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Protocol

from lab.bench.releases.peers.host import Argv
from lab.host import Lab
from lab.images import toolchains
from lab.images.store import BASE, IMAGES

GO_MODULE = Path(__file__).with_name("go")
PACKAGE = "github.com/basecamp/kamal-proxy/cmd/kamal-proxy"
CADDYFILE = Path(__file__).with_name("templates") / "Caddyfile"
CONTAINER = "codeb-peer-proxy"
LABEL = "codeb.peer"
HEALTH = "/api/health"
# The folder that a proxy's container sees, and what lies there for each.
INSIDE = "/srv/peer"
IN_KAMAL = ("podman", "exec", CONTAINER, f"{INSIDE}/kamal-proxy")
ADMIN = "localhost:2020"
CERTIFICATE, KEY = f"{INSIDE}/server.crt", f"{INSIDE}/server.key"


@dataclass(frozen=True)
class Step:
    """A command of a script, and what it reads."""

    argv: Argv
    stdin: bytes | None = None


@dataclass(frozen=True)
class File:
    """A file in the folder that a proxy's container sees."""

    name: str
    content: bytes
    mode: str = "644"


class Proxy(Protocol):
    """`stop` is how Podman is told to stop an app that this proxy no longer sends anybody to."""

    @property
    def name(self) -> str:
        """What tables call it."""

    @property
    def port(self) -> int:
        """Where visitors reach it."""

    @property
    def stop(self) -> Argv:
        """`podman stop` with its options."""

    @property
    def ready(self) -> Argv:
        """What succeeds as soon as it can be told of upstreams."""

    def files(self, host: str) -> Sequence[File]:
        """What its container finds in INSIDE besides the certificate."""

    def start(self, folder: str) -> Argv:
        """Run it in a container, with `folder` of the host at INSIDE."""

    def switch(self, host: str, upstream: str, folder: str) -> Sequence[Step]:
        """Send visitors of a name to another upstream (address and port) once it is healthy."""


@dataclass(frozen=True)
class KamalProxy:
    """As Kamal 2 does it: the proxy checks the new container's health, then lets the old one's requests end."""

    program: Path
    name: str = "kamal-proxy"
    port: int = 8443
    # Nothing is left to wait for, so Kamal leaves Podman its default of 10 s.
    stop: Argv = ("podman", "stop")

    ready: Argv = (*IN_KAMAL, "list")

    def files(self, host: str) -> Sequence[File]:
        """The proxy itself."""
        return [File("kamal-proxy", self.program.read_bytes(), "755")]

    def start(self, folder: str) -> Argv:
        """Plain HTTP gets any port, which nobody is let to."""
        served = [f"{INSIDE}/kamal-proxy", "run", "--http-port=0", f"--https-port={self.port}"]
        return [*_container(folder), BASE, *served]

    def switch(self, host: str, upstream: str, folder: str) -> Sequence[Step]:
        """Its own time-outs: 30 s to become healthy, 30 s to drain."""
        line = [
            *IN_KAMAL,
            "deploy",
            "bench",
            f"--target={upstream}",
            f"--host={host}",
            f"--health-check-path={HEALTH}",
        ]
        line += ["--tls", f"--tls-certificate-path={CERTIFICATE}", f"--tls-private-key-path={KEY}"]
        return [Step(line)]


@dataclass(frozen=True)
class CaddyReload:
    """A plain Caddy: the script waits for the new container's health and reloads Caddy with another upstream."""

    name: str = "caddy reload"
    port: int = 8444
    # Requests that the old container still has are the app's to end; ours has 30 s too.
    stop: Argv = ("podman", "stop", "--time=30")

    ready: Argv = ("curl", "--silent", "--fail", "--output", "/dev/null", f"http://{ADMIN}/config/")

    def files(self, host: str) -> Sequence[File]:
        """A configuration to start with, of an upstream where nobody answers."""
        return [File("Caddyfile", self.caddyfile(host, "127.0.0.1:9"))]

    def start(self, folder: str) -> Argv:
        """With the configuration that is there."""
        image = next(image for image in IMAGES if image.name == "caddy").reference
        words = ["--config", f"{INSIDE}/Caddyfile", "--adapter", "caddyfile"]
        return [*_container(folder), image, "caddy", "run", *words]

    def switch(self, host: str, upstream: str, folder: str) -> Sequence[Step]:
        """Health is asked once a second, as kamal-proxy does."""
        check = ["curl", "--silent", "--show-error", "--fail", "--max-time", "5", "--output", "/dev/null"]
        check += ["--retry", "30", "--retry-delay", "1", "--retry-all-errors", f"http://{upstream}{HEALTH}"]
        reload = ["podman", "exec", CONTAINER, "caddy", "reload", "--config", f"{INSIDE}/Caddyfile"]
        return [
            Step(check),
            Step(["install", "/dev/stdin", f"{folder}/Caddyfile"], self.caddyfile(host, upstream)),
            Step([*reload, "--adapter", "caddyfile"]),
        ]

    def caddyfile(self, host: str, upstream: str) -> bytes:
        """What somebody would write who has one app."""
        settings = {"host": host, "upstream": upstream, "port": self.port, "admin": ADMIN}
        text = Template(CADDYFILE.read_text()).substitute(settings, certificate=CERTIFICATE, key=KEY)
        return text.encode()


def build(lab: Lab) -> Path:
    """kamal-proxy for the host, as pinned by the Go module beside this."""
    return toolchains.go_program(lab.folders, lab.progress, GO_MODULE, PACKAGE, "kamal-proxy")


def _container(folder: str) -> list[str]:
    """In the host's network, as the platform's Caddy: no forwarding in between."""
    line = ["podman", "run", "--detach", "--pull=never", "--restart=unless-stopped", "--network=host"]
    line += [f"--name={CONTAINER}", f"--label={LABEL}", f"--volume={folder}:{INSIDE}:ro"]
    return [*line, "--log-driver=k8s-file", "--log-opt=max-size=10mb"]
