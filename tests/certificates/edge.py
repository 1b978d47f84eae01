"""Edges as processes: a real Caddy with the rendered Caddyfile, the agent's verb `certificates` with real programs.

An edge has an address of loopback for itself. Instead of systemd, a runner starts and ends its bindfs.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from agent import real
from agent.documents.reader import Reader
from agent.edge import sites
from agent.edge.certificates import certificates
from agent.host.ports import Argv, Result
from agent.real.files import RealFiles
from agent.real.runner import RealRunner

CADDY = str(Path(sys.executable).parent / "caddy")
WITHOUT_CAPABILITIES = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
PATIENCE_S = 100


@dataclass
class Edge:
    """`text` is the Caddyfile as rendered; `share` where the shared file system is mounted."""

    address: str
    folder: Path
    share: Path
    text: str
    http: int
    https: int
    sites: list[str] = field(default_factory=list)
    caddy: subprocess.Popen[bytes] | None = None
    bindfs: subprocess.Popen[bytes] | None = None
    server: subprocess.Popen[bytes] | None = None

    @property
    def places(self) -> dict[str, str]:
        return {
            "share": str(self.share),
            "folder": f"{self.folder}/certificates",
            "own": f"{self.folder}/own",
        }

    @property
    def log(self) -> Path:
        return self.folder / "caddy.log"

    def look(self) -> dict[str, Any]:
        """What the agent does every few seconds. Raises Failed."""
        ports = replace(real.ports(), runner=Runner(self), files=Files(self.folder))
        return certificates(ports, Reader({"version": 1, **self.places}, ""), "tester")

    def start(self, *, look: bool = True) -> None:
        if look:
            self.look()
        self.write()
        line = [*WITHOUT_CAPABILITIES, CADDY, "run", "--config", self.caddyfile, "--adapter", "caddyfile"]
        with self.log.open("ab") as out:
            self.caddy = subprocess.Popen(line, stdout=out, stderr=out, env=self._environment)
        self.until(self._up, "Caddy's admin socket")

    def _up(self) -> bool:
        assert self.caddy is not None
        assert self.caddy.poll() is None, self.log.read_text()
        return self.admin.exists()

    def stop(self) -> None:
        if self.caddy is not None:
            self.caddy.terminate()
            self.caddy.wait(20)
            self.caddy = None

    def reload(self) -> None:
        """As the agent does it. Fails when that takes long."""
        self.write()
        done = subprocess.run(
            self.reloading, capture_output=True, text=True, timeout=15, env=self._environment, check=False
        )
        assert done.returncode == 0, done.stderr

    @property
    def reloading(self) -> list[str]:
        files = ["--config", self.caddyfile, "--adapter", "caddyfile"]
        return [CADDY, "reload", *files, "--address", f"unix/{self.admin}"]

    def attach(self, raw: Path) -> None:
        """Mount the shared file system, which a process serves that can be made to hang."""
        self.server = subprocess.Popen(["bindfs", "-f", raw, self.share])
        self.until(self.share.is_mount, "its share", 10)

    def hang(self) -> None:
        """The share doesn't answer any more; whoever asks waits, and can't even be killed."""
        assert self.server is not None
        self.server.send_signal(signal.SIGSTOP)

    def unhang(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGCONT)

    def lose(self) -> None:
        """The share isn't attached any more."""
        assert self.server is not None
        self.server.kill()
        self.server.wait(10)
        subprocess.run(["umount", "--lazy", self.share], check=True)

    def end(self) -> None:
        """Everything of this edge, whatever hangs."""
        folder = Path(self.places["folder"])
        for process in (self.server, self.bindfs):
            if process is not None:
                process.send_signal(signal.SIGCONT)
        for path in (folder / "shared", self.share):
            subprocess.run(["umount", "--force", "--lazy", path], capture_output=True, check=False)
        for process in (self.bindfs, self.server):
            if process is not None:
                process.kill()
                process.wait(10)
        self.stop()

    @property
    def caddyfile(self) -> str:
        return f"{self.folder}/caddy/Caddyfile"

    @property
    def admin(self) -> Path:
        return self.folder / "admin.sock"

    @property
    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder / "data")}

    def write(self) -> None:
        """The rendered files, with this edge's places, ports and sites."""
        home = Path(self.caddyfile).parent
        (home / "sites").mkdir(parents=True, exist_ok=True)
        head = f"default_bind {self.address}\n\thttp_port {self.http}\n\thttps_port {self.https}\n\trenew_interval 2s"
        text = self.text.replace("{\n", f"{{\n\t{head}\n", 1)
        text = re.sub(r"^:443 ", f":{self.https} ", text, flags=re.M)
        text = re.sub(r"^:80 ", f":{self.http} ", text, flags=re.M)
        for place, here in (
            ("/run/caddy/admin.sock", str(self.admin)),
            ("/etc/caddy", str(home)),
            ("/certificates/now", f"{self.places['folder']}/now"),
            ("grace_period 1m", "grace_period 2s"),
        ):
            text = text.replace(place, here)
        Path(self.caddyfile).write_text(text)
        for file in (home / "sites").iterdir():
            file.unlink()
        for name in self.sites:
            (home / f"sites/{name}.caddy").write_text(
                f"{name} {{\n\timport listener\n\trespond {self.address}\n}}\n"
            )
        (home / "sites.list").write_bytes(sites.imports(f"sites/{name}.caddy" for name in self.sites))

    def shows(self, name: str, timeout_s: float = 4) -> x509.Certificate:
        """The certificate that a visitor is shown. Raises OSError."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((self.address, self.https), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            found = secured.getpeercert(binary_form=True)
        assert found is not None
        return x509.load_der_x509_certificate(found)

    def serial(self, name: str) -> str:
        return f"{self.shows(name).serial_number:x}"

    def awaited(self, name: str, *, other_than: str = "", patience_s: float = PATIENCE_S) -> str:
        """The serial number of a name's certificate, once there is one."""
        found: list[str] = []

        def there() -> bool:
            try:
                found.append(self.serial(name))
            except OSError:
                return False
            return found[-1] != other_than

        self.until(there, f"a certificate of {name}", patience_s)
        return found[-1]

    def until(self, true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
        end = time.monotonic() + patience_s
        while not true():
            if time.monotonic() > end:
                log = self.log.read_text()[-3000:] if self.log.exists() else ""
                pytest.fail(f"{self.address} has not got {what} after {patience_s} s:\n{log}")
            time.sleep(0.2)

    def said(self, words: str) -> list[dict[str, Any]]:
        """Caddy's log lines with these words."""
        return [
            json.loads(line)
            for line in self.log.read_text().splitlines()
            if words in line and line.startswith("{")
        ]


class Files(RealFiles):
    """The agent's own files are the edge's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _here(self, path: str) -> str:
        return f"{self._folder}/agent{path}" if path.startswith(("/etc/", "/var/lib/")) else path

    def read(self, path: str) -> bytes | None:
        return super().read(self._here(path))

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        super().write(self._here(path), content, mode, owner)

    def remove(self, path: str) -> None:
        super().remove(self._here(path))

    def lock(self, path: str, wait_s: float) -> AbstractContextManager[None]:
        return super().lock(self._here(path), wait_s)


@dataclass
class Runner:
    """Programs as they are, but for systemd: the edge's own bindfs is started and ended by hand."""

    edge: Edge
    real: RealRunner = field(default_factory=RealRunner)

    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        words = list(argv)
        if words[0] == "podman":
            words = [*self.edge.reloading, *words[-1:]]
        if words[0] != "systemctl":
            words = [
                str(self.edge.folder / "lock") if word.endswith("share.lock") else word for word in words
            ]
            return self.real.run(words, stdin=stdin, timeout_s=timeout_s, unless=unless)
        if words[1] == "restart":
            return self._restart()
        return Result(0, "ActiveState=active\n" if self.edge.caddy else "ActiveState=inactive\n")

    def _restart(self) -> Result:
        if self.edge.bindfs is not None:
            self.edge.bindfs.kill()
            self.edge.bindfs.wait(5)
        line = exec_start(Path(self.edge.places["share"]), Path(self.edge.places["folder"]))
        self.edge.bindfs = subprocess.Popen([line[0], "-f", *line[1:]])
        shared = Path(self.edge.places["folder"]) / "shared"
        self.edge.until(shared.is_mount, "its bindfs", 10)
        return Result(0)


def exec_start(share: Path, folder: Path) -> list[str]:
    """The command line of the rendered unit."""
    from codeb.render.text import render

    unit = render("host/codeb-share.service", share=str(share), folder=str(folder))
    (line,) = re.findall(r"^ExecStart=(.*)$", unit, re.M)
    return str(line).split()


def left(certificate: x509.Certificate) -> float:
    """Seconds until it ends."""
    return (certificate.not_valid_after_utc - datetime.now(UTC)).total_seconds()
