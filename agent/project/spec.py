"""A release as values. `Spec` is all of it that is not secret, and is remembered; `spec_reader` reads both."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from agent.host.paths import COLOURS, Colour

IMAGE_TOKEN: Final = "@IMAGE@"  # noqa: S105 - a place holder, not a password
_PUBLISHED: Final = re.compile(r"^(PublishPort=.*:)\d+(:\d+)$", re.MULTILINE)
_AROUND: Final = (
    *("site", "domain", "health", "standby_minutes"),
    *("canary", "maintenance", "sentry_project", "stage", "ceded", "secret", "alerts", "metrics_path"),
)


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
class Worker:
    """Processes of the app's image without a port: `replicas` of them here, the instances 1, 2, … of a template unit.

    `exclusive`: never two run at once, so that of the colour before ends first. `stop_ms` is the time each has to end.
    """

    name: str
    replicas: int
    exclusive: bool
    stop_ms: int
    units: Mapping[Colour, UnitText]

    def services(self, colour: Colour) -> list[str]:
        """The services of one colour."""
        template = self.units[colour].name.removesuffix("@.container")
        return [f"{template}@{number}.service" for number in range(1, self.replicas + 1)]


@dataclass(frozen=True)
class CacheIndex:
    """Which index of which Redis the project owns, as which user, and what that one may do (ACL rules).

    Index 0 stands for a whole instance: of a shared one it belongs to nobody. With `tls` it is Vultr's Valkey, which has the
    user already.
    """

    host: str
    port: int
    index: int
    user: str
    rules: tuple[str, ...] = ()
    tls: bool = False

    @property
    def place(self) -> str:
        """Where it answers, in words that tell Vultr's from the data server's."""
        return f"{'rediss://' if self.tls else ''}{self.host}:{self.port}"

    @property
    def dedicated(self) -> bool:
        """Whether the whole instance is the project's."""
        return self.index == 0


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
class ReleaseCommand:
    """A oneshot unit that runs once in the new image before the app starts."""

    unit: UnitText
    timeout_ms: int


@dataclass(frozen=True)
class Canary:
    """Percents of the requests (below 100) that a new release gets step by step, each for `wait_ms`."""

    steps: tuple[int, ...]
    wait_ms: int
    max_error_percent: float


@dataclass(frozen=True)
class Maintenance:
    """What visitors get instead of the app: an HTML page, and the seconds of `Retry-After`."""

    page: str
    retry_after_s: int


@dataclass(frozen=True)
class Alerts:
    """When somebody is told: percent of the answers that are 5xx, and 95th percentile of the response time."""

    error_percent: float
    p95_ms: int


@dataclass(frozen=True)
class Spec:
    """What a release runs, without secrets.

    `ceded` are names that were the project's and are others' now, `secret` those of variables that are secret, None in old
    documents. `alerts` is None where nobody is to be told, `metrics_path` where the app offers no metrics.
    """

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
    job: ReleaseCommand | None = None
    canary: Canary | None = None
    maintenance: Maintenance | None = None
    sentry_project: str | None = None
    stage: str = "production"
    ceded: tuple[str, ...] = ()
    secret: tuple[str, ...] | None = None
    workers: tuple[Worker, ...] = ()
    alerts: Alerts | None = None
    metrics_path: str | None = None

    def public(self) -> list[str]:
        """Values that people are shown: what happens to them must stay readable."""
        cache = [self.cache.host, self.cache.user] if self.cache else []
        workers = [unit for worker in self.workers for unit in worker.units.values()]
        units = [unit.name for unit in (self.network, *self.colours.values(), *workers)]
        page = f"https://{self.domain}"
        return [self.project, self.image, self.domain, page, self.publish, self.stage, *cache, *units]

    def around(self, other: Spec) -> Spec:
        """This container with all that `other` says around it: site, health, standby time, maintenance."""
        return replace(self, **{name: getattr(other, name) for name in _AROUND})

    def placed(self, colour: Colour, port: int) -> Spec:
        """The same with `colour` on this one of its two ports, and the other colour on the other."""
        if self.ports[colour] == port:
            return self
        swapped = {COLOURS[0]: self.ports[COLOURS[1]], COLOURS[1]: self.ports[COLOURS[0]]}
        units = {each: _published(unit, swapped[each]) for each, unit in self.colours.items()}
        return replace(self, ports=swapped, colours=units)

    def address(self, colour: Colour) -> str:
        """Where this colour listens, as the upstream file says it."""
        host = f"[{self.publish}]" if ":" in self.publish else self.publish
        return f"{host}:{self.ports[colour]}"

    def to_json(self) -> dict[str, object]:
        """The part of the release document that `spec_reader` reads back."""
        document: dict[str, Any] = asdict(self)
        document["units"] = {
            "network": document.pop("network"),
            **document.pop("colours"),
            "cron": document.pop("cron"),
        }
        if document["cache"] and not document["cache"]["tls"]:  # as agents that knew none write and read it
            del document["cache"]["tls"]
        return document


def _published(unit: UnitText, port: int) -> UnitText:
    return replace(unit, content=_PUBLISHED.sub(rf"\g<1>{port}\g<2>", unit.content))


@dataclass(frozen=True)
class Secrets:
    """The secret part of a release; never printed."""

    environment: Mapping[str, str]
    cache_password: str = ""
    cache_admin_password: str = ""

    def __repr__(self) -> str:
        return "Secrets(…)"


@dataclass(frozen=True)
class Release:
    """A whole release document; `digest` is what the image's tag is on the project's first server, "" there."""

    spec: Spec
    secrets: Secrets
    by: str = ""
    digest: str = ""

    def fingerprint(self) -> str:
        """Hash of all that the running container depends on: equal means that it needn't be replaced."""
        spec = self.spec.to_json()
        for key in ("pull", "job", *_AROUND):
            del spec[key]
        if not self.spec.workers:  # as agents that knew none made it
            del spec["workers"]
        for part, around in (("units", "cron"), ("cache", "rules")):
            inner = spec[part]
            if isinstance(inner, dict):
                del inner[around]
        parts = [spec, dict(self.secrets.environment), self.secrets.cache_password]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def cache_hash(self) -> str:
        """The cache password as Redis keeps it, "" without a cache."""
        password = self.secrets.cache_password
        return hashlib.sha256(password.encode()).hexdigest() if password else ""
