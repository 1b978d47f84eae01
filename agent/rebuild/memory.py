"""What has come back already (`/var/lib/codeb/rebuilt.json`), so that a run goes on where the one before ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from agent.documents.errors import BadDocument
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports


@dataclass(frozen=True)
class Back:
    """A database: what it is, of when (ISO, UTC), its rows. What this host remembers of it lasts as long as its cluster."""

    what: str
    of: str
    rows: int


@dataclass(frozen=True)
class Memory:
    """`databases` by project. `buckets` by name: the list that they were brought to; "" while that isn't through."""

    system: str
    databases: Mapping[str, Back] = field(default_factory=dict)
    buckets: Mapping[str, str] = field(default_factory=dict)


def load(ports: Ports, system: str) -> Memory:
    """Nothing for another cluster than `system`, and when the file can't be read: then the databases themselves tell."""
    content = ports.files.read(paths.REBUILT)
    if content is None:
        return Memory(system)
    try:
        reader = Reader(json.loads(content), "")
        if reader.text("system") != system:
            return Memory(system)
        databases, buckets = reader.child("databases"), reader.child("buckets")
        return Memory(
            system,
            {name: _back(databases.child(name)) for name in reader.document("databases")},
            {name: buckets.text(name) for name in reader.document("buckets")},
        )
    except (ValueError, BadDocument) as error:
        ports.journal.log(f"rebuild: {paths.REBUILT} can't be read and is begun anew: {error}")
        return Memory(system)


def note_database(ports: Ports, memory: Memory, project: str, back: Back) -> Memory:
    """Raises Unwritable."""
    return _saved(ports, replace(memory, databases={**memory.databases, project: back}))


def note_bucket(ports: Ports, memory: Memory, bucket: str, run: str) -> Memory:
    """Raises Unwritable."""
    return _saved(ports, replace(memory, buckets={**memory.buckets, bucket: run}))


def _back(reader: Reader) -> Back:
    return Back(reader.text("what"), reader.text("of"), reader.whole("rows", 0, 1 << 62))


def _saved(ports: Ports, memory: Memory) -> Memory:
    document = {
        "version": 1,
        "system": memory.system,
        "databases": {name: asdict(back) for name, back in memory.databases.items()},
        "buckets": dict(memory.buckets),
    }
    ports.files.write(paths.REBUILT, json.dumps(document, indent=1).encode() + b"\n", 0o600)
    return memory
