"""PostgreSQL's image and its files are of one major version, or nothing is applied: the other one would not start."""

from __future__ import annotations

import json
import re
from typing import Final

from agent.bundle.document import File
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.ports import Ports
from agent.images.postgres import major_of, major_of_files

SETTLED: Final = frozenset({"kept", "returned"})
"""Steps of an upgrade after which nothing is left to do (`agent.upgrade.journal`)."""
_IMAGE: Final = re.compile(r"^Image=(\S+)$", re.MULTILINE)
_NEVER: Final = re.compile(r"^Pull=never$", re.MULTILINE)


def check(ports: Ports, write: tuple[File, ...]) -> None:
    """Ask the image before its unit is written. Raises Failed: nothing was restarted then."""
    _refuse_unfinished(ports)
    unit = next((file for file in write if file.path == paths.POSTGRES_UNIT), None)
    if unit is None:
        return
    text = unit.content.decode("utf-8", "replace")
    image, files = _IMAGE.search(text), major_of_files(ports, paths.POSTGRES)
    if image is None or files is None:
        return
    has = major_of(ports, image[1], may_pull=_NEVER.search(text) is None)
    if has == files:
        return
    cause = f"PostgreSQL's files are of version {files}, and {image[1]} is {has}, which can't read them"
    if has > files:
        remedy = (
            f"`codeb upgrade postgres --to {image[1]}` brings them over (docs/postgres-upgrade.md). Until then set "
            f"`codeb:images.postgres` back to an image of {files}"
        )
    else:
        remedy = f"set `codeb:images.postgres` to {_served(ports) or f'an image of {files}'}"
    raise Failed("check", cause, remedy, put_back="nothing: no file was written, and nothing was restarted")


def _refuse_unfinished(ports: Ports) -> None:
    step = _journal(ports).get("step")
    if step is not None and step not in SETTLED:
        raise Failed(
            "check",
            "an upgrade of PostgreSQL was cut off",
            "wait for some minutes: the host ends it by itself (`journalctl -u codeb-upgrade`); then run again",
        )


def _served(ports: Ports) -> str:
    """What the last unit file says: the image that PostgreSQL runs."""
    found = _IMAGE.search((ports.files.read(paths.POSTGRES_UNIT) or b"").decode("utf-8", "replace"))
    return found[1] if found else ""


def _journal(ports: Ports) -> dict[str, object]:
    try:
        found = json.loads(ports.files.read(paths.UPGRADE) or b"{}")
    except ValueError:
        return {"step": "unreadable"}
    return found if isinstance(found, dict) else {}
