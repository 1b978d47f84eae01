"""Podman in memory: images here and in the registry, and what it says of containers that systemd runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container as Names
from collections.abc import Iterator
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
    """How an image behaves: its health answer, or why it doesn't come up. Another `build` is another image."""

    status: int = 200
    body: bytes = b'{"database": "ok"}'
    elapsed_ms: float = 20
    crashes: bool = False
    job_status: int = 0
    worker_crashes: bool = False
    boots_after_s: float = 0
    forces_https: bool = False
    build: str = ""
    volumes: tuple[str, ...] = ()


@dataclass
class Podman:
    """Images by reference: those in the host's store, and those that can be pulled.

    `nameless` are those whose tag has moved on, or that were pulled by their digest; `aliases` are further names. By its
    digest an image is found while it has any name. `error` is what pulls say instead.
    """

    images: dict[str, App]
    registry: dict[str, App]
    caddy: Caddy
    units: Units = field(init=False)
    nameless: list[tuple[str, App]] = field(default_factory=list)
    aliases: dict[str, tuple[str, App]] = field(default_factory=dict)
    error: str = ""

    def app(self, reference: str) -> App | None:
        """What is in an image, by name, id or digest; None when it isn't on the host."""
        found = self._found(reference)
        return found[1] if found else None

    def _found(self, reference: str) -> tuple[str, App] | None:
        if reference in self.images:
            return reference, self.images[reference]
        if reference in self.aliases:
            return self.aliases[reference]
        for name, app in [*self.images.items(), *self.nameless]:
            if reference == image_id(name, app.build):
                return name, app
        for name, app in [*self.images.items(), *self.aliases.values()]:
            if reference == pinned(name, app.build):
                return name, app
        return None

    def podman(self, words: list[str]) -> Result:
        match words[:2]:
            case ["image", verb]:
                return self._image(verb, words[2:])
            case ["tag", *_]:
                return self._tag(words[1], words[2])
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
            case ["network", _] | ["healthcheck", _] | ["version", _] | ["rm", *_]:
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
            return Result(0, out=json.dumps([*self._rows()]))
        if verb == "rm":
            gone = set(words)
            self.images = {n: a for n, a in self.images.items() if not {n, image_id(n, a.build)} & gone}
            aliases = {alias: image for alias, image in self.aliases.items() if alias not in gone}
            unnamed = [image for image in self.aliases.values() if image not in aliases.values()]
            self.aliases = aliases
            self.nameless = [
                image
                for image in self.nameless
                if image_id(image[0], image[1].build) not in gone and image not in unnamed
            ]
            return Result(0)
        there = self._found(name)
        if not there:
            return Result(1 if verb == "exists" else 125, err="no such image")
        name, app = there
        found = described(name, app.build) | {"Digest": pinned(name, app.build).partition("@")[2]}
        volumes = {"Volumes": {path: {} for path in app.volumes}} if app.volumes else {}
        found |= {"Config": {"Env": ["PATH=/bin", "OWN=x"], **volumes}}
        return Result(0, out=json.dumps(found) if verb == "inspect" else "")

    def _rows(self) -> Iterator[dict[str, object]]:
        for name, app in [*self.images.items(), *self.nameless]:
            names = [alias for alias, image in self.aliases.items() if image == (name, app)]
            names += [name] if self.images.get(name) is app else []
            yield {**described(name, app.build), "Names": names or None}

    def _tag(self, reference: str, name: str) -> Result:
        image = self._found(reference)
        if image is None:
            return Result(125, err=f"Error: {reference}: image not known")
        self.aliases[name] = image
        return Result(0)

    def _pull(self, reference: str) -> Result:
        if self.error:
            return Result(125, err=self.error)
        for name, app in self.registry.items():
            if reference == name:
                before = self.images.get(name)
                if before is not None and before.build != app.build:
                    self.nameless.append((name, before))
                self.images[name] = app
                return Result(0)
            if reference == pinned(name, app.build):
                self.nameless.append((name, app))
                self.aliases[reference] = name, app
                return Result(0)
        return Result(125, err=f"Error: initializing source docker://{reference}: manifest unknown")


def image_id(reference: str, build: str = "") -> str:
    return hashlib.sha256(f"{reference}{build}".encode()).hexdigest()


def pinned(reference: str, build: str = "") -> str:
    return f"{reference.rpartition(':')[0]}@sha256:{image_id(reference, build)[::-1]}"


def described(reference: str, build: str = "") -> dict[str, object]:
    """An image as `podman image ls` lists it."""
    found = pinned(reference, build)
    return {"Id": image_id(reference, build), "Names": [reference], "RepoDigests": [found]}


def _container_id(name: str) -> str:
    return hashlib.sha256(f"{name}.service".encode()).hexdigest()
