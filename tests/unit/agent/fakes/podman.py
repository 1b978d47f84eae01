"""Podman in memory: images here and in the registry, and what it says of containers that systemd runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container as Names
from dataclasses import dataclass, field
from typing import Protocol

from agent.host.ports import Result


class Units(Protocol):
    """What runs the containers: services by name."""

    @property
    def running(self) -> Names[str]:
        """Those that run."""

    @property
    def crashed(self) -> Names[str]:
        """Those that ended with an error."""


class Caddy(Protocol):
    """The one container in which programs are run."""

    runs: bool

    def caddy(self, words: list[str]) -> Result:
        """Caddy's own command line."""


@dataclass
class App:
    """How an image behaves: its health answer, or why it doesn't come up."""

    status: int = 200
    body: bytes = b'{"database": "ok"}'
    elapsed_ms: float = 20
    crashes: bool = False
    job_status: int = 0
    boots_after_s: float = 0


@dataclass
class Podman:
    """Images by reference: those in the host's store, and those that can be pulled."""

    images: dict[str, App]
    registry: dict[str, App]
    caddy: Caddy
    units: Units = field(init=False)

    def app(self, reference: str) -> App | None:
        """What is in an image, by name, id or digest; None when it isn't on the host."""
        for name, app in self.images.items():
            if reference in (name, image_id(name), pinned(name)):
                return app
        return None

    def podman(self, words: list[str]) -> Result:
        match words[:2]:
            case ["image", verb]:
                return self._image(verb, words[2:])
            case ["pull", *_]:
                return self._pull(words[-1])
            case ["container", "exists"]:
                return Result(0 if self.caddy.runs else 1)
            case ["container", "inspect"] if "{{.Name}} {{.Id}}" in words:
                return Result(0, out="".join(f"{name} {_container_id(name)}\n" for name in words[4:]))
            case ["container", "inspect"]:
                return self._container(words[-1])
            case ["events", *_]:
                return self._ended()
            case ["network", _] | ["healthcheck", _] | ["version", _]:
                return Result(0, out="5.4.2\n")
            case ["exec", "caddy"]:
                return self.caddy.caddy(words[3:])
        return Result(125, err=f"podman can't {words}")

    def _container(self, name: str) -> Result:
        if f"{name}.service" not in self.units.running:
            return Result(125, err="no such container")
        return Result(0, out=json.dumps({"Id": _container_id(name)}))

    def _ended(self) -> Result:
        ended = [f"codeb-shop-app-{name}.service" in self.units.crashed for name in ("blue", "green", "job")]
        return Result(0, out='{"ContainerExitCode": 3}\n' if any(ended) else "")

    def _image(self, verb: str, words: list[str]) -> Result:
        name = words[-1]
        if verb == "ls":
            return Result(0, out=json.dumps([described(name) for name in self.images]))
        if verb == "rm":
            gone = set(words)
            self.images = {n: app for n, app in self.images.items() if not {n, image_id(n)} & gone}
            return Result(0)
        if not self.app(name):
            return Result(1 if verb == "exists" else 125, err="no such image")
        found = described(name) | {
            "Digest": pinned(name).partition("@")[2],
            "Config": {"Env": ["PATH=/bin", "OWN=x"]},
        }
        return Result(0, out=json.dumps(found) if verb == "inspect" else "")

    def _pull(self, name: str) -> Result:
        if name not in self.registry:
            return Result(125, err=f"Error: initializing source docker://{name}: manifest unknown")
        self.images[name] = self.registry[name]
        return Result(0)


def image_id(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()


def pinned(reference: str) -> str:
    return f"{reference.rpartition(':')[0]}@sha256:{image_id(reference)[::-1]}"


def described(reference: str) -> dict[str, object]:
    """An image as `podman image ls` lists it."""
    return {"Id": image_id(reference), "Names": [reference], "RepoDigests": [pinned(reference)]}


def _container_id(name: str) -> str:
    return hashlib.sha256(f"{name}.service".encode()).hexdigest()
