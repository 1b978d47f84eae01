"""Previews and updates of many projects, each run of ours followed by the same run of a bare program of that size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lab.bench.programs import bare_program, manifests_program
from lab.bench.stacks import Bench
from lab.bench.tables import Pair, check
from lab.pulumi.cli import Cli

CHANGED: Final = (1, 100)
"""How many projects get another image between two updates."""


def runs(cli: Cli, size: int, *, updates: bool, first_update: bool) -> Iterator[Pair]:
    """The first preview; with `updates` also those of an existing stack, after the one that makes it.

    Args:
        first_update: measure that one too. It writes the state some 15 times for each project, the whole of it.
    """
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as scratch:
        ours = Bench.make(cli, Path(scratch, "ours"), manifests_program(Path(scratch, "ours/program"), size))
        seen = ours.preview()
        total = seen.resources
        bare = Bench.make(cli, Path(scratch, "bare"), bare_program(Path(scratch, "bare/program"), total))
        pair = Pair(size, "first preview", seen, bare.preview())
        check(pair, {"create": total})
        yield pair
        if updates:
            yield from _updates(ours, bare, size, total, first_update)


def _updates(ours: Bench, bare: Bench, size: int, total: int, first: bool) -> Iterator[Pair]:
    if first:
        yield _update("first up", ours, bare, size, {"create": total})
    else:
        ours.fill()
        bare.fill()
    yield _update("up, no change", ours, bare, size, {"unchanged": total})
    for version, count in enumerate(CHANGED, start=2):
        if count > size:
            continue
        for bench in (ours, bare):
            bench.program.release(count, version)
        yield _update(f"up, {count} changed", ours, bare, size, {"update": count, "unchanged": total - count})


def _update(what: str, ours: Bench, bare: Bench, size: int, wanted: dict[str, int]) -> Pair:
    first, second = ours.up(), bare.up()
    pair = Pair(size, what, first, second, (ours.state_mb(), bare.state_mb()))
    check(pair, wanted)
    return pair
