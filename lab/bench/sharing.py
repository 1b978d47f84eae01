"""What visitors notice of two busy processes beside the app: as they are, niced, and giving way as a group.

python -m lab.bench.sharing               15 s each way at 200 requests/s
python -m lab.bench.sharing --seconds 30  longer

Needs the lab (`make lab`); the dev stack is put back as it was at the end. docs/benchmarks.md has figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.bench.releases.stack import APPS, BenchError, Stack, give_way
from lab.bench.releases.verdict import Latency
from lab.host import Lab, LabError
from lab.load import Load, LoadError, Shape, samples

BUSY = ["sh", "-c", "while :; do :; done"]
COUNT = 2
WARM_UP_SECONDS = 10
NOTHING, PLAIN, NICED, GIVING_WAY, AGAIN = (
    "nothing",
    "as they are",
    "nice 19",
    "autogroup 19",
    "nothing again",
)
WAYS = (NOTHING, PLAIN, NICED, GIVING_WAY, AGAIN)


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
    for way, latency in found.items():
        figures = (str(latency.count), f"{latency.p50:.1f}", f"{latency.p99:.1f}")
        table.add_row(way, *figures, f"{latency.p99 / found[NOTHING].p99:.2f}")
    Console(highlight=False).print(table)
    return 0


def _run(seconds: float) -> dict[str, Latency]:
    windows: dict[str, samples.Window] = {}
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as folder:
        stack = Stack.make(Path(folder), Lab.here(), APPS["bench-app"])
        try:
            stack.release(0)
            stack.wait_until_serving()
            with Load(stack.target, Shape(upload_seconds=0), stack.lab) as load:
                time.sleep(WARM_UP_SECONDS)
                for way in WAYS:
                    with _beside(way):
                        began = time.time()
                        time.sleep(seconds)
                        windows[way] = (began, time.time())
        finally:
            stack.put_back()
    requests = load.result.requests
    return {way: Latency.of(samples.within(requests, [window])) for way, window in windows.items()}


@contextmanager
def _beside(way: str) -> Iterator[None]:
    """The busy processes, each in a session of its own as services are."""
    line = ["nice", "-n", "19", *BUSY] if way == NICED else BUSY
    count = 0 if way in (NOTHING, AGAIN) else COUNT
    busy = [subprocess.Popen(line, start_new_session=True) for _ in range(count)]
    try:
        for one in busy if way == GIVING_WAY else ():
            give_way(one.pid)
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


if __name__ == "__main__":
    sys.exit(main())
