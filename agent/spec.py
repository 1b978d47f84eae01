"""The document of a release, read into values. `Spec` is all of it that is not secret, and is remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from agent import paths
from agent.errors import BadDocument
from agent.paths import COLOURS, Colour
from agent.reader import (
    ADDRESS,
    ANY,
    HOST,
    IMAGE,
    PROJECT,
    UNIT_NAME,
    URL_PATH,
    USER,
    VARIABLE,
    Reader,
)

IMAGE_TOKEN: Final = "@IMAGE@"  # noqa: S105 - a place holder, not a password
_LONGEST_VARIABLE: Final = 60_000  # podman reads env files by lines of at most 64 KiB
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class UnitText:
    """A unit file: its name without folder, and its content."""

    name: str
    content: str


@dataclass(frozen=True)
class Cron:
    """A job run by a timer in the app's image."""

    container: UnitText
    timer: UnitText

    @property
    def stem(self) -> str:
        """The name of both units without extension."""
        return self.timer.name.removesuffix(".timer")


@dataclass(frozen=True)
class CacheIndex:
    """Which index of which Redis the project owns, and as which user."""

    host: str
    port: int
    index: int
    user: str


@dataclass(frozen=True)
class Health:
    """When a release counts as healthy; times in milliseconds."""

    path: str
    interval_ms: int
    timeout_ms: int
    successes: int
    max_response_ms: int
    start_timeout_ms: int


@dataclass(frozen=True)
class Spec:
    """What a release runs, without secrets."""

    project: str
    image: str
    pull: str
    publish: str
    ports: Mapping[Colour, int]
    network: UnitText
    colours: Mapping[Colour, UnitText]
    cron: tuple[Cron, ...]
    site: str | None
    domain: str
    cache: CacheIndex | None
    health: Health
    standby_minutes: int

    def address(self, colour: Colour) -> str:
        """Where this colour listens, as the upstream file says it."""
        host = f"[{self.publish}]" if ":" in self.publish else self.publish
        return f"{host}:{self.ports[colour]}"

    def to_json(self) -> dict[str, object]:
        """The part of the release document that `read_spec` reads back."""
        document = asdict(self)
        document["units"] = {
            "network": document.pop("network"),
            **document.pop("colours"),
            "cron": document.pop("cron"),
        }
        return document


@dataclass(frozen=True)
class Secrets:
    """The secret part of a release; never printed."""

    environment: Mapping[str, str]
    cache_password: str = ""
    cache_admin_password: str = ""

    def __repr__(self) -> str:
        return "Secrets(…)"

    def values(self) -> list[str]:
        """Every value that must not appear in a log or an answer."""
        return [*self.environment.values(), self.cache_password, self.cache_admin_password]


@dataclass(frozen=True)
class Release:
    """A whole release document."""

    spec: Spec
    secrets: Secrets
    by: str = ""

    def fingerprint(self) -> str:
        """Hash of all that the running container depends on: equal means that it needn't be replaced."""
        spec = self.spec.to_json()
        for key in ("pull", "site", "domain", "health", "standby_minutes"):
            del spec[key]
        units = spec["units"]
        if isinstance(units, dict):
            units.pop("cron")
        parts = [spec, dict(self.secrets.environment), self.secrets.cache_password]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def cache_hash(self) -> str:
        """The cache password as Redis keeps it, "" without a cache."""
        password = self.secrets.cache_password
        return hashlib.sha256(password.encode()).hexdigest() if password else ""


def read_release(reader: Reader) -> Release:
    """The document on standard input of `release`. Raises BadDocument."""
    reader.version()
    environment = reader.secrets("environment", VARIABLE, _LONGEST_VARIABLE)
    cache = reader.maybe("cache")
    password = cache.secret("password") if cache else ""
    admin = cache.secret("admin_password") if cache else ""
    by = reader.text("by", default="")
    return Release(_spec(reader, cache), Secrets(environment, password, admin), by)


def read_spec(reader: Reader) -> Spec:
    """A remembered spec. Raises BadDocument."""
    return _spec(reader, reader.maybe("cache"))


def _spec(reader: Reader, cache: Reader | None) -> Spec:
    project = reader.text("project", PROJECT)
    units, ports = reader.child("units"), reader.child("ports")
    spec = Spec(
        project=project,
        image=reader.text("image", IMAGE),
        pull=reader.choice("pull", "missing", "always", "never", default="missing"),
        publish=reader.text("publish", ADDRESS),
        ports={colour: ports.whole(colour, 1, 65535) for colour in COLOURS},
        network=_unit(units.child("network"), "units.network", f"{paths.network(project)}.network"),
        colours={colour: _colour(units.child(colour), project, colour) for colour in COLOURS},
        cron=tuple(_cron(item, project) for item in units.children("cron")),
        site=reader.maybe_text("site"),
        domain=reader.text("domain", HOST),
        cache=_cache(cache),
        health=_health(reader.child("health")),
        standby_minutes=reader.whole("standby_minutes", 0, 60 * 24 * 30, default=60),
    )
    ports.end()
    units.end()
    reader.end()
    if spec.ports["blue"] == spec.ports["green"]:
        raise BadDocument("ports", "blue and green must differ")
    return spec


def _unit(reader: Reader, where: str, name: str) -> UnitText:
    unit = UnitText(reader.text("name", UNIT_NAME), reader.text("content", ANY))
    reader.end()
    if unit.name != name:
        raise BadDocument(f"{where}.name", f"is {unit.name!r}, but the unit of this project is {name!r}")
    return unit


def _colour(reader: Reader, project: str, colour: Colour) -> UnitText:
    where = f"units.{colour}"
    unit = _unit(reader, where, f"{paths.container(project, colour)}.container")
    if IMAGE_TOKEN not in unit.content:
        raise BadDocument(f"{where}.content", f"has no {IMAGE_TOKEN} for the image that is resolved")
    if "[Install]" in unit.content:
        raise BadDocument(
            f"{where}.content", "has an [Install] section; the agent starts the active colour only"
        )
    return unit


def _cron(reader: Reader, project: str) -> Cron:
    prefix = f"codeb-{project}-cron-"
    container, timer = reader.child("container"), reader.child("timer")
    cron = Cron(
        UnitText(container.text("name", UNIT_NAME), container.text("content", ANY)),
        UnitText(timer.text("name", UNIT_NAME), timer.text("content", ANY)),
    )
    for part in (container, timer, reader):
        part.end()
    stem = cron.container.name.removesuffix(".container")
    if not stem.startswith(prefix) or {cron.container.name, cron.timer.name} != {
        f"{stem}.container",
        f"{stem}.timer",
    }:
        raise BadDocument("units.cron", f"units must be named {prefix}<name>.container and .timer")
    return cron


def _cache(reader: Reader | None) -> CacheIndex | None:
    if reader is None:
        return None
    cache = CacheIndex(
        host=reader.text("host", HOST),
        port=reader.whole("port", 1, 65535),
        index=reader.whole("index", 2, 15),
        user=reader.text("user", USER),
    )
    reader.end()
    return cache


def _health(reader: Reader) -> Health:
    health = Health(
        path=reader.text("path", URL_PATH),
        interval_ms=reader.whole("interval_ms", 10, _DAY_MS),
        timeout_ms=reader.whole("timeout_ms", 10, _DAY_MS),
        successes=reader.whole("successes", 1, 100),
        max_response_ms=reader.whole("max_response_ms", 1, _DAY_MS),
        start_timeout_ms=reader.whole("start_timeout_ms", 100, _DAY_MS),
    )
    reader.end()
    return health
