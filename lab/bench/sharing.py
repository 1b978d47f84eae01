"""What visitors notice of two busy processes beside the app, by how these share the processor.

They are loops that only count, and loops that preview the dev stack, which wait and wake up as a release's programs do.

python -m lab.bench.sharing               15 s each way at 200 requests/s
python -m lab.bench.sharing --seconds 30  longer

Needs the lab (`make lab`); the dev stack is put back as it was at the end. docs/benchmarks.md has figures.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.bench.releases.apps import APPS
from lab.bench.releases.phases import WARM_UP_SECONDS, stay
from lab.bench.releases.stack import Stack, give_way
from lab.bench.releases.verdict import Latency
from lab.bench.releases.ways import BenchError, wait_until_serving
from lab.host import Lab, LabError
from lab.load import Load, LoadError, Shape, samples

BUSY = ("sh", "-c", "while :; do :; done")
PREVIEWS = ("sh", "-c", f"while :; do {sys.executable} -m lab preview >/dev/null 2>&1; done")
COUNT = 2


@dataclass(frozen=True)
class Way:
    """What runs beside the app, if anything, whether its session gives way, and whether as an idle one."""

    line: Sequence[str] | None = None
    gives_way: bool = False
    idle: bool = False


NOTHING = "nothing"
WAYS = {
    NOTHING: Way(),
    "count": Way(BUSY),
    "count, nice 19": Way(("nice", "-n", "19", *BUSY)),
    "count, autogroup 19": Way(BUSY, gives_way=True),
    "count, autogroup 19, idle": Way(BUSY, gives_way=True, idle=True),
    "preview": Way(PREVIEWS),
    "preview, autogroup 19": Way(PREVIEWS, gives_way=True),
    "preview, autogroup 19, idle": Way(PREVIEWS, gives_way=True, idle=True),
    "nothing again": Way(),
}


def main() -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.sharing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=15, help="how long each way (15)")
    options = parser.parse_args()
    try:
        found = _run(options.seconds)
    except (BenchError, LabError, LoadError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    table = Table(
        f"{COUNT} busy processes", "requests", "p50 ms", "p99 ms", "p99 ratio", box=None, pad_edge=False
    )
    for name, latency in found.items():
        figures = (str(latency.count), f"{latency.p50:.1f}", f"{latency.p99:.1f}")
        table.add_row(name, *figures, f"{latency.p99 / found[NOTHING].p99:.2f}")
    Console(highlight=False).print(table)
    return 0


def _run(seconds: float) -> dict[str, Latency]:
    windows: dict[str, samples.Window] = {}
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
        stack = Stack.make(Path(folder), Lab.here(), APPS["bench-app"])
        try:
            stack.release(0)
            wait_until_serving(stack.target)
            with Load(stack.target, Shape(upload_seconds=0), stack.lab) as load:
                stay(WARM_UP_SECONDS)
                for name, way in WAYS.items():
                    with _beside(way):
                        windows[name] = stay(seconds)
        finally:
            stack.put_back()
    requests = load.result.requests
    return {name: Latency.of(samples.within(requests, [window])) for name, window in windows.items()}


@contextmanager
def _beside(way: Way) -> Iterator[None]:
    """The busy processes, each in a session of its own as services are."""
    line = way.line
    busy = [subprocess.Popen(line, start_new_session=True) for _ in range(COUNT)] if line else []
    try:
        if way.gives_way:
            for one in busy:
                give_way(one.pid, idle=way.idle)
        yield
    finally:
        for one in busy:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()


if __name__ == "__main__":
    sys.exit(main())
