"""Who answers an app's visitors: small files that Caddy reads at each request, each changed by one rename."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from agent.documents.errors import Failed
from agent.edge import names
from agent.host import commands, paths
from agent.host.ports import Ports
from agent.project.spec import Spec

_JOURNAL_S: Final = 60
_SERVER_ERROR: Final = 500


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
    asked = frozenset(name.partition(":")[0] for name in names.addresses(spec.site or ""))
    statuses = [status for line in result.out.splitlines() for status in _statuses(line, asked, address)]
    return len(statuses), sum(status >= _SERVER_ERROR for status in statuses)


def _statuses(line: str, asked: Collection[str], address: str) -> list[int]:
    """The status in a line of the access log; none when the line is about something else."""
    try:
        entry = json.loads(line)
        host = entry["request"]["host"].partition(":")[0].lower()
        mine = entry["upstream"] == address and host in asked
        return [int(entry["status"])] if mine else []
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


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
