"""The simulated Vultr with its machines, in a process that outlives the run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import paths
from lab.host import Lab, LabError
from lab.host.cache import remove, write_atomically
from lab.host.commands import tail
from lab.host.processes import ProcessId, wait_until
from lab.vultr.machines import LabMachines
from lab.vultr.machines.ground import Ground
from lab.vultr.simulator import READY, Folder

PORT = 8444
"""On loopback; the same at each start, so a shell's environment stays right."""
START_PATIENCE_S = 300.0
STOP_PATIENCE_S = 120.0


@dataclass(frozen=True)
class FleetServer:
    """A server of the account: the stack's name of it, its state, and the lab's name of it on this machine."""

    name: str
    instance: str
    address: str
    host: str
    state: str


@dataclass(frozen=True)
class Cloud:
    """One lab's. Its account, faults and calls are those of `python -m lab.vultr`."""

    lab: Lab
    folder: Path = paths.VULTR

    @property
    def machines(self) -> LabMachines:
        """What stands behind the account."""
        return LabMachines(Ground(self.lab))

    @property
    def account(self) -> Folder:
        """The account, whether the simulator runs or not."""
        found = Folder(self.folder)
        found.port = PORT
        return found

    @property
    def log(self) -> Path:
        """What the simulator prints."""
        return self.folder / "simulator.log"

    def start(self) -> None:
        """Simulator and machines up, as they were when they went down. Raises LabError."""
        self.machines.prepare()
        if self._process() is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log.write_text("")
        with self.lab.progress.step("start the simulated Vultr"), self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "lab.fleet.serve", str(self.folder), str(PORT)],
                cwd=paths.REPO,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            write_atomically(self._pid, json.dumps(ProcessId.of(process.pid).as_json()))
            wait_until(lambda: process.poll() is not None or self._listens(), START_PATIENCE_S)
        if not self._listens():
            self._end()
            raise LabError(
                f"the simulated Vultr does not start; end of {self.log}:\n{tail(self.log)}", "see the log"
            )

    def stop(self) -> None:
        """Simulator and machines down; the account and all data stay."""
        self._end()
        self.machines.down()
        self.lab.down()

    def clean(self) -> None:
        """Down and gone, with the account and all data."""
        if self.folder.exists():
            self._end()
            self.machines.clean()
            remove(self.folder)

    def servers(self) -> list[FleetServer]:
        """The account's servers that have a machine, by name."""
        ground = Ground(self.lab)
        notes = ground.book.read()
        labels = {key: str(one["label"]) for key, one in self.account.content()["instances"].items()}
        found = [
            FleetServer(
                labels.get(key, key).removeprefix("codeb-"),
                key,
                note.main,
                note.name,
                ground.server(notes, key).state(),
            )
            for key, note in notes.servers.items()
        ]
        return sorted(found, key=lambda server: server.name)

    def entry(self) -> str | None:
        """Where visitors come in: the balancer, or else the first server."""
        balancers = [note.address for note in Ground(self.lab).book.read().balancers.values()]
        return next(iter([*balancers, *(server.address for server in self.servers())]), None)

    def console(self, name: str, argv: Sequence[str]) -> int:
        """A root shell on a server, or one command, on the caller's terminal. Raises LabError for an unknown name."""
        known = {server.name: server.instance for server in self.servers()}
        if name not in known:
            raise LabError(f"no server {name!r}", f"say one of: {', '.join(known) or 'there is none'}")
        ground = Ground(self.lab)
        words = list(argv[1:] if argv and argv[0] == "--" else argv)
        return ground.server(ground.book.read(), known[name]).attach(words or ["bash", "-l"])

    @property
    def _pid(self) -> Path:
        return self.folder / "simulator.json"

    def _process(self) -> ProcessId | None:
        try:
            process = ProcessId(**json.loads(self._pid.read_text()))
        except FileNotFoundError:
            return None
        return process if process.alive() else None

    def _listens(self) -> bool:
        return READY in self.log.read_text()

    def _end(self) -> None:
        """Ask it to stop, then make it."""
        for number, patience_s in ((signal.SIGTERM, STOP_PATIENCE_S), (signal.SIGKILL, 10.0)):
            if (process := self._process()) is None:
                break
            process.send(number)
            wait_until(lambda: self._process() is None, patience_s)
        self._pid.unlink(missing_ok=True)
