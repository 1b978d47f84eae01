"""A lab host for peers that is this machine: Podman's containers are processes, each with a loopback address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from subprocess import CompletedProcess

from lab.bench.releases.peers.host import Argv
from lab.bench.releases.peers.peer import FOLDER
from lab.bench.releases.peers.proxies import INSIDE

APP = Path(__file__).with_name("app.py")


@dataclass
class Loopback:
    """Does what the scripts ask for; `ran` holds every command. `port` is the app's in each container."""

    folder: Path
    port: int
    ran: list[list[str]] = field(default_factory=list)
    rules: dict[int, str] = field(default_factory=dict)
    networks: set[str] = field(default_factory=set)
    containers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def execute(self, argv: Argv, stdin: bytes | None) -> CompletedProcess[bytes]:
        """As `Lab.run`."""
        line = [word.replace(FOLDER, str(self.folder)) for word in argv]
        self.ran.append(list(argv))
        if line[0] == "podman":
            said = getattr(self, f"_{line[1]}")(line[2:])
        elif line[0] == "nft":
            said = self._nft(line[1:])
        else:
            text = stdin.replace(INSIDE.encode(), bytes(self.folder)) if stdin else None
            return subprocess.run(line, input=text, capture_output=True, check=False)
        if isinstance(said, CompletedProcess):
            return said
        return CompletedProcess(line, 0, (said or "").encode(), b"")

    def _nft(self, words: list[str]) -> str:
        if words[0] == "add":
            self.rules[len(self.ran)] = words[-1].strip('"')
        elif words[0] == "delete":
            del self.rules[int(words[-1])]
        rules = [{"rule": {"handle": number, "comment": name}} for number, name in self.rules.items()]
        return json.dumps({"nftables": [{"metainfo": {}}, *rules, {"rule": {"handle": 1}}]})

    def _network(self, words: list[str]) -> str:
        if words[0] == "ls":
            return "\n".join(self.networks)
        {"create": self.networks.add, "rm": self.networks.remove}[words[0]](words[-1])
        return ""

    def _ps(self, _: list[str]) -> str:
        return "\n".join(self.containers)

    def _run(self, words: list[str]) -> None:
        options = list(takewhile(lambda word: word.startswith("--"), words))
        name = next(word.removeprefix("--name=") for word in options if word.startswith("--name="))
        colour = next((word for word in options if word.startswith("--env=CODEB_COLOUR=")), None)
        image, *command = words[len(options) :]
        if colour:
            self.addresses[name] = address = f"127.0.0.{10 + len(self.addresses)}"
            command = [sys.executable, str(APP), address, str(self.port), image.rpartition(":")[2]]
        env = self._environment() | ({"CODEB_COLOUR": colour.rpartition("=")[2]} if colour else {})
        with (self.folder.parent / f"{name}.log").open("wb") as log:
            self.containers[name] = subprocess.Popen(self._here(command), env=env, stdout=log, stderr=log)

    def _exec(self, words: list[str]) -> CompletedProcess[bytes]:
        line = self._here(words[1:])
        return subprocess.run(line, env=self._environment(), capture_output=True, check=False)

    def _here(self, words: list[str]) -> list[str]:
        found = [word.replace(INSIDE, str(self.folder)) for word in words]
        return [str(Path(sys.executable).with_name("caddy")), *found[1:]] if found[0] == "caddy" else found

    def _environment(self) -> dict[str, str]:
        mine = str(self.folder.parent)
        return {"PATH": os.environ["PATH"], "HOME": mine, "XDG_RUNTIME_DIR": mine}

    def _inspect(self, words: list[str]) -> str:
        return self.addresses[words[-1]]

    def _stop(self, words: list[str]) -> None:
        self.containers[words[-1]].terminate()
        self.containers[words[-1]].wait(10)

    def _logs(self, words: list[str]) -> str:
        return (self.folder.parent / f"{words[-1]}.log").read_text()

    def _rm(self, words: list[str]) -> None:
        for name in words:
            if not name.startswith("--"):
                child = self.containers.pop(name)
                child.kill()
                child.wait()


@contextmanager
def loopback(folder: Path, port: int) -> Iterator[Loopback]:
    """One, whose processes are gone afterwards."""
    inside = folder / "inside"
    inside.mkdir()
    found = Loopback(inside, port)
    try:
        yield found
    finally:
        for child in found.containers.values():
            child.kill()
            child.wait()
