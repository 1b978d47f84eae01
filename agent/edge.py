"""Caddy: a site is checked with all others before it is live, reloads are rare, a probe asks as users do."""

from __future__ import annotations

import json
import re
from typing import Final

from agent import commands, drain, health, paths
from agent.errors import Failed
from agent.ports import NoReply, Ports, Reply, Tls
from agent.spec import Spec

_TLS_PORT: Final = "127.0.0.1:443"
_PLAIN_PORT: Final = "127.0.0.1:80"
_PROBE_S: Final = 10
_CERTIFICATE_S: Final = 45
_PAUSE_S: Final = 0.25
_JOURNAL_S: Final = 60
_OK: Final = 200
_UNAVAILABLE: Final = 503
_SERVER_ERROR: Final = 500
_ANSWERED_BY: Final = "x-codeb-upstream"
_ADDRESS: Final = re.compile(r"[0-9a-f.:\[\]]+")
_PLAIN_REDIRECTS: Final = frozenset({301, 302, 307, 308})


def caddy_runs(ports: Ports) -> bool:
    """Whether this host has a running Caddy."""
    return ports.runner.run(commands.caddy_running()).ok


def site_differs(ports: Ports, spec: Spec) -> bool:
    """Whether the site on disk is another than the one wanted."""
    wanted = None if spec.site is None else spec.site.encode()
    return ports.files.read(paths.site(spec.project)) != wanted


def maintenance_differs(ports: Ports, spec: Spec) -> bool:
    """Whether visitors see another maintenance page than the one wanted, or see one or none by mistake."""
    wanted = spec.maintenance
    page, retry = (
        (None, None) if wanted is None else (wanted.page.encode(), str(wanted.retry_after_s).encode())
    )
    read = ports.files.read
    return (read(paths.maintenance_page(spec.project)), read(paths.maintenance_retry(spec.project))) != (
        page,
        retry,
    )


def check_site(ports: Ports, spec: Spec) -> None:
    """Validate the wanted site together with all others, on a copy of the configuration. Raises Failed."""
    ports.files.remove_tree(_check_folder(spec.project))
    if spec.site is None or not site_differs(ports, spec):
        return
    if not caddy_runs(ports):
        raise Failed(
            "check",
            "Caddy's container doesn't run on this host",
            "run the server's bundle (codeb-agent apply) first",
        )
    error = validate(ports, spec.project, {paths.site(spec.project): spec.site.encode()})
    if error:
        raise Failed(
            "check",
            f"Caddy refuses the site of {spec.domain}: {error}",
            "correct what the message names in the manifest",
        )


def validate(ports: Ports, name: str, candidates: dict[str, bytes]) -> str | None:
    """What Caddy says against its configuration with these files (path → content); None when it's fine.

    The check runs on a copy beside the real files (links to the unchanged ones), so nothing live changes.
    """
    folder, files = _check_folder(name), ports.files
    files.remove_tree(folder)
    caddyfile = candidates.get(paths.CADDYFILE) or files.read(paths.CADDYFILE) or b""
    files.write(
        f"{folder}/Caddyfile", caddyfile.replace(paths.SITES.encode(), f"{folder}/sites".encode()), 0o644
    )
    files.directory(f"{folder}/sites", 0o755, "root:root")
    for site in files.listing(paths.SITES):
        if f"{paths.SITES}/{site}" not in candidates:
            files.link(f"{folder}/sites/{site}", f"{paths.SITES}/{site}")
    for path, content in candidates.items():
        if path.startswith(f"{paths.SITES}/"):
            files.write(f"{folder}/sites/{path.rpartition('/')[2]}", content, 0o644)
    result = ports.runner.run(commands.caddy_validate(f"{folder}/Caddyfile"), timeout_s=120)
    files.remove_tree(folder)
    return None if result.ok else drain.error_line(result.text)


def _check_folder(name: str) -> str:
    """In Caddy's own folder, as that is what its container sees; a killed run may leave one behind."""
    return f"{paths.CADDY}/.check-{name}"


def write_site(ports: Ports, spec: Spec) -> bool:
    """Put the wanted site in place and reload Caddy; True when it changed. Raises Failed."""
    if not site_differs(ports, spec):
        return False
    if spec.site is None:
        ports.files.remove(paths.site(spec.project))
    else:
        ports.files.write(paths.site(spec.project), spec.site.encode(), 0o644)
    reload(ports)
    return True


def reload(ports: Ports) -> None:
    """Make Caddy read its files without failing a request; up to 10 s, see `drain`. Raises Failed."""
    drain.reload(ports)


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
    return ports.http.get(
        _TLS_PORT,
        spec.health.path,
        host=spec.domain,
        timeout_ms=spec.health.timeout_ms,
        tls=Tls(spec.domain, paths.CA_FILE),
    )


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
        timeout = spec.health.timeout_ms
        return health.judge(
            ports.http.get(address, spec.health.path, host=spec.domain, timeout_ms=timeout), None
        )
    said = reply.headers.get(_ANSWERED_BY, "")
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


def ensure_upstream(ports: Ports, project: str, address: str) -> bool:
    """Point the upstream file at an address by one rename; True when it pointed elsewhere."""
    return _ensure(ports, paths.upstream(project), address)


def set_canary(ports: Ports, spec: Spec, percent: int, address: str) -> None:
    """Send `percent` of the project's requests to the candidate at `address`; 0 ends it. No reload.

    `percent` is 0 or one of the steps that the site knows.
    """
    _ensure(ports, paths.canary_address(spec.project), address)
    _ensure(ports, paths.canary_weight(spec.project), str(percent))


def canary_counts(ports: Ports, spec: Spec, address: str, since: float) -> tuple[int, int]:
    """Requests that the candidate at `address` answered since a moment, and how many of them with 5xx.

    From Caddy's access log in the journal. Raises Failed.
    """
    result = ports.runner.run(commands.access_log(address, since), timeout_s=_JOURNAL_S)
    if not result.ok and result.err:
        remedy = "see `journalctl -u caddy.service` on the host, then release again"
        raise Failed("canary", f"Caddy's log can't be read: {result.text[:300]}", remedy)
    statuses = [
        status for line in result.out.splitlines() for status in _statuses(line, spec.domain, address)
    ]
    return len(statuses), sum(status >= _SERVER_ERROR for status in statuses)


def _statuses(line: str, domain: str, address: str) -> list[int]:
    """The status in a line of the access log; none when the line is about something else."""
    try:
        entry = json.loads(line)
        mine = (entry["upstream"], entry["request"]["host"].partition(":")[0].lower()) == (address, domain)
        return [int(entry["status"])] if mine else []
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def set_maintenance(ports: Ports, spec: Spec) -> bool:
    """Switch maintenance mode on or off, which Caddy sees at the next request; True when that changed something."""
    if not maintenance_differs(ports, spec):
        return False
    page, retry = paths.maintenance_page(spec.project), paths.maintenance_retry(spec.project)
    # The page last when it comes and first when it goes: it is what switches.
    if spec.maintenance is None:
        ports.files.remove(page)
        ports.files.remove(retry)
    else:
        _ensure(ports, retry, str(spec.maintenance.retry_after_s))
        _ensure(ports, page, spec.maintenance.page)
    return True


def _ensure(ports: Ports, path: str, text: str) -> bool:
    """Write a small file by one rename; True when it was another."""
    if ports.files.read(path) == text.encode():
        return False
    ports.files.write(path, text.encode(), 0o644)
    return True
