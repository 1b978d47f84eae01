"""A stack's servers as Caddys on loopback, each with the configuration and the sites that its host would have."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

from codeb.plan import Plan
from codeb.render.edge import caddyfile as rendered_caddyfile
from codeb.render.edge import has_caddy
from codeb.render.project import site
from tests.ports import free_port

from .case import Case
from .test_consumers import caddyfile

HERE, ABROAD = "127.0.0.1", "127.0.0.2"
APP = Path(__file__).with_name("replica.py")
PORTS = ("https", "http", "inner")
CERTIFICATE_S = 150
"""A Caddy that starts tidies its storage, and may take a folder away that it has just made for a certificate; then it tries
again after a minute."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: dict[str, str]


@dataclass
class Process:
    """Something that runs, can be killed, frozen and started again."""

    command: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                self.command, stdout=out, stderr=out, env=self.environment or None
            )

    def send(self, number: Signals) -> None:
        assert self.running
        self.running.send_signal(number)

    def end(self, number: Signals = Signals.SIGKILL) -> None:
        if self.running and self.running.poll() is None:
            self.running.send_signal(Signals.SIGCONT)
            self.running.send_signal(number)
            self.running.wait(90)
        self.running = None


@dataclass
class Server:
    """One server: its Caddy, and its replicas of the projects that it runs."""

    name: str
    folder: Path
    ports: dict[str, int]
    caddy: Process
    edge: bool
    apps: dict[str, Process] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        host: str,
        path: str = "/",
        method: str = "GET",
        *,
        source: str = ABROAD,
        body: bytes | None = None,
        timeout: float = 10,
        before: bytes = b"",
        **headers: str,
    ) -> Answer:
        """Ask as a visitor does; `before` goes ahead of TLS (a balancer's PROXY line)."""
        plain = socket.create_connection((HERE, self.ports["https"]), timeout, (source, 0))
        plain.sendall(before)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return _asked(context.wrap_socket(plain, server_hostname=host), host, path, method, body, headers)

    def ask_plainly(
        self,
        host: str,
        path: str = "/",
        *,
        door: str = "http",
        source: str = ABROAD,
        before: bytes = b"",
        **headers: str,
    ) -> Answer:
        plain = socket.create_connection((HERE, self.ports[door]), 10, (source, 0))
        plain.sendall(before)
        return _asked(plain, host, path, "GET", None, headers)

    def replica(self, project: str) -> str:
        """Address of the app."""
        return self.addresses[project]

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def state(self, project: str, words: str) -> None:
        """Words that make the replica ill; see `replica.py`."""
        (self.folder.parent.parent / f"{project}.state").write_text(words)

    def logged(self) -> list[dict[str, object]]:
        lines = self.caddy.log.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if line.get("msg") == "handled request"]

    def start(self) -> None:
        """All apps, and Caddy once they listen: its first look at them would find them ill else. Until it listens, too."""
        for app in self.apps.values():
            app.start()
        for project, address in self.addresses.items():
            port = int(address.rpartition(":")[2])
            wait_until(lambda port=port: _listens(port), self.apps[project].log)
        self.caddy.start()
        mine = self.ports["http"] if self.edge else self.ports["inner"]
        wait_until(lambda: _listens(mine), self.caddy.log)

    def end(self) -> None:
        for each in (self.caddy, *self.apps.values()):
            each.end()


