"""`codeb:monitoring`: what the server with the role monitoring keeps, for how long, and how much memory all of it takes."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from codeb.model import types as t
from codeb.model.headers import HeaderName
from codeb.model.problems import refusal, shown
from codeb.model.settings.base import LaxBool, Number, OffWhenEmpty, Optional, Setting

LogStore = Literal["victorialogs", "loki"]
LEAST_MEMORY: Final = 600
_SIGNALS: Final = ("/v1/logs", "/v1/traces", "/v1/metrics")
_OF_THE_REQUEST: Final = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "host", "te", "transfer-encoding"}
)


def _base(text: str) -> str:
    """The address that OTLP's own paths come behind (`OTEL_EXPORTER_OTLP_ENDPOINT` of the specification)."""
    bare = text.rstrip("/")
    if path := next((each for each in _SIGNALS if bare.endswith(each)), None):
        raise refusal(
            f"{shown(text)} is the address of one signal",
            f"Write {bare.removesuffix(path)}: the collector adds {path} itself.",
        )
    return bare


def _header(text: str) -> str:
    if text.lower() in _OF_THE_REQUEST:
        remedy = "Write the header that the backend knows its senders by, for example Authorization."
        raise refusal(f"{shown(text)} belongs to the request itself", remedy)
    return text


class Export(Setting):
    """Another place for logs and traces; the header's value is the secret `codeb:monitoringCredentials`."""

    endpoint: Annotated[t.WebUrl, AfterValidator(_base)]
    """Where it takes OTLP over HTTP, without `/v1/logs` and `/v1/traces`; https but on stacks with `development`."""
    header: Annotated[HeaderName, AfterValidator(_header)] = "Authorization"
    """The header that it knows its senders by."""


class Monitoring(Setting):
    """Metrics, logs, traces and alerts; nothing of it is there without a server that has the role monitoring."""

    enabled: LaxBool = True
    """Whether it runs; false takes all of it away but what it has kept."""
    retention_days: Annotated[Number, Field(ge=1, le=3650)] = 15
    """Days that metrics are kept."""
    retention_size: Annotated[Number, Field(ge=1, le=4096)] = 2
    """GiB of disk that metrics take at most; the oldest go first."""
    log_days: Annotated[Number, Field(ge=1, le=3650)] = 14
    """Days that logs are kept."""
    log_store: LogStore = "victorialogs"
    """What keeps the logs: victorialogs, or loki."""
    trace_percent: Annotated[Number, Field(ge=0, le=100)] = 10
    """Percent of the requests whose traces are kept; those that failed always are."""
    memory: Annotated[Number, Field(ge=LEAST_MEMORY, le=1 << 20)] = LEAST_MEMORY
    """MiB of memory that all of it may take on the server with the role monitoring."""
    grafana: LaxBool = True
    """Whether Grafana runs; the console and the commands do without it."""
    runbooks: Optional[t.WebUrl] = None
    """Where people find docs/monitoring-runbooks.md, which alerts link to by their names; its path in here when left out."""
    export: OffWhenEmpty[Export] = None
    """Another place that logs and kept traces are sent to; none when left out."""
