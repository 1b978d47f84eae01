"""Asking for an app as its users do: through Caddy's listener, with TLS, by the app's domain. Where no user comes, as the
stack's edges do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from agent.documents.errors import Failed
from agent.edge import names
from agent.host import paths
from agent.host.ports import NoReply, Ports, Reply, Tls
from agent.project import health
from agent.project.spec import Spec

_TLS_PORT: Final = "127.0.0.1:443"
_PLAIN_PORT: Final = "127.0.0.1:80"
_PROBE_S: Final = 10
_CERTIFICATE_S: Final = 45
_PAUSE_S: Final = 0.25
_OK: Final = 200
_UNAVAILABLE: Final = 503
_ANSWERED_BY: Final = "x-codeb-upstream"
_ANSWERED_BEHIND: Final = "x-codeb-replica"
_HERE: Final = "127.0.0.1"
_ADDRESS: Final = re.compile(r"[0-9a-f.:\[\]]+")
_PLAIN_REDIRECTS: Final = frozenset({301, 302, 307, 308})


def probe(ports: Ports, spec: Spec, address: str) -> str:
    """Ask for the app as users do: TLS on Caddy's listener, by the app's domain. Returns a warning or "".

    A certificate that is still being fetched (ACME) is waited for; then the plain listener has to send to
    HTTPS and the app itself to answer: that proves all but the certificate; a warning says so. Raises Failed.
    """
    if spec.site is None:
        return ""
    start, last = ports.clock.monotonic(), "was never asked"
    while True:
        waited, no_certificate = ports.clock.monotonic() - start, False
        try:
            verdict = _judge(ports, spec, address)
            if verdict.healthy:
                return ""
            last = verdict.reason
        except NoReply as error:
            last, no_certificate = str(error), error.no_certificate
        if waited >= (_CERTIFICATE_S if no_certificate else _PROBE_S):
            break
        ports.clock.sleep(_PAUSE_S)
    if (
        no_certificate
        and _sends_to_https(ports, spec)
        and ports.http.accepts(address, spec.health.timeout_ms)
    ):
        return f"Caddy has no certificate for {spec.domain} yet ({last}): does its DNS record point here?"
    raise Failed(
        "probe",
        f"https://{spec.domain}{spec.health.path} through Caddy {last}",
        "the release was healthy by itself: look at Caddy and the site (codeb-agent doctor on the host)",
    )


def _get(ports: Ports, spec: Spec) -> Reply:
    """The answer as users of this host get it, or edges where it has no users. Raises NoReply."""
    door, timeout_ms = _inner_alone(spec), spec.health.timeout_ms
    if door is None and not names.without_tls(spec.site or ""):
        tls = Tls(spec.domain, paths.CA_FILE)
        return ports.http.get(_TLS_PORT, spec.health.path, host=spec.domain, timeout_ms=timeout_ms, tls=tls)
    headers = {"X-Forwarded-For": _HERE, "X-Forwarded-Proto": "https", "X-Forwarded-Host": spec.domain}
    port, host = (_PLAIN_PORT, spec.domain) if door is None else (_at(door), door)
    return ports.http.get(port, spec.health.path, host=host, timeout_ms=timeout_ms, headers=headers)


def _inner_alone(spec: Spec) -> str | None:
    """The name by which edges ask, where nobody else does."""
    site = spec.site or ""
    return None if names.public(site) else names.inner(site)


def _at(inner: str) -> str:
    return f"{_HERE}:{inner.rpartition(':')[2]}"


def _answered(site: str, headers: Mapping[str, str]) -> str:
    """Which release answered. What this Caddy passed on to an inner door counts only where that is this host's own."""
    by, behind, inner = headers.get(_ANSWERED_BY, ""), headers.get(_ANSWERED_BEHIND, ""), names.inner(site)
    if inner is None or (names.public(site) and by != _at(inner)):
        return by
    return behind


def _judge(ports: Ports, spec: Spec, address: str) -> health.Verdict:
    """A healthy answer that came from the release at `address`. In maintenance that is asked past Caddy, which has to
    show the page. Raises NoReply."""
    reply = _get(ports, spec)
    if spec.maintenance is not None:
        shown = reply.body.decode("utf-8", "replace").strip()
        if reply.status != _UNAVAILABLE or shown != spec.maintenance.page.strip():
            return health.Verdict(
                False, f"answered {reply.status}, not the maintenance page with {_UNAVAILABLE}"
            )
        return health.judge(health.ask(ports, spec, address), None)
    said = _answered(spec.site or "", reply.headers)
    if reply.status == _OK and said != address:
        by = said if _ADDRESS.fullmatch(said) else "none of its releases"
        return health.Verdict(False, f"was answered by {by}, not by the new release at {address}")
    return health.judge(reply, None)


def _sends_to_https(ports: Ports, spec: Spec) -> bool:
    try:
        reply = ports.http.get(
            _PLAIN_PORT, spec.health.path, host=spec.domain, timeout_ms=spec.health.timeout_ms
        )
    except NoReply:
        return False
    return reply.status in _PLAIN_REDIRECTS
