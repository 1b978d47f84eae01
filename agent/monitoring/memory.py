"""What is remembered between two looks at this host's projects (`/var/lib/codeb/metrics.json`). Nothing in it is secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from agent.documents.errors import BadDocument
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports


@dataclass(frozen=True)
class Certificate:
    """Until when it holds, for how long in all, and when it was looked at: seconds, moments since 1970."""

    ends: float
    lasts: float
    seen: float


@dataclass(frozen=True)
class Memory:
    """`killed`: by service, how many processes the kernel has killed for their memory, up to the journal's `cursor`.

    `certificates` by host name.
    """

    cursor: str = ""
    killed: Mapping[str, int] = field(default_factory=dict)
    certificates: Mapping[str, Certificate] = field(default_factory=dict)


def load(ports: Ports) -> Memory:
    """What is remembered; nothing when there is nothing, or it can't be read: it is found out anew."""
    content = ports.files.read(paths.METRICS_STATE)
    if content is None:
        return Memory()
    try:
        return _memory(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        ports.journal.log(f"metrics: {paths.METRICS_STATE} can't be read and is begun anew: {error}")
        return Memory()


def save(ports: Ports, memory: Memory) -> None:
    """Raises Unwritable."""
    document = json.dumps({"version": 1, **asdict(memory)}, sort_keys=True)
    ports.files.write(paths.METRICS_STATE, document.encode(), 0o600)


def _memory(reader: Reader) -> Memory:
    reader.version()
    killed, certificates = reader.document("killed"), reader.document("certificates")
    return Memory(
        cursor=reader.text("cursor"),
        killed={name: Reader(killed, "killed").whole(name, 0, 1 << 53) for name in killed},
        certificates={
            name: _certificate(Reader(found, f"certificates.{name}")) for name, found in certificates.items()
        },
    )


def _certificate(reader: Reader) -> Certificate:
    return Certificate(reader.number("ends"), reader.number("lasts"), reader.number("seen"))
