"""Where the services of monitoring answer on this host (`/etc/codeb/monitoring.json`, part of the server's bundle)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports

SERVICES: Final = ("prometheus", "alertmanager", "logs", "traces")
STORES: Final = ("victorialogs", "loki")
_ADDRESS: Final = re.compile(r"(?:[0-9.]{7,15}|\[[0-9a-f:]{2,39}\]):[1-9][0-9]{0,4}")


@dataclass(frozen=True)
class Places:
    """`addresses` (ip:port) by service; `store` is what keeps logs, and with it the language that it is asked in."""

    addresses: Mapping[str, str]
    store: str


def load(ports: Ports) -> Places:
    """Raises Failed on a host without monitoring."""
    content = ports.files.read(paths.MONITORING)
    if content is None:
        raise Failed(
            "ask",
            f"this server has no monitoring: {paths.MONITORING} isn't there",
            "give a server of the stack the role monitoring and run `pulumi up`",
        )
    try:
        return _places(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        cause = f"{paths.MONITORING} can't be read: {error}"
        raise Failed("ask", cause, "`pulumi up` writes it anew once it is deleted") from error


def _places(reader: Reader) -> Places:
    reader.version()
    places = Places(
        {name: reader.text(name, _ADDRESS) for name in SERVICES}, reader.choice("log_store", *STORES)
    )
    reader.end()
    return places
