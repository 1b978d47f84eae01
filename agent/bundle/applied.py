"""What is remembered of the last bundle that was applied (`/var/lib/codeb/bundle.json`)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports


@dataclass(frozen=True)
class Applied:
    """What the last run left: files it owns, and restarts and reloads it may not have done yet.

    `kept` are files that stay when they are no longer listed, whatever a bundle says of them later.
    """

    files: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()
    daemon_reload: bool = False

    def settled(self) -> Applied:
        """The same with nothing left to do."""
        return replace(self, restarts=(), reloads=(), daemon_reload=False)


def load_applied(ports: Ports) -> Applied:
    """What the last run left; nothing on a new host. Raises Failed."""
    content = ports.files.read(paths.BUNDLE)
    if content is None:
        return Applied()
    try:
        document = json.loads(content)
        del document["version"]
        lists = {key: tuple(value) for key, value in document.items() if isinstance(value, list)}
        return Applied(**lists, daemon_reload=bool(document["daemon_reload"]))
    except (ValueError, KeyError, TypeError) as error:
        remedy = f"delete {paths.BUNDLE} and run again; files of earlier bundles are then not cleaned up"
        raise Failed("observe", f"{paths.BUNDLE} can't be read: {error}", remedy) from error


def save_applied(ports: Ports, applied: Applied) -> None:
    """Remember in one step."""
    content = json.dumps({"version": 1, **asdict(applied)}, indent=1).encode()
    ports.files.write(paths.BUNDLE, content, 0o600)
