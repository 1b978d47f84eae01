"""Logs and traces to a place outside of the stack, `codeb:monitoring.export`: any that takes OTLP over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from codeb import names
from codeb.model import MonitoringCredentials
from codeb.plan import Plan
from codeb.render.bundle import HostFile
from codeb.render.text import secret_marker

_PURPOSE: Final = "monitoring/export"
_FILE: Final = f"{names.SECRETS_DIR}/monitoring-export"
QUEUE_BYTES: Final = 128 << 20
"""What waits on a server's disk for the other end, of logs and of traces; what comes then is not sent there."""


@dataclass(frozen=True)
class Elsewhere:
    """What the collector's configuration says of it. `file` has the value of the header, and nothing else."""

    logs_url: str
    traces_url: str
    header: str
    file: str = _FILE
    queue_bytes: int = QUEUE_BYTES

    def secret(self, unit: str) -> HostFile:
        """The value, which `unit` reads when it starts. No line break is behind it: that would be a part of it."""
        return HostFile(self.file, secret_marker(_PURPOSE), "0600", restarts=(unit,))


def elsewhere(plan: Plan) -> Elsewhere | None:
    """Where a stack's logs and traces go as well; None when nowhere."""
    export = plan.settings.monitoring.export
    if export is None:
        return None
    return Elsewhere(f"{export.endpoint}/v1/logs", f"{export.endpoint}/v1/traces", export.header)


def export_texts(credentials: MonitoringCredentials | None) -> dict[str, str]:
    """Purpose of a marker → value of the header, for a stack that sends elsewhere. Secret."""
    return {} if credentials is None else {_PURPOSE: credentials.value}
