"""What is measured: Core CMS with a cache and without, and a bare Next.js app, each as a project of the dev stack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from codeb import names
from lab import paths
from lab.apps import App
from lab.bench.releases.apps import APPS, DOMAIN, PROJECT, Released
from lab.load import Surface, Target
from lab.load.surface import Get

LIST: Final = "/api/restaurants"
RATE: Final = 40
"""Requests a second of one app, which two cores bear beside whatever makes the load: at 5 ms each a tenth of them."""
BARE: Final = App("lab/bench/core_cms/bare", "codeb/bare-next", "1.0.0")
"""Next.js, React and TypeScript in the template's versions; a static page and handlers that ask nobody."""

_ASKED: Final = Surface(who="/api/health", gets=(Get(LIST, '"cached":'),))


def _cms(*, cached: bool) -> Released:
    cms = APPS["core-cms"]
    resources = {**cms.sections["resources"], "cache": {"enabled": cached}}
    return replace(cms, surface=_ASKED, rate=RATE, sections={**cms.sections, "resources": resources})


def _bare() -> Released:
    none = {name: {"enabled": False} for name in ("database", "cache", "storage")}
    return Released(BARE, _ASKED, RATE, {"resources": none})


@dataclass(frozen=True)
class Subject:
    """One of them: what tables call it, the last part of its project's id, and what its list says of `cached`."""

    name: str
    part: str
    released: Released
    cached: bool

    @property
    def project(self) -> str:
        """The project's id."""
        return f"{PROJECT}-{self.part}"

    @property
    def domain(self) -> str:
        """Where visitors find it."""
        return f"{self.part}.{DOMAIN}"

    @property
    def image(self) -> str:
        """What the host pulls."""
        return self.released.tagged(0).image

    def manifest(self) -> dict[str, Any]:
        """The project. Health is asked so seldom that it is nothing beside the load."""
        found = self.released.manifest(0)
        environment = {**found["environment"], "domain": self.domain}
        project = {**found["project"], "id": self.project}
        health = {"monitoring": {"health": {"interval": "5s"}}}
        return {**found, **health, "project": project, "environment": environment}

    def target(self, address: str) -> Target:
        """Where the load goes, with the lab host's address."""
        return Target(self.domain, address, paths.CA_CERTIFICATE, surface=self.released.surface)

    def container(self, colour: names.Colour) -> str:
        """Container, and service without its extension, of the colour that serves."""
        return names.service(self.project, colour)


PLAIN: Final = Subject("bare Next.js", "bare", _bare(), cached=False)
CACHED: Final = Subject("Core CMS, cached", "cms", _cms(cached=True), cached=True)
DIRECT: Final = Subject("Core CMS, not cached", "direct", _cms(cached=False), cached=False)
SUBJECTS: Final = (PLAIN, CACHED, DIRECT)
