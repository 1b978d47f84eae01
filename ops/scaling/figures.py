"""What Prometheus knows of servers: how busy each was, and whether its services answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from codeb.scaling import Sample
from ops.access import Server
from ops.fleet import Ask
from ops.watching import Question, Said, Unwatched, asked, vector

_QUERY: Final = "/api/v1/query"
_STEP_S: Final = 15
"""As often as Prometheus asks (`codeb.render.watched.keeping.SCRAPE_S`)."""
_MOST_STEPS: Final = 240
_IDLE: Final = 'node_cpu_seconds_total{{mode=~"idle|iowait",server=~"{servers}"}}'
_CPU: Final = f"100 * (1 - avg by (server) (sum by (server, cpu) (rate({_IDLE}[1m]) and {_IDLE} offset 1m)))"
"""Percent of all cores; who waits for a disk is idle, as for the alert CpuBusy. Of a minute that was not measured as a whole
`rate` knows too little, and the server would look busy: it counts from its second minute on."""
_UP: Final = 'min by (server) (up{{job=~"node|caddy",server=~"{servers}"}})'


@dataclass(frozen=True)
class Figures:
    """`now` is Prometheus's own clock, in seconds since 1970; `unwell` are servers whose exporter or Caddy is silent.

    No sample is later than `now`, though Prometheus says the time in an answer of its own.
    """

    now: float
    samples: tuple[Sample, ...]
    unwell: frozenset[str]


def figures(watcher: Server, servers: Collection[str], window_s: float, ask: Ask) -> Figures:
    """The window that ends now, of these servers.

    Raises:
        Unwatched: Prometheus, or the server that has it, does not answer.
    """
    among, step = "|".join(sorted(servers)), _step(window_s)
    span = int(window_s) + step
    queries = ("time()", f"({_CPU.format(servers=among)})[{span}s:{step}s]", _UP.format(servers=among))
    said = asked(watcher, [Question("prometheus", _QUERY, {"query": query}) for query in queries], ask)
    problem = next((each.problem for each in said if each.problem), "")
    if problem:
        raise Unwatched(problem)
    now, cpu, health = said
    unwell = frozenset(str(labels.get("server")) for labels, value in vector(health) if value < 1)
    samples = _samples(cpu)
    return Figures(max((_moment(now), *(each.at for each in samples))), samples, unwell)


def _step(window_s: float) -> int:
    """Seconds between two samples: few for a short window, never more of them than anybody needs."""
    return max(_STEP_S, -int(-window_s // _MOST_STEPS))


def _moment(said: Said) -> float:
    data = _data(said)
    result = data.get("result") if isinstance(data, dict) else None
    if isinstance(result, list) and len(result) == 2 and isinstance(result[0], int | float):
        return float(result[0])
    raise Unwatched("Prometheus does not say what time it is there")


def _samples(said: Said) -> tuple[Sample, ...]:
    """What is no number is `codeb.scaling`'s to leave out; what is no sample is left out here."""
    data = _data(said)
    found = data.get("result") if isinstance(data, dict) else None
    rows: list[Sample] = []
    for series in found if isinstance(found, list) else ():
        labels, values = (
            (series.get("metric"), series.get("values")) if isinstance(series, dict) else (None, None)
        )
        server = labels.get("server") if isinstance(labels, dict) else None
        if isinstance(server, str) and isinstance(values, list):
            rows += [sample for value in values if (sample := _sample(server, value))]
    return tuple(rows)


def _sample(server: str, value: Sequence[Any]) -> Sample | None:
    try:
        at, cpu = value
        return Sample(float(at), server, float(cpu))
    except (TypeError, ValueError):
        return None


def _data(said: Said) -> Any:
    document = said.json()
    return document.get("data") if isinstance(document, dict) else None
