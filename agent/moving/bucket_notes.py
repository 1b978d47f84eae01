"""When a copy of a bucket began that came to its end (`/var/lib/codeb/objects/<project>.json`).

A later copy, when the app is at that side, knows by it what has been deleted there since and must not come back; and the
program whether a project may go there. A copy the other way takes such notes away: what is there is out of date from then.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.host.s3 import Place
from agent.moving.buckets import all_buckets
from agent.moving.record import AT, Side

_SKEW: Final = timedelta(minutes=5)
"""Two clocks may differ by so much: what is this much older is copied once more."""


def begun_before(ports: Ports, project: str, to: Side, target: Place) -> datetime | None:
    """None when no copy to this very bucket has ended. Raises Failed."""
    begun = _load(ports, project).get(_key(to, target))
    return None if begun is None else datetime.strptime(begun, AT).replace(tzinfo=UTC) - _SKEW


def noted(ports: Ports, project: str, to: Side, target: Place, begun: datetime) -> None:
    """A copy has come to its end. Raises Failed, Unwritable."""
    kept = {key: at for key, at in _load(ports, project).items() if key.startswith(f"{to} ")}
    found = {**kept, _key(to, target): f"{begun:{AT}}"}
    content = json.dumps({"version": 1, "begun": found}, indent=1).encode() + b"\n"
    ports.files.write(_path(project), content, 0o600)


def copied(ports: Ports) -> dict[str, Side]:
    """To which side all objects of each project have been copied. What can't be read is in the journal alone."""
    found: dict[str, Side] = {}
    try:
        for each in all_buckets(ports):
            notes = _load(ports, each.project)
            for side in get_args(Side):
                if all(_key(side, pair.of(side)) in notes for pair in each.pairs):
                    found[each.project] = side
    except Failed as error:
        ports.journal.log(f"status: {error.failure.cause}")
    return found


def _load(ports: Ports, project: str) -> dict[str, str]:
    content = ports.files.read(_path(project))
    if content is None:
        return {}
    try:
        reader = Reader(json.loads(content), "")
        reader.version()
        begun = reader.child("begun")
        found = {key: begun.text(key) for key in reader.document("begun")}
        reader.end()
        for each in found.values():
            datetime.strptime(each, AT)
    except (ValueError, BadDocument) as error:
        remedy = "delete it: the next copy brings back what was deleted at the other side since"
        raise Failed("look", f"{_path(project)} can't be read: {error}", remedy) from None
    return found


def _path(project: str) -> str:
    return f"{paths.OBJECT_COPIES}/{project}.json"


def _key(to: Side, target: Place) -> str:
    """Another subscription has other keys: what was copied to the one before is not in it."""
    if to == "here":
        return f"{to} {target.bucket}"
    return f"{to} {target.bucket} {hashlib.sha256(target.access_key.encode()).hexdigest()[:12]}"
