"""Whether what a deployment changed answers visitors: asked from outside, over HTTPS, at each address of the edge."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from codeb.fleet.values import mapping
from codeb.model import Manifest, Manifests, Settings
from ops.ci.context import CiError
from ops.words import clean

SUCCESSES: Final = 3
TRIES: Final = 45
"""Questions to one address, each up to the manifest's `monitoring.health.timeout`."""
PAUSE_S: Final = 2.0
_AT_ONCE: Final = 8
_OK: Final = 200
_ASKS_WHO: Final = frozenset({401, 403})
"""What a protected app answers to strangers: asked for a password, or from an address that may not."""
_ADDRESS: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?|[0-9a-f:.]{2,45}")
_SECOND_MS: Final = 1000


@dataclass(frozen=True)
class Target:
    """Where a project is asked. `trust` knows who signs its certificate."""

    project: str
    domain: str
    path: str
    address: str
    timeout: float
    protected: bool
    trust: ssl.SSLContext = field(repr=False, compare=False, default_factory=ssl.create_default_context)

    @property
    def good(self) -> frozenset[int]:
        """Statuses of an app that is up."""
        return _ASKS_WHO | {_OK} if self.protected else frozenset({_OK})


Visit = Callable[[Target], int | str]
"""The status of an answer, or in words why there was none."""


@dataclass(frozen=True)
class Targets:
    """What is asked, and what isn't, with the reason."""

    asked: tuple[Target, ...] = ()
    skipped: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    """Why something that should be asked can't be: a failure."""


def changed(resources: Collection[str], outputs: Mapping[str, Any]) -> set[str]:
    """The projects that visitors may find changed after steps on these resources: those released or routed anew, and all
    where a server was (`components.project` and `components.server` name the resources)."""
    projects, servers = set(mapping(outputs.get("projects"))), mapping(outputs.get("servers"))
    if any(f"{server}-bundle" in resources for server in servers):
        return projects
    return {
        project
        for project in projects
        if any(each.startswith((f"{project}-release-", f"{project}-route-")) for each in resources)
    }


def targets(
    projects: Collection[str], outputs: Mapping[str, Any], settings: Settings, manifests: Manifests
) -> Targets:
    """Each of the projects at each address where visitors come in. Raises CiError."""
    addresses, trust = _addresses(outputs), _trust(settings, outputs)
    entries = mapping(mapping(outputs.get("registry")).get("projects"))
    asked: list[Target] = []
    skipped, lacking = [], []
    if projects and not addresses:
        lacking.append("the stack's outputs have no server with the role edge to ask")
    for project in sorted(projects):
        entry, manifest = mapping(entries.get(project)), _manifest(project, outputs, manifests)
        if not entry.get("domain") or manifest is None:
            lacking.append(f"{project}: it is not in the stack's registry, or has no manifest")
        elif entry.get("maintenance"):
            skipped.append(f"{project}: in maintenance, visitors get its page: not asked")
        else:
            asked += (_target(project, str(entry["domain"]), manifest, each, trust) for each in addresses)
    return Targets(tuple(asked), tuple(skipped), tuple(lacking))


def ask(
    asked: Sequence[Target], visit: Visit, sleep: Callable[[float], object], ending: Callable[[], bool]
) -> tuple[list[str], list[str]]:
    """Ask until each has answered well three times in a row: what is up, and what isn't, in words."""
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        found = list(workers.map(lambda each: _ask(each, visit, sleep, ending), asked))
    pairs = list(zip(asked, found, strict=True))
    up = [f"{_where(each)}: {SUCCESSES} successes in a row" for each, problem in pairs if not problem]
    return up, [f"{_where(each)}: {problem}" for each, problem in pairs if problem]


def visit(target: Target, transport: httpx2.BaseTransport | None = None) -> int | str:
    """Ask one address by the name that visitors use: the certificate has to be that name's."""
    address = f"[{target.address}]" if ":" in target.address else target.address
    try:
        with (
            httpx2.Client(
                verify=target.trust, trust_env=False, timeout=target.timeout, transport=transport
            ) as client,
            client.stream(
                "GET",
                f"https://{address}{target.path}",
                headers={"Host": target.domain, "User-Agent": "codeb"},
                extensions={"sni_hostname": target.domain},
                follow_redirects=False,
            ) as answer,
        ):
            return answer.status_code
    except httpx2.TimeoutException:
        return f"no answer within {target.timeout:g} s"
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        return clean(error) or type(error).__name__


def _ask(target: Target, visit: Visit, sleep: Callable[[float], object], ending: Callable[[], bool]) -> str:
    """Why it is not up; "" when it is."""
    good, last = 0, ""
    for number in range(TRIES):
        if ending():
            return "not asked to the end: the run was cancelled"
        answer = visit(target)
        well = answer in target.good
        good = good + 1 if well else 0
        if good == SUCCESSES:
            return ""
        if not well:
            last = f"answered {answer}" if isinstance(answer, int) else answer
        if number < TRIES - 1:
            sleep(PAUSE_S)
    return f"not {SUCCESSES} successes in a row in {TRIES} tries; last trouble: {last}"


def _target(project: str, domain: str, manifest: Manifest, address: str, trust: ssl.SSLContext) -> Target:
    health = manifest.monitoring.health
    protected = manifest.features.protect is not None
    return Target(
        project, domain, health.path, address, health.timeout / _SECOND_MS, protected=protected, trust=trust
    )


def _manifest(project: str, outputs: Mapping[str, Any], manifests: Manifests) -> Manifest | None:
    """The project's own manifest; for a preview environment that of the project that it is made from."""
    preview = mapping(mapping(mapping(outputs.get("registry")).get("previews")).get(project))
    name = str(preview.get("project", project))
    return manifests[name] if name in manifests.files else None


def _addresses(outputs: Mapping[str, Any]) -> list[str]:
    """Where visitors come in: the balancer's address where there is one, else each edge's; nothing but addresses."""
    balancer = mapping(mapping(outputs.get("fleet")).get("balancer"))
    servers = [mapping(each) for _, each in sorted(mapping(outputs.get("servers")).items())]
    edges = [each.get("address") for each in servers if "edge" in (each.get("roles") or ())]
    found = [balancer.get("address")] if balancer.get("address") else edges
    return [str(each) for each in found if _is_address(each)]


def _is_address(text: object) -> bool:
    return _ADDRESS.fullmatch(str(text)) is not None


def _trust(settings: Settings, outputs: Mapping[str, Any]) -> ssl.SSLContext:
    """The platform's own CA where it signs the certificates; else who the machine trusts (and SSL_CERT_FILE names)."""
    authority = outputs.get("caCertificate")
    if settings.tls_issuer == "internal" and isinstance(authority, str):
        try:
            return ssl.create_default_context(cadata=authority)
        except (ssl.SSLError, ValueError):
            raise CiError(
                "the stack's output caCertificate is no certificate, so nobody can be asked"
            ) from None
    return ssl.create_default_context()


def _where(target: Target) -> str:
    return f"{target.project}: https://{clean(target.domain)}{target.path} at {target.address}"
