"""Projects that this host only sends visitors of on to other servers: their site, and nothing else of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import HOST, PROJECT, SITE_NAME, Reader
from agent.host import paths
from agent.host.ports import Ports

_VERSION: Final = 1


@dataclass(frozen=True)
class Routed:
    """`ceded` are names that were the project's and are others' now."""

    project: str
    domain: str
    site: str | None
    ceded: tuple[str, ...] = ()


def read(reader: Reader) -> Routed:
    """The document of `route`, and a remembered one. Raises BadDocument."""
    reader.version()
    routed = Routed(
        project=reader.text("project", PROJECT),
        domain=reader.text("domain", HOST),
        site=reader.text("site"),
        ceded=reader.texts("ceded", SITE_NAME),
    )
    reader.end()
    return routed


def load(ports: Ports, project: str) -> Routed | None:
    """What is remembered, None when the project's visitors aren't sent on by this host. Raises Failed."""
    path = paths.routed(project)
    content = ports.files.read(path)
    if content is None:
        return None
    try:
        return read(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        raise Failed(
            "observe", f"{path} can't be read: {error}", f"delete {path} and run `pulumi up`"
        ) from error


def save(ports: Ports, routed: Routed) -> None:
    """Write it in one step."""
    text = json.dumps({"version": _VERSION, **asdict(routed)}, indent=1, sort_keys=True)
    ports.files.write(paths.routed(routed.project), text.encode(), 0o600)


def forget(ports: Ports, project: str) -> None:
    """The project runs here from now on, or has left."""
    ports.files.remove(paths.routed(project))
