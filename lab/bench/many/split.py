"""The same projects in a stack for each pool: what each run takes in each of them, and what joins their outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.bench.measure import Measurement
from lab.bench.programs import split_programs
from lab.bench.stacks import Bench
from lab.pulumi.cli import Cli

_CODEB: Final = Path(sys.executable).with_name("codeb")


@dataclass(frozen=True)
class Parts:
    """The same run in stack after stack; `states_mb` are the sizes of their states after it."""

    what: str
    runs: tuple[Measurement, ...]
    states_mb: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """One after the other."""
        return sum(run.seconds for run in self.runs)

    @property
    def longest(self) -> float:
        """As if each had a machine of its own."""
        return max(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        return sum(run.cpu_seconds for run in self.runs)

    @property
    def resources(self) -> int:
        return sum(run.resources for run in self.runs)


@dataclass(frozen=True)
class Join:
    """`codeb registry` over all stacks: seconds, and how many projects it found."""

    seconds: float
    projects: int


def split_runs(
    cli: Cli, size: int, per_pool: int, changed: Sequence[int], folder: Path
) -> Iterator[Parts | Join]:
    """Previews and updates of existing stacks; what is changed is in the first of them, which alone is updated then."""
    benches = [
        Bench.make(cli, folder, program) for program in split_programs(folder / "program", size, per_pool)
    ]
    for bench in benches:
        bench.fill()
    yield _all("preview, no change", benches, Bench.preview)
    yield _all("up, no change", benches, Bench.up)
    for version, count in enumerate(changed, start=2):
        if count <= min(size, per_pool):
            benches[0].program.release(count, version)
            yield _all(f"up, {count} changed", benches[:1], Bench.up)
    yield _join(benches)


def _all(what: str, benches: Sequence[Bench], run: Callable[[Bench], Measurement]) -> Parts:
    runs = tuple(run(bench) for bench in benches)
    return Parts(what, runs, tuple(bench.state_mb() for bench in benches))


def _join(benches: Sequence[Bench]) -> Join:
    """Raises SystemExit with what it said when they don't go together."""
    names = [word for bench in benches for word in ("--stack", bench.stack.name)]
    environment = {**os.environ, **benches[0].environment()}
    start = time.monotonic()
    done = subprocess.run(
        [str(_CODEB), "registry", *names, "--json"],
        cwd=benches[0].program.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    if done.returncode != 0:
        raise SystemExit(f"codeb registry failed: {(done.stderr or done.stdout)[-2000:]}")
    return Join(seconds, len(json.loads(done.stdout)["registry"]["projects"]))
