"""Previews and updates of many projects, each run of ours followed by the same run of a bare program of that size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from lab.bench.programs import PROJECTS_PER_POOL, bare_program, manifests_program
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
        ours = _ours(cli, size, PROJECTS_PER_POOL, Path(scratch))
        seen = ours.preview()
        total = seen.resources
        bare = _bare(cli, total, Path(scratch))
        pair = Pair(size, "first preview", seen, bare.preview())
        check(pair, {"create": total})
        yield pair
        if updates and first_update:
            yield _update("first up", ours, bare, size, {"create": total})
        elif updates:
            ours.fill()
            bare.fill()
        if updates:
            yield from _updates(ours, bare, size, total, CHANGED)


def existing(cli: Cli, size: int, per_pool: int, changed: Sequence[int]) -> Iterator[Pair]:
    """Previews and updates of a stack that is there, however it came to be; `changed` projects, update by update."""
    with tempfile.TemporaryDirectory(prefix="codeb-bench-") as scratch:
        ours = _ours(cli, size, per_pool, Path(scratch))
        total = ours.fill().resources
        bare = _bare(cli, total, Path(scratch))
        bare.fill()
        pair = Pair(size, "preview, no change", ours.preview(), bare.preview())
        check(pair, {"unchanged": total})
        yield pair
        yield from _updates(ours, bare, size, total, changed)


def _ours(cli: Cli, size: int, per_pool: int, scratch: Path) -> Bench:
    return Bench.make(cli, scratch / "ours", manifests_program(scratch / "ours" / "program", size, per_pool))


def _bare(cli: Cli, resources: int, scratch: Path) -> Bench:
    return Bench.make(cli, scratch / "bare", bare_program(scratch / "bare" / "program", resources))


def _updates(ours: Bench, bare: Bench, size: int, total: int, changed: Sequence[int]) -> Iterator[Pair]:
    yield _update("up, no change", ours, bare, size, {"unchanged": total})
    for version, count in enumerate(changed, start=2):
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
