"""A peer: our app in containers of its own behind another proxy, released by a script."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from codeb.names import CA_FILE
from lab.bench.releases.peers.host import Host
from lab.bench.releases.peers.proxies import LABEL, Proxy
from lab.bench.releases.ways import BenchError, wait_until_serving
from lab.certificates import Certificate
from lab.load import Target
from lab.load.streams import Moment

NETWORK = RULE = "codeb-peer"
FOLDER = "/var/lib/codeb-peer"
PROXY_SECONDS = 20


@dataclass(frozen=True)
class App:
    """What is released: its image by number, its tag, and the file on the host with its environment.

    The file is our own stack's for the same app: the database is the same.
    """

    image: Callable[[int], str]
    tag: Callable[[int], str]
    environment: str
    port: int = 3000


@dataclass
class Peer:
    """One peer; `visitors` is where they would go for ours, `certificate` what it shows them."""

    proxy: Proxy
    host: Host
    app: App
    visitors: Target
    certificate: Certificate
    _serving: str = ""
    _stops: list[Moment] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.proxy.name

    @property
    def target(self) -> Target:
        """Where visitors find the app."""
        return replace(self.visitors, ca=self.certificate.ca, port=self.proxy.port)

    def tag(self, number: int) -> str:
        """The image's tag in a release, which is the version that the app then tells."""
        return self.app.tag(number)

    @contextmanager
    def up(self, number: int) -> Iterator[None]:
        """Proxy and app, with this release serving. Whatever happens, all of it is gone afterwards."""
        try:
            self.clear()
            self._lay_out()
            self._serving = self._start(number)
            self._switch(self._serving)
            wait_until_serving(self.target)
            yield
        finally:
            self._keep_logs()
            self.clear()

    def release(self, number: int) -> float:
        """Run the new container, send visitors there, stop the old one."""
        old, new = self._serving, self._start(number)
        self._switch(new)
        certain = time.time()
        self._stops.append(Moment(certain, old))
        self._serving = new
        self.host.run([*self.proxy.stop, container(old)])
        return certain

    def stops(self, since: float) -> list[Moment]:
        """When the script began to stop containers."""
        return [stop for stop in self._stops if stop.at >= since]

    def clear(self) -> None:
        """Take everything off the host, what a killed run left too."""
        self.host.close(RULE)
        if found := self._containers():
            self.host.run(["podman", "rm", "--force", "--time=10", *found])
        if self.host.run(["podman", "network", "ls", "--quiet", f"--filter=name=^{NETWORK}$"]):
            self.host.run(["podman", "network", "rm", NETWORK])
        self.host.run(["rm", "-rf", FOLDER])

    def _containers(self) -> list[str]:
        return self.host.run(["podman", "ps", "--all", "--quiet", f"--filter=label={LABEL}"]).split()

    def _lay_out(self) -> None:
        shown = self.certificate
        self.host.put(f"{FOLDER}/server.crt", shown.certificate.read_bytes())
        self.host.put(f"{FOLDER}/server.key", shown.key.read_bytes(), "600")
        for file in self.proxy.files(self.target.host):
            self.host.put(f"{FOLDER}/{file.name}", file.content, file.mode)
        self.host.run(["podman", "network", "create", "--opt=isolate=true", NETWORK])
        self.host.run(self.proxy.start(FOLDER))
        self._wait_for_proxy()
        self.host.open(self.proxy.port, RULE)

    def _wait_for_proxy(self) -> None:
        deadline = time.monotonic() + PROXY_SECONDS
        while True:
            try:
                self.host.run(self.proxy.ready)
            except BenchError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _start(self, number: int) -> str:
        """Run a new container of the app; the colour that it goes by."""
        colour = f"{number}-{time.time_ns():x}"
        line = ["podman", "run", "--detach", "--pull=missing", "--restart=unless-stopped"]
        line += [f"--name={container(colour)}", f"--label={LABEL}", f"--network={NETWORK}"]
        line += [f"--env-file={self.app.environment}", f"--env=CODEB_COLOUR={colour}"]
        self.host.run([*line, f"--volume={CA_FILE}:{CA_FILE}:ro", self.app.image(number)])
        return colour

    def _switch(self, colour: str) -> None:
        """Send visitors to a container once it is healthy."""
        address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        found = self.host.run(["podman", "inspect", f"--format={address}", container(colour)])
        for step in self.proxy.switch(self.target.host, f"{found}:{self.app.port}", FOLDER):
            self.host.run(step.argv, step.stdin)

    def _keep_logs(self) -> None:
        for name in self._containers():
            self.host.run(["podman", "logs", "--tail=100", name])


def container(colour: str) -> str:
    """The name of the app's container."""
    return f"codeb-peer-app-{colour}"
