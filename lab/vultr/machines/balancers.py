"""Balancers: HAProxy with an address of its own on the bridge and one in the private network."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lab.host import commands
from lab.host.cache import write_atomically
from lab.host.processes import wait_until
from lab.vultr.machines.appliances import PATIENCE_S, Appliance
from lab.vultr.machines.roots import TEMPLATES
from lab.vultr.ports import BalancerSpec, MachineError

_INSIDE = "/run/balancer"
_CONFIGURATION, _CERTIFICATE, _CONTROL = "haproxy.cfg", "certificate.pem", "control.sock"
_TEMPLATES = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=select_autoescape(enabled_extensions=(), default=False),
)


def configuration(spec: BalancerSpec, address: str) -> str:
    """HAProxy's file for a balancer; ``address`` is the name that its health checks give."""
    places = {"certificate": f"{_INSIDE}/{_CERTIFICATE}", "control": f"{_INSIDE}/{_CONTROL}"}
    return _TEMPLATES.get_template("haproxy.cfg.j2").render(balancer=spec, address=address, **places)


@dataclass(frozen=True)
class Balancer:
    """One of them, on an appliance that has its ``shared`` folder."""

    appliance: Appliance

    @staticmethod
    def shared(folder: Path) -> dict[Path, str]:
        """What the appliance must bind."""
        return {folder / "shared": _INSIDE}

    @property
    def _folder(self) -> Path:
        return self.appliance.folder / "shared"

    def set(self, spec: BalancerSpec, root: Path, *, anew: bool) -> None:
        """Work as the spec says, at once; connections go on unless it has to start ``anew``.

        Raises MachineError with HAProxy's words when it refuses.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if spec.tls:
            parts = (spec.tls.private_key, spec.tls.certificate, spec.tls.chain)
            write_atomically(
                self._folder / _CERTIFICATE, "\n".join(part.strip() for part in parts) + "\n", mode=0o600
            )
        write_atomically(
            self._folder / _CONFIGURATION,
            configuration(spec, self.appliance.addresses[0][0].partition("/")[0]),
        )
        if self.appliance.supervised.running() and not anew:
            self.appliance.network.attach(self.appliance.name)
            answer = self._ask("reload")
            if "Success=1" not in answer:
                raise MachineError(f"balancer {spec.id} does not take its configuration: {answer}")
            return
        self.appliance.stop()
        (self._folder / _CONTROL).unlink(missing_ok=True)
        self.appliance.start(
            root, ["haproxy", "-W", "-S", f"{_INSIDE}/{_CONTROL}", "-f", f"{_INSIDE}/{_CONFIGURATION}"]
        )
        if not wait_until(self._answers, PATIENCE_S):
            log = self.appliance.supervised.log
            raise MachineError(f"balancer {spec.id} does not start; end of {log}:\n{commands.tail(log)}")

    def _answers(self) -> bool:
        try:
            return bool(self._ask("show proc"))
        except OSError:
            return False

    def _ask(self, command: str) -> str:
        """The answer of HAProxy's master process."""
        folder = os.open(self._folder, os.O_PATH)
        try:  # by its folder's descriptor: the path of a socket has 107 bytes at most
            with socket.socket(socket.AF_UNIX) as control:
                control.settimeout(PATIENCE_S)
                control.connect(f"/proc/self/fd/{folder}/{_CONTROL}")
                control.sendall(f"{command}\n".encode())
                control.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: control.recv(65536), b"")).decode(errors="replace")
        finally:
            os.close(folder)