def wait_until(true: Callable[[], bool], log: Path, seconds: float = 20) -> None:
    """Fails with the end of the log."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.05)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HERE, port), 1).close()
    except OSError:
        return False
    return True


def _asked(
    sock: socket.socket, host: str, path: str, method: str, body: bytes | None, headers: dict[str, str]
) -> Answer:
    connection = http.client.HTTPConnection(host)
    connection.sock = sock
    connection.request(method, path, body, {"Host": host, **headers})
    reply = connection.getresponse()
    answer = Answer(
        reply.status, reply.read().decode(), {name.lower(): value for name, value in reply.getheaders()}
    )
    connection.close()
    return answer


@contextmanager
def running(case: Case, root: Path, plan: Plan | None = None) -> Iterator[dict[str, Server]]:
    """The servers of a case that have a Caddy, with their apps, by name; as they are by another `plan` for them."""
    found = _servers(case, root, plan or case.plan())
    try:
        for server in found.values():
            server.start()
        for server in found.values():
            for file in server.folder.glob("sites/*.caddy") if server.edge else ():
                name = file.read_text().splitlines()[1].removesuffix(" {").partition(", ")[0]
                if not name.startswith("http://"):
                    wait_until(
                        lambda server=server, name=name: _has_certificate(server, name),
                        server.caddy.log,
                        CERTIFICATE_S,
                    )
        yield found
    finally:
        for server in found.values():
            server.end()


def _has_certificate(server: Server, host: str) -> bool:
    try:
        server.ask(host)
    except OSError:
        return False
    return True


def _servers(case: Case, root: Path, plan: Plan) -> dict[str, Server]:
    found = [each.name for each in plan.servers if has_caddy(plan, each)]
    ports = {name: dict(zip(PORTS, (free_port() for _ in PORTS), strict=True)) for name in found}
    return {name: _server(case, plan, name, root / name, ports) for name in found}


def _server(case: Case, plan: Plan, name: str, root: Path, ports: dict[str, dict[str, int]]) -> Server:
    root.mkdir()
    path = caddyfile(case, name, root)
    folder = path.parent
    for project in plan.projects:
        if (file := folder / f"sites/{project.id}.caddy").exists():
            file.write_text(site(plan, project, plan.server(name)))
    configured = rendered_caddyfile(plan, plan.server(name))
    keys = {"/etc/codeb/ca.crt": "etc/codeb/ca.crt", "/run/secrets/ca.key": "etc/codeb/secrets/ca.key"}
    for far, near in keys.items():
        configured = configured.replace(far, str(root / near))
    path.write_text(configured)
    for file in (path, *folder.glob("sites/*.caddy")):
        file.write_text(_here(file.read_text(), plan, name, folder, ports))
    program = str(Path(sys.executable).parent / "caddy")
    caddy = Process(
        [program, "run", "--config", str(path), "--adapter", "caddyfile"],
        root / "caddy.log",
        {"HOME": str(root), "XDG_DATA_HOME": str(root / "data")},
    )
    server = Server(name, folder, ports[name], caddy, plan.server(name).has("edge"))
    for project in plan.projects_on(name):
        port = free_port()
        server.addresses[project.id] = f"{HERE}:{port}"
        app = [sys.executable, str(APP), str(port), f"{project.id}@{name}", str(root / f"{project.id}.state")]
        server.apps[project.id] = Process(app, root / f"{project.id}.log")
        server.write(f"upstreams/{project.id}", server.addresses[project.id])
        server.write(f"canaries/{project.id}.weight", "0")
        server.write(f"canaries/{project.id}.address", server.addresses[project.id])
        server.write(f"maintenance/.{project.id}", "")
    return server


def _here(text: str, plan: Plan, name: str, folder: Path, ports: dict[str, dict[str, int]]) -> str:
    """A text of this server with all that is the machine's own: folders, ports, other servers' addresses."""
    mine = ports[name]
    if text.startswith("{"):
        local = "" if "local_certs" in text else "\tlocal_certs\n\tskip_install_trust\n"
        ours = f"\thttps_port {mine['https']}\n\thttp_port {mine['http']}\n{local}"
        text = text.replace("{\n", f"{{\n{ours}", 1)
    text = text.replace("/etc/caddy", str(folder)).replace("//run/caddy/admin.sock", f"/{folder}/admin.sock")
    for other in plan.servers:
        door = ports.get(other.name, mine)["inner"]
        text = text.replace(f"{other.private_address}:8100", f"{HERE}:{door}")
    text = re.sub(r":8100\b", f":{mine['inner']}", text)
    for port, ours in ((443, mine["https"]), (80, mine["http"])):
        text = re.sub(rf"^:{port} ", f":{ours} ", text, flags=re.MULTILINE)
    return text
